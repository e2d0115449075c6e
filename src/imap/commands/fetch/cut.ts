/**
 * Which octets of a message a BODY[section]<partial> item means (RFC 9051 §6.4.5.1), from the offsets found when the
 * message was parsed. No bytes are read here.
 */
import type { Buffer } from 'node:buffer';
import { headerLength, readParts } from '../../../message/fragment.ts';
import type { Part } from '../../../message/model.ts';
import { sectionRange } from '../../../message/sections.ts';
import { HEADER_BYTES } from '../../../wire/limits.ts';
import type { Partial, SectionText } from '../../grammar/ast.ts';
import type { BodyItem } from './plan.ts';

/** What sections.ts calls them; of a header whose fields are picked all of it is needed. */
const RANGES = {
  ALL: 'body',
  HEADER: 'header',
  'HEADER.FIELDS': 'header',
  'HEADER.FIELDS.NOT': 'header',
  MIME: 'mime',
  TEXT: 'text',
} as const satisfies Record<SectionText, string>;

export interface Cut {
  readonly start: number;
  readonly end: number;
  /** The octets are a header of which some fields are wanted; the partial counts in what is left of it. */
  readonly selects: boolean;
}

/** Whether the item can be cut without the parse result. */
export const needsFragment = (item: BodyItem): boolean => item.section.part.length > 0 || item.section.text !== 'ALL';

/** Offsets of one message; the parts are read from the fragment only when a part is asked for. */
export class Offsets {
  readonly #size: number;
  readonly #bytes: Buffer | null;
  readonly #at: number;
  #parts: readonly Part[] | null = null;

  /** @param bytes the fragment stands in it at `at`; null when no item needs it */
  constructor(size: number, bytes: Buffer | null, at: number) {
    this.#size = size;
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Null: the message has no such part, which is answered with NIL. */
  cut(item: BodyItem): Cut | null {
    const { text, fields } = item.section;
    const range = this.#range(item);
    if (range === null) return null;
    if (fields.length > 0 && (text === 'HEADER.FIELDS' || text === 'HEADER.FIELDS.NOT')) {
      return { start: range.start, end: Math.min(range.end, range.start + HEADER_BYTES), selects: true };
    }
    return { ...window(range.start, range.end, item.partial), selects: false };
  }

  #range(item: BodyItem): { start: number; end: number } | null {
    const { part, text } = item.section;
    if (part.length === 0 && text === 'ALL') return { start: 0, end: this.#size };
    if (this.#bytes === null) throw new Error('a section was asked for without the parse result');
    if (part.length > 0) {
      this.#parts ??= readParts(this.#bytes, this.#at);
      return sectionRange(this.#parts, part, RANGES[text]);
    }
    const header = Math.min(headerLength(this.#bytes, this.#at), this.#size);
    return text === 'TEXT' ? { start: header, end: this.#size } : { start: 0, end: header };
  }
}

/** RFC 9051 §6.4.5: a partial is cut at the end of the text; one that begins behind it is empty. */
export function window(start: number, end: number, partial: Partial | null): { start: number; end: number } {
  if (partial === null) return { start, end };
  const first = Math.min(end, start + partial.offset);
  return { start: first, end: Math.min(end, first + partial.length) };
}
