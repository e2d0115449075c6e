/**
 * An event as clients see it: properties of JSCalendar (RFC 8984) where it has them, out of iCalendar. `utcStart`,
 * `utcEnd`, `baseEventId` and `isOrigin` are named after the draft of JMAP for calendars; `participationStatus` is the
 * reader's own answer. An invitation that is not answered is tentative. Pure.
 */
import { createHash } from 'node:crypto';
import { type Attendee, attendeesOf, organizerOf } from '../../../calendar/attendees.ts';
import type { CalendarItem, EventFacts } from '../../../calendar/item.ts';
import { isRecurring } from '../../../calendar/item.ts';
import { isOwn, type Person } from '../../../calendar/itip.ts';
import {
  type Component,
  componentsOf,
  parameterOf,
  propertiesOf,
  propertyOf,
  textOf,
  wholeOf,
} from '../../../calendar/jcal-model.ts';
import type { Occurrence } from '../../../calendar/occurrences.ts';
import { jsOfRule } from '../../../calendar/recurrence-rule.ts';
import { durationText, readDuration, wallText } from '../../../calendar/wall-time.ts';
import type { Json, JsonObject } from '../json.ts';

export const EVENT_PROPERTIES = [
  '@type',
  'id',
  'uid',
  'baseEventId',
  'recurrenceId',
  'title',
  'description',
  'start',
  'timeZone',
  'duration',
  'showWithoutTime',
  'utcStart',
  'utcEnd',
  'status',
  'freeBusyStatus',
  'privacy',
  'locations',
  'virtualLocations',
  'participants',
  'recurrenceRules',
  'isRecurring',
  'alerts',
  'isOrigin',
  'participationStatus',
  'sequence',
  'updated',
] as const;
export type EventProperty = (typeof EVENT_PROPERTIES)[number];

export interface EventSource {
  readonly id: string;
  readonly item: CalendarItem;
  readonly occurrence: Occurrence;
  readonly person: Person;
}

/** Every property; the caller picks. */
export function eventObject({ id, item, occurrence, person }: EventSource): Readonly<Record<EventProperty, Json>> {
  const { event, start, recurrenceId } = occurrence;
  const { component } = event;
  const own = isOwn(item, person);
  const asked = attendeesOf(component).find(({ address }) => person.addresses.has(address)) ?? null;
  const answer = own ? null : (asked?.status.toLowerCase() ?? 'needs-action');
  return {
    '@type': 'Event',
    id,
    uid: item.uid,
    baseEventId: recurrenceId === null ? null : item.id,
    recurrenceId: recurrenceId === null ? null : wallText(recurrenceId),
    title: textOf(component, 'summary') ?? '',
    description: textOf(component, 'description') ?? '',
    start: wallText(start.wall),
    timeZone: start.zone?.name ?? null,
    duration: durationText(event.span),
    showWithoutTime: start.isDate,
    utcStart: utcText(occurrence.begins),
    utcEnd: utcText(occurrence.ends),
    status: statusOf(component, answer),
    freeBusyStatus: textOf(component, 'transp')?.toUpperCase() === 'TRANSPARENT' ? 'free' : 'busy',
    privacy: privacyOf(component),
    locations: locationsOf(component),
    virtualLocations: virtualLocationsOf(component),
    participants: participantsOf(component),
    recurrenceRules: recurrenceId === null && event.rules.length > 0 ? event.rules.map(ruleObject) : null,
    isRecurring: recurrenceId !== null || (item.main !== null && isRecurring(item.main)),
    alerts: alertsOf(component),
    isOrigin: own,
    participationStatus: answer,
    sequence: wholeOf(component, 'sequence'),
    updated: textOf(component, 'last-modified') ?? textOf(component, 'dtstamp'),
  };
}

export const utcText = (moment: number): string => `${wallText(moment)}Z`;

function ruleObject(rule: EventFacts['rules'][number]): JsonObject {
  const { byDay, ...plain } = jsOfRule(rule);
  return { ...plain, ...(byDay === undefined ? {} : { byDay: byDay.map((day) => ({ ...day })) }) };
}

