/**
 * SMTP command lines (RFC 5321 §4.1.1, §2.3.8): verb and argument, and the rule that a line ends in CRLF and holds no
 * other CR, LF or NUL. Laxer servers in a chain with stricter ones make smuggling possible. Pure.
 */
import { Buffer } from 'node:buffer';

const LF = 10;
const CR = 13;
const SPACE = 0x20;
const VERB_BYTES = 16;

export type CommandLine =
  | { readonly kind: 'command'; readonly verb: string; readonly argument: Buffer }
  | { readonly kind: 'bad'; readonly reason: string };

/** `line` ends with the LF that ended it. The argument is without leading and trailing spaces. */
export function parseCommandLine(line: Buffer): CommandLine {
  const end = line.length - 2;
  if (end < 0 || line[end] !== CR || line[end + 1] !== LF) return bad('lines must end in CRLF');
  for (let i = 0; i < end; i += 1) {
    const byte = line[i]!;
    if (byte === CR || byte === 0) return bad('bare CR or NUL in a command line');
  }
  let verbEnd = 0;
  while (verbEnd < end && isLetter(line[verbEnd]!)) verbEnd += 1;
  if (verbEnd === 0 || verbEnd > VERB_BYTES || (verbEnd < end && line[verbEnd] !== SPACE)) {
    return bad('command not recognized');
  }
  let from = verbEnd;
  while (from < end && line[from] === SPACE) from += 1;
  let to = end;
  while (to > from && line[to - 1] === SPACE) to -= 1;
  const verb = line.toString('latin1', 0, verbEnd).toUpperCase();
  return { kind: 'command', verb, argument: line.subarray(from, to) };
}

const bad = (reason: string): CommandLine => ({ kind: 'bad', reason });

const isLetter = (byte: number): boolean => (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Argument as text; null when it is not UTF-8 (RFC 6531 §3.1). */
export function argumentText(argument: Buffer): string | null {
  try {
    return strictUtf8.decode(argument);
  } catch {
    return null;
  }
}

/** RFC 4954 §4: base64 without line breaks, `=` alone is an empty response. Null: not base64. */
export function decodeBase64(text: string): Buffer | null {
  if (text === '=') return Buffer.alloc(0);
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  return Buffer.from(text, 'base64');
}
