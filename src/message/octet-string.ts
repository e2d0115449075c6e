/**
 * Header text inside the parser is an "octet string": a JavaScript string whose characters are the bytes 0–255 of
 * the message (latin1), never text. Cutting and scanning such a string costs no call into the runtime, which is
 * what makes a header of twenty fields parse in a few microseconds; it leaves the parser only as bytes again or
 * through a charset (charset.ts).
 */
import { Buffer } from 'node:buffer';
import { isAsciiText } from './fold.ts';

export const NUL = 0;
export const TAB = 9;
export const LF = 10;
export const CR = 13;
export const SPACE = 32;

/**
 * The value of a field: unfolded (RFC 5322 §2.2.3), outer white space gone. What IMAP strings cannot carry or a
 * reader would take for a line end (NUL, bare CR, bare LF) becomes a space.
 */
export function fieldValue(header: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && isBlank(header.charCodeAt(from))) from += 1;
  while (to > from && isBlank(header.charCodeAt(to - 1))) to -= 1;
  for (let i = from; i < to; i += 1) {
    const code = header.charCodeAt(i);
    if (code === LF || code === CR || code === NUL) return unfold(header.slice(from, to));
  }
  return header.slice(from, to);
}

function unfold(value: string): string {
  return value.replaceAll(/\r?\n(?=[ \t])/g, '').replaceAll(/[\r\n\0]/g, ' ');
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB || code === CR || code === LF || code === NUL;
}

/** RFC 5322 §3.2.3 white space inside an unfolded value. */
export function isSpace(code: number): boolean {
  return code === SPACE || code === TAB;
}

export function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && isSpace(text.charCodeAt(at))) at += 1;
  return at;
}

/** Offset behind the comment that opens at `from` (RFC 5322 §3.2.2): nested, with quoted pairs; else the end. */
export function skipComment(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x5c) at += 1;
    else if (code === 0x28) depth += 1;
    else if (code === 0x29) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return text.length;
}

/** Skips white space and comments. */
export function skipCfws(text: string, from: number): number {
  let at = skipSpace(text, from);
  while (text.charCodeAt(at) === 0x28) at = skipSpace(text, skipComment(text, at));
  return at;
}

/** RFC 5322 §3.2.1: the text of a quoted string or comment without its quoting backslashes. */
export function unquote(text: string): string {
  return text.includes('\\') ? text.replaceAll(/\\([\s\S])/g, '$1') : text;
}

/** Bytes of an octet string. */
export function octetsOf(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

export { isAsciiText as isAsciiOctets };