function statusOf(component: Component, answer: string | null): string {
  const status = textOf(component, 'status')?.toUpperCase();
  if (status === 'CANCELLED') return 'cancelled';
  const undecided = answer === 'needs-action' || answer === 'tentative';
  return undecided || status === 'TENTATIVE' ? 'tentative' : 'confirmed';
}

function privacyOf(component: Component): string {
  switch (textOf(component, 'class')?.toUpperCase()) {
    case 'PRIVATE':
      return 'private';
    case 'CONFIDENTIAL':
      return 'secret';
    default:
      return 'public';
  }
}

function locationsOf(component: Component): Json {
  const name = textOf(component, 'location');
  return name === null || name === '' ? null : { '1': { '@type': 'Location', name } };
}

/** RFC 7986 §5.11, and what makers wrote before it. */
function virtualLocationsOf(component: Component): Json {
  const found: Record<string, JsonObject> = {};
  const names = ['conference', 'x-microsoft-skypeteamsmeetingurl', 'x-google-conference'];
  for (const each of names.flatMap((name) => propertiesOf(component, name))) {
    const [uri] = each.values;
    if (typeof uri !== 'string' || !/^(?:https|tel):/i.test(uri)) continue;
    const name = parameterOf(each, 'label') ?? '';
    found[String(Object.keys(found).length + 1)] = { '@type': 'VirtualLocation', name, uri };
  }
  return Object.keys(found).length === 0 ? null : found;
}

const participantId = (address: string): string =>
  createHash('sha256').update(address).digest('base64url').slice(0, 12);

export function participantsOf(component: Component): Json {
  const organizer = organizerOf(component);
  const participants: Record<string, JsonObject> = {};
  for (const one of attendeesOf(component)) {
    if (one.address === '') continue;
    const isOrganizer = one.address === organizer?.address;
    participants[participantId(one.address)] = participant(one, isOrganizer, true);
  }
  if (organizer !== null && organizer.address !== '') {
    const id = participantId(organizer.address);
    participants[id] ??= participant({ ...organizer, status: 'ACCEPTED' }, true, false);
  }
  return Object.keys(participants).length === 0 ? null : participants;
}

const ROLES: Readonly<Record<string, string>> = {
  'OPT-PARTICIPANT': 'optional',
  'NON-PARTICIPANT': 'informational',
  CHAIR: 'chair',
};

function participant(one: Attendee, isOrganizer: boolean, isAttendee: boolean): JsonObject {
  const role = ROLES[one.role];
  return {
    '@type': 'Participant',
    name: one.name ?? '',
    email: one.address,
    sendTo: { imip: `mailto:${one.address}` },
    kind: one.type === 'ROOM' ? 'location' : one.type.toLowerCase(),
    roles: {
      ...(isOrganizer ? { owner: true } : {}),
      ...(isAttendee ? { attendee: true } : {}),
      ...(role === undefined ? {} : { [role]: true }),
    },
    participationStatus: one.status.toLowerCase(),
    expectReply: one.expectsReply,
    ...(one.scheduleStatus === null ? {} : { scheduleStatus: [one.scheduleStatus] }),
  };
}

function alertsOf(component: Component): Json {
  const alerts: Record<string, JsonObject> = {};
  for (const alarm of componentsOf(component, 'valarm')) {
    const trigger = propertyOf(alarm, 'trigger');
    const [value] = trigger?.values ?? [];
    const offset = typeof value === 'string' ? readDuration(value) : null;
    if (trigger === null || offset === null) continue;
    const relativeTo = parameterOf(trigger, 'related')?.toUpperCase() === 'END' ? 'end' : 'start';
    alerts[String(Object.keys(alerts).length + 1)] = {
      '@type': 'Alert',
      trigger: { '@type': 'OffsetTrigger', offset: durationText(offset), relativeTo },
      action: 'display',
    };
  }
  return Object.keys(alerts).length === 0 ? null : alerts;
}
