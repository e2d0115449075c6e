/**
 * Days and times as the person's clock shows them. A day is `2026-11-23`, a time of it minutes since midnight; moments
 * come from the server in UTC and are told in the person's zone by Intl. Pure.
 */
export type Day = string;

export interface Clock {
  readonly day: Day;
  readonly minutes: number;
}

const DAY_MS = 86_400_000;
const two = (n: number): string => String(n).padStart(2, '0');

const utcOf = (day: Day): number => Date.parse(`${day}T00:00:00Z`);
const dayOfUtc = (ms: number): Day => new Date(ms).toISOString().slice(0, 10);

export const addDays = (day: Day, days: number): Day => dayOfUtc(utcOf(day) + days * DAY_MS);
export const daysBetween = (from: Day, to: Day): number => Math.round((utcOf(to) - utcOf(from)) / DAY_MS);
/** 0 is Sunday. */
export const weekday = (day: Day): number => new Date(utcOf(day)).getUTCDay();
export const monthOf = (day: Day): string => day.slice(0, 7);
export const startOfMonth = (day: Day): Day => `${monthOf(day)}-01`;

export function addMonths(day: Day, months: number): Day {
  const [year = 1970, month = 1, date = 1] = day.split('-').map(Number);
  const first = new Date(Date.UTC(year, month - 1 + months, 1));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  return `${first.getUTCFullYear()}-${two(first.getUTCMonth() + 1)}-${two(Math.min(date, last))}`;
}

export const startOfWeek = (day: Day, firstDay: number): Day => addDays(day, -((weekday(day) - firstDay + 7) % 7));

export const daysFrom = (from: Day, count: number): readonly Day[] =>
  Array.from({ length: count }, (_, i) => addDays(from, i));

/** Six weeks at most, whole weeks always. */
export function monthGrid(day: Day, firstDay: number): readonly Day[] {
  const from = startOfWeek(startOfMonth(day), firstDay);
  const next = addMonths(startOfMonth(day), 1);
  const weeks = Math.ceil(daysBetween(from, next) / 7);
  return daysFrom(from, weeks * 7);
}

/** Where the week begins in that language and country; Monday where nobody says. */
export function firstDayOfWeek(language: string): number {
  const locale = new Intl.Locale(language);
  const info: unknown = Reflect.has(locale, 'getWeekInfo')
    ? Reflect.apply(Reflect.get(locale, 'getWeekInfo'), locale, [])
    : Reflect.get(locale, 'weekInfo');
  const first: unknown = typeof info === 'object' && info !== null ? Reflect.get(info, 'firstDay') : 1;
  return typeof first === 'number' ? first % 7 : 1;
}

export const browserZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

const formats = new Map<string, Intl.DateTimeFormat>();

export function clockOf(utc: string, zone: string): Clock {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-CA', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
    });
    formats.set(zone, format);
  }
  const parts = new Map(format.formatToParts(Date.parse(utc)).map(({ type, value }) => [type, value]));
  const part = (name: Intl.DateTimeFormatPartTypes): string => parts.get(name) ?? '';
  return {
    day: `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}`,
    minutes: Number(part('hour')) * 60 + Number(part('minute')),
  };
}

export const timeText = (minutes: number): string => `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;

export function minutesOf(text: string): number | null {
  const found = /^(\d{1,2}):(\d\d)$/.exec(text.trim());
  if (found === null) return null;
  const [hours, minutes] = [Number(found[1]), Number(found[2])];
  return hours > 23 || minutes > 59 ? null : hours * 60 + minutes;
}

/** Minutes on the clock from one to the other. */
export const minutesBetween = (from: Clock, to: Clock): number =>
  daysBetween(from.day, to.day) * 1440 + to.minutes - from.minutes;

/** `PT1H30M`, `P2D`. */
export function durationText(minutes: number, isAllDay: boolean): string {
  if (isAllDay) return `P${Math.max(1, Math.round(minutes / 1440))}D`;
  return `PT${Math.floor(minutes / 60)}H${minutes % 60}M`;
}
