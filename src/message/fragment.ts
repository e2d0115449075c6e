/**
 * The binary form of a parse result, one fragment a message, kept by the store in pieces (fragment-pieces.ts). Readers take
 * `bytes` and the offset `at` of a fragment in it and allocate nothing but what they return.
 *
 *   u32 total length · u16 PARSER_VERSION · u16 flags (0) · 8 × u32 section end · u32 header length · sections
 *
 * All integers are little-endian, all offsets relative to the fragment. Sections, in order:
 *   0 ` ENVELOPE (…)`, 1 ` BODYSTRUCTURE (…)`, 2 ` BODY (…)`: wire bytes with label (RFC 9051 §7.5.2), adjacent, so
 *     that neighbours leave in one copy
 *   3 common header fields: u16 count, per field u32 (number << 26 | octets), then the original field bytes
 *   4 parts table, 5 search text of five fields, 6 sort and thread fields, 7 preview
 *
 * A fragment is a cache: it can be made again from the message. Knows nothing of files or of IMAP commands.
 */
import type { Buffer } from 'node:buffer';
import type { ByteWriter } from '../wire/byte-writer.ts';
import { type ByteSink, readU16, readU32, writeU32 } from './byte-sink.ts';
import { commonFieldNumber, UNKNOWN_FIELD } from './field-names.ts';
import { PARSER_VERSION, type Part } from './model.ts';

export const SECTION = {
  envelope: 0,
  bodyStructure: 1,
  body: 2,
  fields: 3,
  parts: 4,
  search: 5,
  sort: 6,
  preview: 7,
} as const;
export type Section = (typeof SECTION)[keyof typeof SECTION];

const SECTIONS = 8;
const ENDS_AT = 8;
const HEADER_LENGTH_AT = ENDS_AT + SECTIONS * 4;
const FIRST_SECTION_AT = HEADER_LENGTH_AT + 4;
/** In a stored string's length: there is none. */
const ABSENT = 0xffff;
/** Bits of a field entry that hold its octets; HEADER_BYTES is far below. */
const FIELD_OCTET_BITS = 26;
const FIELD_OCTETS = 2 ** FIELD_OCTET_BITS - 1;
const SEARCH_FIELDS = ['subject', 'from', 'to', 'cc', 'bcc'] as const;
export type SearchField = (typeof SEARCH_FIELDS)[number];

/** RFC 5256 §2.1 and §3, RFC 5957 §3: all text is decoded and folded (fold.ts), ready to be compared. */
export interface SortFields {
  readonly baseSubject: string;
  /** RFC 5256 §2.1: the subject had a reply or forward mark. */
  readonly subjectIsReply: boolean;
  /** addr-mailbox of the first From, To, Cc address; empty when there is none. */
  readonly from: string;
  readonly to: string;
  readonly cc: string;
  /** Display name of the first address, else `mailbox@host`. */
  readonly displayFrom: string;
  readonly displayTo: string;
  /** Without angle brackets and needless quotes (RFC 5256 §3 REFERENCES); null when missing. */
  readonly messageId: string | null;
  /** Ids of References in order, or else the first one of In-Reply-To. */
  readonly references: readonly string[];
}

/* -------------------------------------------------------------- writing */

export function beginFragment(out: ByteSink): void {
  out.reset();
  out.length = FIRST_SECTION_AT;
}

export function endSection(out: ByteSink, section: Section): void {
  writeU32(out.bytes, ENDS_AT + section * 4, out.length);
}

export function finishFragment(out: ByteSink, headerOctets: number): void {
  writeU32(out.bytes, 0, out.length);
  out.bytes[4] = PARSER_VERSION;
  out.bytes[5] = PARSER_VERSION >>> 8;
  out.bytes[6] = 0;
  out.bytes[7] = 0;
  writeU32(out.bytes, HEADER_LENGTH_AT, headerOctets);
}

/** Octets before the first section. */
export const FRAGMENT_HEAD_BYTES = FIRST_SECTION_AT;

/** The head of a fragment whose sections end at `ends`, the last of which is its length; see fragment-pieces.ts. */
export function copyFragmentHead(from: Buffer, to: Buffer, at: number, ends: readonly number[]): void {
  from.copy(to, at, 0, FIRST_SECTION_AT);
  writeU32(to, at, ends[ends.length - 1]!);
  for (let i = 0; i < ends.length; i += 1) writeU32(to, at + ENDS_AT + i * 4, ends[i]!);
}

