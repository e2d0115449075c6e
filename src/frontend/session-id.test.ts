import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextSessionId } from './session-id.ts';

test('16 hex digits, rising, also faster than the clock', () => {
  let last = '';
  for (let i = 0; i < 200_000; i += 1) {
    const next = nextSessionId();
    assert.equal(next.length, 16);
    assert.ok(next > last, `${next} behind ${last}`);
    last = next;
  }
});
