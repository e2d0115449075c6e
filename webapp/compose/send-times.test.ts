import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localTimeText, proposedTimes } from './send-times.ts';

const proposals = (year: number, month: number, day: number) => {
  const { tomorrowMorning, mondayMorning } = proposedTimes(new Date(year, month - 1, day, 15, 30));
  return [localTimeText(tomorrowMorning), localTimeText(mondayMorning)];
};

test('tomorrow morning and Monday morning, over the end of a month and a year', () => {
  assert.deepEqual(proposals(2026, 12, 2), ['2026-12-03T08:00', '2026-12-07T08:00']);
  assert.deepEqual(proposals(2026, 12, 31), ['2027-01-01T08:00', '2027-01-04T08:00']);
});

test('on a Sunday and on a Monday, Monday is the next one', () => {
  assert.deepEqual(proposals(2026, 12, 6), ['2026-12-07T08:00', '2026-12-14T08:00']);
  assert.deepEqual(proposals(2026, 12, 7), ['2026-12-08T08:00', '2026-12-14T08:00']);
});
