import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AWAKE_CREDIT, AWAKE_MS, Wakefulness } from './wakefulness.ts';

/** A clock and an event loop that turn when the test says so. */
function loop(): { awake: Wakefulness; pass: (ms: number) => void; turning: () => boolean } {
  let now = 0;
  let next: (() => void) | null = null;
  const awake = new Wakefulness(
    () => now,
    (again) => {
      next = again;
    },
  );
  return {
    awake,
    pass: (ms) => {
      now += ms;
      const again = next;
      next = null;
      again?.();
    },
    turning: () => next !== null,
  };
}

test('sleeps at once until a client has been quick', () => {
  const { awake, pass, turning } = loop();
  awake.answered();
  assert.equal(turning(), false);
  pass(AWAKE_MS / 2);
  awake.heard();
  awake.answered();
  assert.equal(turning(), true);
});

test('turns no longer than it may', () => {
  const { awake, pass, turning } = loop();
  awake.answered();
  awake.heard();
  awake.answered();
  pass(AWAKE_MS / 2);
  assert.equal(turning(), true);
  pass(AWAKE_MS / 2);
  assert.equal(turning(), false);
});

test('silence spends what quick clients have earned, and slow answers earn nothing', () => {
  const { awake, pass, turning } = loop();
  for (let i = 0; i < 2 * AWAKE_CREDIT; i += 1) {
    awake.answered();
    pass(AWAKE_MS / 3);
    awake.heard();
  }
  let waits = 0;
  for (; waits < 100; waits += 1) {
    pass(2 * AWAKE_MS);
    awake.heard();
    awake.answered();
    if (!turning()) break;
    pass(2 * AWAKE_MS);
  }
  assert.equal(waits, AWAKE_CREDIT);
});
