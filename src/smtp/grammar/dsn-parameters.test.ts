import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeXtext,
  encodeXtext,
  parseEnvelopeId,
  parseNotify,
  parseOriginalRecipient,
  parseRet,
  printDsnOfMail,
  printDsnOfRecipient,
} from './dsn-parameters.ts';

test('xtext of any printable text comes back', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[\x20-\x7e]*$/), (text) => assert.equal(decodeXtext(encodeXtext(text)), text)),
  );
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

test('parameters that are written read back', () => {
  assert.equal(printDsnOfMail({ ret: 'HDRS', envelopeId: 'a b' }), ' RET=HDRS ENVID=a+20b');
  assert.equal(printDsnOfMail({ ret: null, envelopeId: null }), '');
  const written = printDsnOfRecipient({
    notify: new Set(['SUCCESS', 'DELAY']),
    original: { type: 'rfc822', address: 'a+b@example.org' },
  });
  assert.equal(written, ' NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bb@example.org');
  assert.deepEqual(parseOriginalRecipient('rfc822;a+2Bb@example.org'), { type: 'rfc822', address: 'a+b@example.org' });
  assert.equal(printDsnOfRecipient({ notify: new Set(), original: null }), ' NOTIFY=NEVER');
  assert.equal(printDsnOfRecipient({ notify: null, original: null }), '');
});
