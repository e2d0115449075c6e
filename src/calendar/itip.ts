/**
 * What a scheduling message does to a calendar (RFC 5546): a request adds or updates the item, a cancellation marks it,
 * an answer is noted at the organizer's. The same message again changes nothing, and neither does an older one. Pure:
 * who got the message, and where items lie, is delivered-invitations.ts.
 *
 * Mail can be forged, so a message changes only what its claimed organizer has called himself, and never an event of
 * one's own (RFC 5546 §6.1.1, §6.1.2).
 */
import { attendeeAmong, attendeesOf, organizerOf, withAttendee } from './attendees.ts';
import { type CalendarItem, type EventFacts, itemOf, OVERRIDES } from './item.ts';
import {
  type Component,
  componentsOf,
  property,
  propertyOf,
  replaced,
  textOf,
  wholeOf as numberOf,
} from './jcal-model.ts';
import { recurrenceWall } from './occurrences.ts';
import { readWall } from './wall-time.ts';

export interface SchedulingMessage {
  /** REQUEST, CANCEL, REPLY …; upper case. */
  readonly method: string;
  /** Its events as an item of its own, with the names that links to it have. */
  readonly item: CalendarItem;
}

export interface Person {
  /** Every address of the mailbox, lower case. */
  readonly addresses: ReadonlySet<string>;
}

/** The changed item; null: nothing changes. */
export function applied(known: CalendarItem | null, message: SchedulingMessage, person: Person): CalendarItem | null {
  switch (message.method) {
    case 'REQUEST':
      return requested(known, message.item, person);
    case 'CANCEL':
      return known === null ? null : cancelled(known, message.item, person);
    case 'REPLY':
      return known === null ? null : answered(known, message.item, person);
    // PUBLISH, ADD, REFRESH, COUNTER and DECLINECOUNTER are for people to read (RFC 5546 §1.4).
    default:
      return null;
  }
}

/** What an item is called by, when its organizer is somebody else. */
const organizerAddress = ({ main, overrides }: CalendarItem): string | null => {
  const event = main ?? overrides[0];
  return event === undefined ? null : (organizerOf(event.component)?.address ?? null);
};

export const isOwn = (item: CalendarItem, person: Person): boolean => {
  const organizer = organizerAddress(item);
  return organizer === null || person.addresses.has(organizer);
};

function requested(known: CalendarItem | null, sent: CalendarItem, person: Person): CalendarItem | null {
  const organizer = organizerAddress(sent);
  if (organizer === null || person.addresses.has(organizer)) return null;
  if (known === null) return sent;
  if (organizerAddress(known) !== organizer) return null;
  const changes = [...(sent.main === null ? [] : [sent.main]), ...sent.overrides];
  let current = known;
  let changed = false;
  for (const event of changes) {
    const old = counterpart(current, event);
    if (old !== null && !isNewer(event, old)) continue;
    if (old === null && current.main !== null && sequenceOf(event) < sequenceOf(current.main)) continue;
    current = withEvent(current, keepingAnswer(event, old, person), sent);
    changed = true;
  }
  return changed ? named(current, sent) : null;
}

function cancelled(known: CalendarItem, sent: CalendarItem, person: Person): CalendarItem | null {
  const organizer = organizerAddress(known);
  if (isOwn(known, person) || organizerAddress(sent) !== organizer) return null;
  let current = known;
  let changed = false;
  for (const event of [...(sent.main === null ? [] : [sent.main]), ...sent.overrides]) {
    const old = counterpart(current, event);
    if (event.recurrenceId === null) {
      if (old === null || isOlder(event, old) || isCancelled(old)) continue;
      current = withEvent(current, marked(old, event), sent);
    } else {
      if (old !== null && (isOlder(event, old) || isCancelled(old))) continue;
      if (old === null && (current.main === null || sequenceOf(event) < sequenceOf(current.main))) continue;
      current = withEvent(current, marked(old ?? event, event), sent);
    }
    changed = true;
  }
  return changed ? named(current, sent) : null;
}

/** RFC 5546 §3.2.3: only who was asked can answer. */
function answered(known: CalendarItem, sent: CalendarItem, person: Person): CalendarItem | null {
  const organizer = organizerAddress(known);
  if (organizer === null || !person.addresses.has(organizer)) return null;
  let current = known;
  let changed = false;
  for (const event of [...(sent.main === null ? [] : [sent.main]), ...sent.overrides]) {
    const [attendee] = attendeesOf(event.component);
    if (attendee === undefined) continue;
    const target = counterpart(current, event) ?? (event.recurrenceId === null ? null : ownOverride(current, event));
    if (target === null) continue;
    const asked = attendeeAmong(target.component, new Set([attendee.address]));
    const stamp = textOf(event.component, 'dtstamp') ?? '';
    const before = answeredAt(target, attendee.address);
    if (asked === null || before > stamp || (before === stamp && asked.status === attendee.status)) continue;
    if (sequenceOf(event) < sequenceOf(target)) continue;
    const component = withAttendee(target.component, attendee.address, {
      partstat: attendee.status,
      rsvp: null,
      [ANSWERED_AT]: stamp,
      'schedule-status': '2.0',
    });
    current = withEvent(current, { ...target, component }, sent);
    changed = true;
  }
  return changed ? current : null;
}

