import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Email } from '../methods.ts';
import { EmailCache, EMAILS_KEPT } from './email-cache.ts';

const email = (id: string, threadId = 'T1'): Email => ({
  id,
  blobId: `B${id}`,
  threadId,
  mailboxIds: { F1: true },
  keywords: {},
  size: 1,
  receivedAt: '2026-11-30T12:00:00Z',
  from: null,
  to: null,
  subject: null,
  preview: '',
  hasAttachment: false,
});

test('what has moved or was marked is put into what is known, and nothing else is made up', () => {
  const cache = new EmailCache();
  cache.keep([email('M1')]);
  cache.place([
    { id: 'M1', mailboxIds: { F2: true }, keywords: { $seen: true } },
    { id: 'M2', mailboxIds: { F2: true }, keywords: {} },
  ]);
  assert.deepEqual(cache.email('M1')?.mailboxIds, { F2: true });
  assert.equal(cache.email('M1')?.threadId, 'T1');
  assert.equal(cache.email('M2'), null);
});

test('what is gone is gone from its conversation, too', () => {
  const cache = new EmailCache();
  cache.keep([email('M1'), email('M2')]);
  cache.keepThreads([{ id: 'T1', emailIds: ['M1', 'M2'] }]);
  cache.forget('M1');
  cache.forget('M9');
  assert.deepEqual(cache.thread('T1'), ['M2']);
  assert.equal(cache.email('M1'), null);
});

test('the oldest have to go when there are too many, but not what is shown', () => {
  const cache = new EmailCache();
  for (let number = 1; number <= EMAILS_KEPT; number += 1) cache.keep([email(`M${number}`)]);
  assert.equal(cache.prune(new Set(['M1'])), false);
  cache.keep([email('M0')]);
  assert.equal(cache.prune(new Set(['M1'])), true);
  assert.notEqual(cache.email('M1'), null);
  assert.equal(cache.email('M2'), null);
  assert.notEqual(cache.email('M0'), null);
});

test('beginning anew keeps what is shown', () => {
  const cache = new EmailCache();
  cache.keep([email('M1'), email('M2')]);
  cache.keepThreads([{ id: 'T1', emailIds: ['M1', 'M2'] }]);
  cache.forgetAllBut(new Set(['M2']));
  assert.equal(cache.email('M1'), null);
  assert.notEqual(cache.email('M2'), null);
  assert.equal(cache.thread('T1'), null);
});
