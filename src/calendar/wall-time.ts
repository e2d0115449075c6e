/**
 * Time as a clock on the wall shows it: seconds since 1970-01-01T00:00:00 without any zone. Recurrence is worked out
 * in it (RFC 5545 §3.3.10), zones turn it into moments (zones.ts). Texts are those of jCal (RFC 7265 §3.6) and of
 * JSCalendar (RFC 8984 §1.4), which agree. Pure.
 */
export const MINUTE = 60;
export const HOUR = 3600;
export const DAY = 86_400;

/** Days since 1970-01-01 of a date of the Gregorian calendar. `month` 1–12; a day outside the month counts on. */
export function daysOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5);
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468 + day - 1;
}

export interface CivilDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

export function civilOf(days: number): CivilDate {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return { year, month, day: dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1 };
}

export const isLeapYear = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
export const daysInMonth = (year: number, month: number): number => daysOf(year, month + 1, 1) - daysOf(year, month, 1);
/** 0 is Sunday. */
export const weekdayOf = (days: number): number => (((days + 4) % 7) + 7) % 7;
export const dayOf = (wall: number): number => Math.floor(wall / DAY);

export interface WallTime {
  readonly wall: number;
  /** A day, no time of it. */
  readonly isDate: boolean;
  /** It ends with Z: wall time in UTC, that is, a moment. */
  readonly isUtc: boolean;
}

const WALL = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(Z)?)?$/;

/** `2026-11-23`, `2026-11-23T14:00:00`, with or without Z. Null: no such time. */
export function readWall(text: string): WallTime | null {
  const found = WALL.exec(text);
  if (found === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found
    .slice(1, 7)
    .map((part) => (part === undefined ? 0 : Number(part)));
  if (month < 1 || month > 12 || day < 1 || year < 1 || day > daysInMonth(year, month)) return null;
  // A leap second (RFC 5545 §3.3.12) is the second before it: no clock here counts it.
  if (hour > 23 || minute > 59 || second > 60) return null;
  const wall = daysOf(year, month, day) * DAY + hour * HOUR + minute * MINUTE + Math.min(second, 59);
  return { wall, isDate: found[4] === undefined, isUtc: found[7] !== undefined };
}

const two = (n: number): string => String(n).padStart(2, '0');

export function dateText(wall: number): string {
  const { year, month, day } = civilOf(dayOf(wall));
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;
}

export function wallText(wall: number): string {
  const time = wall - dayOf(wall) * DAY;
  return `${dateText(wall)}T${two(Math.floor(time / HOUR))}:${two(Math.floor((time % HOUR) / MINUTE))}:${two(time % MINUTE)}`;
}

/** Days are as long as the clock makes them, seconds are exact (RFC 5545 §3.3.6). */
export interface Span {
  readonly days: number;
  readonly seconds: number;
}

const DURATION = /^([+-])?P(?:(\d{1,5})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,7})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?$/;

export function readDuration(text: string): Span | null {
  const found = DURATION.exec(text);
  if (found === null || !/\d/.test(text)) return null;
  const sign = found[1] === '-' ? -1 : 1;
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = found
    .slice(2)
    .map((part) => (part === undefined ? 0 : Number(part)));
  // `+ 0` turns -0 into 0.
  return {
    days: sign * (weeks * 7 + days) + 0,
    seconds: sign * (hours * HOUR + minutes * MINUTE + seconds) + 0,
  };
}

/** `P1DT2H`; a negative one with its sign in front. Days and seconds have the same sign. */
export function durationText({ days, seconds }: Span): string {
  const sign = days < 0 || seconds < 0 ? '-' : '';
  const left = Math.abs(seconds);
  const parts = [
    [Math.floor(left / HOUR), 'H'],
    [Math.floor((left % HOUR) / MINUTE), 'M'],
    [left % MINUTE, 'S'],
  ] as const;
  const time = parts.map(([n, unit]) => (n === 0 ? '' : `${n}${unit}`)).join('');
  const date = days === 0 ? '' : `${Math.abs(days)}D`;
  return `${sign}P${date}${time === '' ? (date === '' ? 'T0S' : '') : `T${time}`}`;
}
