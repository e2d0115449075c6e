import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileSize, listDate } from './dates.ts';

const now = new Date(2026, 10, 30, 15, 0);
const at = (year: number, month: number, day: number, hour: number): string =>
  new Date(year, month - 1, day, hour, 5).toISOString();

test('the nearer a date, the finer it is said', () => {
  assert.match(listDate(at(2026, 11, 30, 9), 'en', now), /^9:05/);
  assert.match(listDate(at(2026, 11, 28, 9), 'en', now), /^Sat/);
  assert.equal(listDate(at(2026, 11, 23, 9), 'en', now), 'Nov 23');
  assert.equal(listDate(at(2025, 11, 30, 9), 'en', now), '11/30/2025');
  assert.equal(listDate(at(2025, 11, 30, 9), 'es', now), '30/11/2025');
  assert.equal(listDate(at(2027, 1, 2, 9), 'en', now), '1/2/2027');
});

test('a date that is none is left out', () => {
  assert.equal(listDate('nonsense', 'en', now), '');
});

test('sizes of files', () => {
  assert.equal(fileSize(512, 'en'), '512 byte');
  assert.equal(fileSize(1500, 'en'), '1.5 kB');
  assert.equal(fileSize(25_400_000, 'en'), '25 MB');
});
