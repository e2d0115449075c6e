import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Email, Mailbox } from '../methods.ts';
import { changed, patchOf, recounted, undoOf } from './email-change.ts';

const rights = {
  mayReadItems: true,
  mayAddItems: true,
  mayRemoveItems: true,
  maySetSeen: true,
  maySetKeywords: true,
  mayCreateChild: true,
  mayRename: true,
  mayDelete: true,
  maySubmit: true,
};
const folder = (id: string, totalEmails: number, unreadEmails: number): Mailbox => ({
  id,
  name: id,
  parentId: null,
  role: null,
  sortOrder: 1,
  totalEmails,
  unreadEmails,
  myRights: rights,
});
const email: Email = {
  id: 'M1',
  blobId: 'B1',
  threadId: 'T1',
  mailboxIds: { F1: true },
  keywords: { $flagged: true },
  size: 100,
  receivedAt: '2026-11-30T12:00:00Z',
  from: null,
  to: null,
  subject: null,
  preview: '',
  hasAttachment: false,
};

test('a change as a patch of Email/set', () => {
  assert.deepEqual(patchOf({ keywords: { $seen: true, 'a/b~c': false }, mailboxes: { F1: false, F2: true } }), {
    'keywords/$seen': true,
    'keywords/a~1b~0c': null,
    'mailboxIds/F1': null,
    'mailboxIds/F2': true,
  });
});

test('a change and its undoing lead back', () => {
  const change = { keywords: { $seen: true, $flagged: true }, mailboxes: { F1: false, F2: true } };
  const after = changed(email, change);
  assert.deepEqual(after.mailboxIds, { F2: true });
  assert.deepEqual(after.keywords, { $flagged: true, $seen: true });
  const back = changed(after, undoOf(email, change));
  assert.deepEqual(back, email);
});

test('counts follow a move, a reading and a deletion', () => {
  const folders = [folder('F1', 10, 4), folder('F2', 0, 0)];
  const moved = changed(email, { mailboxes: { F1: false, F2: true } });
  const counts = (list: readonly Mailbox[]) => list.map(({ totalEmails, unreadEmails }) => [totalEmails, unreadEmails]);
  assert.deepEqual(counts(recounted(folders, [[email, moved]])), [
    [9, 3],
    [1, 1],
  ]);
  assert.deepEqual(counts(recounted(folders, [[email, changed(email, { keywords: { $seen: true } })]])), [
    [10, 3],
    [0, 0],
  ]);
  assert.deepEqual(counts(recounted(folders, [[email, null]])), [
    [9, 3],
    [0, 0],
  ]);
});
