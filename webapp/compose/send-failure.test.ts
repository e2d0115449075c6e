import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionLost, MethodRefused, RequestRefused, SetRefused } from '../jmap/errors.ts';
import { failureWords, SendRefused } from './send-failure.ts';

const stored = { accountId: 'a', emailId: 'e' };
const refused = (type: string, named: readonly string[] = []) =>
  failureWords(new SendRefused(stored, type, 'says why', named));

test('a refusal stands at the field it belongs to, in the words of the server', () => {
  assert.deepEqual(refused('invalidRecipients', ['x@y.org']), {
    field: 'to',
    key: 'recipients',
    named: ['x@y.org'],
    reason: 'says why',
  });
  for (const type of ['forbiddenFrom', 'forbiddenMailFrom', 'forbiddenToSend'])
    assert.deepEqual([refused(type).field, refused(type).key], ['from', 'from']);
  assert.deepEqual([refused('tooLarge').field, refused('tooLarge').key], ['attachments', 'tooLarge']);
  assert.deepEqual(
    [refused('overQuota').key, refused('rateLimit').key, refused('noRecipients').key],
    ['quota', 'rate', 'noRecipients'],
  );
  assert.deepEqual([refused('somethingNew').field, refused('somethingNew').key], ['message', 'other']);
});

test('what is no refusal of the message is told as what it is', () => {
  assert.equal(failureWords(new ConnectionLost(502)).key, 'connection');
  assert.equal(failureWords(new RequestRefused(413, 'too large')).key, 'tooLarge');
  assert.equal(failureWords(new MethodRefused('accountReadOnly', 'no')).key, 'other');
  assert.equal(failureWords(new SetRefused('blobNotFound', 'gone')).key, 'blob');
  assert.deepEqual(failureWords('odd').reason, 'odd');
});
