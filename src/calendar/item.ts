/**
 * A calendar item: all events of one UID – the series or single event, and the occurrences that differ from it – with
 * the facts that time is worked out from (RFC 5545 §3.6.1, §3.8). Pure.
 */
import {
  type Component,
  componentsOf,
  membersOf,
  parameterOf,
  propertiesOf,
  type Property,
  propertyOf,
  textOf,
} from './jcal-model.ts';
import { type RecurrenceRule, ruleOfJCal } from './recurrence-rule.ts';
import { zoneOfComponent, zonesOf } from './vtimezone.ts';
import { DAY, readDuration, readWall, type Span } from './wall-time.ts';
import { momentOf, UTC, wallOf, type Zone, zoneNamed } from './zones.ts';

/** Occurrences of one series that differ from it, and dates named one by one. */
export const OVERRIDES = 500;
const DATES = 2000;
const RULES = 4;

export interface EventTime {
  readonly wall: number;
  readonly isDate: boolean;
  /** Null: floating, the same wall time wherever the reader is. */
  readonly zone: Zone | null;
}

export interface EventFacts {
  readonly component: Component;
  readonly start: EventTime;
  readonly span: Span;
  readonly recurrenceId: EventTime | null;
  readonly rules: readonly RecurrenceRule[];
  /** RDATE and EXDATE as wall time of `start`; a date alone stands for its whole day. */
  readonly dates: readonly EventTime[];
  readonly exceptions: readonly EventTime[];
}

export interface CalendarItem {
  /** The name in links (message/render/icalendar.ts calendarItemId). */
  readonly id: string;
  /** Names that messages about single occurrences have in links. */
  readonly aliases: readonly string[];
  readonly uid: string;
  /** VCALENDAR with these events and the zones they name. */
  readonly calendar: Component;
  /** Null: only single occurrences of a series are known here (RFC 5546 §3.2.2.7). */
  readonly main: EventFacts | null;
  readonly overrides: readonly EventFacts[];
}

/** Null: no event in it has a readable start. */
export function itemOf(
  calendar: Component,
  names: { readonly id: string; readonly aliases: readonly string[]; readonly uid: string },
): CalendarItem | null {
  const zones = new CalendarZones(calendar);
  const events = componentsOf(calendar, 'vevent')
    .slice(0, OVERRIDES + 1)
    .map((event) => factsOf(event, zones))
    .filter((event) => event !== null);
  if (events.length === 0) return null;
  return {
    ...names,
    calendar,
    main: events.find((event) => event.recurrenceId === null) ?? null,
    overrides: events.filter((event) => event.recurrenceId !== null),
  };
}

/** What stands for the item when it is spoken of as a whole. */
export function leadOf(item: CalendarItem): EventFacts {
  const lead = item.main ?? item.overrides[0];
  if (lead === undefined) throw new Error('an item without events');
  return lead;
}

export const isRecurring = ({ rules, dates }: EventFacts): boolean => rules.length > 0 || dates.length > 0;

/** Zones by the TZIDs of one calendar. */
class CalendarZones {
  readonly #components: ReadonlyMap<string, Component>;
  readonly #known = new Map<string, Zone | null>();

  constructor(calendar: Component) {
    this.#components = zonesOf(calendar);
  }

  named(tzid: string): Zone | null {
    const known = this.#known.get(tzid);
    if (known !== undefined) return known;
    const component = this.#components.get(tzid);
    const location = component === undefined ? null : textOf(component, 'x-lic-location');
    const zone =
      zoneNamed(tzid) ??
      (location === null ? null : zoneNamed(location)) ??
      (component === undefined ? null : zoneOfComponent(component));
    this.#known.set(tzid, zone);
    return zone;
  }
}

function factsOf(component: Component, zones: CalendarZones): EventFacts | null {
  const start = timesOf(propertyOf(component, 'dtstart'), zones)[0];
  if (start === undefined) return null;
  const named = (name: string): EventTime[] =>
    propertiesOf(component, name)
      .flatMap((dates) => timesOf(dates, zones))
      .slice(0, DATES);
  return {
    component,
    start,
    span: spanOf(component, start, zones),
    recurrenceId: timesOf(propertyOf(component, 'recurrence-id'), zones)[0] ?? null,
    rules: propertiesOf(component, 'rrule')
      .slice(0, RULES)
      .map((rule) => ruleOfJCal(membersOf(rule) ?? new Map(), (text) => untilOf(text, start)))
      .filter((rule) => rule !== null),
    dates: named('rdate'),
    exceptions: named('exdate'),
  };
}

function timesOf(property: Property | null, zones: CalendarZones): EventTime[] {
  if (property === null) return [];
  const tzid = parameterOf(property, 'tzid');
  const named = tzid === null ? null : zones.named(tzid);
  const times: EventTime[] = [];
  for (const value of property.values.slice(0, DATES)) {
    // A period (RDATE) begins with its start.
    const text = Array.isArray(value) ? value[0] : value;
    const time = typeof text === 'string' ? readWall(text) : null;
    if (time === null) continue;
    times.push({ wall: time.wall, isDate: time.isDate, zone: time.isDate ? null : time.isUtc ? UTC : named });
  }
  return times;
}

/** UNTIL is a moment when the event has a zone (RFC 5545 §3.3.10); programs write all the other forms as well. */
function untilOf(text: string, start: EventTime): number | null {
  const until = readWall(text);
  if (until === null) return null;
  if (until.isDate) return until.wall + DAY - 1;
  if (!until.isUtc || start.zone === null) return until.wall;
  return wallOf(start.zone, until.wall);
}

function spanOf(component: Component, start: EventTime, zones: CalendarZones): Span {
  const end = timesOf(propertyOf(component, 'dtend'), zones)[0];
  if (end !== undefined) {
    if (start.isDate) return { days: Math.max(1, Math.round((end.wall - start.wall) / DAY)), seconds: 0 };
    const zone = start.zone ?? end.zone ?? UTC;
    const seconds = momentOf(end.zone ?? zone, end.wall) - momentOf(zone, start.wall);
    return { days: 0, seconds: Math.max(0, seconds) };
  }
  const duration = readDuration(textOf(component, 'duration') ?? '');
  if (duration !== null && duration.days >= 0 && duration.seconds >= 0)
    return start.isDate
      ? { days: Math.max(1, duration.days + Math.ceil(duration.seconds / DAY)), seconds: 0 }
      : duration;
  return { days: start.isDate ? 1 : 0, seconds: 0 };
}

/** `time` as the wall time of another one's zone. */
export function wallLike(time: EventTime, like: EventTime): number {
  if (time.isDate || like.isDate || time.zone === null || like.zone === null || time.zone === like.zone)
    return time.wall;
  return wallOf(like.zone, momentOf(time.zone, time.wall));
}
