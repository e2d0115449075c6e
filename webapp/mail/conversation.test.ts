import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bareSubject, factsOf, peopleOf } from './conversation.ts';
import type { Address, Email } from './methods.ts';

const ana: Address = { name: 'Ana García', email: 'ana@example.org' };
const bob: Address = { name: null, email: 'bob.jones@example.org' };
const comma: Address = { name: 'Doe, Jane', email: 'jane@example.org' };

const email = (id: string, from: Address, keywords: Email['keywords'] = {}, more: Partial<Email> = {}): Email => ({
  id,
  blobId: `B${id}`,
  threadId: 'T1',
  mailboxIds: { F1: true },
  keywords,
  size: 1,
  receivedAt: '2026-11-30T12:00:00Z',
  from: [from],
  to: [comma],
  subject: null,
  preview: '',
  hasAttachment: false,
  ...more,
});

test('one writer has his whole name, several their short ones, each once', () => {
  const one = email('1', ana, { $seen: true });
  assert.deepEqual(peopleOf({ latest: one, emails: [], count: 1 }, false), [{ name: 'Ana García', isUnread: false }]);
  const emails = [
    one,
    email('2', bob),
    email('3', { ...ana, email: 'ANA@example.org' }),
    email('4', comma, { $seen: true }),
  ];
  assert.deepEqual(peopleOf({ latest: one, emails, count: 4 }, false), [
    { name: 'Ana', isUnread: true },
    { name: 'bob.jones', isUnread: true },
    { name: 'Doe, Jane', isUnread: false },
  ]);
});

test('in Sent stand those it went to', () => {
  const latest = email('1', ana);
  assert.deepEqual(peopleOf({ latest, emails: [latest], count: 1 }, true), [{ name: 'Doe, Jane', isUnread: true }]);
});

test('a conversation is unread when one message is, and has what any of them has', () => {
  const read = email('1', ana, { $seen: true, $flagged: true });
  const unread = email('2', bob, { $answered: true }, { hasAttachment: true });
  assert.deepEqual(factsOf({ latest: unread, emails: [read, unread], count: 2 }), {
    isUnread: true,
    isFlagged: true,
    isAnswered: true,
    isForwarded: false,
    hasAttachment: true,
    hasDraft: false,
  });
});

test('what programs put before a subject is taken off', () => {
  assert.equal(bareSubject('Re: AW: Fwd: [list] Lunch'), '[list] Lunch');
  assert.equal(bareSubject('Re[2]: Lunch'), 'Lunch');
  assert.equal(bareSubject('Regarding: Lunch'), 'Regarding: Lunch');
});