/** Entry of one common field in the table in front of the field bytes. */
export function commonFieldEntry(field: number, octets: number): number {
  return field * 2 ** FIELD_OCTET_BITS + octets;
}

export function writeParts(out: ByteSink, parts: readonly Part[]): void {
  out.u16(parts.length);
  for (const part of parts) {
    out.u16(part.path.length);
    for (const number of part.path) out.u16(number);
    out.u32(part.headerStart);
    out.u32(part.bodyStart);
    out.u32(part.bodyEnd);
    out.counted(part.mediaType);
    out.counted(part.encoding);
    optional(out, part.charset);
    optional(out, part.fileName);
    optional(out, part.disposition);
  }
}

export function writeSearchText(out: ByteSink, write: (field: SearchField) => void): void {
  const start = out.length;
  out.room(SEARCH_FIELDS.length * 4);
  out.length += SEARCH_FIELDS.length * 4;
  for (let i = 0; i < SEARCH_FIELDS.length; i += 1) {
    write(SEARCH_FIELDS[i]!);
    writeU32(out.bytes, start + i * 4, out.length - start);
  }
}

export function writeSortFields(out: ByteSink, fields: SortFields): void {
  out.byte(fields.subjectIsReply ? 1 : 0);
  out.counted(fields.baseSubject);
  out.counted(fields.from);
  out.counted(fields.to);
  out.counted(fields.cc);
  out.counted(fields.displayFrom);
  out.counted(fields.displayTo);
  optional(out, fields.messageId);
  out.u16(fields.references.length);
  for (const id of fields.references) out.counted(id);
}

function optional(out: ByteSink, text: string | null): void {
  if (text === null) out.u16(ABSENT);
  else out.counted(text);
}

/* -------------------------------------------------------------- reading */

/** Offset in `bytes` of the first byte of a section. */
export function sectionStart(bytes: Buffer, at: number, section: Section): number {
  return section === 0 ? at + FIRST_SECTION_AT : at + readU32(bytes, at + ENDS_AT + section * 4 - 4);
}

/** Offset in `bytes` behind the last byte of a section. */
export function sectionEnd(bytes: Buffer, at: number, section: Section): number {
  return at + readU32(bytes, at + ENDS_AT + section * 4);
}

export function fragmentLength(bytes: Buffer, at: number): number {
  return readU32(bytes, at);
}

/** PARSER_VERSION of the parser that made it; another than ours means: parse again. */
export function fragmentVersion(bytes: Buffer, at: number): number {
  return readU16(bytes, at + 4);
}

/** Octets of the message's header with the empty line that ends it. */
export function headerLength(bytes: Buffer, at: number): number {
  return readU32(bytes, at + HEADER_LENGTH_AT);
}

/**
 * A mask for writeCommonFields when every name (any case) is a common field, else null: then the header has to be
 * read. The value is an exact integer below 2^52, not a 32-bit mask.
 */
export function commonFieldMask(names: readonly string[]): number | null {
  const numbers = new Set<number>();
  for (const name of names) {
    const number = commonFieldNumber(name.toLowerCase());
    if (number === UNKNOWN_FIELD) return null;
    numbers.add(number);
  }
  let mask = 0;
  for (const number of numbers) mask += 2 ** number;
  return mask;
}

/** Octets that writeCommonFields will write. */
export function commonFieldsLength(bytes: Buffer, at: number, mask: number): number {
  const low = mask >>> 0;
  const high = (mask / 0x1_0000_0000) >>> 0;
  const table = sectionStart(bytes, at, SECTION.fields);
  const first = table + 2;
  const last = first + readU16(bytes, table) * 4;
  let total = 0;
  for (let entry = first; entry < last; entry += 4) {
    const field = bytes[entry + 3]! >>> 2;
    if ((((field < 32 ? low : high) >>> (field & 31)) & 1) !== 0) total += readU32(bytes, entry) & FIELD_OCTETS;
  }
  return total;
}

/**
 * The original bytes of the fields in `mask`, in the order of the message, without the empty line that ends a
 * BODY[HEADER.FIELDS (…)] answer. Fields that stand side by side leave in one copy.
 */
