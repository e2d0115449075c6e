/** The few properties that mail needs, and names of items that stay the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calendarItemId, readCalendar } from './icalendar.ts';

const event = (...lines: string[]): string =>
  ['BEGIN:VCALENDAR', 'METHOD:REQUEST', 'BEGIN:VEVENT', ...lines, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n');

test('reads folded lines, quoted parameters, escaped text', () => {
  const facts = readCalendar(
    event(
      'UID:a',
      ' b',
      'SUMMARY;ALTREP="cid:x":One\\, two\\nthree',
      'LOCATION:Room 1',
      'DTSTART;TZID="Europe/Berlin":20261123T140000',
    ),
  );
  assert.deepEqual(facts, {
    method: 'REQUEST',
    uid: 'ab',
    recurrenceId: null,
    summary: 'One, two three',
    location: 'Room 1',
    start: '2026-11-23 14:00 (Europe/Berlin)',
  });
});

const starts: ReadonlyArray<readonly [string, string | null]> = [
  ['DTSTART:20261123T140000Z', '2026-11-23 14:00 (UTC)'],
  ['DTSTART;VALUE=DATE:20261123', '2026-11-23'],
  ['DTSTART:20261123T140000', '2026-11-23 14:00'],
  ['DTSTART:soon', null],
];
for (const [line, start] of starts) test(line, () => assert.equal(readCalendar(event(line)).start, start));

test('the series comes before its exceptions, alarms do not count', () => {
  const text = [
    'BEGIN:VEVENT',
    'UID:u',
    'RECURRENCE-ID:20260101T100000Z',
    'SUMMARY:exception',
    'END:VEVENT',
    'BEGIN:VEVENT',
    'UID:u',
    'BEGIN:VALARM',
    'SUMMARY:alarm',
    'END:VALARM',
    'SUMMARY:series',
    'END:VEVENT',
  ].join('\n');
  const facts = readCalendar(text);
  assert.equal(facts.summary, 'series');
  assert.equal(facts.recurrenceId, null);
  assert.equal(facts.method, null);
});

test('what is no calendar has nothing', () => {
  for (const text of ['', 'hello', 'BEGIN:VEVENT', ':', 'END:VEVENT\nBEGIN:VEVENT\nUID', '\0'.repeat(100)]) {
    assert.equal(readCalendar(text).uid, null);
  }
});

test('names of items: the same for the same, different for occurrences', () => {
  assert.equal(calendarItemId('u', null), calendarItemId('u', null));
  assert.notEqual(calendarItemId('u', null), calendarItemId('u', ':20260101'));
  assert.notEqual(calendarItemId('u', null), calendarItemId('v', null));
  assert.match(calendarItemId('u', null), /^[\w-]{22}$/);
  // Links live in mail for years: this value never changes.
  assert.equal(calendarItemId('040000008200E00074C5B7101A82E008', null), 'E7JjfmNXIyQplLrsx1lrVV');
});
