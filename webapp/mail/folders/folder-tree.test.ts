import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mailbox } from '../methods.ts';
import {
  folderKey,
  folderNamed,
  folderTree,
  pathNames,
  shownNodes,
  unreadOf,
  withDescendants,
  withRole,
} from './folder-tree.ts';

const folder = (id: string, name: string, more: Partial<Mailbox> = {}): Mailbox => ({
  id,
  name,
  parentId: null,
  role: null,
  sortOrder: 7,
  totalEmails: 1,
  unreadEmails: 1,
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
  ...more,
});

const folders = [
  folder('F9', 'Zoo'),
  folder('F8', 'year 10', { parentId: 'F7' }),
  folder('F6', 'Year 9', { parentId: 'F7' }),
  folder('F7', 'Ärger'),
  folder('F2', 'Deleted Items', { role: 'trash' }),
  folder('F1', 'Inbox', { role: 'inbox' }),
  folder('F5', 'Bills', { parentId: 'F1' }),
  folder('F4', 'Orphan', { parentId: 'F99' }),
];
const tree = folderTree(folders, 'en');

test('roles first, then names as people sort them', () => {
  assert.deepEqual(
    shownNodes(tree, () => false).map(({ mailbox, level }) => `${level} ${mailbox.name}`),
    ['1 Inbox', '2 Bills', '1 Deleted Items', '1 Ärger', '2 Year 9', '2 year 10', '1 Orphan', '1 Zoo'],
  );
});

test('what is closed hides what is within it, and shows its count', () => {
  assert.equal(shownNodes(tree, (id) => id === 'F7').length, 6);
  const parent = tree.find(({ mailbox }) => mailbox.id === 'F7');
  assert.ok(parent !== undefined);
  assert.equal(unreadOf(parent, false), 1);
  assert.equal(unreadOf(parent, true), 3);
});

test('folders by role, by id, and how an address names them', () => {
  assert.equal(folderNamed(folders, 'trash')?.id, 'F2');
  assert.equal(folderNamed(folders, 'F9')?.name, 'Zoo');
  assert.equal(folderNamed(folders, 'F100'), null);
  assert.equal(withRole(folders, 'junk'), null);
  assert.deepEqual(folders.slice(4, 7).map(folderKey), ['trash', 'inbox', 'F5']);
});

test('a folder cannot go into itself or what is within it', () => {
  assert.deepEqual([...withDescendants(folders, 'F7')].toSorted(), ['F6', 'F7', 'F8']);
});

test('the way to a folder, also when folders point at each other', () => {
  const [, bill] = [folders[0], folders[6]];
  assert.ok(bill !== undefined);
  assert.deepEqual(
    pathNames(folders, bill, ({ name }) => name),
    ['Inbox', 'Bills'],
  );
  const a = folder('F1', 'a', { parentId: 'F2' });
  const b = folder('F2', 'b', { parentId: 'F1' });
  assert.deepEqual(
    pathNames([a, b], a, ({ name }) => name),
    ['b', 'a'],
  );
});
