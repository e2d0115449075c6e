import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { QUIET_READS, QUIET_SHARE, QUIET_TICK_MS, QUIET_TICKS, QuietMemory } from './quiet-memory.ts';

const BUSY = QUIET_SHARE + 0.01;

interface Stage {
  readonly told: boolean[];
  readonly heard: (times: number) => void;
  /** Ticks pass in which the event loop works this share of the time. */
  readonly pass: (ticks: number, share: number) => void;
}

function stage(context: TestContext): Stage {
  context.mock.timers.enable({ apis: ['setInterval'] });
  const told: boolean[] = [];
  let now = 0;
  const memory = new QuietMemory(
    (favoured) => told.push(favoured),
    () => now,
  );
  return {
    told,
    heard: (times) => {
      for (let i = 0; i < times; i += 1) memory.heard();
    },
    pass: (ticks, share) => {
      now = share;
      for (let i = 0; i < ticks; i += 1) context.mock.timers.tick(QUIET_TICK_MS);
    },
  };
}

test('memory is favoured when the server has been quiet for a while, once', (context) => {
  const { heard, pass, told } = stage(context);
  heard(1000);
  pass(3, BUSY);
  pass(QUIET_TICKS - 1, QUIET_SHARE);
  assert.deepEqual(told, []);
  pass(1, 0);
  assert.deepEqual(told, [true]);
  pass(100, 0);
  assert.deepEqual(told, [true]);
});

test('speed is favoured at once when clients are busy again, not for a word of those who idle', (context) => {
  const { heard, pass, told } = stage(context);
  heard(1);
  pass(QUIET_TICKS + 5, 0);
  heard(QUIET_READS);
  assert.deepEqual(told, [true]);
  heard(1);
  assert.deepEqual(told, [true, false]);
  pass(QUIET_TICKS, 0);
  assert.deepEqual(told, [true, false, true]);
});

test('one long command is work, though nobody is heard', (context) => {
  const { heard, pass, told } = stage(context);
  heard(1);
  pass(20, BUSY);
  assert.deepEqual(told, []);
  pass(QUIET_TICKS, 0);
  heard(1);
  pass(1, BUSY);
  assert.deepEqual(told, [true, false]);
});
