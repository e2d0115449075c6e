import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ConnectionLost } from './connection.ts';
import { Pool, POOL_SIZE, WAITING_LIMIT } from './pool.ts';

/** As much of a connection as the pool sees. */
class Fake {
  isUsable = true;
  lastUsed = performance.now();
  destroy(): void {
    this.isUsable = false;
  }
  async end(): Promise<void> {
    this.isUsable = false;
  }
}

function held(): { readonly promise: Promise<void>; readonly release: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, release: resolve };
}

test('connections are used again, and no more are opened than there may be', async () => {
  const opened: Fake[] = [];
  const pool = new Pool(async () => {
    const one = new Fake();
    opened.push(one);
    return one;
  });
  for (let n = 0; n < 5; n += 1) await pool.use(async () => undefined);
  assert.equal(opened.length, 1);
  let together = 0;
  let most = 0;
  const asked = Array.from({ length: 50 }, () =>
    pool.use(async () => {
      together += 1;
      most = Math.max(most, together);
      await nextTurn();
      together -= 1;
    }),
  );
  await Promise.all(asked);
  assert.deepEqual([most, opened.length], [POOL_SIZE, POOL_SIZE]);
  pool.destroy(new ConnectionLost('done'));
  assert.ok(opened.every((one) => !one.isUsable));
  await assert.rejects(
    pool.use(async () => undefined),
    /done/,
  );
});

test('whoever waits when every connection breaks and none can be opened hears of it', async () => {
  let canOpen = true;
  const opened: Fake[] = [];
  const pool = new Pool(async () => {
    if (!canOpen) throw new ConnectionLost('too many clients');
    const one = new Fake();
    opened.push(one);
    return one;
  });
  const { promise, release } = held();
  const using = Array.from({ length: POOL_SIZE }, () => pool.use(() => promise));
  const waiting = Array.from({ length: 50 }, () => pool.use(async () => undefined));
  const heard = Promise.allSettled(waiting);
  await Promise.resolve();
  canOpen = false;
  for (const one of opened) one.isUsable = false;
  release();
  await Promise.all(using);
  assert.ok((await heard).every((result) => result.status === 'rejected'));
  canOpen = true;
  await pool.use(async () => undefined);
});

test('a crowd is bounded', async () => {
  const pool = new Pool(async () => new Fake());
  const { promise, release } = held();
  const using = Array.from({ length: POOL_SIZE }, () => pool.use(() => promise));
  const waiting = Array.from({ length: WAITING_LIMIT }, () => pool.use(async () => undefined));
  await Promise.resolve();
  await assert.rejects(
    pool.use(async () => undefined),
    /too many questions/,
  );
  release();
  await Promise.all([...using, ...waiting]);
});