/** When an attendee's last answer was written: an older one that comes late counts no more. */
const ANSWERED_AT = 'x-penfold-answered';

function answeredAt(event: EventFacts, address: string): string {
  for (const each of event.component.properties) {
    const [value] = each.values;
    if (each.name !== 'attendee' || typeof value !== 'string') continue;
    if (value.toLowerCase() !== `mailto:${address}`) continue;
    const at = each.parameters.get(ANSWERED_AT);
    return typeof at === 'string' ? at : '';
  }
  return '';
}

/** An occurrence that did not differ until somebody answered for it alone. */
function ownOverride(item: CalendarItem, answer: EventFacts): EventFacts | null {
  if (item.main === null || answer.recurrenceId === null) return null;
  const id = propertyOf(answer.component, 'recurrence-id');
  return id === null ? null : overrideFor(item.main, id.parameters.get('tzid'), id.type, answer);
}

function overrideFor(
  main: EventFacts,
  tzid: string | readonly string[] | undefined,
  type: string,
  answer: EventFacts,
): EventFacts {
  const id = propertyOf(answer.component, 'recurrence-id');
  const start = property('dtstart', type, id?.values ?? [], typeof tzid === 'string' ? { tzid } : {});
  const component = replaced(
    main.component,
    ['rrule', 'rdate', 'exdate', 'dtstart', 'dtend', 'duration'],
    [start, ...(id === null ? [] : [id]), ...lengthProperties(main)],
  );
  return { ...main, component, recurrenceId: answer.recurrenceId, rules: [], dates: [], exceptions: [] };
}

const lengthProperties = ({ span, start }: EventFacts) => [
  property('duration', 'duration', [start.isDate ? `P${span.days}D` : `PT${span.days * 86_400 + span.seconds}S`]),
];

const sequenceOf = ({ component }: EventFacts): number => numberOf(component, 'sequence');
const stampOf = ({ component }: EventFacts): number => readWall(textOf(component, 'dtstamp') ?? '')?.wall ?? 0;
const isCancelled = ({ component }: EventFacts): boolean => textOf(component, 'status')?.toUpperCase() === 'CANCELLED';

/** RFC 5546 §2.1.5. */
const isNewer = (one: EventFacts, other: EventFacts): boolean =>
  sequenceOf(one) > sequenceOf(other) || (sequenceOf(one) === sequenceOf(other) && stampOf(one) > stampOf(other));
const isOlder = (one: EventFacts, other: EventFacts): boolean =>
  sequenceOf(one) < sequenceOf(other) || (sequenceOf(one) === sequenceOf(other) && stampOf(one) < stampOf(other));

function counterpart(item: CalendarItem, event: EventFacts): EventFacts | null {
  if (event.recurrenceId === null) return item.main;
  const like = item.main?.start ?? null;
  const id = recurrenceWall(event, like);
  return item.overrides.find((one) => recurrenceWall(one, like) === id) ?? null;
}

/** An update that does not ask anew leaves the answer that was given (RFC 5546 §3.2.2.1). */
function keepingAnswer(event: EventFacts, old: EventFacts | null, person: Person): EventFacts {
  if (old === null || sequenceOf(event) !== sequenceOf(old)) return event;
  const before = attendeeAmong(old.component, person.addresses);
  const now = attendeeAmong(event.component, person.addresses);
  if (before === null || now === null || now.status !== 'NEEDS-ACTION') return event;
  return { ...event, component: withAttendee(event.component, now.address, { partstat: before.status }) };
}

const marked = (event: EventFacts, by: EventFacts): EventFacts => ({
  ...event,
  component: replaced(
    event.component,
    ['status', 'sequence', 'dtstamp'],
    [
      property('status', 'text', ['CANCELLED']),
      ...['sequence', 'dtstamp'].map((name) => propertyOf(by.component, name)).filter((each) => each !== null),
    ],
  ),
});

/** The item with one of its events replaced or added; zones of the message that it lacks come along. */
export function withEvent(item: CalendarItem, event: EventFacts, from: CalendarItem): CalendarItem {
  const old = counterpart(item, event);
  // A series that was called anew forgets what differed before (RFC 5546 §3.2.2.1).
  const isKept = (one: EventFacts): boolean =>
    one !== old && (event.recurrenceId !== null || one.recurrenceId === null || sequenceOf(one) >= sequenceOf(event));
  const events = [item.main, ...item.overrides].filter((one) => one !== null).filter(isKept);
  const all = event.recurrenceId === null ? [event, ...events] : [...events, event];
  return withEvents(
    item,
    all.slice(0, OVERRIDES + 1).map(({ component }) => component),
    from.calendar,
  );
}

/** The item with these events, read anew. */
export function withEvents(item: CalendarItem, events: readonly Component[], zonesFrom: Component): CalendarItem {
  const kept = item.calendar.components.filter(({ name }) => name === 'vtimezone');
  const known = new Set(kept.map((zone) => textOf(zone, 'tzid')));
  const added = componentsOf(zonesFrom, 'vtimezone').filter((zone) => !known.has(textOf(zone, 'tzid')));
  const calendar = { ...item.calendar, components: [...kept, ...added, ...events] };
  return itemOf(calendar, item) ?? item;
}

const named = (item: CalendarItem, by: CalendarItem): CalendarItem => ({
  ...item,
  aliases: [...new Set([...item.aliases, ...by.aliases])],
});
