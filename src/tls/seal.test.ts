import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../observe/failure.ts';
import { newSealingKey, seal, unseal } from './seal.ts';

const key = newSealingKey();
const secret = Buffer.from('the key of the authority');
const refused = (error: unknown): boolean => error instanceof Failure && error.code === 'CORRUPTION';

test('what is sealed opens with the same key for the same purpose only', () => {
  const sealed = seal(key, 'one', secret);
  assert.deepEqual(Buffer.from(unseal(key, 'one', sealed)), secret);
  assert.throws(() => unseal(newSealingKey(), 'one', sealed), refused);
  assert.throws(() => unseal(key, 'other', sealed), refused);
});

test('no bit of a sealed secret can be changed, none cut off or added', () => {
  const sealed = seal(key, 'one', secret);
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.throws(() => unseal(key, 'one', changed), refused, `byte ${at}`);
    assert.throws(() => unseal(key, 'one', sealed.subarray(0, at)), refused, `cut at ${at}`);
  }
  assert.throws(() => unseal(key, 'one', Buffer.concat([sealed, Buffer.of(0)])), refused);
});

test('sealing twice shows nobody that it is the same secret, and shows none of it', () => {
  const [one, two] = [seal(key, 'one', secret), seal(key, 'one', secret)];
  assert.notDeepEqual(one, two);
  assert.equal(Buffer.from(one).includes(secret), false);
});