export function writeCommonFields(out: ByteWriter, bytes: Buffer, at: number, mask: number): void {
  const low = mask >>> 0;
  const high = (mask / 0x1_0000_0000) >>> 0;
  const table = sectionStart(bytes, at, SECTION.fields);
  const first = table + 2;
  const last = first + readU16(bytes, table) * 4;
  let position = last;
  let from = last;
  for (let entry = first; entry < last; entry += 4) {
    const field = bytes[entry + 3]! >>> 2;
    const octets = readU32(bytes, entry) & FIELD_OCTETS;
    if ((((field < 32 ? low : high) >>> (field & 31)) & 1) === 0) {
      if (position > from) out.range(bytes, from, position);
      from = position + octets;
    }
    position += octets;
  }
  if (position > from) out.range(bytes, from, position);
}

/** The original bytes of all common fields, in the order of the message: a header without its other fields. */
export function commonFields(bytes: Buffer, at: number): Buffer {
  const table = sectionStart(bytes, at, SECTION.fields);
  return bytes.subarray(table + 2 + readU16(bytes, table) * 4, sectionEnd(bytes, at, SECTION.fields));
}

class Cursor {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  u16(): number {
    this.at += 2;
    return readU16(this.bytes, this.at - 2);
  }

  u32(): number {
    this.at += 4;
    return readU32(this.bytes, this.at - 4);
  }

  text(): string {
    return this.optional() ?? '';
  }

  optional(): string | null {
    const size = this.u16();
    if (size === ABSENT) return null;
    this.at += size;
    return this.bytes.toString('utf8', this.at - size, this.at);
  }
}

/** Every entity of the message, parents before children, in the order of the bytes; see sections.ts for lookups. */
export function readParts(bytes: Buffer, at: number): Part[] {
  const cursor = new Cursor(bytes, sectionStart(bytes, at, SECTION.parts));
  const count = cursor.u16();
  const parts: Part[] = [];
  for (let i = 0; i < count; i += 1) {
    const path: number[] = [];
    for (let left = cursor.u16(); left > 0; left -= 1) path.push(cursor.u16());
    parts.push({
      path,
      headerStart: cursor.u32(),
      bodyStart: cursor.u32(),
      bodyEnd: cursor.u32(),
      mediaType: cursor.text(),
      encoding: cursor.text(),
      charset: cursor.optional(),
      fileName: cursor.optional(),
      disposition: cursor.optional(),
    });
  }
  return parts;
}

/** Where the decoded, folded UTF-8 text of a field stands in `bytes`; repeated fields are joined by LF. */
export function readSearchText(bytes: Buffer, at: number, field: SearchField): { start: number; end: number } {
  const section = sectionStart(bytes, at, SECTION.search);
  const index = SEARCH_FIELDS.indexOf(field);
  return {
    start: section + (index === 0 ? SEARCH_FIELDS.length * 4 : readU32(bytes, section + index * 4 - 4)),
    end: section + readU32(bytes, section + index * 4),
  };
}

export function readSortFields(bytes: Buffer, at: number): SortFields {
  const start = sectionStart(bytes, at, SECTION.sort);
  const cursor = new Cursor(bytes, start + 1);
  const baseSubject = cursor.text();
  const from = cursor.text();
  const to = cursor.text();
  const cc = cursor.text();
  const displayFrom = cursor.text();
  const displayTo = cursor.text();
  const messageId = cursor.optional();
  const references: string[] = [];
  for (let left = cursor.u16(); left > 0; left -= 1) references.push(cursor.text());
  return {
    baseSubject,
    subjectIsReply: bytes[start] === 1,
    from,
    to,
    cc,
    displayFrom,
    displayTo,
    messageId,
    references,
  };
}

const SORT_KEYS = ['baseSubject', 'from', 'to', 'cc', 'displayFrom', 'displayTo'] as const;
export type SortKeyField = (typeof SORT_KEYS)[number];

/** One of the strings of readSortFields, without decoding the others: what SORT by one key needs. */
export function readSortKey(bytes: Buffer, at: number, key: SortKeyField): string {
  let position = sectionStart(bytes, at, SECTION.sort) + 1;
  for (let left = SORT_KEYS.indexOf(key); left > 0; left -= 1) position += 2 + readU16(bytes, position);
  return bytes.toString('utf8', position + 2, position + 2 + readU16(bytes, position));
}

/** At most 200 characters (RFC 8970 §2). */
export function readPreview(bytes: Buffer, at: number): string {
  return bytes.toString('utf8', sectionStart(bytes, at, SECTION.preview), sectionEnd(bytes, at, SECTION.preview));
}
