/**
 * The starts that a recurrence rule makes (RFC 5545 §3.3.10), in wall time. Written for a server: every step is paid
 * for out of a budget, so that no rule, however odd, holds the event loop, and an endless rule is entered where the
 * asked time begins instead of at its own start. ical.js has no such bound (docs/adr/0013-calendar-items.md).
 *
 * A rule goes from period to period (years, months, weeks … by its FREQ); each period has days, each day has times.
 * Pure.
 */
import type { RecurrenceRule } from './recurrence-rule.ts';
import { civilOf, DAY, dayOf, daysInMonth, daysOf, HOUR, isLeapYear, MINUTE, weekdayOf } from './wall-time.ts';

/** Days and times looked at; what is behind it is not found. About 5 ms of work. */
export const EXPANSION_BUDGET = 100_000;
/** Times that a rule may name within one day. */
export const TIMES_A_DAY = 1440;
/** Starts that one period may have when they have to be counted (BYSETPOS). */
const STARTS_A_PERIOD = 20_000;

export interface Budget {
  left: number;
}

/**
 * Starts in [from, before), ascending; `start` itself counts as the first one, whether the rule names it or not
 * (RFC 8984 §4.3.3). Ends early when the budget is used up.
 */
export function* startsOf(
  rule: RecurrenceRule,
  start: number,
  window: { readonly from: number; readonly before: number },
  budget: Budget,
): Generator<number, void> {
  const periods = periodsOf(rule, start);
  if (periods === null) return;
  let counted = 1;
  if (start >= window.from && start < window.before) yield start;
  // Without COUNT nothing before the window matters.
  let index =
    rule.count === null ? Math.max(0, Math.floor((periods.at(window.from) - periods.first) / rule.interval) - 1) : 0;
  while (budget.left > 0) {
    const period = periods.first + index * rule.interval;
    const begins = periods.begins(period);
    if (begins >= window.before || (rule.until !== null && begins > rule.until) || begins > LAST) return;
    budget.left -= 1;
    for (const wall of periods.starts(period, budget)) {
      if (wall <= start) continue;
      if (wall >= window.before || (rule.until !== null && wall > rule.until)) return;
      counted += 1;
      if (rule.count !== null && counted > rule.count) return;
      if (wall >= window.from) yield wall;
    }
    index = periods.next(index, period);
  }
}

/** The end of year 9999. */
const LAST = daysOf(10_000, 1, 1) * DAY;

interface Periods {
  /** Number of the period that `start` is in. */
  readonly first: number;
  at(wall: number): number;
  begins(period: number): number;
  starts(period: number, budget: Budget): Iterable<number>;
  /** Index of the next period worth looking at. */
  next(index: number, period: number): number;
}

/** Null: a rule that names too many times. */
function periodsOf(rule: RecurrenceRule, start: number): Periods | null {
  const days = new DayRules(rule, start);
  const one = (index: number): number => index + 1;
  switch (rule.frequency) {
    case 'yearly':
    case 'monthly':
    case 'weekly':
    case 'daily': {
      const times = timesOfDay(rule, start);
      return times === null ? null : { ...dayPeriods(rule, start, days, times), next: one };
    }
    case 'hourly':
      return clockPeriods(rule, start, days, HOUR);
    case 'minutely':
      return clockPeriods(rule, start, days, MINUTE);
    case 'secondly':
      return clockPeriods(rule, start, days, 1);
  }
}

function dayPeriods(
  rule: RecurrenceRule,
  start: number,
  rules: DayRules,
  times: readonly number[],
): Omit<Periods, 'next'> {
  const { frequency } = rule;
  const startDay = dayOf(start);
  const weekOf = (day: number): number => Math.floor((day + 4 - rule.firstDayOfWeek) / 7);
  const firstDayOf = (period: number): number => {
    switch (frequency) {
      case 'yearly':
        return daysOf(period, 1, 1);
      case 'monthly':
        return daysOf(Math.floor(period / 12), (((period % 12) + 12) % 12) + 1, 1);
      case 'weekly':
        return period * 7 - 4 + rule.firstDayOfWeek;
      default:
        return period;
    }
  };
  const periodOf = (day: number): number => {
    const { year, month } = civilOf(day);
    switch (frequency) {
      case 'yearly':
        return year;
      case 'monthly':
        return year * 12 + month - 1;
      case 'weekly':
        return weekOf(day);
      default:
        return day;
    }
  };
  // With BYWEEKNO a year begins and ends with its weeks, which reach into its neighbours.
  const margin = frequency === 'yearly' && rule.byWeekNo.length > 0 ? 7 : 0;
  function* starts(period: number, budget: Budget): Generator<number, void> {
    const from = firstDayOf(period);
    const before = firstDayOf(period + 1);
    const found: number[] = [];
    for (let day = from - margin; day < before + margin; day += 1) {
      budget.left -= 1;
      if (rules.match(day, period)) found.push(day);
    }
    yield* chosen(rule, found, times, budget);
  }
  return {
    first: periodOf(startDay),
    at: (wall) => periodOf(dayOf(wall)),
    begins: (period) => (firstDayOf(period) - margin) * DAY,
    starts,
  };
}

