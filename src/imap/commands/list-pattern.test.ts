import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ListPattern } from './list-pattern.ts';

test('the definition of RFC 9051 §6.3.9 as a regular expression agrees', () => {
  const piece = fc.constantFrom('*', '%', 'a', 'b', '/', 'é', '𝄞');
  const char = fc.constantFrom('a', 'b', '/', 'é', '𝄞');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.array(char, { maxLength: 8 }), (pattern, name) => {
      const source = pattern.join('').replaceAll('*', '[^]*').replaceAll('%', '[^/]*');
      const expected = new RegExp(`^${source}$`, 'u').test(name.join(''));
      assert.equal(new ListPattern(pattern.join('')).matches(name.join('')), expected);
    }),
    { numRuns: 2000 },
  );
});

test('INBOX is one folder in any case', () => {
  assert.ok(new ListPattern('inbox').matches('INBOX'));
  assert.ok(new ListPattern('InBox/%').matches('INBOX/Work'));
  assert.ok(!new ListPattern('inboxes').matches('INBOXES'));
});

test('a hostile pattern takes steps, not years', () => {
  const began = performance.now();
  assert.ok(!new ListPattern(`${'*a'.repeat(400)}b`).matches('a'.repeat(900)));
  assert.ok(performance.now() - began < 1000);
});
