import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { ThreadPool } from './thread-pool.ts';

/** Doubles numbers; 0 ends the thread, -1 keeps it busy for good. */
const MODULE = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort, threadId } from 'node:worker_threads';
    parentPort.on('message', (number) => {
      if (number === 0) throw new Error('no zero');
      while (number === -1);
      parentPort.postMessage({ double: number * 2, threadId });
    });`)}`,
);

interface Reply {
  readonly double: number;
  readonly threadId: number;
}

describe('threads that answer requests', () => {
  let pool: ThreadPool<number, Reply>;
  const make = (limits: { threads?: number; idleMs?: number; limitMs?: number } = {}): void => {
    pool = new ThreadPool({
      module: MODULE,
      name: 'test',
      threads: 2,
      idleMs: 60_000,
      limitMs: 60_000,
      heapMb: 64,
      ...limits,
    });
  };
  afterEach(() => pool.close());
  const ask = (number: number): Promise<Reply> => pool.run(() => ({ request: number, transfer: [] }));

  test('each gets its own answer, by no more threads than allowed', async () => {
    make();
    const replies = await Promise.all([1, 2, 3, 4, 5].map(ask));
    assert.deepEqual(
      replies.map(({ double }) => double),
      [2, 4, 6, 8, 10],
    );
    assert.ok(new Set(replies.map(({ threadId }) => threadId)).size <= 2);
    assert.equal(pool.waiting, 0);
  });

  test('one that breaks its thread fails alone, with the reason', async () => {
    make({ threads: 1 });
    const [broken, next] = await Promise.allSettled([ask(0), ask(7)]);
    assert.ok(broken.status === 'rejected' && String(broken.reason).includes('no zero'));
    assert.ok(next.status === 'fulfilled' && next.value.double === 14);
  });

  test('one that takes too long is ended', async () => {
    make({ threads: 1, limitMs: 300 });
    await assert.rejects(ask(-1), /a thread of test ended/);
    assert.equal((await ask(3)).double, 6);
  });

  test('an idle thread is ended, and a later request has a new one', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    make({ threads: 1, idleMs: 1000 });
    const first = await ask(1);
    t.mock.timers.tick(999);
    assert.equal((await ask(1)).threadId, first.threadId);
    t.mock.timers.tick(1000);
    assert.notEqual((await ask(1)).threadId, first.threadId);
  });
});
