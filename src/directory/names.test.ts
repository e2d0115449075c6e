import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Failure } from '../observe/failure.ts';
import { addressKey, checkedAddress, checkedAlias, domainKey, LOCAL_PART_BYTES, logonCandidates } from './names.ts';

test('one address has one key, however it is spelled', () => {
  assert.equal(addressKey('A.B@Bücher.Example'), addressKey('a.b@xn--bcher-kva.example'));
  assert.equal(addressKey('e\u0301@example.org'), addressKey('\u00e9@EXAMPLE.org.'));
  assert.notEqual(addressKey('a@example.org'), addressKey('a@example.org/b'));
  assert.notEqual(domainKey('bücher.example/x'), domainKey('bücher.example'));
});

test('the local part ends at its limit', () => {
  assert.equal(
    checkedAddress(`${'x'.repeat(LOCAL_PART_BYTES)}@Example.org`),
    `${'x'.repeat(LOCAL_PART_BYTES)}@example.org`,
  );
  assert.throws(() => checkedAddress(`${'x'.repeat(LOCAL_PART_BYTES + 1)}@example.org`), Failure);
});

test('whatever is typed, a checked name is stable and a logon name gives few look-ups', () => {
  const domains = { default: 'example.org', accepted: ['example.org', 'example.net'], organization: 'Contoso' };
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), (typed) => {
      assert.ok(logonCandidates(typed, domains).length <= 3);
      for (const check of [checkedAddress, checkedAlias]) {
        let once: string;
        try {
          once = check(typed);
        } catch (error) {
          assert.ok(error instanceof Failure);
          continue;
        }
        assert.equal(check(once), once);
      }
    }),
  );
});

test('DOMAIN\\user: the domain must be ours, delegate forms name nobody', () => {
  const domains = { default: 'example.org', accepted: ['example.org', 'example.net'], organization: 'Contoso' };
  const keys = (typed: string): string[] => logonCandidates(typed, domains).map((one) => one.key);
  assert.deepEqual(keys('example\\Ann'), ['ann@example.org', 'ann@example.net', 'ann']);
  assert.deepEqual(keys('EXAMPLE.NET/Ann'), ['ann@example.net', 'ann']);
  assert.deepEqual(keys('contoso\\Ann'), ['ann']);
  assert.deepEqual(keys('ann'), ['ann@example.org', 'ann']);
  for (const none of ['other\\ann', 'example/ann/boss', 'example\\ann@example.org', '/', '\\', ' '])
    assert.ok(!keys(none).includes('ann'), none);
});
