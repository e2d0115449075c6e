/**
 * Header fields by offset (RFC 5322 §2.2, §4.5). Field bytes are never copied or changed. Lines that are no field
 * (no colon, an mbox `From ` line, white space inside the name) belong to no name and are skipped; white space
 * before the colon is accepted (obs-fields). The empty line ends the header.
 */
import type { Buffer } from 'node:buffer';
import { HEADER_FIELDS } from '../wire/limits.ts';
import { decodeWords } from './encoded-word.ts';
import { knownField } from './field-names.ts';
import { CR, fieldValue, isSpace, LF } from './octet-string.ts';

/** A field table is a flat list: known field number or -1, start, start of the value, end; this many per field. */
export const FIELD_STRIDE = 4;

/** The first HEADER_FIELDS fields of a header given as an octet string. */
export function readFields(header: string): number[] {
  const fields: number[] = [];
  const limit = HEADER_FIELDS * FIELD_STRIDE;
  for (let at = 0; at < header.length && fields.length < limit; ) {
    if (isEmptyLine(header, at)) break;
    const end = fieldEnd(header, at);
    const nameEnd = nameEndOf(header, at, end);
    if (nameEnd > at) {
      let value = nameEnd;
      while (header.charCodeAt(value) !== 0x3a) value += 1;
      fields.push(knownField(header, at, nameEnd), at, value + 1, end);
    }
    at = end;
  }
  return fields;
}

function isEmptyLine(header: string, at: number): boolean {
  const code = header.charCodeAt(at);
  return code === LF || (code === CR && header.charCodeAt(at + 1) === LF);
}

/** Offset behind the line end of the field that starts at `at`, continuation lines included. */
function fieldEnd(header: string, at: number): number {
  for (let from = at; ; ) {
    const lf = header.indexOf('\n', from);
    if (lf < 0) return header.length;
    if (!isSpace(header.charCodeAt(lf + 1))) return lf + 1;
    from = lf + 1;
  }
}

/** Offset behind the field name, or -1 when the line is no field. */
function nameEndOf(header: string, at: number, end: number): number {
  for (let i = at; i < end; i += 1) {
    const code = header.charCodeAt(i);
    if (code === 0x3a) return i === at ? -1 : i;
    if (code > SPACE_CODE && code !== DELETE) continue;
    let colon = i;
    while (isSpace(header.charCodeAt(colon))) colon += 1;
    return i > at && colon > i && header.charCodeAt(colon) === 0x3a ? i : -1;
  }
  return -1;
}
const SPACE_CODE = 32;
const DELETE = 127;

/** Offsets into the header it was found in. */
export interface FieldRange {
  readonly start: number;
  /** Behind the colon. */
  readonly valueStart: number;
  /** Behind the line end. */
  readonly end: number;
}

/** Every field of that name (lower case), in order. */
export function findFields(header: Buffer, lowerName: string): FieldRange[] {
  const found: FieldRange[] = [];
  walk(header, (name, start, valueStart, end) => {
    if (name === lowerName) found.push({ start, valueStart, end });
    return true;
  });
  return found;
}

/** The first field of that name (any case), or null. */
export function findField(header: Buffer, name: string): FieldRange | null {
  const lowerName = name.toLowerCase();
  let found: FieldRange | null = null;
  walk(header, (candidate, start, valueStart, end) => {
    if (candidate === lowerName) found = { start, valueStart, end };
    return found === null;
  });
  return found;
}

/** Decoded values (RFC 2047, raw 8-bit as UTF-8 or else `charset`) of every field of that name (any case). */
export function fieldTexts(header: Buffer, name: string, charset: string | null = null): string[] {
  return findFields(header, name.toLowerCase()).map((field) => {
    const octets = header.toString('latin1', field.valueStart, field.end);
    return decodeWords(fieldValue(octets, 0, octets.length), charset);
  });
}

/**
 * BODY[HEADER.FIELDS (…)] and .NOT (RFC 9051 §6.4.5.1) for names that the fragment does not hold: views of the
 * fields in order, neighbours joined, without the empty line. `names` in lower case. Lines that are no field are
 * left out of both. Reads the whole header given, whatever the parser's limits are.
 */
export function selectFields(header: Buffer, names: ReadonlySet<string>, not: boolean): Buffer[] {
  const chosen: Buffer[] = [];
  let from = -1;
  let to = -1;
  walk(header, (name, start, _valueStart, end) => {
    if (names.has(name) === not) return true;
    if (to !== start) {
      if (to > from) chosen.push(header.subarray(from, to));
      from = start;
    }
    to = end;
    return true;
  });
  if (to > from) chosen.push(header.subarray(from, to));
  return chosen;
}

/** Calls `visit` for each field with its lower-case name until it returns false. */
function walk(
  header: Buffer,
  visit: (lowerName: string, start: number, valueStart: number, end: number) => boolean,
): void {
  const octets = header.toString('latin1');
  for (let at = 0; at < octets.length; ) {
    if (isEmptyLine(octets, at)) return;
    const end = fieldEnd(octets, at);
    const nameEnd = nameEndOf(octets, at, end);
    if (nameEnd > at) {
      const colon = octets.indexOf(':', nameEnd);
      if (!visit(octets.slice(at, nameEnd).toLowerCase(), at, colon + 1, end)) return;
    }
    at = end;
  }
}
