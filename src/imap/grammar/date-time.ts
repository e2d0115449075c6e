/**
 * Dates of IMAP (RFC 9051 §9): `date` of SEARCH as days since 1970, `date-time` of APPEND and INTERNALDATE as
 * seconds since 1970 (UTC).
 */
import { ProtocolViolation } from '../../observe/failure.ts';
import type { Cursor } from './cursor.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const SECONDS_PER_DAY = 86_400;
const DATE = /^(\d{1,2})-([A-Za-z]{3})-(\d{4})$/;
const DATE_TIME = /^([ \d]?\d)-([A-Za-z]{3})-(\d{4}) (\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2})$/;

/** `1-Feb-1994`, quoted or not, as days since 1970. */
export function parseDate(cursor: Cursor): number {
  const text = cursor.astring('a date such as 1-Feb-1994').toString('latin1');
  const match = DATE.exec(text);
  const day = match === null ? null : dayNumber(match[3]!, match[2]!, match[1]!);
  if (day === null) throw new ProtocolViolation(`${cursor.command}: expected a date such as 1-Feb-1994`);
  return day;
}

/** `"17-Jul-1996 02:44:25 -0700"` as seconds since 1970. */
export function parseDateTime(cursor: Cursor): number {
  const text = cursor.string('a date and time in quotes').toString('latin1');
  const match = DATE_TIME.exec(text);
  const day = match === null ? null : dayNumber(match[3]!, match[2]!, match[1]!);
  if (match === null || day === null) throw wrong(cursor);
  const [hour, minute, second, zoneHour, zoneMinute] = [4, 5, 6, 8, 9].map((i) => Number(match[i]));
  // A leap second (60) is what the clock of an honest client shows; it is counted as the next second.
  if (hour! > 23 || minute! > 59 || second! > 60 || zoneMinute! > 59) throw wrong(cursor);
  const zone = (zoneHour! * 60 + zoneMinute!) * 60 * (match[7] === '-' ? -1 : 1);
  return day * SECONDS_PER_DAY + hour! * 3600 + minute! * 60 + second! - zone;
}

const wrong = (cursor: Cursor): ProtocolViolation =>
  new ProtocolViolation(`${cursor.command}: expected a date and time such as "17-Jul-1996 02:44:25 -0700"`);

function dayNumber(year: string, monthName: string, day: string): number | null {
  const month = MONTHS.findIndex((name) => name.toLowerCase() === monthName.toLowerCase());
  const wanted = Number(day);
  const time = new Date(0);
  time.setUTCFullYear(Number(year), month, wanted);
  if (month < 0 || time.getUTCMonth() !== month || time.getUTCDate() !== wanted) return null;
  return Math.floor(time.getTime() / 1000 / SECONDS_PER_DAY);
}

/** RFC 9051 §9 date, for printing a search. */
export function printDate(day: number): string {
  const time = new Date(day * SECONDS_PER_DAY * 1000);
  const year = String(time.getUTCFullYear()).padStart(4, '0');
  return `${time.getUTCDate()}-${MONTHS[time.getUTCMonth()]!}-${year}`;
}

const two = (n: number): string => (n < 10 ? `0${n}` : String(n));

let cachedDay = Number.NaN;
let cachedText = '';

/**
 * `"17-Jul-1996 02:44:25 +0000"` with its quotes, always 28 characters. Neighbouring messages mostly share a day,
 * so the date half is kept from one call to the next.
 */
export function printDateTime(seconds: number): string {
  const whole = Math.floor(seconds);
  const day = Math.floor(whole / SECONDS_PER_DAY);
  if (day !== cachedDay) {
    cachedDay = day;
    cachedText = `"${printDate(day).padStart(11, ' ')} `;
  }
  const rest = whole - day * SECONDS_PER_DAY;
  const hour = Math.floor(rest / 3600);
  const minute = Math.floor(rest / 60) % 60;
  return `${cachedText}${two(hour)}:${two(minute)}:${two(rest % 60)} +0000"`;
}
