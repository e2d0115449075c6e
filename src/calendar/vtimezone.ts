/**
 * VTIMEZONE (RFC 5545 §3.6.5): read, for zones that only their calendar knows; written, for calendars that go out,
 * because other programs may not know our names. Pure.
 */
import { type Component, componentsOf, parameterOf, propertiesOf, property, textOf } from './jcal-model.ts';
import { membersOf } from './jcal-model.ts';
import { startsOf } from './recurrence.ts';
import { type RecurrenceRule, ruleOfJCal } from './recurrence-rule.ts';
import { civilOf, DAY, dayOf, daysInMonth, readWall, wallText, weekdayOf } from './wall-time.ts';
import { wallOf, type Zone } from './zones.ts';

/** Observances and single onsets of one zone that are looked at. */
const OBSERVANCES = 100;
const ONSETS = 500;
/** Work that one question may cost. */
const BUDGET = 20_000;
/** The longest time without a change that a rule can make is a few years; then it is looked for from the start. */
const LOOK_BACK_DAYS = 800;

interface Observance {
  readonly offsetFrom: number;
  readonly offsetTo: number;
  /** Wall time in the offset before it. */
  readonly start: number;
  readonly rules: readonly RecurrenceRule[];
  readonly onsets: readonly number[];
}

/** Null: it says nothing that could be followed. */
export function zoneOfComponent(component: Component): Zone | null {
  const name = textOf(component, 'tzid');
  const observances = component.components
    .filter((one) => one.name === 'standard' || one.name === 'daylight')
    .slice(0, OBSERVANCES)
    .map(observanceOf)
    .filter((one) => one !== null);
  if (name === null || observances.length === 0) return null;
  const byDay = new Map<number, ReadonlyArray<readonly [moment: number, offset: number]>>();
  return {
    name: `/${name}`,
    offsetAt(moment) {
      const day = dayOf(moment);
      let known = byDay.get(day);
      if (known === undefined) {
        if (byDay.size >= 5000) byDay.clear();
        known = changesAround(observances, day);
        byDay.set(day, known);
      }
      const last = known.findLast(([at]) => at <= moment);
      return last?.[1] ?? known[0]?.[1] ?? 0;
    },
  };
}

function observanceOf(component: Component): Observance | null {
  const offsetFrom = offsetOf(textOf(component, 'tzoffsetfrom'));
  const offsetTo = offsetOf(textOf(component, 'tzoffsetto'));
  const start = readWall(textOf(component, 'dtstart') ?? '');
  if (offsetTo === null || start === null) return null;
  const from = offsetFrom ?? offsetTo;
  const rules = propertiesOf(component, 'rrule')
    .map((rule) => ruleOfJCal(membersOf(rule) ?? new Map(), (text) => untilOf(text, from)))
    // Changes by the hour are none; a rule for them would only cost time.
    .filter((rule) => rule !== null && (rule.frequency === 'yearly' || rule.frequency === 'monthly'))
    .filter((rule) => rule !== null);
  const onsets = propertiesOf(component, 'rdate')
    .flatMap((dates) => dates.values)
    .map((value) => (typeof value === 'string' ? (readWall(value)?.wall ?? null) : null))
    .filter((wall) => wall !== null)
    .slice(0, ONSETS);
  return { offsetFrom: from, offsetTo, start: start.wall, rules: rules.slice(0, 4), onsets };
}

function untilOf(text: string, offset: number): number | null {
  const time = readWall(text);
  if (time === null) return null;
  return time.isDate ? time.wall + DAY - 1 : time.isUtc ? time.wall + offset : time.wall;
}

/** jCal writes `+01:00`; seconds may follow. */
function offsetOf(text: string | null): number | null {
  const found = /^([+-])(\d\d):?(\d\d)(?::?(\d\d))?$/.exec(text ?? '');
  if (found === null) return null;
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = found;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds));
}

/** Changes up to the end of a day, the one that is in effect when it begins first. */
function changesAround(
  observances: readonly Observance[],
  day: number,
): ReadonlyArray<readonly [moment: number, offset: number]> {
  const before = (day + 2) * DAY;
  const changes: Array<readonly [number, number]> = [];
  for (const observance of observances) {
    const { start, rules, onsets, offsetFrom, offsetTo } = observance;
    const add = (wall: number): void => {
      if (wall < before) changes.push([wall - offsetFrom, offsetTo]);
    };
    add(start);
    for (const onset of onsets) add(onset);
    for (const rule of rules) {
      let found = 0;
      const budget = { left: BUDGET };
      for (const wall of startsOf(rule, start, { from: (day - LOOK_BACK_DAYS) * DAY, before }, budget)) {
        add(wall);
        found += 1;
      }
      // A rule that has ended: its last onset counts as long as nothing follows.
      if (found === 0 && start < before) {
        let last = start;
        for (const wall of startsOf(rule, start, { from: start, before }, { left: BUDGET })) last = wall;
        add(last);
      }
    }
  }
  changes.sort((a, b) => a[0] - b[0]);
  const first = changes.findLastIndex(([at]) => at <= day * DAY);
  const shown = changes.slice(Math.max(0, first));
  if (first >= 0 || observances.length === 0) return shown;
  // Before everything the zone knows: the offset it came from.
  const earliest = observances.reduce((a, b) => (a.start <= b.start ? a : b));
  return [[-Infinity, earliest.offsetFrom], ...shown];
}