function* chosen(
  rule: RecurrenceRule,
  days: readonly number[],
  times: readonly number[],
  budget: Budget,
): Generator<number, void> {
  if (rule.bySetPosition.length === 0) {
    for (const day of days)
      for (const time of times) {
        budget.left -= 1;
        yield day * DAY + time;
      }
    return;
  }
  const total = days.length * times.length;
  if (total === 0 || total > STARTS_A_PERIOD) return;
  const positions = new Set<number>();
  for (const position of rule.bySetPosition) {
    const at = position > 0 ? position - 1 : total + position;
    if (at >= 0 && at < total) positions.add(at);
  }
  for (const at of [...positions].toSorted((a, b) => a - b)) {
    budget.left -= 1;
    yield (days[Math.floor(at / times.length)] ?? 0) * DAY + (times[at % times.length] ?? 0);
  }
}

/** Hours, minutes, seconds as periods: the day and the larger parts of the time have to match, the smaller ones are made. */
function clockPeriods(rule: RecurrenceRule, start: number, rules: DayRules, unit: number): Periods {
  const inner = unit === HOUR ? innerTimes(rule, start) : unit === MINUTE ? secondsOf(rule, start) : [0];
  const hours = new Set(rule.byHour);
  const minutes = new Set(rule.byMinute);
  const seconds = new Set(rule.bySecond);
  const matches = (wall: number): boolean => {
    const time = wall - dayOf(wall) * DAY;
    if (hours.size > 0 && !hours.has(Math.floor(time / HOUR))) return false;
    if (unit <= MINUTE && minutes.size > 0 && !minutes.has(Math.floor((time % HOUR) / MINUTE))) return false;
    return unit > 1 || seconds.size === 0 || seconds.has(time % MINUTE);
  };
  const first = Math.floor(start / unit);
  function* starts(period: number, budget: Budget): Generator<number, void> {
    const wall = period * unit;
    if (!rules.match(dayOf(wall), null) || !matches(wall)) return;
    const all = inner.map((time) => wall + time);
    budget.left -= all.length;
    if (rule.bySetPosition.length === 0) yield* all;
    else for (const at of positionsWithin(rule.bySetPosition, all.length)) yield all[at] ?? wall;
  }
  return {
    first,
    at: (wall) => Math.floor(wall / unit),
    begins: (period) => period * unit,
    starts,
    // A day that is not meant is left in one step.
    next: (index, period) => {
      const day = dayOf(period * unit);
      if (rules.match(day, null)) return index + 1;
      return Math.max(index + 1, Math.ceil((((day + 1) * DAY) / unit - first) / rule.interval));
    },
  };
}

function positionsWithin(positions: readonly number[], total: number): readonly number[] {
  const found = positions.map((position) => (position > 0 ? position - 1 : total + position));
  return [...new Set(found)].filter((at) => at >= 0 && at < total).toSorted((a, b) => a - b);
}

function timesOfDay(rule: RecurrenceRule, start: number): readonly number[] | null {
  const time = start - dayOf(start) * DAY;
  const hours = rule.byHour.length > 0 ? rule.byHour : [Math.floor(time / HOUR)];
  const inner = innerTimes(rule, start);
  return hours.length * inner.length > TIMES_A_DAY
    ? null
    : hours.flatMap((hour) => inner.map((rest) => hour * HOUR + rest));
}

function innerTimes(rule: RecurrenceRule, start: number): readonly number[] {
  const time = start - dayOf(start) * DAY;
  const minutes = rule.byMinute.length > 0 ? rule.byMinute : [Math.floor((time % HOUR) / MINUTE)];
  const seconds = secondsOf(rule, start);
  return minutes.flatMap((minute) => seconds.map((second) => minute * MINUTE + second));
}

function secondsOf(rule: RecurrenceRule, start: number): readonly number[] {
  // A leap second is the one before it, as in readWall.
  return rule.bySecond.length > 0
    ? [...new Set(rule.bySecond.map((second) => Math.min(second, 59)))]
    : [start - Math.floor(start / MINUTE) * MINUTE];
}

