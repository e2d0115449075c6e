import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDate } from './date.ts';

/** Field value, instant, day as written. */
const DATES: ReadonlyArray<readonly [string, string, string]> = [
  ['Fri, 21 Nov 1997 09:55:06 -0600', '1997-11-21T15:55:06Z', '1997-11-21'],
  ['Tue, 1 Jul 2003 10:52:37 +0200', '2003-07-01T08:52:37Z', '2003-07-01'],
  // RFC 5322 appendix A.5 and A.6
  ['Thu,\t13\tFeb\t1969\t23:32\t-0330 (Newfoundland Time)', '1969-02-14T03:02:00Z', '1969-02-13'],
  ['21 Nov 97 09:55:06 GMT', '1997-11-21T09:55:06Z', '1997-11-21'],
  ['Fri, 21 Nov 1997 09(comment):   55  :  06 -0600', '1997-11-21T15:55:06Z', '1997-11-21'],
  // the day as written is not the day of the instant
  ['Mon, 1 Jan 2024 00:30:00 +0200', '2023-12-31T22:30:00Z', '2024-01-01'],
  ['Sun, 31 Dec 2023 23:30:00 -0800', '2024-01-01T07:30:00Z', '2023-12-31'],
  // obsolete zones and years
  ['Mon, 5 Aug 02 10:00 EDT', '2002-08-05T14:00:00Z', '2002-08-05'],
  ['Mon,  2 Apr 101 04:20:10 CST', '2001-04-02T10:20:10Z', '2001-04-02'],
  ['1 Jan 49 00:00 UT', '2049-01-01T00:00:00Z', '2049-01-01'],
  ['1 Jan 50 00:00 UT', '1950-01-01T00:00:00Z', '1950-01-01'],
  ['1 Jan 2020 00:00:00 K', '2020-01-01T00:00:00Z', '2020-01-01'],
  // what programs write besides
  ['Thu, 25 Dec 2008 10:00:00 GMT+0100', '2008-12-25T09:00:00Z', '2008-12-25'],
  ['Thu, 25 Dec 2008 10:00:00 +01:00', '2008-12-25T09:00:00Z', '2008-12-25'],
  ['Thu, 25 December 2008 10:00:00 +0100', '2008-12-25T09:00:00Z', '2008-12-25'],
  ['Thu Dec 25 10:00:00 2008', '2008-12-25T10:00:00Z', '2008-12-25'],
  ['Thu Dec 25 10:00:00 2008 +0100', '2008-12-25T09:00:00Z', '2008-12-25'],
  ['25-Dec-2008 10:00:00 +0100', '2008-12-25T09:00:00Z', '2008-12-25'],
  ['2008-12-25T10:00:00+01:00', '2008-12-25T09:00:00Z', '2008-12-25'],
  ['2008-12-25 10:00:00.123', '2008-12-25T10:00:00Z', '2008-12-25'],
  ['12/25/2008 10:00:00 PM', '2008-12-25T22:00:00Z', '2008-12-25'],
  ['25/12/2008', '2008-12-25T00:00:00Z', '2008-12-25'],
  ['Thu, 25 Dec 2008', '2008-12-25T00:00:00Z', '2008-12-25'],
  ['Thu, 25 Dec 2008 99:99:99 +0000', '2008-12-25T00:00:00Z', '2008-12-25'],
];

for (const [value, instant, day] of DATES) {
  test(`date ${value}`, () => {
    const date = parseDate(value);
    assert.ok(date !== null);
    assert.equal(new Date(date.seconds * 1000).toISOString().replace('.000', ''), instant);
    assert.equal(new Date(date.day * 86_400_000).toISOString().slice(0, 10), day);
  });
}

test('what holds no date is null', () => {
  for (const value of ['', 'Whenever', '%DATE%', '7370951615', 'Thu Jan 01 00:00:10 +0000', '32 Jan 2020', '1 Jan']) {
    assert.equal(parseDate(value), null, value);
  }
});

test('every instant written as RFC 5322 says reads back', () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date('1950-01-01'), max: new Date('2049-12-31'), noInvalidDate: true }),
      fc.integer({ min: -14 * 60, max: 14 * 60 }),
      (date, zone) => {
        const seconds = Math.floor(date.getTime() / 1000);
        const local = new Date((seconds + zone * 60) * 1000);
        const sign = zone < 0 ? '-' : '+';
        const digits = (value: number): string => String(value).padStart(2, '0');
        const offset = `${sign}${digits(Math.floor(Math.abs(zone) / 60))}${digits(Math.abs(zone) % 60)}`;
        assert.deepEqual(parseDate(local.toUTCString().replace('GMT', offset)), {
          seconds,
          day: Math.floor(local.getTime() / 86_400_000),
          zone,
        });
      },
    ),
  );
});

test('never throws', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (value) => (parseDate(value), true)));
});
