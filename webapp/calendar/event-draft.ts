/** What stands in the form of an event, out of an event and back into the properties of JSCalendar. Pure. */
import { addDays, type Clock, clockOf, type Day, durationText, minutesBetween, minutesOf, timeText } from './days.ts';
import { type CalendarEvent, locationOf, peopleOf } from './methods.ts';

export const REPEATS = ['never', 'daily', 'weekdays', 'weekly', 'monthly', 'yearly'] as const;
export type Repeats = (typeof REPEATS)[number] | 'custom';

export interface EventDraft {
  readonly title: string;
  readonly isAllDay: boolean;
  readonly startDay: Day;
  readonly startTime: string;
  /** The last day, for whole days too. */
  readonly endDay: Day;
  readonly endTime: string;
  readonly zone: string;
  readonly repeats: Repeats;
  /** Empty: without end. */
  readonly until: Day;
  readonly place: string;
  /** Addresses, separated by commas. */
  readonly people: string;
  readonly notes: string;
  readonly isFree: boolean;
}

/** Minutes null: the whole day. */
export function newDraft(zone: string, day: Day, from: number | null, to: number | null): EventDraft {
  const start = from ?? 9 * 60;
  const end: Clock =
    to !== null && to >= 1440 ? { day: addDays(day, 1), minutes: 0 } : { day, minutes: to ?? start + 60 };
  return {
    title: '',
    isAllDay: from === null,
    startDay: day,
    startTime: timeText(start),
    endDay: end.day,
    endTime: timeText(Math.min(end.minutes, 1439)),
    zone,
    repeats: 'never',
    until: '',
    place: '',
    people: '',
    notes: '',
    isFree: false,
  };
}

export function draftOfEvent(event: CalendarEvent | null, zone: string): EventDraft {
  if (event === null) return newDraft(zone, clockOf(new Date().toISOString(), zone).day, 9 * 60, 10 * 60);
  // In the event's own zone, so that a series keeps its hour there.
  const own = event.timeZone === null || event.timeZone.startsWith('/') ? zone : event.timeZone;
  const start: Clock = { day: event.start.slice(0, 10), minutes: minutesOf(event.start.slice(11, 16)) ?? 0 };
  const end = clockOf(event.utcEnd, event.showWithoutTime ? zone : own);
  const { repeats, until } = repeatsOf(event);
  return {
    title: event.title,
    isAllDay: event.showWithoutTime,
    startDay: start.day,
    startTime: timeText(event.showWithoutTime ? 9 * 60 : start.minutes),
    endDay: event.showWithoutTime ? addDays(end.day, -1) : end.day,
    endTime: timeText(event.showWithoutTime ? 10 * 60 : end.minutes),
    zone: own,
    repeats,
    until,
    place: locationOf(event),
    people: peopleOf(event)
      .filter(({ roles }) => roles['owner'] !== true)
      .map(({ email }) => email)
      .join(', '),
    notes: event.description,
    isFree: event.freeBusyStatus === 'free',
  };
}

const WEEKDAYS = ['mo', 'tu', 'we', 'th', 'fr'] as const;

function repeatsOf({ recurrenceRules }: CalendarEvent): { readonly repeats: Repeats; readonly until: Day } {
  const [rule, ...others] = recurrenceRules ?? [];
  if (rule === undefined) return { repeats: 'never', until: '' };
  const { frequency, until, '@type': _, byDay, ...rest } = rule;
  const day = typeof until === 'string' ? until.slice(0, 10) : '';
  const days = Array.isArray(byDay)
    ? byDay.map((one: unknown) => (typeof one === 'object' && one !== null ? Reflect.get(one, 'day') : null))
    : [];
  if (others.length > 0 || Object.keys(rest).length > 0) return { repeats: 'custom', until: day };
  if (frequency === 'weekly' && days.join() === WEEKDAYS.join()) return { repeats: 'weekdays', until: day };
  const plain = REPEATS.find((one) => one === frequency);
  return plain === undefined || byDay !== undefined
    ? { repeats: 'custom', until: day }
    : { repeats: plain, until: day };
}

function addressesOf(people: string): readonly string[] {
  return people
    .split(/[,;\s]+/)
    .map((one) => one.trim())
    .filter(Boolean);
}

/** Null: it can be saved. */
export function problemOf(draft: EventDraft): 'order' | 'people' | null {
  const start: Clock = { day: draft.startDay, minutes: draft.isAllDay ? 0 : (minutesOf(draft.startTime) ?? -1) };
  const end: Clock = { day: draft.endDay, minutes: draft.isAllDay ? 0 : (minutesOf(draft.endTime) ?? -1) };
  const isDay = /^\d{4}-\d\d-\d\d$/;
  if (!isDay.test(draft.startDay) || !isDay.test(draft.endDay) || start.minutes < 0 || end.minutes < 0) return 'order';
  if (minutesBetween(start, end) < 0) return 'order';
  return addressesOf(draft.people).every((one) => /^[^@]+@[^@]+$/.test(one)) ? null : 'people';
}

/** Properties as CalendarEvent/set takes them. */
export function eventOfDraft(
  draft: EventDraft,
  event: CalendarEvent | null,
  isOccurrence: boolean,
): Readonly<Record<string, unknown>> {
  const { isAllDay, startDay, endDay } = draft;
  const start: Clock = { day: startDay, minutes: isAllDay ? 0 : (minutesOf(draft.startTime) ?? 0) };
  const end: Clock = isAllDay
    ? { day: addDays(endDay, 1), minutes: 0 }
    : { day: endDay, minutes: minutesOf(draft.endTime) ?? 0 };
  const known = new Map(event === null ? [] : peopleOf(event).map((one) => [one.email.toLowerCase(), one]));
  const people = addressesOf(draft.people).map((email, at) => {
    const person = known.get(email.toLowerCase());
    return [`p${at}`, { email, name: person?.name ?? '', roles: { ...person?.roles, attendee: true } }] as const;
  });
  return {
    title: draft.title.trim(),
    description: draft.notes,
    start: `${start.day}T${timeText(start.minutes)}:00`,
    timeZone: isAllDay ? null : event?.timeZone?.startsWith('/') === true ? event.timeZone : draft.zone,
    duration: durationText(minutesBetween(start, end), isAllDay),
    showWithoutTime: isAllDay,
    freeBusyStatus: draft.isFree ? 'free' : 'busy',
    locations: draft.place.trim() === '' ? null : { '1': { '@type': 'Location', name: draft.place.trim() } },
    participants: people.length === 0 ? null : Object.fromEntries(people),
    ...(isOccurrence || draft.repeats === 'custom' ? {} : { recurrenceRules: rulesOf(draft) }),
  };
}

function rulesOf({ repeats, until }: EventDraft): readonly object[] | null {
  if (repeats === 'never' || repeats === 'custom') return null;
  const frequency = repeats === 'weekdays' ? 'weekly' : repeats;
  return [
    {
      '@type': 'RecurrenceRule',
      frequency,
      ...(repeats === 'weekdays' ? { byDay: WEEKDAYS.map((day) => ({ '@type': 'NDay', day })) } : {}),
      ...(until === '' ? {} : { until: `${until}T23:59:59` }),
    },
  ];
}
