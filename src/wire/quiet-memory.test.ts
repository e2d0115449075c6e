import assert from 'node:assert/strict';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { type TestContext, test } from 'node:test';
import {
  COLLECTION_SHARE,
  COLLECTION_TICKS,
  GROWTH_OCTETS,
  GROWTH_SHARE,
  QUIET_READS,
  QUIET_SHARE,
  QUIET_TICK_MS,
  QUIET_TICKS,
  QuietMemory,
  v8Heap,
} from './quiet-memory.ts';

const BUSY = QUIET_SHARE + 0.01;
const OCTETS = 8 * GROWTH_OCTETS;

interface Stage {
  /** What was done with the heap: `memory`, `speed`, `collect`. */
  readonly done: string[];
  readonly heard: (times: number) => void;
  /** Ticks pass in which the event loop works this share of the time. */
  readonly pass: (ticks: number, share: number) => void;
  /** From now on the heap has so many octets. */
  readonly holds: (octets: number) => void;
}

function stage(context: TestContext): Stage {
  context.mock.timers.enable({ apis: ['setInterval'] });
  const done: string[] = [];
  let now = 0;
  let octets = OCTETS;
  const heap = {
    favour: (memory: boolean) => void done.push(memory ? 'memory' : 'speed'),
    collect: () => void done.push('collect'),
    octets: () => octets,
  };
  const memory = new QuietMemory(heap, () => now);
  return {
    done,
    heard: (times) => {
      for (let i = 0; i < times; i += 1) memory.heard();
    },
    pass: (ticks, share) => {
      now = share;
      for (let i = 0; i < ticks; i += 1) context.mock.timers.tick(QUIET_TICK_MS);
    },
    holds: (now) => {
      octets = now;
    },
  };
}

test('memory is favoured and garbage collected when the server has been quiet for a while, once', (context) => {
  const { heard, pass, done } = stage(context);
  heard(1000);
  pass(3, BUSY);
  pass(QUIET_TICKS - 1, QUIET_SHARE);
  assert.deepEqual(done, []);
  pass(1, 0);
  assert.deepEqual(done, ['memory', 'collect']);
  pass(100, 0);
  assert.deepEqual(done, ['memory', 'collect']);
});

test('speed is favoured at once when clients are busy again, not for a word of those who idle', (context) => {
  const { heard, pass, done } = stage(context);
  heard(1);
  pass(QUIET_TICKS + COLLECTION_TICKS + 5, 0);
  heard(QUIET_READS);
  assert.deepEqual(done, ['memory', 'collect']);
  heard(1);
  assert.deepEqual(done, ['memory', 'collect', 'speed']);
  pass(QUIET_TICKS, 0);
  assert.deepEqual(done, ['memory', 'collect', 'speed', 'memory']);
});

test('one long command is work, though nobody is heard', (context) => {
  const { heard, pass, done } = stage(context);
  heard(1);
  pass(20, BUSY);
  assert.deepEqual(done, []);
  pass(QUIET_TICKS + COLLECTION_TICKS, 0);
  heard(1);
  pass(1, BUSY);
  assert.deepEqual(done, ['memory', 'collect', 'speed']);
});

test('the work of the collection itself is not taken for that of clients', (context) => {
  const { heard, pass, done } = stage(context);
  heard(1);
  pass(QUIET_TICKS, 0);
  pass(COLLECTION_TICKS, BUSY);
  assert.deepEqual(done, ['memory', 'collect']);
});

test('a long command meanwhile is still told from the steps of a collection', (context) => {
  const { heard, pass, done } = stage(context);
  heard(1);
  pass(QUIET_TICKS, 0);
  for (let i = 0; i < 3; i += 1) {
    pass(1, COLLECTION_SHARE + 0.01);
    pass(1, COLLECTION_SHARE);
  }
  assert.deepEqual(done, ['memory', 'collect']);
  pass(2, COLLECTION_SHARE + 0.01);
  assert.deepEqual(done, ['memory', 'collect', 'speed']);
});

test('a heap that has hardly grown since the last collection is left alone', (context) => {
  const { heard, pass, done, holds } = stage(context);
  const wave = (octets: number): number => {
    heard(QUIET_READS + 1);
    holds(octets);
    pass(QUIET_TICKS + COLLECTION_TICKS, 0);
    return done.filter((what) => what === 'collect').length;
  };
  assert.equal(wave(OCTETS), 1);
  assert.equal(wave(OCTETS + GROWTH_OCTETS - 1), 1);
  assert.equal(wave(OCTETS + GROWTH_OCTETS), 2);
  const large = GROWTH_OCTETS / GROWTH_SHARE / GROWTH_SHARE;
  assert.equal(wave(large), 3);
  assert.equal(wave(large * (1 + GROWTH_SHARE) - 1), 3);
  assert.equal(wave(large * (1 + GROWTH_SHARE)), 4);
});

test('a collection that clients interrupted is begun again', (context) => {
  const { heard, pass, done } = stage(context);
  heard(1);
  pass(QUIET_TICKS + COLLECTION_TICKS - 1, 0);
  heard(QUIET_READS + 1);
  pass(QUIET_TICKS, 0);
  assert.deepEqual(done, ['memory', 'collect', 'speed', 'memory', 'collect']);
});

test('V8 takes the sign: a collection of the whole heap begins, and nothing becomes resident by it', {
  timeout: 60_000,
}, async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const detail: unknown = Reflect.get(entry, 'detail');
      const kind: unknown = typeof detail === 'object' && detail !== null ? Reflect.get(detail, 'kind') : null;
      if (kind === constants.NODE_PERFORMANCE_GC_MAJOR) resolve();
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  // V8 leaves heaps of a few megabytes alone.
  const live = Array.from({ length: 300_000 }, (_, i) => ({ i }));
  // V8's steps are tasks that do not keep the process alive.
  const alive = setInterval(() => {}, 1_000);
  const before = process.memoryUsage.rss();
  v8Heap.collect();
  assert.ok(process.memoryUsage.rss() - before < 32 * 1024 * 1024);
  await promise;
  clearInterval(alive);
  observer.disconnect();
  assert.equal(live.length, 300_000);
});
