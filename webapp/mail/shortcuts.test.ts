import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMANDS, commandOf, type KeyPress, SHORTCUTS } from './shortcuts.ts';

const press = (key: string, more: Partial<KeyPress> = {}): KeyPress => ({
  key,
  shiftKey: false,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...more,
});

test('every command has a key, and no key two commands', () => {
  assert.deepEqual(SHORTCUTS.map(({ command }) => command).toSorted(), [...COMMANDS].toSorted());
  const keys = SHORTCUTS.flatMap((shortcut) => shortcut.keys);
  assert.equal(new Set(keys).size, keys.length);
});

test('letters with and without Shift are different keys; Caps Lock changes nothing', () => {
  assert.deepEqual(commandOf(press('u'), null), { command: 'toggleUnread' });
  assert.deepEqual(commandOf(press('U', { shiftKey: true }), null), { command: 'markUnread' });
  assert.deepEqual(commandOf(press('E'), null), { command: 'archive' });
});

test('signs are what the layout makes of Shift', () => {
  assert.deepEqual(commandOf(press('#', { shiftKey: true }), null), { command: 'delete' });
  assert.deepEqual(commandOf(press('#'), null), { command: 'delete' });
  assert.deepEqual(commandOf(press('?', { shiftKey: true }), null), { command: 'help' });
});

test('g i goes to the inbox; g alone waits; g and something else is that alone', () => {
  assert.deepEqual(commandOf(press('g'), null), { begins: 'g' });
  assert.deepEqual(commandOf(press('i'), 'g'), { command: 'goInbox' });
  assert.deepEqual(commandOf(press('a'), 'g'), { command: 'goArchive' });
  assert.deepEqual(commandOf(press('u'), 'g'), { command: 'toggleUnread' });
});

test("the browser's own keys are left to it", () => {
  assert.equal(commandOf(press('r', { ctrlKey: true }), null), null);
  assert.equal(commandOf(press('a', { metaKey: true }), null), null);
  assert.equal(commandOf(press('ArrowDown', { altKey: true }), null), null);
  assert.equal(commandOf(press('q'), null), null);
});
