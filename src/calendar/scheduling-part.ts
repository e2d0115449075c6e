/**
 * The scheduling message in a mail (RFC 6047): its first text/calendar part with a METHOD, the same one that links to
 * the item are made of (message/render/calendar-link.ts), so that item and link have the same name.
 */
import { Buffer } from 'node:buffer';
import { decodeText } from '../message/charset.ts';
import { readParts } from '../message/fragment.ts';
import type { Part } from '../message/model.ts';
import { calendarItemId, readCalendar } from '../message/render/icalendar.ts';
import { decodeTransfer } from '../message/transfer-encoding.ts';
import type { Mailbox } from '../store/api.ts';
import type { FolderId } from '../store/model.ts';
import { ATTENDEES } from './attendees.ts';
import type { SchedulingMessage } from './itip.ts';
import { itemOf } from './item.ts';
import { BadCalendar, readICalendar } from './jcal.ts';
import { type Component, componentsOf, parameterOf, propertiesOf, property, propertyOf, textOf } from './jcal-model.ts';
import { tzidsOf } from './vtimezone.ts';

/** Octets of a part, still encoded; an invitation has some thousands. */
export const SCHEDULING_PART_BYTES = 1024 * 1024;
/** Parts of one mail that are opened. */
const PARTS = 4;

/** Null: there is none in it that can be read. @throws Failure */
export async function schedulingMessageOf(
  mailbox: Mailbox,
  folder: FolderId,
  uid: number,
): Promise<SchedulingMessage | null> {
  for (const part of await calendarParts(mailbox, folder, uid)) {
    const head = await bytesOf(mailbox, folder, uid, part.headerStart, part.bodyStart);
    const body = await bytesOf(mailbox, folder, uid, part.bodyStart, part.bodyEnd);
    const text = decodeText(decodeTransfer(body, part.encoding), part.charset);
    // RFC 6047 §2.4: the type says the method as well as the object.
    const method = /;\s*method\s*=\s*"?([A-Za-z]+)/i.exec(head.toString('latin1'))?.[1] ?? null;
    const message = readSchedulingMessage(text, method);
    if (message !== null) return message;
  }
  return null;
}

async function calendarParts(mailbox: Mailbox, folder: FolderId, uid: number): Promise<readonly Part[]> {
  for await (const { bytes, pieces } of mailbox.fragments(folder, Uint32Array.of(uid), ['details'])) {
    const at = pieces.details?.offsets[0];
    if (at === undefined || pieces.details?.lengths[0] === 0) return [];
    const parts = readParts(bytes, at);
    // What an enclosed message asks was not asked of this reader.
    const enclosed = parts.filter(({ mediaType }) => mediaType === 'message/rfc822' || mediaType === 'message/global');
    return parts
      .filter(({ mediaType }) => mediaType === 'text/calendar')
      .filter((part) => !enclosed.some((outer) => part.headerStart >= outer.bodyStart && part.bodyEnd <= outer.bodyEnd))
      .filter((part) => part.bodyEnd - part.bodyStart <= SCHEDULING_PART_BYTES)
      .slice(0, PARTS);
  }
  return [];
}

async function bytesOf(mailbox: Mailbox, folder: FolderId, uid: number, from: number, to: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of mailbox.read(folder, uid, from, to)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** `method`: of the MIME type, for objects without one. Null: no scheduling message about an event. Never throws. */
export function readSchedulingMessage(text: string, method: string | null): SchedulingMessage | null {
  const facts = readCalendar(text);
  const asked = facts.method ?? method?.toUpperCase() ?? null;
  if (asked === null) return null;
  const calendar = calendarOf(text);
  const lead = calendar === null ? undefined : leadOf(calendar);
  if (calendar === null || lead === undefined) return null;
  const uid = textOf(lead, 'uid');
  const events = componentsOf(calendar, 'vevent').filter((event) => textOf(event, 'uid') === uid);
  if (events.some((event) => propertiesOf(event, 'attendee').length > ATTENDEES)) return null;
  const own = calendarItemId(facts.uid ?? text, facts.recurrenceId);
  const id = facts.uid === null ? own : calendarItemId(facts.uid, null);
  const known = uid ?? `${id}@penfold.invalid`;
  const item = itemOf(
    calendarWith(
      events.map((event) => cleaned(asked === 'REQUEST' ? event : withStart(event), known)),
      componentsOf(calendar, 'vtimezone'),
    ),
    { id, uid: known, aliases: [...new Set([own, ...occurrenceIds(events, facts.uid)])].filter((name) => name !== id) },
  );
  return item === null ? null : { method: asked, item };
}

function calendarOf(text: string): Component | null {
  try {
    return readICalendar(text)[0] ?? null;
  } catch (error) {
    if (error instanceof BadCalendar) return null;
    throw error;
  }
}

/** The series before its exceptions, as readCalendar has it. */
function leadOf(calendar: Component): Component | undefined {
  const events = componentsOf(calendar, 'vevent');
  return events.find((event) => propertyOf(event, 'recurrence-id') === null) ?? events[0];
}

/** Names of the occurrences that differ, as links to them are made. */
export function occurrenceIds(events: readonly Component[], uid: string | null): readonly string[] {
  if (uid === null) return [];
  return events.flatMap((event) => {
    const id = propertyOf(event, 'recurrence-id');
    const [value] = id?.values ?? [];
    if (id === null || typeof value !== 'string') return [];
    return [calendarItemId(uid, `${parameterOf(id, 'tzid') ?? ''}:${value.replaceAll(/[-:]/g, '')}`)];
  });
}

/** Cancellations and answers need no DTSTART (RFC 5546 §3.2.3, §3.2.5): what they are about is told by the rest. */
function withStart(event: Component): Component {
  if (propertyOf(event, 'dtstart') !== null) return event;
  const known = propertyOf(event, 'recurrence-id') ?? propertyOf(event, 'dtstamp');
  return known === null ? event : { ...event, properties: [...event.properties, { ...known, name: 'dtstart' }] };
}

/** A stranger's alarms are not rung here (RFC 5546 §3.2: they are the reader's own affair). */
function cleaned(event: Component, uid: string): Component {
  const components = event.components.filter(({ name }) => name !== 'valarm');
  if (textOf(event, 'uid') !== null) return { ...event, components };
  return { ...event, components, properties: [property('uid', 'text', [uid]), ...event.properties] };
}

/** A calendar object as it is stored: no METHOD, and no zone that nobody names. */
export function calendarWith(events: readonly Component[], zones: readonly Component[]): Component {
  const named = new Set(events.flatMap((event) => [...tzidsOf(event)]));
  return {
    name: 'vcalendar',
    properties: [property('version', 'text', ['2.0']), property('prodid', 'text', [PRODID])],
    components: [...zones.filter((zone) => named.has(textOf(zone, 'tzid') ?? '')), ...events],
  };
}
export const PRODID = '-//Penfold//Calendar//EN';
