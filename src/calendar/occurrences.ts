/**
 * When an item takes place within a window of time: its series expanded (RFC 5545 §3.8.5), dates added and taken out,
 * occurrences that differ in the place of the ones they replace. Bounded by one budget an item. Pure.
 */
import { type CalendarItem, type EventFacts, type EventTime, isRecurring, wallLike } from './item.ts';
import { type Budget, EXPANSION_BUDGET, startsOf } from './recurrence.ts';
import { DAY, dayOf, HOUR, readWall, type Span, wallText } from './wall-time.ts';
import { momentOf, UTC, wallOf, type Zone } from './zones.ts';

/** Of one item in one window; an item that has more shows the first ones. */
export const OCCURRENCES = 1000;
/** End of what never ends: the last second of year 9999. */
export const ENDLESS = 253_402_300_799;
/** Between the first and the last place on Earth to have a wall time. */
const WIDEST_OFFSET = 14 * 3600;

export interface Occurrence {
  /** Start that the series gives it, wall time of the series; null: the item is a single event. */
  readonly recurrenceId: number | null;
  /** The one that differs, else the series. */
  readonly event: EventFacts;
  readonly start: EventTime;
  /** Seconds since 1970; a floating time is that of the reader's zone. */
  readonly begins: number;
  readonly ends: number;
}

export interface Window {
  /** Moments; what ends at `from` or begins at `before` is outside. */
  readonly from: number;
  readonly before: number;
}

/** Ascending by their begin. `zone`: the reader's. */
export function occurrencesOf(item: CalendarItem, window: Window, zone: Zone): readonly Occurrence[] {
  const { main } = item;
  const budget: Budget = { left: EXPANSION_BUDGET };
  const found: Occurrence[] = [];
  const like = main?.start ?? null;
  const replaced = new Set<number>();
  for (const override of item.overrides) {
    const id = recurrenceWall(override, like);
    replaced.add(id);
    const one = occurrence(override, override.start, id, zone);
    if (isWithin(one, window)) found.push(one);
  }
  if (main !== null)
    for (const wall of startsWithin(main, window, zone, budget)) {
      if (replaced.has(wall)) continue;
      found.push(occurrence(main, { ...main.start, wall }, isRecurring(main) ? wall : null, zone));
      if (found.length >= OCCURRENCES) break;
    }
  return found.toSorted((a, b) => a.begins - b.begins || a.ends - b.ends);
}

/** One occurrence by its recurrence id; null: there is none. */
export function occurrenceAt(item: CalendarItem, recurrenceId: number, zone: Zone): Occurrence | null {
  const { main } = item;
  const override = item.overrides.find((one) => recurrenceWall(one, main?.start ?? null) === recurrenceId);
  if (override !== undefined) return occurrence(override, override.start, recurrenceId, zone);
  if (main === null || !isRecurring(main)) return null;
  const window = { from: recurrenceId, before: recurrenceId + 1 };
  for (const wall of wallStarts(main, window, { left: EXPANSION_BUDGET }, () => true))
    if (wall === recurrenceId) return occurrence(main, { ...main.start, wall }, wall, zone);
  return null;
}

/** The item as a whole: its series, or its single event. */
export function wholeOf(item: CalendarItem, zone: Zone): Occurrence | null {
  const event = item.main ?? item.overrides[0];
  return event === undefined ? null : occurrence(event, event.start, null, zone);
}

export const recurrenceWall = (override: EventFacts, like: EventTime | null): number =>
  override.recurrenceId === null
    ? override.start.wall
    : like === null
      ? override.recurrenceId.wall
      : wallLike(override.recurrenceId, like);

/** From the first begin to the last end, whatever the reader's zone: what the store is asked by. */
export function extentOf(item: CalendarItem): Window {
  let from = ENDLESS;
  let before = 0;
  for (const event of [...(item.main === null ? [] : [item.main]), ...item.overrides]) {
    const slack = event.start.zone === null ? WIDEST_OFFSET : 0;
    const first = momentOf(event.start.zone ?? UTC, event.start.wall) - slack;
    from = Math.min(from, first, ...event.dates.map(({ wall }) => wall - WIDEST_OFFSET));
    before = Math.max(before, lastStart(event) + lengthOf(event.span) + slack);
  }
  return { from: Math.max(0, from), before: Math.min(ENDLESS, Math.max(before, from)) };
}

