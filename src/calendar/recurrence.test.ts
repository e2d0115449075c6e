/** Recurrence: the examples of RFC 5545 §3.8.5.3, and that no rule costs more than its budget. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readICalendar } from './jcal.ts';
import { membersOf, propertyOf } from './jcal-model.ts';
import { EXPANSION_BUDGET, startsOf } from './recurrence.ts';
import { FREQUENCIES, jcalOfRule, jsOfRule, type RecurrenceRule, ruleOfJCal, ruleOfJs } from './recurrence-rule.ts';
import { DAY, readWall, wallText } from './wall-time.ts';

const wall = (text: string): number => readWall(text)?.wall ?? assert.fail(text);

/** Wall time throughout: UNTIL is given as such. */
function ruleOf(text: string): RecurrenceRule {
  const [calendar] = readICalendar(`BEGIN:VCALENDAR\r\nRRULE:${text}\r\nEND:VCALENDAR`);
  assert.ok(calendar !== undefined);
  const property = propertyOf(calendar, 'rrule');
  assert.ok(property !== null, text);
  const rule = ruleOfJCal(membersOf(property) ?? new Map(), (until) => readWall(until)?.wall ?? null);
  assert.ok(rule !== null, text);
  return rule;
}

function starts(rule: RecurrenceRule, start: string, from: string, before: string): readonly string[] {
  const window = { from: wall(from), before: wall(before) };
  return [...startsOf(rule, wall(start), window, { left: EXPANSION_BUDGET })].map(wallText);
}

describe('RFC 5545 §3.8.5.3', () => {
  /** Rule, start, then days (and times when they differ from 09:00:00) up to the end of the window. */
  const rows: ReadonlyArray<readonly [rule: string, start: string, before: string, expected: string]> = [
    ['FREQ=DAILY;COUNT=3', '1997-09-02', '1998-01-01', '1997-09-02 1997-09-03 1997-09-04'],
    ['FREQ=DAILY;INTERVAL=10;COUNT=3', '1997-09-02', '1998-01-01', '1997-09-02 1997-09-12 1997-09-22'],
    ['FREQ=YEARLY;UNTIL=19980102T140000;BYMONTH=1;BYDAY=FR', '1998-01-02', '2001-01-01', '1998-01-02'],
    [
      'FREQ=WEEKLY;INTERVAL=2;COUNT=4;WKST=SU;BYDAY=TU,TH',
      '1997-09-02',
      '1998-01-01',
      '1997-09-02 1997-09-04 1997-09-16 1997-09-18',
    ],
    ['FREQ=MONTHLY;COUNT=4;BYDAY=1FR', '1997-09-05', '1998-06-01', '1997-09-05 1997-10-03 1997-11-07 1997-12-05'],
    [
      'FREQ=MONTHLY;INTERVAL=2;COUNT=4;BYDAY=1SU,-1SU',
      '1997-09-07',
      '1998-06-01',
      '1997-09-07 1997-09-28 1997-11-02 1997-11-30',
    ],
    ['FREQ=MONTHLY;COUNT=3;BYDAY=-2MO', '1997-09-22', '1998-06-01', '1997-09-22 1997-10-20 1997-11-17'],
    ['FREQ=MONTHLY;BYMONTHDAY=-3', '1997-09-28', '1998-01-01', '1997-09-28 1997-10-29 1997-11-28 1997-12-29'],
    ['FREQ=MONTHLY;COUNT=4;BYMONTHDAY=1,-1', '1997-09-30', '1998-06-01', '1997-09-30 1997-10-01 1997-10-31 1997-11-01'],
    ['FREQ=MONTHLY;BYMONTHDAY=31', '1997-08-31', '1998-02-01', '1997-08-31 1997-10-31 1997-12-31 1998-01-31'],
    ['FREQ=YEARLY;COUNT=4;BYMONTH=6,7', '1997-06-10', '2001-01-01', '1997-06-10 1997-07-10 1998-06-10 1998-07-10'],
    [
      'FREQ=YEARLY;INTERVAL=3;COUNT=4;BYYEARDAY=1,100,200',
      '1997-01-01',
      '2010-01-01',
      '1997-01-01 1997-04-10 1997-07-19 2000-01-01',
    ],
    ['FREQ=YEARLY;BYDAY=20MO', '1997-05-19', '2000-01-01', '1997-05-19 1998-05-18 1999-05-17'],
    ['FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO', '1997-05-12', '2000-01-01', '1997-05-12 1998-05-11 1999-05-17'],
    ['FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29', '2000-02-29', '2009-01-01', '2000-02-29 2004-02-29 2008-02-29'],
    ['FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13', '1998-02-13', '1999-12-31', '1998-02-13 1998-03-13 1998-11-13 1999-08-13'],
    [
      'FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8',
      '1996-11-05',
      '2005-01-01',
      '1996-11-05 2000-11-07 2004-11-02',
    ],
    ['FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3', '1997-09-04', '1998-01-01', '1997-09-04 1997-10-07 1997-11-06'],
    [
      'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2',
      '1997-09-29',
      '1998-01-01',
      '1997-09-29 1997-10-30 1997-11-27 1997-12-30',
    ],
    [
      'FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000',
      '1997-09-02',
      '1997-09-03',
      '1997-09-02 1997-09-02T12:00:00 1997-09-02T15:00:00',
    ],
    [
      'FREQ=MINUTELY;INTERVAL=90;COUNT=3',
      '1997-09-02',
      '1997-09-03',
      '1997-09-02 1997-09-02T10:30:00 1997-09-02T12:00:00',
    ],
    [
      'FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO',
      '1997-08-05',
      '1998-01-01',
      '1997-08-05 1997-08-10 1997-08-19 1997-08-24',
    ],
    [
      'FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU',
      '1997-08-05',
      '1998-01-01',
      '1997-08-05 1997-08-17 1997-08-19 1997-08-31',
    ],
    [
      'FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5',
      '2007-01-15',
      '2008-01-01',
      '2007-01-15 2007-01-30 2007-02-15 2007-03-15 2007-03-30',
    ],
    // A start that the rule does not name is its first occurrence all the same (RFC 8984 §4.3.3).
    ['FREQ=YEARLY;COUNT=3;BYMONTH=1;BYMONTHDAY=1', '2026-05-04', '2030-01-01', '2026-05-04 2027-01-01 2028-01-01'],
    ['FREQ=YEARLY;BYWEEKNO=1,-1;BYDAY=SU', '2020-01-05', '2022-01-01', '2020-01-05 2021-01-03 2021-01-10'],
  ];
  for (const [text, start, before, expected] of rows)
    test(text, () => {
      const times = expected.split(' ').map((time) => (time.includes('T') ? time : `${time}T09:00:00`));
      assert.deepEqual(starts(ruleOf(text), `${start}T09:00:00`, '1990-01-01T00:00:00', `${before}T00:00:00`), times);
    });
});

