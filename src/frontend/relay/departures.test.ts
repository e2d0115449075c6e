import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEPARTURE_MS, Departures, DEPARTURES_AT_ONCE } from './departures.ts';

test('a thousand who leave at once are spread over a second, a few are not held up', async () => {
  const delays: number[] = [];
  let left = 0;
  const departures = new Departures(
    () => 5_000,
    (ms) => {
      delays.push(ms);
      return Promise.resolve();
    },
  );
  for (let i = 0; i < 1_000; i += 1) departures.add(() => (left += 1));
  assert.equal(left, DEPARTURES_AT_ONCE);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(left, 1_000);
  assert.ok(Math.max(...delays) <= 1_000 * DEPARTURE_MS);
  // Not all in one half: that would be a storm again.
  assert.ok(delays.filter((ms) => ms < 250).length > 100 && delays.filter((ms) => ms > 500).length > 100);
});

test('who leaves behind the storm does not wait for it', () => {
  let now = 0;
  let left = 0;
  const departures = new Departures(
    () => now,
    () => new Promise(() => {}),
  );
  for (let i = 0; i < 500; i += 1) departures.add(() => {});
  now = 10_000;
  departures.add(() => (left += 1));
  assert.equal(left, 1);
});
