/**
 * The few iCalendar properties that mail needs (RFC 5545 §3.1, §3.6; RFC 5546 METHOD): who is meant, when, and the
 * name that stays the same. A reader of lines, no calendar: recurrences and time zones are not worked out.
 */
import { createHash } from 'node:crypto';

export interface CalendarFacts {
  /** Upper case; null: no scheduling message (RFC 5546 §1.4). */
  readonly method: string | null;
  readonly uid: string | null;
  /** Value with its zone, as written; null for the whole series. */
  readonly recurrenceId: string | null;
  readonly summary: string | null;
  readonly location: string | null;
  /** For people: `2026-11-23 14:00 (Europe/Berlin)`. */
  readonly start: string | null;
}

interface Property {
  readonly name: string;
  readonly parameters: string;
  readonly value: string;
}

const COMPONENTS = new Set(['VEVENT', 'VTODO', 'VJOURNAL', 'VFREEBUSY']);
/** Content lines read; an invitation has some dozens. */
const LINES = 20_000;

/** Never throws; what is not there is null. */
export function readCalendar(text: string): CalendarFacts {
  let method: string | null = null;
  let chosen: Map<string, Property> | null = null;
  let component: Map<string, Property> | null = null;
  let inside = 0;
  const lines = text
    .slice(0, TEXT_CHARACTERS)
    .replaceAll(/(?:\r\n|\r|\n)[ \t]/g, '')
    .split(/\r\n|\r|\n/, LINES);
  for (const line of lines) {
    const property = readLine(line);
    if (property === null) continue;
    const { name } = property;
    const value = property.value.trim().toUpperCase();
    if (name === 'BEGIN') {
      if (component !== null) inside += 1;
      else if (COMPONENTS.has(value)) component = new Map();
    } else if (name === 'END') {
      if (inside > 0) inside -= 1;
      else if (component !== null) {
        // The series before its exceptions (RFC 5546 §3.2.2.6: one message may carry both).
        if (chosen === null || (chosen.has('RECURRENCE-ID') && !component.has('RECURRENCE-ID'))) chosen = component;
        component = null;
      }
    } else if (component === null) {
      if (name === 'METHOD') method ??= value;
    } else if (inside === 0 && !component.has(name)) component.set(name, property);
  }
  const of = chosen ?? component ?? new Map<string, Property>();
  const recurrence = of.get('RECURRENCE-ID');
  return {
    method,
    uid: of.get('UID')?.value.trim() ?? null,
    recurrenceId: recurrence === undefined ? null : `${zoneOf(recurrence) ?? ''}:${recurrence.value.trim()}`,
    summary: plain(of.get('SUMMARY')),
    location: plain(of.get('LOCATION')),
    start: dateOf(of.get('DTSTART')),
  };
}

/** Characters of an iCalendar text that are looked at. */
const TEXT_CHARACTERS = 1024 * 1024;

/** RFC 5545 §3.1: `NAME;PARAM="a:b":value`. */
function readLine(line: string): Property | null {
  let quoted = false;
  for (let i = 0; i < line.length; i += 1) {
    const code = line.charCodeAt(i);
    if (code === 0x22) quoted = !quoted;
    if (code !== 0x3a || quoted) continue;
    const head = line.slice(0, i);
    const semicolon = head.indexOf(';');
    const name = (semicolon < 0 ? head : head.slice(0, semicolon)).trim().toUpperCase();
    return { name, parameters: semicolon < 0 ? '' : head.slice(semicolon), value: line.slice(i + 1) };
  }
  return null;
}

/** RFC 5545 §3.3.11. */
function plain(property: Property | undefined): string | null {
  if (property === undefined) return null;
  const text = property.value.replaceAll(/\\([\\;,nN])/g, (_, escaped: string) => (/n/i.test(escaped) ? ' ' : escaped));
  return text.trim() || null;
}

function zoneOf(property: Property): string | null {
  return /;TZID=("[^"]*"|[^;:]*)/i.exec(property.parameters)?.[1]?.replaceAll('"', '') ?? null;
}

function dateOf(property: Property | undefined): string | null {
  if (property === undefined) return null;
  const found = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(?:\d\d)?(Z)?)?$/.exec(property.value.trim());
  if (found === null) return null;
  const [, year, month, day, hour, minute, utc] = found;
  const date = `${year}-${month}-${day}`;
  if (hour === undefined) return date;
  const zone = utc === 'Z' ? 'UTC' : zoneOf(property);
  return `${date} ${hour}:${minute}${zone === null ? '' : ` (${zone})`}`;
}

/**
 * The stable name of a calendar item in links: of its UID and, for one occurrence, its RECURRENCE-ID. All messages
 * about an item (request, update, cancellation) give the same, on every server, and it outlives them all. 22
 * characters of base64url.
 */
export function calendarItemId(uid: string, recurrenceId: string | null): string {
  return createHash('sha256')
    .update(`${uid}\0${recurrenceId ?? ''}`)
    .digest('base64url')
    .slice(0, ID_CHARACTERS);
}
const ID_CHARACTERS = 22;
