/**
 * A recurrence rule: out of jCal (RFC 7265 §3.6.10) and of JSCalendar (RFC 8984 §4.3.3), which is told to clients, and
 * back. What lies outside the ranges of RFC 5545 §3.3.10 makes no rule. Pure.
 */
import type { JCalValue } from './jcal-model.ts';
import { readWall, wallText } from './wall-time.ts';

export const FREQUENCIES = ['yearly', 'monthly', 'weekly', 'daily', 'hourly', 'minutely', 'secondly'] as const;
export type Frequency = (typeof FREQUENCIES)[number];

export interface NthDay {
  /** 0 is Sunday. */
  readonly day: number;
  /** In its month or year, counted from the end when negative; 0: every one. */
  readonly nth: number;
}

export interface RecurrenceRule {
  readonly frequency: Frequency;
  readonly interval: number;
  readonly count: number | null;
  /** Last possible start, wall time in the zone of the event. */
  readonly until: number | null;
  readonly firstDayOfWeek: number;
  readonly byDay: readonly NthDay[];
  readonly byMonth: readonly number[];
  readonly byMonthDay: readonly number[];
  readonly byYearDay: readonly number[];
  readonly byWeekNo: readonly number[];
  readonly byHour: readonly number[];
  readonly byMinute: readonly number[];
  readonly bySecond: readonly number[];
  readonly bySetPosition: readonly number[];
}

const DAYS = ['su', 'mo', 'tu', 'we', 'th', 'fr', 'sa'] as const;
const DAY_CODES: readonly string[] = DAYS;
/** No calendar repeats every 10,000 years. */
const INTERVAL = 10_000;
const COUNT = 1_000_000;
/** Values of one part of a rule; more say the same twice. */
const VALUES = 400;

/** By name of jCal: name here, least, greatest, negative ones too. */
const NUMBERS = {
  bysecond: ['bySecond', 0, 60, false],
  byminute: ['byMinute', 0, 59, false],
  byhour: ['byHour', 0, 23, false],
  bymonthday: ['byMonthDay', 1, 31, true],
  byyearday: ['byYearDay', 1, 366, true],
  byweekno: ['byWeekNo', 1, 53, true],
  bymonth: ['byMonth', 1, 12, false],
  bysetpos: ['bySetPosition', 1, 366, true],
} as const;
type NumberPart = (typeof NUMBERS)[keyof typeof NUMBERS][0];

/** `untilOf`: UNTIL is a moment or wall time; as wall time of the event. Null: no rule that can be followed. */
export function ruleOfJCal(
  members: ReadonlyMap<string, JCalValue>,
  untilOf: (text: string) => number | null,
): RecurrenceRule | null {
  const frequency = frequencyOf(text(members.get('freq')));
  const until = members.get('until');
  const end = until === undefined ? null : untilOf(text(until));
  const byDay = listOf(members.get('byday')).map((value) => nthDayOf(text(value)));
  const parts = numbersOf((name) => listOf(members.get(name)));
  const interval = wholeWithin(members.get('interval'), INTERVAL) ?? (members.has('interval') ? null : 1);
  const count = wholeWithin(members.get('count'), COUNT);
  // Day of week as ical.js tells it: 1 is Sunday.
  const wkst = members.get('wkst');
  const first = typeof wkst === 'number' ? wkst - 1 : DAY_CODES.indexOf(text(wkst).toLowerCase());
  if (frequency === null || parts === null || interval === null || byDay.includes(null)) return null;
  if ((until !== undefined && end === null) || (members.has('count') && count === null)) return null;
  return {
    frequency,
    interval,
    count,
    until: end,
    firstDayOfWeek: first >= 0 && first <= 6 ? first : 1,
    byDay: byDay.filter((day) => day !== null),
    ...parts,
  };
}

/** Members of the jCal value. `untilText`: UNTIL as it has to be written for the event. */
export function jcalOfRule(rule: RecurrenceRule, untilText: (wall: number) => string): ReadonlyMap<string, JCalValue> {
  const members = new Map<string, JCalValue>([['freq', rule.frequency.toUpperCase()]]);
  if (rule.interval !== 1) members.set('interval', rule.interval);
  if (rule.count !== null) members.set('count', rule.count);
  if (rule.until !== null) members.set('until', untilText(rule.until));
  if (rule.firstDayOfWeek !== 1) members.set('wkst', (DAYS[rule.firstDayOfWeek] ?? 'mo').toUpperCase());
  if (rule.byDay.length > 0)
    members.set(
      'byday',
      rule.byDay.map(({ day, nth }) => `${nth === 0 ? '' : nth}${(DAYS[day] ?? 'mo').toUpperCase()}`),
    );
  for (const [name, [part]] of Object.entries(NUMBERS)) if (rule[part].length > 0) members.set(name, rule[part]);
  return members;
}

/** RFC 8984 §4.3.3, as far as RFC 5545 reaches: RSCALE and SKIP (RFC 7529) are not followed. */
export interface JsRecurrenceRule {
  readonly '@type': 'RecurrenceRule';
  readonly frequency: string;
  readonly interval?: number;
  readonly count?: number;
  readonly until?: string;
  readonly firstDayOfWeek?: string;
  readonly byDay?: ReadonlyArray<{ readonly '@type': 'NDay'; readonly day: string; readonly nthOfPeriod?: number }>;
  readonly byMonth?: readonly string[];
  readonly byMonthDay?: readonly number[];
  readonly byYearDay?: readonly number[];
  readonly byWeekNo?: readonly number[];
  readonly byHour?: readonly number[];
  readonly byMinute?: readonly number[];
  readonly bySecond?: readonly number[];
  readonly bySetPosition?: readonly number[];
}

