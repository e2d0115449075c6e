/**
 * Scheduling messages as mail (RFC 6047): the calendar object of a request, a cancellation or an answer, and the mail
 * around it, with a text for people whose programs know no calendars. Pure.
 */
import { Buffer } from 'node:buffer';
import { addrSpec, phrase, unstructuredValue } from '../message/encode-words.ts';
import type { Answer } from './attendees.ts';
import { attendeeProperty, organizerOf } from './attendees.ts';
import type { CalendarItem, EventFacts } from './item.ts';
import { writeICalendar } from './jcal.ts';
import { type Component, componentsOf, property, type Property, propertyOf, replaced, textOf } from './jcal-model.ts';
import { isRecurring, leadOf } from './item.ts';
import { calendarWith } from './scheduling-part.ts';
import { DAY, wallText } from './wall-time.ts';

export type SchedulingMethod = 'REQUEST' | 'CANCEL' | 'REPLY';

/** Parameters and properties that are our own affair. */
const OWN_PARAMETERS = new Set(['x-penfold-answered', 'schedule-status']);
const OWN_COMPONENTS = new Set(['valarm']);

const outgoing = (event: Component): Component => ({
  ...event,
  properties: event.properties.map((one) => ({
    ...one,
    parameters: new Map([...one.parameters].filter(([name]) => !OWN_PARAMETERS.has(name))),
  })),
  components: event.components.filter(({ name }) => !OWN_COMPONENTS.has(name)),
});

export const stampProperty = (at: number): Property =>
  property('dtstamp', 'date-time', [`${wallText(Math.floor(at / 1000))}Z`]);

function objectOf(method: SchedulingMethod, events: readonly Component[], item: CalendarItem): Component {
  const calendar = calendarWith(events.map(outgoing), componentsOf(item.calendar, 'vtimezone'));
  return { ...calendar, properties: [...calendar.properties, property('method', 'text', [method])] };
}

/** The item as a whole, or the given events of it. */
export const requestOf = (item: CalendarItem, events: readonly Component[] | null): Component =>
  objectOf('REQUEST', events ?? componentsOf(item.calendar, 'vevent'), item);

/** `events`: what is called off. */
export const cancellationOf = (item: CalendarItem, events: readonly Component[], at: number): Component =>
  objectOf(
    'CANCEL',
    events.map((event) =>
      replaced(event, ['status', 'dtstamp'], [property('status', 'text', ['CANCELLED']), stampProperty(at)]),
    ),
    item,
  );

export interface AnswerFacts {
  readonly person: { readonly address: string; readonly name: string | null };
  readonly answer: Answer;
  readonly comment: string | null;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** RFC 5546 §3.2.3. `event`: the series, or the occurrence that is answered for alone. */
export function answerOf(
  item: CalendarItem,
  event: EventFacts,
  { person, answer, comment, at }: AnswerFacts,
): Component {
  const kept = ['uid', 'recurrence-id', 'sequence', 'organizer', 'dtstart', 'dtend', 'duration', 'summary', 'location'];
  const reply: Component = {
    name: 'vevent',
    properties: [
      ...kept.map((name) => propertyOf(event.component, name)).filter((one) => one !== null),
      stampProperty(at),
      attendeeProperty({ ...person, status: answer }),
      ...(comment === null || comment === '' ? [] : [property('comment', 'text', [comment])]),
    ],
    components: [],
  };
  return objectOf('REPLY', [reply], item);
}

export interface ImipMail {
  readonly from: { readonly name: string; readonly address: string };
  readonly to: ReadonlyArray<{ readonly name: string | null; readonly address: string }>;
  readonly subject: string;
  readonly text: string;
  readonly method: SchedulingMethod;
  readonly calendar: Component;
  /** Without angle brackets. */
  readonly messageId: string;
  readonly at: number;
}

/** RFC 6047 §2.4: an alternative of text and calendar, which every program shows in some way. */
export function imipMail(mail: ImipMail): Buffer {
  const boundary = `=_${mail.messageId.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 40)}`;
  const mailbox = ({ name, address }: { name: string | null; address: string }): string =>
    name === null || name === '' ? `<${spec(address)}>` : `${phrase(name)} <${spec(address)}>`;
  const lines = [
    `From: ${mailbox(mail.from)}`,
    `To: ${mail.to.map(mailbox).join(',\r\n ')}`,
    `Subject: ${unstructuredValue(mail.subject.replaceAll(/\p{Cc}+/gu, ' ').slice(0, 400))}`,
    `Date: ${new Date(mail.at).toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${mail.messageId}>`,
    ...(mail.method === 'REPLY' ? ['Auto-Submitted: auto-replied'] : []),
    'MIME-Version: 1.0',
    `Content-Type: multipart/alternative; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    '',
    base64(mail.text.replaceAll(/\r?\n/g, '\r\n')),
    `--${boundary}`,
    `Content-Type: text/calendar; charset=utf-8; method=${mail.method}; component=VEVENT`,
    'Content-Transfer-Encoding: base64',
    '',
    base64(writeICalendar(mail.calendar)),
    `--${boundary}--`,
    '',
  ];
  return Buffer.from(lines.join('\r\n'), 'utf8');
}

function spec(address: string): string {
  const at = address.lastIndexOf('@');
  return addrSpec(address.slice(0, at), address.slice(at + 1));
}

const base64 = (text: string): string =>
  Buffer.from(text, 'utf8')
    .toString('base64')
    .replaceAll(/.{76}(?=.)/g, '$&\r\n');

/** For people: what it is, when, where, who calls. */
export function describeItem(item: CalendarItem, event: EventFacts | null): string {
  const facts = event ?? leadOf(item);
  const { component, start, span } = facts;
  const zone = start.zone === null ? '' : ` (${start.zone.name.replace(/^\//, '')})`;
  const end = start.wall + span.days * DAY + span.seconds;
  const day = (wall: number): string => wallText(wall).slice(0, 10);
  const time = (wall: number): string => wallText(wall).slice(11, 16);
  const when = start.isDate
    ? span.days > 1
      ? `${day(start.wall)} – ${day(end - DAY)}`
      : day(start.wall)
    : `${day(start.wall)} ${time(start.wall)} – ${day(end) === day(start.wall) ? '' : `${day(end)} `}${time(end)}${zone}`;
  const organizer = organizerOf(component);
  const location = textOf(component, 'location');
  const lines = [
    textOf(component, 'summary') ?? '',
    `When: ${when}${facts.recurrenceId === null && isRecurring(facts) ? ', repeated' : ''}`,
    location === null || location === '' ? '' : `Where: ${location}`,
    organizer === null ? '' : `Organizer: ${organizer.name ?? organizer.address}`,
  ];
  return lines.filter((line) => line !== '').join('\n');
}
