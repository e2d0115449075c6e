/** Dates and spans of time in words of the person's language. */
import type { Day } from './days.ts';
import type { Placed } from './placing.ts';

const at = (day: Day, minutes = 0): number => Date.parse(`${day}T00:00:00Z`) + minutes * 60_000;

export function dayWords(day: Day, language: string, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(language, { timeZone: 'UTC', ...options }).format(at(day));
}

export const fullDay = (day: Day, language: string): string =>
  dayWords(day, language, { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' });

/** `Monday, 23 November 2026, 14:00 – 15:00`. */
export function spanWords({ event, begins, ends, first, last }: Placed, language: string, allDay: string): string {
  const date: Intl.DateTimeFormatOptions = { weekday: 'short', year: 'numeric', month: 'short', day: 'numeric' };
  if (event.showWithoutTime) {
    const days = new Intl.DateTimeFormat(language, { timeZone: 'UTC', ...date });
    return `${days.formatRange(at(first), at(last))}, ${allDay}`;
  }
  const format = new Intl.DateTimeFormat(language, { timeZone: 'UTC', ...date, hour: 'numeric', minute: '2-digit' });
  return format.formatRange(at(begins.day, begins.minutes), at(ends.day, ends.minutes));
}