const lengthOf = ({ days, seconds }: Span): number => days * DAY + seconds;

/** Moment of the last start, or something later. */
function lastStart(event: EventFacts): number {
  let last = momentOf(event.start.zone ?? UTC, event.start.wall);
  for (const { wall } of event.dates) last = Math.max(last, wall + WIDEST_OFFSET);
  for (const rule of event.rules) {
    if (rule.until !== null) last = Math.max(last, rule.until + WIDEST_OFFSET);
    else if (rule.count === null) return ENDLESS;
    else {
      const budget = { left: EXPANSION_BUDGET };
      let end = event.start.wall;
      for (const wall of startsOf(rule, event.start.wall, { from: 0, before: ENDLESS }, budget)) end = wall;
      if (budget.left <= 0) return ENDLESS;
      last = Math.max(last, end + WIDEST_OFFSET);
    }
  }
  return last;
}

function occurrence(event: EventFacts, start: EventTime, recurrenceId: number | null, reader: Zone): Occurrence {
  const zone = start.zone ?? reader;
  const begins = momentOf(zone, start.wall);
  const { days, seconds } = event.span;
  const ends = (days === 0 ? begins : momentOf(zone, start.wall + days * DAY)) + seconds;
  return { recurrenceId, event, start, begins, ends };
}

/** What takes no time at all is where it begins. */
const isWithin = ({ begins, ends }: Occurrence, { from, before }: Window): boolean =>
  begins < before && (ends > from || (begins === ends && begins >= from));

function startsWithin(event: EventFacts, window: Window, reader: Zone, budget: Budget): readonly number[] {
  const zone = event.start.zone ?? reader;
  // What began before the window may reach into it, and clocks are moved.
  const from = wallOf(zone, window.from) - lengthOf(event.span) - CLOCK_CHANGE;
  const before = wallOf(zone, window.before) + CLOCK_CHANGE;
  const isMeant = (wall: number): boolean =>
    isWithin(occurrence(event, { ...event.start, wall }, null, reader), window);
  return wallStarts(event, { from, before }, budget, isMeant);
}
const CLOCK_CHANGE = 3 * HOUR;

/** Starts of a series in wall time, without those taken out. */
function wallStarts(
  event: EventFacts,
  window: Window,
  budget: Budget,
  isMeant: (wall: number) => boolean,
): readonly number[] {
  const { start, rules, dates, exceptions } = event;
  const walls = new Set<number>();
  const add = (wall: number): void => {
    if (wall >= window.from && wall < window.before && isMeant(wall)) walls.add(wall);
  };
  add(start.wall);
  for (const date of dates) add(wallLike(date, start));
  for (const rule of rules) {
    let left = OCCURRENCES;
    for (const wall of startsOf(rule, start.wall, window, budget)) {
      if (!isMeant(wall)) continue;
      walls.add(wall);
      left -= 1;
      if (left === 0) break;
    }
  }
  for (const exception of exceptions) {
    if (!exception.isDate || start.isDate) walls.delete(wallLike(exception, start));
    // A date takes out whatever is on that day.
    else for (const wall of walls) if (dayOf(wall) === dayOf(exception.wall)) walls.delete(wall);
  }
  return [...walls].toSorted((a, b) => a - b);
}

/** `20261123T140000`: how an occurrence is named behind the id of its item. */
export const occurrenceName = (recurrenceId: number): string => wallText(recurrenceId).replaceAll(/[-:]/g, '');

export function readOccurrenceName(text: string): number | null {
  const found = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)$/.exec(text);
  if (found === null) return null;
  const [, year, month, day, hour, minute, second] = found;
  return readWall(`${year}-${month}-${day}T${hour}:${minute}:${second}`)?.wall ?? null;
}
