import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../../observe/failure.ts';
import { Region } from './region.ts';

const away = async (): Promise<never> => {
  throw new Failure('UNAVAILABLE', 'away');
};

test('what is known costs no reading; what changed is read again', async () => {
  const region = new Region<string, number>(10);
  let reads = 0;
  const read = async (): Promise<number> => (reads += 1);
  assert.equal(await region.get('a', read), 1);
  assert.equal(region.get('a', read), 1, 'no promise');
  region.outdate('b');
  assert.equal(region.get('a', read), 1);
  region.outdate('a');
  assert.equal(await region.get('a', read), 2);
  region.outdateAll();
  assert.equal(await region.get('a', read), 3);
});

test('while it cannot be read, what was known last counts, changed or not; what was never known does not', async () => {
  const region = new Region<string, number>(10);
  await region.get('a', async () => 1);
  assert.equal(region.get('a', away), 1);
  region.outdate('a');
  assert.equal(await region.get('a', away), 1);
  region.outdateAll();
  assert.equal(await region.get('a', away), 1);
  await assert.rejects(async () => region.get('b', away), Failure);
  assert.equal(await region.get('a', async () => 2), 2, 'and is read as soon as that works');
});

test('what is gone is not remembered', async () => {
  const region = new Region<string, number>(10);
  for (const gone of [
    async () => null,
    async (): Promise<never> => {
      throw new Failure('NONEXISTENT', 'gone');
    },
  ]) {
    await region.find('a', async () => 1);
    region.outdate('a');
    await Promise.resolve(region.find('a', gone)).catch(() => null);
    await assert.rejects(async () => region.find('a', away), Failure);
  }
});

test('a change during a reading: whoever asks from then on reads anew, and the old answer is not kept', async () => {
  for (const change of ['outdate', 'outdateAll'] as const) {
    const region = new Region<string, string>(10);
    const slow = Promise.withResolvers<string>();
    const first = region.get('a', () => slow.promise);
    region[change]('a');
    const second = region.get('a', async () => 'new');
    slow.resolve('old');
    assert.deepEqual([await first, await second], ['old', 'new']);
    assert.equal(region.get('a', away), 'new');
  }
});

test('many who ask at once cause one reading', async () => {
  const region = new Region<string, number>(10);
  let reads = 0;
  const asked = Array.from({ length: 100 }, async () => region.get('a', async () => (reads += 1)));
  assert.deepEqual(new Set(await Promise.all(asked)), new Set([1]));
});

test('it is bounded', async () => {
  const region = new Region<number, number>(2);
  for (const key of [1, 2, 3]) await region.get(key, async () => key);
  await assert.rejects(async () => region.get(1, away), Failure);
  assert.equal(region.get(3, away), 3);
});
