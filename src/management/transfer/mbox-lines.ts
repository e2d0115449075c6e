/**
 * The line rules of mbox files (RFC 4155 and the four habits it could not settle): From_ lines with their dates, and
 * the `>` that protects body lines beginning with "From ". Pure functions over bytes; no file is touched here.
 *
 * | habit   | a body line `From x` | a body line `>From x` | length of the body |
 * |---------|----------------------|-----------------------|--------------------|
 * | mboxo   | `>From x`            | `>From x` (ambiguous) | –                  |
 * | mboxrd  | `>From x`            | `>>From x`            | –                  |
 * | mboxcl  | `>From x`            | `>From x` (ambiguous) | Content-Length     |
 * | mboxcl2 | `From x`             | `>From x`             | Content-Length     |
 */
import { Buffer } from 'node:buffer';

export const MBOX_FORMATS = ['mboxo', 'mboxrd', 'mboxcl', 'mboxcl2'] as const;
export type MboxFormat = (typeof MBOX_FORMATS)[number];

const LF = 10;
const CR = 13;
const GREATER = 0x3e;
const FROM = Buffer.from('From ');
const QUOTE = Buffer.from('>');
/** A run of `>` longer than this is no quoting; it bounds what is held back between two chunks. */
const QUOTE_DEPTH = 64;

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
/** asctime with the zone before or behind the year, as the many mail programs write it. */
const DATE =
  /\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* +(\d{1,2}),? +(\d{1,2}):(\d{2})(?::(\d{2}))?(?: +([A-Za-z]{1,5}|[+-]\d{4}))? +(\d{4})(?: +([+-]\d{4}))?/i;
/** Zones of RFC 5322 §4.3, in minutes. */
const ZONES: Readonly<Record<string, number>> = {
  EST: -300,
  EDT: -240,
  CST: -360,
  CDT: -300,
  MST: -420,
  MDT: -360,
  PST: -480,
  PDT: -420,
  CET: 60,
  CEST: 120,
  MET: 60,
  MEST: 120,
};

export interface FromLine {
  /** Seconds since 1970, UTC where no zone is written; null: no date that can be read. */
  readonly date: number | null;
}

/** `line` without its end. Null: no From_ line at all. */
export function parseFromLine(line: string): FromLine | null {
  if (!line.startsWith('From ')) return null;
  const match = DATE.exec(line);
  if (match === null) return { date: null };
  const [, month = '', day, hour, minute, second, zoneBefore, year, zoneBehind] = match;
  const monthNumber = MONTHS.indexOf(month.toLowerCase());
  const utc = Date.UTC(Number(year), monthNumber, Number(day), Number(hour), Number(minute), Number(second ?? 0));
  return { date: Math.floor(utc / 1000) - zoneMinutes(zoneBehind ?? zoneBefore) * 60 };
}

function zoneMinutes(zone: string | undefined): number {
  if (zone === undefined) return 0;
  const numeric = /^([+-])(\d{2})(\d{2})$/.exec(zone);
  if (numeric === null) return ZONES[zone.toUpperCase()] ?? 0;
  const minutes = Number(numeric[2]) * 60 + Number(numeric[3]);
  return numeric[1] === '-' ? -minutes : minutes;
}

/** RFC 4155: UTC, asctime. */
export function writeFromLine(date: number): string {
  const at = new Date(date * 1000);
  const two = (n: number): string => String(n).padStart(2, '0');
  const month = MONTHS[at.getUTCMonth()] ?? 'jan';
  const name = month.charAt(0).toUpperCase() + month.slice(1);
  const time = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
  const day = String(at.getUTCDate()).padStart(2, ' ');
  return `From MAILER-DAEMON ${WEEKDAYS[at.getUTCDay()] ?? 'Thu'} ${name} ${day} ${time} ${at.getUTCFullYear()}\n`;
}

export type QuoteRule = 'quote' | 'quote-again' | 'unquote-once' | 'unquote';

/** What a writer of this format does to lines, null: nothing. */
export function quoteRule(format: MboxFormat): QuoteRule | null {
  switch (format) {
    case 'mboxo':
    case 'mboxcl':
      return 'quote';
    case 'mboxrd':
      return 'quote-again';
    case 'mboxcl2':
      return null;
  }
}