test('a window far from the start is entered at once', () => {
  const budget = { left: 500 };
  const window = { from: wall('9000-01-01T00:00:00'), before: wall('9000-01-03T00:00:00') };
  const found = [...startsOf(ruleOf('FREQ=DAILY;INTERVAL=1'), wall('1970-01-01T09:00:00'), window, budget)];
  assert.deepEqual(found.map(wallText), ['9000-01-01T09:00:00', '9000-01-02T09:00:00']);
  assert.ok(budget.left > 0);
});

/** As rules hold them: each once, rising. */
const values = (least: number, most: number) =>
  fc
    .uniqueArray(fc.integer({ min: least, max: most }), { maxLength: 3 })
    .map((numbers) => numbers.filter((number) => least >= 0 || number !== 0).toSorted((a, b) => a - b));
const anyRule: fc.Arbitrary<RecurrenceRule> = fc.record({
  frequency: fc.constantFrom(...FREQUENCIES),
  interval: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 10_000 })),
  count: fc.option(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1_000_000 }))),
  until: fc.constant(null),
  firstDayOfWeek: fc.integer({ min: 0, max: 6 }),
  byDay: fc.array(
    fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: -53, max: 53 })).map(([day, nth]) => ({ day, nth })),
    { maxLength: 3 },
  ),
  byMonth: values(1, 12),
  byMonthDay: values(-31, 31),
  byYearDay: values(-366, 366),
  byWeekNo: values(-53, 53),
  byHour: values(0, 23),
  byMinute: values(0, 59),
  bySecond: values(0, 60),
  bySetPosition: values(-366, 366),
});
const anyStart = fc.integer({ min: wall('1900-01-01T00:00:00'), max: wall('2100-01-01T00:00:00') });

test('any rule ends within its budget, gives rising starts, and the same ones through any window', () => {
  fc.assert(
    fc.property(anyRule, anyStart, fc.integer({ min: 0, max: 4000 }), (rule, start, days) => {
      const budget = { left: 20_000 };
      const from = start + days * DAY;
      const whole = [...startsOf(rule, start, { from: start, before: from + 10 * DAY }, budget)];
      // One period more may be looked at than was left: a year, or the minutes of a day.
      assert.ok(budget.left > -90_000, `${budget.left}`);
      for (const [at, one] of whole.entries()) assert.ok(at === 0 || one > whole[at - 1]!, wallText(one));
      const other = { left: 20_000 };
      const part = [...startsOf(rule, start, { from, before: from + 10 * DAY }, other)];
      if (budget.left > 0 && other.left > 0)
        assert.deepEqual(
          part,
          whole.filter((one) => one >= from),
        );
    }),
    { numRuns: 300 },
  );
});

test('a rule is the same through JSCalendar and iCalendar', () => {
  fc.assert(
    fc.property(anyRule, (rule) => {
      const js = JSON.parse(JSON.stringify(jsOfRule(rule)));
      assert.deepEqual(
        ruleOfJs((name) => js[name]),
        { ...rule },
      );
      assert.deepEqual(
        ruleOfJCal(jcalOfRule(rule, wallText), (text) => readWall(text)?.wall ?? null),
        { ...rule },
      );
    }),
  );
});
