/**
 * A message as a mailbox wants it served (issue of the settings MessageRetrievalMimeFormat and
 * CalendarItemRetrievalOption; exchange-behaviour.md §5.1, §5.2). A pure function: the same bytes and wish give the
 * same bytes, and what it has rendered it leaves alone. Any bytes are taken; what is signed, encrypted or beyond a
 * limit is served as it is.
 */
import type { Buffer } from 'node:buffer';
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
  return bytes === null ? null : { bytes };
}

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
