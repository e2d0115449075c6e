/**
 * Structured MIME fields: `type/subtype; name=value` (RFC 2045 §5.1), continuations and charsets of parameters
 * (RFC 2231), encoded words in them (forbidden by RFC 2047 §5, written by most programs all the same), and the
 * usual damage: missing semicolons and quotes, unquoted spaces, comments. Values stay octet strings as written;
 * `parameterText` makes text of them.
 */
import { Buffer } from 'node:buffer';
import { MIME_PARAMETERS } from '../wire/limits.ts';
import { decodeText } from './charset.ts';
import { decodeWords, hexDigit } from './encoded-word.ts';
import { isSpace, octetsOf, skipCfws, skipSpace, unquote } from './octet-string.ts';

export interface Parameter {
  /** Lower case, RFC 2231 marks included (`filename*0*`). */
  readonly name: string;
  /** Octet string, unquoted. */
  readonly value: string;
}

export interface ContentType {
  /** Lower case. */
  readonly type: string;
  readonly subtype: string;
  readonly parameters: readonly Parameter[];
}

export interface Disposition {
  /** Lower case. */
  readonly kind: string;
  readonly parameters: readonly Parameter[];
}

const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** RFC 2045 §5.1: printable ASCII but tspecials. */
const TOKEN = (() => {
  const table = new Uint8Array(256);
  for (let code = 33; code < 127; code += 1) table[code] = 1;
  for (const special of '()<>@,;:\\"/[]?=') table[special.charCodeAt(0)] = 0;
  return table;
})();

/** Subtypes for the types that senders write alone. */
const LONE_TYPES: Readonly<Record<string, string>> = { text: 'plain', multipart: 'mixed', message: 'rfc822' };

/** Null when there is no type to be read; RFC 2045 §5.2 then says text/plain. */
export function parseContentType(value: string): ContentType | null {
  const start = skipCfws(value, 0);
  const end = tokenEnd(value, start);
  if (end === start) return null;
  const type = value.slice(start, end).toLowerCase();
  const slash = skipCfws(value, end);
  if (value.charCodeAt(slash) !== 0x2f) {
    const subtype = LONE_TYPES[type];
    return subtype === undefined ? null : { type, subtype, parameters: parseParameters(value, slash) };
  }
  const subtypeStart = skipCfws(value, slash + 1);
  const subtypeEnd = tokenEnd(value, subtypeStart);
  const subtype = value.slice(subtypeStart, subtypeEnd).toLowerCase() || LONE_TYPES[type];
  if (subtype === undefined) return null;
  return { type, subtype, parameters: parseParameters(value, subtypeEnd) };
}

/** RFC 2183; null when there is no word at the start. */
export function parseDisposition(value: string): Disposition | null {
  const start = skipCfws(value, 0);
  const end = tokenEnd(value, start);
  if (end === start) return null;
  return { kind: value.slice(start, end).toLowerCase(), parameters: parseParameters(value, end) };
}

/** A single token such as Content-Transfer-Encoding, lower case; empty when there is none. */
export function parseToken(value: string): string {
  const start = skipCfws(value, 0);
  return value.slice(start, tokenEnd(value, start)).toLowerCase();
}

function tokenEnd(value: string, from: number): number {
  let at = from;
  while (TOKEN[value.charCodeAt(at)] === 1) at += 1;
  return at;
}

/** Parameters from offset `from` on, in order, at most MIME_PARAMETERS. */
export function parseParameters(value: string, from: number): Parameter[] {
  const found: Parameter[] = [];
  for (let at = from; at < value.length && found.length < MIME_PARAMETERS; ) {
    at = skipCfws(value, at);
    if (value.charCodeAt(at) === SEMICOLON) {
      at += 1;
      continue;
    }
    const nameStart = at;
    while (at < value.length && value.charCodeAt(at) !== EQUALS && value.charCodeAt(at) !== SEMICOLON) at += 1;
    if (value.charCodeAt(at) !== EQUALS) continue;
    const name = value.slice(nameStart, at).trim().toLowerCase();
    at = skipSpace(value, at + 1);
    const valueEnd = value.charCodeAt(at) === QUOTE ? quotedEnd(value, at) : bareEnd(value, at);
    if (name !== '') found.push({ name, value: parameterValue(value, at, valueEnd) });
    at = valueEnd;
  }
  return found;
}