/* -------------------------------------------------------------- writing */

interface Change {
  /** Moment. */
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

/** Years behind the event's for which a rule has to hold before it is written as one. */
const RULE_YEARS = 4;

/** The zone as it is in the years of an event that begins at `moment`. */
export function componentOfZone(zone: Zone, tzid: string, moment: number): Component {
  const year = civilOf(dayOf(wallOf(zone, moment))).year;
  const before = changesOf(zone, year - 1);
  const changes = changesOf(zone, year);
  const base = zone.offsetAt(momentOfYear(year - 1));
  const observances: Component[] = [];
  if (before.length === 0 && changes.length === 0)
    observances.push(observance('standard', base, base, '1970-01-01T00:00:00', null));
  const later = Array.from({ length: RULE_YEARS }, (_, i) => changesOf(zone, year + 1 + i));
  for (const change of before.length > 0 ? before : changes) {
    const rule = yearlyRule(change);
    const isKept = [changes, ...later].every((those) => those.some((one) => sameRule(yearlyRule(one), rule)));
    const wall = wallText(change.at + change.from);
    observances.push(observance(kindOf(change), change.from, change.to, wall, isKept ? rule : null));
    if (isKept) continue;
    const rest = [changes, ...later].flat().filter(({ from, to }) => from === change.from && to === change.to);
    for (const one of rest)
      if (one.at !== change.at)
        observances.push(observance(kindOf(one), one.from, one.to, wallText(one.at + one.from), null));
  }
  return { name: 'vtimezone', properties: [property('tzid', 'text', [tzid])], components: observances };
}

const momentOfYear = (year: number): number => (readWall(`${year}-01-01T00:00:00`)?.wall ?? 0) - DAY;
const kindOf = ({ from, to }: Change): 'standard' | 'daylight' => (to > from ? 'daylight' : 'standard');

/** Looked for day by day, then by halves. */
function changesOf(zone: Zone, year: number): readonly Change[] {
  const changes: Change[] = [];
  const start = momentOfYear(year) + DAY;
  let known = zone.offsetAt(start);
  for (let day = start; day < start + 366 * DAY; day += DAY) {
    const next = zone.offsetAt(day + DAY);
    if (next === known) continue;
    let [low, high] = [day, day + DAY];
    while (high - low > 60) {
      const middle = Math.floor((low + high) / 120) * 60;
      if (zone.offsetAt(middle) === known) low = middle;
      else high = middle;
    }
    changes.push({ at: high, from: known, to: next });
    known = next;
  }
  return changes.filter(({ at, from }) => civilOf(dayOf(at + from)).year === year);
}

interface YearlyRule {
  readonly month: number;
  readonly nth: number;
  readonly weekday: number;
  readonly time: number;
}

function yearlyRule({ at, from }: Change): YearlyRule {
  const wall = at + from;
  const { year, month, day } = civilOf(dayOf(wall));
  const isLast = day + 7 > daysInMonth(year, month);
  return {
    month,
    nth: isLast ? -1 : Math.floor((day - 1) / 7) + 1,
    weekday: weekdayOf(dayOf(wall)),
    time: wall - dayOf(wall) * DAY,
  };
}

const sameRule = (a: YearlyRule, b: YearlyRule): boolean =>
  a.month === b.month && a.nth === b.nth && a.weekday === b.weekday && a.time === b.time;

function observance(
  kind: 'standard' | 'daylight',
  from: number,
  to: number,
  start: string,
  rule: YearlyRule | null,
): Component {
  const offset = (seconds: number): string => {
    const size = Math.abs(seconds);
    const two = (n: number): string => String(Math.floor(n)).padStart(2, '0');
    const rest = size % 60 === 0 ? '' : `:${two(size % 60)}`;
    return `${seconds < 0 ? '-' : '+'}${two(size / 3600)}:${two((size % 3600) / 60)}${rest}`;
  };
  const days = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];
  return {
    name: kind,
    properties: [
      property('tzoffsetfrom', 'utc-offset', [offset(from)]),
      property('tzoffsetto', 'utc-offset', [offset(to)]),
      property('dtstart', 'date-time', [start]),
      ...(rule === null
        ? []
        : [
            property('rrule', 'recur', [
              new Map<string, string | number>([
                ['freq', 'YEARLY'],
                ['bymonth', rule.month],
                ['byday', `${rule.nth}${days[rule.weekday] ?? 'SU'}`],
              ]),
            ]),
          ]),
    ],
    components: [],
  };
}

/** Zones that a calendar brings along, by TZID. */
export function zonesOf(calendar: Component): ReadonlyMap<string, Component> {
  const zones = new Map<string, Component>();
  for (const component of componentsOf(calendar, 'vtimezone')) {
    const tzid = textOf(component, 'tzid');
    if (tzid !== null) zones.set(tzid, component);
  }
  return zones;
}

/** TZIDs that a component's properties name. */
export function tzidsOf(component: Component): ReadonlySet<string> {
  const found = new Set<string>();
  for (const each of component.properties) {
    const tzid = parameterOf(each, 'tzid');
    if (tzid !== null) found.add(tzid);
  }
  return found;
}
