/** ORGANIZER and ATTENDEE (RFC 5545 §3.8.4): who calls, who is asked, what he answered. Pure. */
import {
  type Component,
  parameterOf,
  propertiesOf,
  type Property,
  property,
  propertyOf,
  replaced,
} from './jcal-model.ts';

/** Of one event; a message about more is no invitation of people. */
export const ATTENDEES = 2000;

/** RFC 5545 §3.2.12. */
export const ANSWERS = ['ACCEPTED', 'TENTATIVE', 'DECLINED'] as const;
export type Answer = (typeof ANSWERS)[number];

export interface Attendee {
  /** Without `mailto:`, lower case; empty: no mail address. */
  readonly address: string;
  readonly name: string | null;
  /** PARTSTAT, upper case. */
  readonly status: string;
  readonly role: string;
  readonly type: string;
  readonly expectsReply: boolean;
  readonly sentBy: string | null;
  /** SCHEDULE-STATUS (RFC 6638 §7.3): how the message to him went. */
  readonly scheduleStatus: string | null;
}

/** RFC 6068, without what may follow the address. */
export function mailAddressOf(uri: string): string {
  const found = /^mailto:([^?]+)/i.exec(uri.trim());
  if (found?.[1] === undefined) return /^[^\s:<>]+@[^\s:<>]+$/.test(uri.trim()) ? uri.trim().toLowerCase() : '';
  try {
    return decodeURIComponent(found[1]).trim().toLowerCase();
  } catch {
    return found[1].trim().toLowerCase();
  }
}

function personOf(property: Property): Attendee {
  const [value] = property.values;
  const upper = (name: string, missing: string): string => (parameterOf(property, name) ?? missing).toUpperCase();
  const sentBy = parameterOf(property, 'sent-by');
  return {
    address: typeof value === 'string' ? mailAddressOf(value) : '',
    name: parameterOf(property, 'cn'),
    status: upper('partstat', 'NEEDS-ACTION'),
    role: upper('role', 'REQ-PARTICIPANT'),
    type: upper('cutype', 'INDIVIDUAL'),
    expectsReply: upper('rsvp', 'FALSE') === 'TRUE',
    sentBy: sentBy === null ? null : mailAddressOf(sentBy),
    scheduleStatus: parameterOf(property, 'schedule-status'),
  };
}

export function organizerOf(event: Component): Attendee | null {
  const organizer = propertyOf(event, 'organizer');
  return organizer === null ? null : personOf(organizer);
}

export const attendeesOf = (event: Component): readonly Attendee[] =>
  propertiesOf(event, 'attendee').slice(0, ATTENDEES).map(personOf);

export const attendeeAmong = (event: Component, addresses: ReadonlySet<string>): Attendee | null =>
  attendeesOf(event).find(({ address }) => addresses.has(address)) ?? null;

export function attendeeProperty(one: {
  readonly address: string;
  readonly name: string | null;
  readonly status?: string;
  readonly role?: string;
  readonly expectsReply?: boolean;
}): Property {
  return property('attendee', 'cal-address', [`mailto:${one.address}`], {
    cn: one.name,
    role: one.role ?? null,
    partstat: one.status ?? null,
    rsvp: one.expectsReply === true ? 'TRUE' : null,
  });
}

/** The event with other parameters at one attendee; unchanged when he is none. */
export function withAttendee(
  event: Component,
  address: string,
  parameters: Readonly<Record<string, string | null>>,
): Component {
  return {
    ...event,
    properties: event.properties.map((each) => {
      if (each.name !== 'attendee' || personOf(each).address !== address) return each;
      const changed = new Map(each.parameters);
      for (const [name, value] of Object.entries(parameters)) {
        if (value === null) changed.delete(name);
        else changed.set(name, value);
      }
      return { ...each, parameters: changed };
    }),
  };
}

/** The event with the answer of one who is asked; he is added when he is not among the attendees (asked by a list). */
export function withAnswer(
  event: Component,
  person: { address: string; name: string | null },
  answer: Answer,
): Component {
  if (attendeeAmong(event, new Set([person.address])) === null)
    return replaced(event, [], [attendeeProperty({ ...person, status: answer })]);
  return withAttendee(event, person.address, { partstat: answer, rsvp: null });
}