export function unquoteRule(format: MboxFormat): QuoteRule | null {
  switch (format) {
    case 'mboxo':
    case 'mboxcl':
      return 'unquote-once';
    case 'mboxrd':
      return 'unquote';
    case 'mboxcl2':
      return null;
  }
}

/** Adds or takes `>` at line starts of a stream of chunks. What it returns is a view of what it was given, or new. */
export class FromQuoting {
  readonly #rule: QuoteRule;
  #held: Buffer = Buffer.alloc(0);
  #atLineStart = true;

  constructor(rule: QuoteRule) {
    this.#rule = rule;
  }

  push(chunk: Buffer): Buffer {
    const data = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const keep = undecided(data, this.#atLineStart);
    this.#held = data.subarray(data.length - keep);
    return this.#rewrite(data.subarray(0, data.length - keep));
  }

  end(): Buffer {
    const last = this.#held;
    this.#held = Buffer.alloc(0);
    return this.#rewrite(last);
  }

  #rewrite(data: Buffer): Buffer {
    const pieces: Buffer[] = [];
    let copied = 0;
    let line = this.#atLineStart ? 0 : data.indexOf(LF) + 1;
    if (line === 0 && !this.#atLineStart) line = data.length;
    while (line < data.length) {
      const depth = fromDepth(data, line);
      if (depth >= 0) {
        if (this.#adds(depth)) {
          pieces.push(data.subarray(copied, line), QUOTE);
          copied = line;
        } else if (this.#takes(depth)) {
          pieces.push(data.subarray(copied, line));
          copied = line + 1;
        }
      }
      const end = data.indexOf(LF, line);
      if (end < 0) break;
      line = end + 1;
    }
    if (data.length > 0) this.#atLineStart = data[data.length - 1] === LF;
    if (pieces.length === 0) return data;
    pieces.push(data.subarray(copied));
    return Buffer.concat(pieces);
  }

  #adds(depth: number): boolean {
    return this.#rule === 'quote-again' || (this.#rule === 'quote' && depth === 0);
  }

  #takes(depth: number): boolean {
    return (this.#rule === 'unquote' && depth > 0) || (this.#rule === 'unquote-once' && depth === 1);
  }
}

/** Number of `>` before "From " at this line start, -1 when it is another line. */
function fromDepth(data: Buffer, line: number): number {
  let at = line;
  while (data[at] === GREATER && at - line <= QUOTE_DEPTH) at += 1;
  if (data.length - at < FROM.length || data.compare(FROM, 0, FROM.length, at, at + FROM.length) !== 0) return -1;
  return at - line;
}

/** How many bytes at the end may still become a quoted From_ line when more comes. */
function undecided(data: Buffer, atLineStart: boolean): number {
  const lastLf = data.lastIndexOf(LF);
  if (lastLf < 0 && !atLineStart) return 0;
  const start = lastLf + 1;
  const length = data.length - start;
  if (length > QUOTE_DEPTH + FROM.length) return 0;
  return /^>*(F(r(o(m)?)?)?)?$/.test(data.toString('latin1', start)) ? length : 0;
}

/** CRLF → LF as Unix files have it. Not to be used on a message with CR CR LF: reading it back would lose a CR. */
export function crlfToLf(data: Buffer): Buffer {
  let at = data.indexOf('\r\n', 0, 'latin1');
  if (at < 0) return data;
  const out = Buffer.allocUnsafe(data.length);
  let from = 0;
  let length = 0;
  while (at >= 0) {
    length += data.copy(out, length, from, at);
    from = at + 1;
    at = data.indexOf('\r\n', from, 'latin1');
  }
  length += data.copy(out, length, from);
  return out.subarray(0, length);
}

/** True when a line begins with `>From ` or more of `>`: mboxo and mboxcl cannot tell it from a quoted one. */
export function hasQuotedFrom(data: Buffer): boolean {
  for (let at = data.indexOf('>From ', 0, 'latin1'); at >= 0; at = data.indexOf('>From ', at + 1, 'latin1')) {
    let start = at;
    while (start > 0 && data[start - 1] === GREATER) start -= 1;
    if (start === 0 || data[start - 1] === LF) return true;
  }
  return false;
}

/** True when writing this message with LF and reading it back gives the same bytes. */
export function survivesLf(data: Buffer): boolean {
  return !data.includes('\r\r\n', 0, 'latin1') && data[data.length - 1] !== CR;
}
