/**
 * An event as a person writes it, into iCalendar: what it says replaces those properties of the event it is made of,
 * everything else of that stays. Pure.
 */
import { attendeeProperty, attendeesOf } from './attendees.ts';
import { type Component, property, type Property, propertiesOf, replaced, textOf, wholeOf } from './jcal-model.ts';
import { jcalOfRule, type RecurrenceRule } from './recurrence-rule.ts';
import { componentOfZone } from './vtimezone.ts';
import { dateText, durationText, type Span, wallText } from './wall-time.ts';
import { momentOf, UTC, type Zone } from './zones.ts';
import { stampProperty } from './imip-mail.ts';

export interface DraftTime {
  readonly wall: number;
  readonly isDate: boolean;
  /** Null: floating, or a date. */
  readonly zone: Zone | null;
}

export interface DraftParticipant {
  readonly address: string;
  readonly name: string | null;
  readonly role: 'REQ-PARTICIPANT' | 'OPT-PARTICIPANT' | 'NON-PARTICIPANT' | 'CHAIR';
}

export interface EventDraft {
  readonly title: string;
  readonly description: string;
  readonly location: string;
  readonly start: DraftTime;
  readonly span: Span;
  readonly status: 'CONFIRMED' | 'TENTATIVE' | 'CANCELLED';
  readonly isFree: boolean;
  readonly privacy: 'PUBLIC' | 'PRIVATE' | 'CONFIDENTIAL';
  readonly rules: readonly RecurrenceRule[];
  readonly participants: readonly DraftParticipant[];
  readonly alerts: ReadonlyArray<{ readonly offset: Span; readonly relativeToEnd: boolean }>;
}

export interface DraftContext {
  readonly uid: string;
  readonly organizer: { readonly address: string; readonly name: string | null };
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Of a series: the occurrence that this is. */
  readonly recurrenceId: DraftTime | null;
  /** Those asked are asked anew. */
  readonly asksAgain: boolean;
}

const WRITTEN = [
  'uid',
  'summary',
  'description',
  'location',
  'dtstart',
  'dtend',
  'duration',
  'status',
  'transp',
  'class',
  'rrule',
  'recurrence-id',
  'organizer',
  'attendee',
  'dtstamp',
  'last-modified',
  'created',
  'sequence',
];

export function componentOfDraft(draft: EventDraft, base: Component | null, context: DraftContext): Component {
  const { start } = draft;
  const stamp = stampProperty(context.at);
  const isAsked = draft.participants.length > 0;
  const text = (name: string, value: string): Property[] => (value === '' ? [] : [property(name, 'text', [value])]);
  const event = replaced(base ?? { name: 'vevent', properties: [], components: [] }, WRITTEN, [
    property('uid', 'text', [context.uid]),
    stamp,
    { ...stamp, name: 'last-modified' },
    ...(base === null ? [{ ...stamp, name: 'created' }] : propertiesOf(base, 'created')),
    property('sequence', 'integer', [
      base === null ? 0 : wholeOf(base, 'sequence') + (isAsked && context.asksAgain ? 1 : 0),
    ]),
    ...(context.recurrenceId === null ? [] : [timeProperty('recurrence-id', context.recurrenceId)]),
    timeProperty('dtstart', start),
    property('duration', 'duration', [durationText(draft.span)]),
    ...text('summary', draft.title),
    ...text('description', draft.description),
    ...text('location', draft.location),
    property('status', 'text', [draft.status]),
    transparency(draft.isFree),
    ...(draft.privacy === 'PUBLIC' ? [] : text('class', draft.privacy)),
    ...draft.rules.map((rule) => property('rrule', 'recur', [jcalOfRule(rule, (wall) => untilText(wall, start))])),
    ...(isAsked
      ? [
          property('organizer', 'cal-address', [`mailto:${context.organizer.address}`], {
            cn: context.organizer.name,
          }),
          ...attendeesWith(draft, base, context.asksAgain),
        ]
      : []),
  ]);
  return withAlerts(event, draft.alerts);
}

export function withAlerts(event: Component, alerts: EventDraft['alerts']): Component {
  const others = event.components.filter(({ name }) => name !== 'valarm');
  const title = textOf(event, 'summary') ?? '';
  return { ...event, components: [...others, ...alerts.map((alert) => alarm(alert, title))] };
}

export const transparency = (isFree: boolean): Property =>
  property('transp', 'text', [isFree ? 'TRANSPARENT' : 'OPAQUE']);

/** Who was asked before keeps his parameters, and his answer as long as nothing is asked anew. */
function attendeesWith(draft: EventDraft, base: Component | null, asksAgain: boolean): readonly Property[] {
  const before = base === null ? [] : propertiesOf(base, 'attendee');
  const addresses = base === null ? [] : attendeesOf(base).map(({ address }) => address);
  return draft.participants.map((one) => {
    const known = before[addresses.indexOf(one.address)];
    if (known === undefined)
      return attendeeProperty({ ...one, status: 'NEEDS-ACTION', expectsReply: one.role !== 'NON-PARTICIPANT' });
    const parameters = new Map(known.parameters);
    parameters.set('role', one.role);
    if (asksAgain) parameters.set('partstat', 'NEEDS-ACTION').set('rsvp', 'TRUE');
    return { ...known, parameters };
  });
}

function alarm({ offset, relativeToEnd }: EventDraft['alerts'][number], title: string): Component {
  return {
    name: 'valarm',
    properties: [
      property('action', 'text', ['DISPLAY']),
      property('description', 'text', [title === '' ? 'Reminder' : title]),
      property('trigger', 'duration', [durationText(offset)], { related: relativeToEnd ? 'END' : null }),
    ],
    components: [],
  };
}

/** RFC 5545 §3.3.10: UNTIL is a date for dates, UTC for times in a zone, wall time for floating ones. */
function untilText(wall: number, { isDate, zone }: DraftTime): string {
  if (isDate) return dateText(wall);
  return zone === null ? wallText(wall) : `${wallText(momentOf(zone, wall))}Z`;
}

/** TZID of a zone; one that only its calendar knows has a slash in front here. */
const tzidOf = (zone: Zone): string => zone.name.replace(/^\//, '');

export function timeProperty(name: string, { wall, isDate, zone }: DraftTime): Property {
  if (isDate) return property(name, 'date', [dateText(wall)]);
  if (zone === null) return property(name, 'date-time', [wallText(wall)]);
  if (zone === UTC) return property(name, 'date-time', [`${wallText(wall)}Z`]);
  return property(name, 'date-time', [wallText(wall)], { tzid: tzidOf(zone) });
}

/** The calendar with the zone of an event, if it is not there yet. */
export function withZone(calendar: Component, { wall, isDate, zone }: DraftTime): Component {
  if (isDate || zone === null || zone === UTC) return calendar;
  const tzid = tzidOf(zone);
  const isKnown = calendar.components.some((one) => one.name === 'vtimezone' && textOf(one, 'tzid') === tzid);
  if (isKnown) return calendar;
  return { ...calendar, components: [componentOfZone(zone, tzid, momentOf(zone, wall)), ...calendar.components] };
}
