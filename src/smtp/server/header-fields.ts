/**
 * The header of a message on its way in: found in the stream without holding the body, and read as far as an SMTP
 * server has to (RFC 5321 §6.3 loops, RFC 6409 §6, §8 submission). Pure; the store parses messages for real.
 */
import { Buffer } from 'node:buffer';

const LF = 10;
const CR = 13;
const SPACE = 0x20;
const TAB = 9;
const COLON = 0x3a;

export interface HeaderField {
  /** Lower case. */
  readonly name: string;
  readonly start: number;
  /** Offset of the first byte behind the colon. */
  readonly valueStart: number;
  /** Offset behind the CRLF of the last line of the field. */
  readonly end: number;
}

/** Collects bytes until the empty line that ends the header. */
export class HeaderCollector {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #size = 0;
  /** The last three bytes seen: an end of header may lie across chunks. */
  #tail = Buffer.from('\r\n');

  /** `limit` in octets. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** `more`: not complete yet. `large`: the limit is passed. Else the header, empty line included, and what follows. */
  push(chunk: Buffer): 'more' | 'large' | { readonly header: Buffer; readonly body: Buffer } {
    const seam = Buffer.concat([this.#tail, chunk.subarray(0, 3)]);
    const across = seam.indexOf('\r\n\r\n');
    const within = across < 0 ? chunk.indexOf('\r\n\r\n') : across - this.#tail.length;
    if (within < 0 && across < 0) {
      this.#chunks.push(chunk);
      this.#size += chunk.length;
      const tail = chunk.length >= 3 ? chunk.subarray(-3) : Buffer.concat([this.#tail, chunk]).subarray(-3);
      this.#tail = Buffer.from(tail);
      return this.#size > this.#limit ? 'large' : 'more';
    }
    const end = within + 4;
    this.#chunks.push(chunk.subarray(0, end));
    this.#size += end;
    if (this.#size > this.#limit) return 'large';
    return { header: this.take(), body: chunk.subarray(end) };
  }

  /** What came so far: the message ended inside its header. */
  take(): Buffer {
    const [only] = this.#chunks;
    const header = this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks, this.#size);
    this.#chunks = [];
    return header;
  }
}

/** Lines that are no fields (an mbox `From ` line, garbage) are passed over: odd mail is delivered as it is. */
export function headerFields(header: Buffer): readonly HeaderField[] {
  const fields: HeaderField[] = [];
  let start = 0;
  while (start < header.length) {
    const end = lineEnd(header, start);
    let fieldEnd = end;
    while (fieldEnd < header.length && (header[fieldEnd] === SPACE || header[fieldEnd] === TAB)) {
      fieldEnd = lineEnd(header, fieldEnd);
    }
    const field = fieldAt(header, start, end, fieldEnd);
    if (field !== null) fields.push(field);
    start = fieldEnd;
  }
  return fields;
}

function lineEnd(header: Buffer, from: number): number {
  const at = header.indexOf(LF, from);
  return at < 0 ? header.length : at + 1;
}

function fieldAt(header: Buffer, start: number, lineEnd: number, end: number): HeaderField | null {
  let at = start;
  while (at < lineEnd && header[at]! > SPACE && header[at]! < 0x7f && header[at] !== COLON) at += 1;
  const nameEnd = at;
  // RFC 5322 §4.5: white space before the colon is obsolete and still around.
  while (at < lineEnd && (header[at] === SPACE || header[at] === TAB)) at += 1;
  if (nameEnd === start || header[at] !== COLON) return null;
  return { name: header.toString('latin1', start, nameEnd).toLowerCase(), start, valueStart: at + 1, end };
}

/** The value of a field, unfolded (RFC 5322 §2.2.3), as UTF-8. */
export function fieldText(header: Buffer, field: HeaderField): string {
  let end = field.end;
  if (end > field.valueStart && header[end - 1] === LF) end -= 1;
  if (end > field.valueStart && header[end - 1] === CR) end -= 1;
  return header
    .toString('utf8', field.valueStart, end)
    .replace(/\r?\n(?=[ \t])/g, '')
    .trim();
}

/** The header without the given fields. */
export function withoutFields(header: Buffer, fields: readonly HeaderField[]): Buffer {
  if (fields.length === 0) return header;
  const parts: Buffer[] = [];
  let from = 0;
  for (const field of fields) {
    parts.push(header.subarray(from, field.start));
    from = field.end;
  }
  parts.push(header.subarray(from));
  return Buffer.concat(parts);
}
