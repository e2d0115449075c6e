/**
 * BODY[HEADER.FIELDS (…)] and .NOT from the bytes of a header (RFC 9051 §6.4.5.1): whole fields with their
 * continuation lines, in the order of the message, and the empty line.
 */
import { Buffer } from 'node:buffer';

const LF = 10;
const CR = 13;
const SPACE = 32;
const TAB = 9;
const COLON = 58;
const CRLF = Buffer.from('\r\n', 'latin1');

/** Set of names for selectFields, in lower case. */
export const fieldNameSet = (names: readonly string[]): ReadonlySet<string> =>
  new Set(names.map((name) => name.toLowerCase()));

/**
 * @param header bytes of a header; the empty line at its end may be missing
 * @param not keep the fields that are not named
 */
export function selectFields(header: Buffer, names: ReadonlySet<string>, not: boolean): Buffer {
  const kept: Buffer[] = [];
  let start = 0;
  while (start < header.length) {
    const end = fieldEnd(header, start);
    const first = header[start];
    if (first === CR || first === LF) break;
    const colon = header.indexOf(COLON, start);
    const name = colon < 0 || colon > end ? null : fieldName(header, start, colon);
    // A line that is no field belongs to no name, so only .NOT shows it.
    if ((name !== null && names.has(name)) !== not) kept.push(header.subarray(start, end));
    start = end;
  }
  kept.push(CRLF);
  return Buffer.concat(kept);
}

/** Behind the last line of the field that begins at `start`. */
function fieldEnd(header: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const lf = header.indexOf(LF, at);
    if (lf < 0) return header.length;
    at = lf + 1;
    const next = header[at];
    if (next !== SPACE && next !== TAB) return at;
  }
}

/** Old mail has spaces before the colon (RFC 5322 §4.5.8). */
function fieldName(header: Buffer, start: number, colon: number): string {
  return header.toString('latin1', start, colon).trimEnd().toLowerCase();
}
