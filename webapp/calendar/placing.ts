/** Where events stand: which days they touch, and side by side when they overlap. Pure. */
import { addDays, type Clock, clockOf, type Day, daysBetween } from './days.ts';
import type { CalendarEvent } from './methods.ts';

export interface Placed {
  readonly event: CalendarEvent;
  readonly begins: Clock;
  readonly ends: Clock;
  /** First and last day it is shown on. */
  readonly first: Day;
  readonly last: Day;
  /** In the row above the hours: whole days, and what lasts a day or longer. */
  readonly isLong: boolean;
}

export function placed(event: CalendarEvent, zone: string): Placed {
  const begins = clockOf(event.utcStart, zone);
  const ends = clockOf(event.utcEnd, zone);
  // What ends at midnight does not touch the day that begins then.
  const isPast = ends.minutes === 0 && daysBetween(begins.day, ends.day) > 0;
  const last = isPast ? addDays(ends.day, -1) : ends.day;
  const isLong = event.showWithoutTime || Date.parse(event.utcEnd) - Date.parse(event.utcStart) >= 86_400_000;
  return { event, begins, ends, first: begins.day, last, isLong };
}

export const touches = ({ first, last }: Placed, day: Day): boolean => first <= day && day <= last;

export interface Lane {
  readonly item: Placed;
  readonly from: number;
  readonly to: number;
  readonly column: number;
  readonly columns: number;
}

/** Minutes that an event takes in the picture at least. */
const LEAST_MINUTES = 30;

/** Events of one day with hours: those that overlap share the width. */
export function lanes(items: readonly Placed[], day: Day): readonly Lane[] {
  const rows = items
    .filter((item) => !item.isLong && touches(item, day))
    .map((item) => {
      const from = item.first === day ? item.begins.minutes : 0;
      const to = item.ends.day === day ? item.ends.minutes : 1440;
      return { item, from: Math.min(from, 1440 - LEAST_MINUTES), to: Math.max(to, from + LEAST_MINUTES) };
    })
    .toSorted((a, b) => a.from - b.from || b.to - a.to);
  const result: Lane[] = [];
  let group: Array<{ item: Placed; from: number; to: number; column: number }> = [];
  let groupEnd = 0;
  const close = (): void => {
    const columns = group.reduce((most, { column }) => Math.max(most, column + 1), 1);
    for (const one of group) result.push({ ...one, columns });
    group = [];
  };
  for (const row of rows) {
    if (group.length > 0 && row.from >= groupEnd) close();
    const taken = new Set(group.filter(({ to }) => to > row.from).map(({ column }) => column));
    let column = 0;
    while (taken.has(column)) column += 1;
    group.push({ ...row, column });
    groupEnd = group.length === 1 ? row.to : Math.max(groupEnd, row.to);
  }
  close();
  return result;
}
