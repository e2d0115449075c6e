/**
 * The Date field (RFC 5322 §3.3, obsolete forms §4.3) and what else stands in it: missing weekday or seconds, two
 * digit years, zone names, `+02:00`, comments, asctime, ISO 8601, day-Month-year. Gives the instant and the day as
 * written, because SEARCH SENTON disregards the zone (RFC 9051 §6.4.4).
 */
import { skipComment } from './octet-string.ts';

export interface MessageDate {
  /** Seconds since 1970, UTC. */
  readonly seconds: number;
  /** Days since 1970 of the date as written. */
  readonly day: number;
  /** Minutes east of UTC; 0 where none is written. */
  readonly zone: number;
}

const MONTHS = 'janfebmaraprmayjunjulaugsepoctnovdec';
/** RFC 5322 §4.3, in minutes. Military and unknown names count as -0000. */
const ZONES: Readonly<Record<string, number>> = {
  ut: 0,
  utc: 0,
  gmt: 0,
  z: 0,
  edt: -240,
  est: -300,
  cdt: -300,
  cst: -360,
  mdt: -360,
  mst: -420,
  pdt: -420,
  pst: -480,
  // Not in the RFC, frequent in mail of the nineties.
  bst: 60,
  met: 60,
  cet: 60,
  mest: 120,
  cest: 120,
  eet: 120,
  eest: 180,
  msk: 180,
  jst: 540,
  kst: 540,
};
/** What is longer is no date; also bounds the work. */
const DATE_CHARACTERS = 200;

const enough = (value: number, low: number, high: number): boolean => value >= low && value <= high;

/** Null when no year, month and day can be read. */
export function parseDate(value: string): MessageDate | null {
  return new DateReader(withoutComments(value.slice(0, DATE_CHARACTERS))).read();
}

/** Comments and white space may stand anywhere, inside the time as well (RFC 5322 §4.3). */
function withoutComments(value: string): string {
  if (!value.includes('(') && !value.includes(' :') && !value.includes(': ')) return value;
  let text = '';
  for (let at = 0; at < value.length; ) {
    const open = value.indexOf('(', at);
    text += `${value.slice(at, open < 0 ? value.length : open)} `;
    at = open < 0 ? value.length : skipComment(value, open);
  }
  return text.replaceAll(/\s*:\s*/g, ':');
}

class DateReader {
  readonly #text: string;
  #at = 0;
  /** Numbers outside of time and zone, in order, with their digits. */
  #numbers: number[] = [];
  #digits: number[] = [];
  #month = -1;
  #hour = -1;
  #minute = 0;
  #second = 0;
  #zone: number | null = null;

  constructor(text: string) {
    this.#text = text;
  }