/** Whether a day is meant: the parts that name days, with what the rule leaves to its start. */
class DayRules {
  readonly #rule: RecurrenceRule;
  readonly #months: ReadonlySet<number>;
  readonly #monthDays: ReadonlySet<number>;
  readonly #yearDays: ReadonlySet<number>;
  readonly #weeks: ReadonlySet<number>;
  readonly #weekdays: ReadonlySet<number>;
  readonly #nthDays: ReadonlySet<number>;

  constructor(rule: RecurrenceRule, start: number) {
    this.#rule = rule;
    const { frequency, byMonth, byMonthDay, byYearDay, byWeekNo, byDay } = rule;
    const { month, day } = civilOf(dayOf(start));
    const weekday = weekdayOf(dayOf(start));
    const isBare = byMonthDay.length + byYearDay.length + byWeekNo.length + byDay.length === 0;
    const isDated = isBare && (frequency === 'yearly' || frequency === 'monthly');
    this.#months = new Set(isBare && frequency === 'yearly' && byMonth.length === 0 ? [month] : byMonth);
    this.#monthDays = new Set(isDated ? [day] : byMonthDay);
    this.#yearDays = new Set(byYearDay);
    this.#weeks = new Set(frequency === 'yearly' ? byWeekNo : []);
    const isOnWeekday =
      (isBare && frequency === 'weekly') ||
      (frequency === 'yearly' && byWeekNo.length > 0 && byDay.length + byMonthDay.length + byYearDay.length === 0);
    // Numbers before a weekday mean something within months and years only (RFC 5545 §3.3.10).
    const counts = frequency === 'monthly' || (frequency === 'yearly' && byWeekNo.length === 0);
    this.#weekdays = new Set(
      isOnWeekday ? [weekday] : byDay.filter(({ nth }) => nth === 0 || !counts).map((each) => each.day),
    );
    this.#nthDays = new Set(counts ? byDay.filter(({ nth }) => nth !== 0).map((each) => each.nth * 7 + each.day) : []);
  }

  /** `year`: the number of the period, for a yearly rule. */
  match(days: number, year: number | null): boolean {
    const date = civilOf(days);
    if (this.#months.size > 0 && !this.#months.has(date.month)) return false;
    if (this.#weeks.size > 0) {
      if (!this.#isInWeek(days, year ?? date.year)) return false;
    } else if (this.#rule.frequency === 'yearly' && year !== null && date.year !== year) return false;
    if (this.#monthDays.size > 0) {
      const fromEnd = date.day - daysInMonth(date.year, date.month) - 1;
      if (!this.#monthDays.has(date.day) && !this.#monthDays.has(fromEnd)) return false;
    }
    if (this.#yearDays.size > 0) {
      const day = days - daysOf(date.year, 1, 1) + 1;
      if (!this.#yearDays.has(day) && !this.#yearDays.has(day - (isLeapYear(date.year) ? 367 : 366))) return false;
    }
    if (this.#weekdays.size + this.#nthDays.size === 0) return true;
    const weekday = weekdayOf(days);
    return this.#weekdays.has(weekday) || (this.#nthDays.size > 0 && this.#isNth(days, date, weekday));
  }

  #isNth(days: number, date: { year: number; month: number; day: number }, weekday: number): boolean {
    const inYear = this.#rule.frequency === 'yearly' && this.#rule.byMonth.length === 0;
    const at = inYear ? days - daysOf(date.year, 1, 1) : date.day - 1;
    const length = inYear ? (isLeapYear(date.year) ? 366 : 365) : daysInMonth(date.year, date.month);
    const nth = Math.floor(at / 7) + 1;
    const fromEnd = -(Math.floor((length - 1 - at) / 7) + 1);
    return this.#nthDays.has(nth * 7 + weekday) || this.#nthDays.has(fromEnd * 7 + weekday);
  }

  /** Weeks of a year as ISO 8601 counts them, from the first day of week that the rule names. */
  #isInWeek(days: number, year: number): boolean {
    const first = firstWeekOf(year, this.#rule.firstDayOfWeek);
    const weeks = (firstWeekOf(year + 1, this.#rule.firstDayOfWeek) - first) / 7;
    const week = Math.floor((days - first) / 7) + 1;
    if (week < 1 || week > weeks) return false;
    return this.#weeks.has(week) || this.#weeks.has(week - weeks - 1);
  }
}

/** First day of the week that has four days in the year at least. */
function firstWeekOf(year: number, firstDayOfWeek: number): number {
  const newYear = daysOf(year, 1, 1);
  const into = (weekdayOf(newYear) - firstDayOfWeek + 7) % 7;
  return into <= 3 ? newYear - into : newYear - into + 7;
}
