/**
 * The message that an item is in the Calendar folder: one text/calendar part with everything, and a header that makes
 * it findable without opening it. Message-ID holds its name, References the names of its occurrences; Date and
 * INTERNALDATE say from when to when it reaches, so that a window of time is a comparison of two columns of the index.
 */
import { Buffer } from 'node:buffer';
import { unstructuredValue } from '../message/encode-words.ts';
import { organizerOf } from './attendees.ts';
import { type CalendarItem, itemOf, leadOf } from './item.ts';
import { BadCalendar, ICALENDAR_CHARACTERS, readICalendar, writeICalendar } from './jcal.ts';
import { componentsOf, textOf } from './jcal-model.ts';
import { ENDLESS, extentOf } from './occurrences.ts';

/** Names of occurrences that are kept; REFERENCES_KEPT of the parser is above it. */
export const ALIASES = 150;
/** Of all that is written here. */
export const ITEM_MESSAGE_BYTES = ICALENDAR_CHARACTERS * 4;
const DOMAIN = 'calendar.invalid';
const SUBJECT_CHARACTERS = 200;

export interface ItemMessage {
  readonly bytes: Buffer;
  /** Seconds since 1970: when it ends. */
  readonly internalDate: number;
}

/** `firstUid`: the UID that the item had when it was new. @throws BadCalendar it is too large */
export function writeItemMessage(item: CalendarItem, firstUid: number): ItemMessage {
  const calendar = writeICalendar(item.calendar);
  if (calendar.length > ICALENDAR_CHARACTERS) throw new BadCalendar('the event is too large');
  const { from, before } = extentOf(item);
  const lead = leadOf(item).component;
  const organizer = organizerOf(lead)?.address ?? '';
  const header = [
    `From: <${/^[\x21-\x3b\x3d\x3f-\x7e]+@[\x21-\x3b\x3d\x3f-\x7e]+$/.test(organizer) ? organizer : `nobody@${DOMAIN}`}>`,
    `Subject: ${unstructuredValue((textOf(lead, 'summary') ?? '').replaceAll(/\p{Cc}+/gu, ' ').slice(0, SUBJECT_CHARACTERS))}`,
    `Date: ${new Date(Math.min(from, ENDLESS) * 1000).toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${item.id}@${DOMAIN}>`,
    ...(item.aliases.length === 0
      ? []
      : [
          `References: ${item.aliases
            .slice(-ALIASES)
            .map((name) => `<${name}@${DOMAIN}>`)
            .join('\r\n ')}`,
        ]),
    `X-Penfold-First-Uid: ${firstUid}`,
    'MIME-Version: 1.0',
    'Content-Type: text/calendar; charset=utf-8; component=VEVENT',
    'Content-Transfer-Encoding: 8bit',
  ];
  return { bytes: Buffer.from(`${header.join('\r\n')}\r\n\r\n${calendar}`, 'utf8'), internalDate: before };
}

/** Name of an item out of Message-ID or References; null: not one of ours. */
export const nameOf = (messageId: string): string | null =>
  messageId.endsWith(`@${DOMAIN}`) ? messageId.slice(0, -DOMAIN.length - 1) : null;

export interface ReadItem {
  readonly item: CalendarItem;
  readonly firstUid: number;
}

/** Null: no message that was written here. */
export function readItemMessage(bytes: Buffer): ReadItem | null {
  const text = bytes.toString('utf8');
  const end = text.indexOf('\r\n\r\n');
  const header = text.slice(0, end < 0 ? 0 : end).replaceAll('\r\n ', ' ');
  const id = /^Message-ID: <([\w-]+)@/m.exec(header)?.[1];
  const firstUid = Number(/^X-Penfold-First-Uid: (\d+)$/m.exec(header)?.[1] ?? 0);
  if (id === undefined) return null;
  const references = /^References: (.*)$/m.exec(header)?.[1] ?? '';
  const aliases = [...references.matchAll(/<([\w-]+)@/g)].map((found) => found[1] ?? '');
  try {
    const calendar = readICalendar(text.slice(end + 4))[0];
    if (calendar === undefined) return null;
    const uid = componentsOf(calendar, 'vevent').map((event) => textOf(event, 'uid'))[0] ?? id;
    const item = itemOf(calendar, { id, aliases, uid });
    return item === null ? null : { item, firstUid };
  } catch (error) {
    if (error instanceof BadCalendar) return null;
    throw error;
  }
}
