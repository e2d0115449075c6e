import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mailbox } from '../methods.ts';
import { editOf, isForGood, rowAfter, targetOf } from './edits.ts';

const folder = (id: string, role: string | null): Mailbox => ({
  id,
  name: id,
  parentId: null,
  role,
  sortOrder: 1,
  totalEmails: 0,
  unreadEmails: 0,
  myRights: {
    mayReadItems: true,
    mayAddItems: true,
    mayRemoveItems: true,
    maySetSeen: true,
    maySetKeywords: true,
    mayCreateChild: true,
    mayRename: true,
    mayDelete: true,
    maySubmit: true,
  },
});
const trash = folder('F6', 'trash');
const junk = folder('F5', 'junk');
const folders = [folder('F1', 'inbox'), junk, trash, folder('F9', null)];

test('a move leaves every folder it lay in, and stays where it already is', () => {
  assert.deepEqual(editOf({ kind: 'move', to: trash }, ['F1', 'F2']), {
    mailboxes: { F1: false, F2: false, F6: true },
  });
  assert.deepEqual(editOf({ kind: 'move', to: trash }, ['F6']), { mailboxes: { F6: true } });
  assert.deepEqual(editOf({ kind: 'copy', to: trash }, ['F1']), { mailboxes: { F6: true } });
});

test('junk is moved and marked, and back', () => {
  assert.deepEqual(editOf({ kind: 'junk', to: junk }, ['F1']), {
    keywords: { $junk: true, $notjunk: false },
    mailboxes: { F1: false, F5: true },
  });
  assert.deepEqual(editOf({ kind: 'notJunk', to: trash }, ['F5'])?.keywords, { $junk: false, $notjunk: true });
});

test('marks, and deleting for good', () => {
  assert.deepEqual(editOf({ kind: 'unread' }, ['F1']), { keywords: { $seen: false } });
  assert.deepEqual(editOf({ kind: 'flag' }, ['F1']), { keywords: { $flagged: true } });
  assert.equal(editOf({ kind: 'destroy' }, ['F1']), null);
});

test('where things go, and where deleting is for good', () => {
  assert.equal(targetOf('junk', folders)?.id, 'F5');
  assert.equal(targetOf('notJunk', folders)?.id, 'F1');
  assert.equal(targetOf('archive', folders), null);
  assert.ok(isForGood(trash, folders));
  assert.ok(!isForGood(junk, folders));
  assert.ok(isForGood(folders[0] ?? null, []));
});

test('the eye goes on to the next row, at the end to the one before', () => {
  const rows = ['a', 'b', 'c', 'd'];
  assert.equal(rowAfter(rows, new Set(['b'])), 'c');
  assert.equal(rowAfter(rows, new Set(['b', 'c'])), 'd');
  assert.equal(rowAfter(rows, new Set(['d'])), 'c');
  assert.equal(rowAfter(rows, new Set(['c', 'd'])), 'b');
  assert.equal(rowAfter(rows, new Set(rows)), null);
  assert.equal(rowAfter(rows, new Set(['z'])), 'a');
});