/** Behind the closing quote, or at the next semicolon when the quote is never closed. */
function quotedEnd(value: string, open: number): number {
  for (let at = open + 1; at < value.length; at += 1) {
    const code = value.charCodeAt(at);
    if (code === BACKSLASH) at += 1;
    else if (code === QUOTE) return at + 1;
  }
  const semicolon = value.indexOf(';', open);
  return semicolon < 0 ? value.length : semicolon;
}

/**
 * An unquoted value runs to the semicolon, for names with spaces; but where another `name=` follows after a space,
 * the semicolon was forgotten and the value ends there.
 */
function bareEnd(value: string, from: number): number {
  let at = from;
  let space = -1;
  for (; at < value.length; at += 1) {
    const code = value.charCodeAt(at);
    if (code === SEMICOLON) return at;
    if (space < 0 && isSpace(code)) space = at;
    if (code === EQUALS && space >= 0) return space;
  }
  return at;
}

function parameterValue(value: string, from: number, end: number): string {
  if (value.charCodeAt(from) !== QUOTE)
    return value
      .slice(from, end)
      .trim()
      .replace(/[ \t]+\([^()]*\)$/, '');
  const closed = end > from + 1 && value.charCodeAt(end - 1) === QUOTE;
  return unquote(value.slice(from + 1, closed ? end - 1 : end));
}

/** First parameter of that name as written, or null. */
export function parameter(parameters: readonly Parameter[], name: string): string | null {
  for (const candidate of parameters) if (candidate.name === name) return candidate.value;
  return null;
}

/** A parameter that programs read, not people (boundary, charset): the plain form, or RFC 2231 ones put together. */
export function protocolParameter(parameters: readonly Parameter[], name: string): string | null {
  const plain = parameter(parameters, name);
  if (plain !== null) return plain;
  const text = parameterText(parameters, name, null);
  return text === null ? null : Buffer.from(text, 'utf8').toString('latin1');
}

/**
 * A parameter as text: RFC 2231 forms come before the plain one (RFC 6266 §4.3 gives the same advice). Null when
 * there is none.
 */
export function parameterText(parameters: readonly Parameter[], name: string, charset: string | null): string | null {
  const mark = `${name}*`;
  for (const candidate of parameters) {
    if (candidate.name.startsWith(mark)) return extendedText(parameters, name, charset);
  }
  const plain = parameter(parameters, name);
  return plain === null ? null : decodeWords(plain, charset);
}

/** RFC 2231 §3 and §4: `name*`, or `name*0`, `name*1*` … in any order, some of them percent-encoded. */
function extendedText(parameters: readonly Parameter[], name: string, fallback: string | null): string | null {
  const single = parameter(parameters, `${name}*`);
  const pieces: Buffer[] = [];
  let charset: string | null = null;
  const add = (value: string, encoded: boolean, first: boolean): void => {
    let text = value;
    if (encoded && first) {
      const [label, , ...rest] = value.split("'");
      if (label !== undefined && rest.length > 0) {
        charset = label === '' ? null : label;
        text = rest.join("'");
      }
    }
    pieces.push(encoded ? percentDecode(text) : octetsOf(text));
  };
  if (single !== null) add(single, true, true);
  else {
    const byName = new Map(parameters.map((candidate) => [candidate.name, candidate.value]));
    // Numbers start at 0; some senders start at 1.
    let number = byName.has(`${name}*0`) || byName.has(`${name}*0*`) ? 0 : 1;
    for (let first = true; ; first = false, number += 1) {
      const encoded = byName.get(`${name}*${number}*`);
      const value = encoded ?? byName.get(`${name}*${number}`);
      if (value === undefined) break;
      add(value, encoded !== undefined, first);
    }
  }
  if (pieces.length === 0) {
    const plain = parameter(parameters, name);
    return plain === null ? null : decodeWords(plain, fallback);
  }
  const bytes = Buffer.concat(pieces);
  if (charset !== null) return decodeText(bytes, charset);
  return decodeWords(bytes.toString('latin1'), fallback);
}

function percentDecode(text: string): Buffer {
  const out = Buffer.allocUnsafe(text.length);
  let size = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    const high = code === 0x25 ? hexDigit(text.charCodeAt(i + 1)) : -1;
    const low = high < 0 ? -1 : hexDigit(text.charCodeAt(i + 2));
    if (low < 0) out[size++] = code;
    else {
      out[size++] = high * 16 + low;
      i += 2;
    }
  }
  return out.subarray(0, size);
}
