/**
 * A message as a mailbox wants it served (settings MessageRetrievalMimeFormat and
 * CalendarItemRetrievalOption; exchange-behaviour.md §5.1, §5.2). A pure function: the same bytes and wish give the
 * same bytes, and what it has rendered it leaves alone. Any bytes are taken; what is signed, encrypted or beyond a
 * limit is served as it is.
 */
import type { Buffer } from 'node:buffer';
import { unreachable } from '../../observe/failure.ts';
import { RENDERED_GROWTH, RENDERED_GROWTH_BYTES } from '../../wire/limits.ts';
import type { Part } from '../model.ts';
import { withCalendarLink } from './calendar-link.ts';
import { inTextFormat } from './text-format.ts';
import { asTnef } from './tnef-message.ts';
import { type RenderingWish, type TextFormat } from './wish.ts';

export interface Rendered {
  readonly bytes: Buffer;
}

/** Null: the original is what is to be served. */
export function renderMessage(original: Buffer, wish: RenderingWish): Rendered | null {
  const linked = wish.calendarLinkBase === null ? null : withCalendarLink(original, wish.calendarLinkBase);
  const bytes = inFormat(linked ?? original, wish.format) ?? linked;
  return bytes === null || bytes.length > renderedBound(original.length, 1) ? null : { bytes };
}

/** The most octets that `count` messages of together `bytes` octets have when rendered. */
export function renderedBound(bytes: number, count: number): number {
  return bytes * RENDERED_GROWTH + count * RENDERED_GROWTH_BYTES;
}

/**
 * Whether a message with these parts may come out other than it is. What is answered with false is never rendered,
 * so a mailbox of plain text costs a look at its parts table and no more.
 */
export function mayChange(parts: readonly Part[], wish: RenderingWish): boolean {
  return parts.some(
    ({ mediaType }) =>
      (wish.calendarLinkBase !== null && mediaType === 'text/calendar') || concerns(mediaType, wish.format),
  );
}

function concerns(mediaType: string, format: TextFormat): boolean {
  switch (format) {
    case 'BestBodyFormat':
      return false;
    case 'TextOnly':
      return ALTERNATIVE_OR_RICH.has(mediaType);
    case 'HtmlOnly':
      return ALTERNATIVE_OR_RICH.has(mediaType) ? mediaType !== 'text/html' : mediaType === 'text/plain';
    case 'TextEnrichedOnly':
    case 'HtmlAndTextAlternative':
    case 'TextEnrichedAndTextAlternative':
    case 'Tnef':
      return true;
    default:
      return unreachable(format);
  }
}

const ALTERNATIVE_OR_RICH = new Set(['multipart/alternative', 'text/html', 'text/enriched', 'text/richtext']);

function inFormat(bytes: Buffer, format: TextFormat): Buffer | null {
  switch (format) {
    case 'BestBodyFormat':
      return null;
    case 'Tnef':
      return asTnef(bytes);
    default:
      return inTextFormat(bytes, format);
  }
}