  read(): MessageDate | null {
    const text = this.#text;
    while (this.#at < text.length) {
      const code = text.charCodeAt(this.#at);
      if (isDigit(code)) this.#number();
      else if (isLetter(code)) this.#word();
      else if ((code === 0x2b || code === 0x2d) && this.#hour >= 0 && isDigit(text.charCodeAt(this.#at + 1)))
        this.#offset();
      else this.#at += 1;
    }
    return this.#result();
  }

  #digitsAt(): { value: number; length: number } {
    const start = this.#at;
    let value = 0;
    while (isDigit(this.#text.charCodeAt(this.#at)) && this.#at - start < 9) {
      value = value * 10 + this.#text.charCodeAt(this.#at) - 48;
      this.#at += 1;
    }
    return { value, length: this.#at - start };
  }

  #number(): void {
    const { value, length } = this.#digitsAt();
    const next = this.#text.charCodeAt(this.#at);
    const isTime = (next === 0x3a || (next === 0x2e && this.#numbers.length >= 2)) && length <= 2 && this.#hour < 0;
    if (!isTime || !isDigit(this.#text.charCodeAt(this.#at + 1))) {
      this.#numbers.push(value);
      this.#digits.push(length);
      return;
    }
    this.#hour = value;
    this.#at += 1;
    this.#minute = this.#digitsAt().value;
    if (this.#text.charCodeAt(this.#at) === next && isDigit(this.#text.charCodeAt(this.#at + 1))) {
      this.#at += 1;
      this.#second = this.#digitsAt().value;
      // Fractions of ISO 8601.
      if (this.#text.charCodeAt(this.#at) === 0x2e) {
        this.#at += 1;
        this.#digitsAt();
      }
    }
  }

  #word(): void {
    const start = this.#at;
    while (isLetter(this.#text.charCodeAt(this.#at))) this.#at += 1;
    const word = this.#text.slice(start, this.#at).toLowerCase();
    if (word.length >= 3 && this.#month < 0) {
      const index = MONTHS.indexOf(word.slice(0, 3));
      if (index >= 0 && index % 3 === 0) {
        this.#month = index / 3;
        return;
      }
    }
    if (this.#hour < 0) return;
    if (word === 'pm' && this.#hour < 12) this.#hour += 12;
    else if (word === 'am' && this.#hour === 12) this.#hour = 0;
    else this.#zone ??= ZONES[word] ?? null;
  }

  /** `+hhmm`, `+hh:mm`, `+hh`; behind a zone name (`GMT+0200`) it is what counts. */
  #offset(): void {
    const sign = this.#text.charCodeAt(this.#at) === 0x2d ? -1 : 1;
    this.#at += 1;
    const { value, length } = this.#digitsAt();
    let minutes = length <= 2 ? value * 60 : Math.floor(value / 100) * 60 + (value % 100);
    if (length <= 2 && this.#text.charCodeAt(this.#at) === 0x3a) {
      this.#at += 1;
      minutes += this.#digitsAt().value;
    }
    if (minutes <= 24 * 60) this.#zone = sign * minutes;
  }

  #result(): MessageDate | null {
    const [a = -1, b = -1, c = -1] = this.#numbers;
    let year: number;
    let month = this.#month;
    let date: number;
    let yearDigits: number;
    if (month >= 0) {
      // `day Month year`, asctime's `Month day … year`; the longer number is the year where they are swapped.
      const swapped = (this.#digits[0] ?? 0) > 2 && (this.#digits[1] ?? 3) <= 2;
      [date, year] = swapped ? [b, a] : [a, b];
      yearDigits = this.#digits[swapped ? 0 : 1] ?? 0;
    } else if ((this.#digits[0] ?? 0) === 4) {
      [year, month, date] = [a, b - 1, c];
      yearDigits = 4;
    } else {
      // Numbers only: American order, unless the first cannot be a month.
      [month, date, year] = a > 12 ? [b - 1, a, c] : [a - 1, b, c];
      yearDigits = this.#digits[2] ?? 0;
    }
    if (yearDigits === 0) return null;
    // RFC 5322 §4.3
    if (yearDigits <= 2) year += year < 50 ? 2000 : 1900;
    else if (yearDigits === 3) year += 1900;
    if (!enough(year, 1, 9999) || !enough(month, 0, 11) || !enough(date, 1, 31)) return null;
    const inTime = enough(this.#hour, 0, 24) && enough(this.#minute, 0, 59) && enough(this.#second, 0, 60);
    const midnight = midnightOf(year, month, date);
    const time = inTime ? this.#hour * 3600 + this.#minute * 60 + this.#second : 0;
    const local = midnight + time;
    const zone = this.#zone ?? 0;
    return { seconds: local - zone * 60, day: Math.floor(local / 86_400), zone };
  }
}

function midnightOf(year: number, month: number, date: number): number {
  if (year >= 100) return Date.UTC(year, month, date) / 1000;
  const moment = new Date(Date.UTC(2000, month, date));
  moment.setUTCFullYear(year, month, date);
  return moment.getTime() / 1000;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function isLetter(code: number): boolean {
  const lower = code | 32;
  return lower >= 97 && lower <= 122;
}
