import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mailboxId } from '../store/model.ts';
import { PARTIAL_DELIVERIES } from '../wire/limits.ts';
import { RetryMemory } from './retry-memory.ts';
import { Slots } from './slots.ts';

describe('RetryMemory', () => {
  it('forgets by time and by number, oldest first', () => {
    let now = 0;
    const memory = new RetryMemory(() => now, 2);
    const ann = new Set([mailboxId('ann')]);
    memory.remember('one', ann);
    memory.remember('two', ann);
    memory.remember('three', ann);
    assert.equal(memory.delivered('one').size, 0);
    assert.deepEqual([...memory.delivered('three')], ['ann']);
    now = 7 * 60 * 60 * 1000;
    assert.equal(memory.delivered('three').size, 0);
    memory.forget('two');
    assert.ok(memory.isEmpty);
  });
});

it('RetryMemory holds PARTIAL_DELIVERIES messages when nothing else is said', () => {
  const memory = new RetryMemory(() => 0);
  const ann = new Set([mailboxId('ann')]);
  for (let i = 0; i <= PARTIAL_DELIVERIES; i += 1) memory.remember(`message ${i}`, ann);
  assert.equal(memory.delivered('message 0').size, 0);
  assert.equal(memory.delivered('message 1').size, 1);
});

describe('attempts at one message', () => {
  const ann = mailboxId('ann');
  const bob = mailboxId('bob');

  it('wait for each other, and a retry knows what the first one delivered', async () => {
    const memory = new RetryMemory(() => 0);
    const first = await memory.enter('x');
    const order: string[] = [];
    const second = memory.enter('x').then((attempt) => {
      order.push('second');
      return attempt;
    });
    const other = await memory.enter('y');
    other.settle(false);
    first.delivered(new Set([ann]));
    order.push('settled');
    first.settle(true);
    const retry = await second;
    assert.deepEqual(order, ['settled', 'second']);
    assert.deepEqual([...retry.earlier], ['ann']);
    retry.delivered(new Set([bob]));
    retry.settle(true);
    assert.deepEqual([...memory.delivered('x')].sort(), ['ann', 'bob']);
    const third = await memory.enter('x');
    third.settle(false);
    assert.ok(memory.isEmpty);
  });

  it('one that is complete is no retry of anything', async () => {
    const memory = new RetryMemory(() => 0);
    const first = await memory.enter('x');
    first.delivered(new Set([ann]));
    first.settle(false);
    assert.equal((await memory.enter('x')).earlier.size, 0);
  });

  it('one that nobody decides about counts as one that comes again', async () => {
    const memory = new RetryMemory(() => 0, 10, 1);
    const first = await memory.enter('x');
    first.delivered(new Set([ann]));
    // Resolves by the time limit alone.
    const second = await memory.enter('x');
    assert.deepEqual([...second.earlier], ['ann']);
    second.settle(true);
    // A word that comes late still counts.
    first.settle(false);
    assert.equal(memory.delivered('x').size, 0);
  });
});

describe('Slots', () => {
  it('never lets more than the limit work on one key, and serves in order', async () => {
    const slots = new Slots<string>(2);
    const order: number[] = [];
    let busy = 0;
    let most = 0;
    const work = async (index: number): Promise<void> => {
      busy += 1;
      most = Math.max(most, busy);
      await Promise.resolve();
      order.push(index);
      busy -= 1;
    };
    const all = Array.from({ length: 20 }, (_, index) => slots.run('ann', () => work(index)));
    await slots.run('bob', async () => {});
    await Promise.all(all);
    assert.equal(most, 2);
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
    );
  });

  it('frees the slot of work that failed', async () => {
    const slots = new Slots<string>(1);
    await assert.rejects(slots.run('ann', () => Promise.reject(new Error('no'))));
    assert.equal(await slots.run('ann', () => Promise.resolve(1)), 1);
  });
});
