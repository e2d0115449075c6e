import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CircuitBreaker, FAILURES_TO_OPEN, PROBE_FIRST_MS, PROBE_LONGEST_MS } from './circuit-breaker.ts';

/** A breaker whose time is in the test's hand. */
function breaker(probe: () => Promise<void> = () => Promise.reject(new Error('no'))) {
  const due: Array<{ readonly run: () => void; readonly ms: number }> = [];
  const changes: boolean[] = [];
  const one = new CircuitBreaker({
    probe,
    changed: (isOpen) => changes.push(isOpen),
    later: (run, ms) => {
      const entry = { run, ms };
      due.push(entry);
      return () => void due.splice(due.indexOf(entry), 1);
    },
  });
  return { one, due, changes };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('opens behind several quick failures in a row, one success in between forgives', () => {
  const { one } = breaker();
  for (let i = 1; i < FAILURES_TO_OPEN; i += 1) one.failed(false);
  one.succeeded();
  for (let i = 1; i < FAILURES_TO_OPEN; i += 1) one.failed(false);
  assert.equal(one.isOpen, false);
  one.failed(false);
  assert.equal(one.isOpen, true);
});

test('opens at once behind a time-out', () => {
  const { one, changes } = breaker();
  one.failed(true);
  one.failed(true);
  assert.deepEqual(changes, [true]);
});

test('is probed at times that grow apart and have an end, until an answer closes it', async () => {
  let up = false;
  const { one, due, changes } = breaker(() => (up ? Promise.resolve() : Promise.reject(new Error('no'))));
  one.failed(true);
  for (let i = 0, longest = PROBE_FIRST_MS; i < 10; i += 1, longest = Math.min(PROBE_LONGEST_MS, longest * 2)) {
    const next = due.shift();
    assert.ok(next !== undefined && next.ms >= longest / 2 && next.ms <= longest, `probe ${i} after ${next?.ms}`);
    assert.equal(due.length, 0, 'one probe at a time');
    next.run();
    await settled();
  }
  up = true;
  due.shift()?.run();
  await settled();
  assert.equal(one.isOpen, false);
  assert.deepEqual(changes, [true, false]);
  assert.equal(due.length, 0);
});

test('probes no more once it is closed for good', async () => {
  const { one, due } = breaker();
  one.failed(true);
  one.close();
  assert.equal(due.length, 0);
});
