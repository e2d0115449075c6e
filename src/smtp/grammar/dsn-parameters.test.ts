import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeXtext, parseEnvelopeId, parseNotify, parseOriginalRecipient, parseRet } from './dsn-parameters.ts';

const encode = (text: string): string =>
  text.replaceAll(/[^!-~]|[+=]/g, (c) => `+${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);

test('xtext of any printable text comes back', () => {
  fc.assert(fc.property(fc.stringMatching(/^[\x20-\x7e]*$/), (text) => assert.equal(decodeXtext(encode(text)), text)));
});

test('xtext refuses raw pluses, lower case hex and control characters', () => {
  for (const text of ['a+b', 'a+2b', 'a=b', 'a b', '+0D+0A', 'ä']) assert.equal(decodeXtext(text), null, text);
});

test('parameters', () => {
  assert.equal(parseRet('hdrs'), 'HDRS');
  assert.equal(parseRet('SOME'), null);
  assert.equal(parseEnvelopeId('QQ314159'), 'QQ314159');
  assert.equal(parseEnvelopeId('x'.repeat(101)), null);
  assert.deepEqual(parseNotify('never'), new Set());
  assert.deepEqual(parseNotify('SUCCESS,failure'), new Set(['SUCCESS', 'FAILURE']));
  for (const bad of ['NEVER,SUCCESS', 'SUCCESS,SUCCESS', 'SOON', '']) assert.equal(parseNotify(bad), null, bad);
  assert.deepEqual(parseOriginalRecipient('rfc822;Bob+2Bx@example.com'), {
    type: 'rfc822',
    address: 'Bob+x@example.com',
  });
  for (const bad of ['bob@example.com', ';a', 'rfc822;', `rfc822;${'x'.repeat(500)}`]) {
    assert.equal(parseOriginalRecipient(bad), null, bad);
  }
});