export function jsOfRule(rule: RecurrenceRule): JsRecurrenceRule {
  const numbers: Partial<Record<NumberPart, readonly number[]>> = {};
  for (const [part] of Object.values(NUMBERS)) if (rule[part].length > 0) numbers[part] = rule[part];
  const { byMonth, ...others } = numbers;
  return {
    '@type': 'RecurrenceRule',
    frequency: rule.frequency,
    ...(rule.interval === 1 ? {} : { interval: rule.interval }),
    ...(rule.count === null ? {} : { count: rule.count }),
    ...(rule.until === null ? {} : { until: wallText(rule.until) }),
    ...(rule.firstDayOfWeek === 1 ? {} : { firstDayOfWeek: DAYS[rule.firstDayOfWeek] ?? 'mo' }),
    ...(rule.byDay.length === 0
      ? {}
      : {
          byDay: rule.byDay.map(({ day, nth }) => ({
            '@type': 'NDay' as const,
            day: DAYS[day] ?? 'mo',
            ...(nth === 0 ? {} : { nthOfPeriod: nth }),
          })),
        }),
    ...(byMonth === undefined ? {} : { byMonth: byMonth.map(String) }),
    ...others,
  };
}

/** Null: no rule that can be followed. */
export function ruleOfJs(get: (name: string) => unknown): RecurrenceRule | null {
  const until = get('until') ?? null;
  const end = typeof until === 'string' ? readWall(until) : null;
  const frequency = frequencyOf(text(get('frequency')));
  const count = get('count') ?? null;
  const interval = get('interval') ?? 1;
  const days = listOf(get('byDay') ?? []).map(nthDayOfJs);
  const first = get('firstDayOfWeek') ?? 'mo';
  const parts = numbersOf((name, part) => {
    const values = listOf(get(part) ?? []);
    // JSCalendar writes months as text, because other calendars have leap months.
    return name === 'bymonth' ? values.map((value) => (typeof value === 'string' ? Number(value) : value)) : values;
  });
  if (frequency === null || parts === null || days.includes(null) || !DAY_CODES.includes(text(first))) return null;
  if ((until !== null && (end === null || end.isUtc)) || (count !== null && until !== null)) return null;
  if (wholeWithin(interval, INTERVAL) === null || (count !== null && wholeWithin(count, COUNT) === null)) return null;
  return {
    frequency,
    interval: wholeWithin(interval, INTERVAL) ?? 1,
    count: wholeWithin(count, COUNT),
    until: end?.wall ?? null,
    firstDayOfWeek: DAY_CODES.indexOf(text(first)),
    byDay: days.filter((day) => day !== null),
    ...parts,
  };
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const frequencyOf = (name: string): Frequency | null =>
  FREQUENCIES.find((frequency) => frequency === name.toLowerCase()) ?? null;
const listOf = (value: unknown): readonly unknown[] =>
  value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];

function wholeWithin(value: unknown, most: number): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= most ? value : null;
}

function nthDayOf(value: string): NthDay | null {
  const found = /^([+-]?\d{1,2})?(SU|MO|TU|WE|TH|FR|SA)$/i.exec(value.trim());
  if (found === null) return null;
  const nth = Number(found[1] ?? 0);
  return Math.abs(nth) > 53 ? null : { day: DAY_CODES.indexOf((found[2] ?? '').toLowerCase()), nth };
}

function nthDayOfJs(value: unknown): NthDay | null {
  if (typeof value !== 'object' || value === null) return null;
  const day: unknown = Reflect.get(value, 'day');
  const nth: unknown = Reflect.get(value, 'nthOfPeriod') ?? 0;
  if (typeof nth !== 'number' || !Number.isSafeInteger(nth) || Math.abs(nth) > 53) return null;
  const index = DAY_CODES.indexOf(text(day));
  return index < 0 ? null : { day: index, nth };
}

function numbersOf(
  values: (name: string, part: NumberPart) => readonly unknown[],
): Readonly<Record<NumberPart, readonly number[]>> | null {
  const read: Partial<Record<NumberPart, readonly number[]>> = {};
  for (const [name, [part, least, most, negative]] of Object.entries(NUMBERS)) {
    const numbers = new Set<number>();
    for (const value of values(name, part)) {
      const number = typeof value === 'number' ? value : null;
      if (number === null || !Number.isSafeInteger(number)) return null;
      const size = negative ? Math.abs(number) : number;
      if (size < least || size > most || numbers.size >= VALUES) return null;
      numbers.add(number);
    }
    read[part] = [...numbers].toSorted((a, b) => a - b);
  }
  const part = (name: NumberPart): readonly number[] => read[name] ?? [];
  return {
    bySecond: part('bySecond'),
    byMinute: part('byMinute'),
    byHour: part('byHour'),
    byMonthDay: part('byMonthDay'),
    byYearDay: part('byYearDay'),
    byWeekNo: part('byWeekNo'),
    byMonth: part('byMonth'),
    bySetPosition: part('bySetPosition'),
  };
}
