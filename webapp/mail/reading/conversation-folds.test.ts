import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openAtFirst, stretches } from './conversation-folds.ts';

const read = (id: string) => ({ id, isUnread: false });

test('unread ones and the last one are open, and what was asked for', () => {
  const messages = [read('1'), { id: '2', isUnread: true }, read('3'), read('4')];
  assert.deepEqual([...openAtFirst(messages)], ['2', '4']);
  assert.deepEqual([...openAtFirst(messages, '1')], ['1', '2', '4']);
  assert.deepEqual([...openAtFirst([])], []);
});

test('many closed ones are one line between the first and the last of them', () => {
  const ids = ['1', '2', '3', '4', '5', '6'];
  assert.deepEqual(stretches(ids, new Set(['6']), false), [
    { kind: 'message', id: '1' },
    { kind: 'folded', ids: ['2', '3', '4'] },
    { kind: 'message', id: '5' },
    { kind: 'message', id: '6' },
  ]);
  assert.equal(stretches(ids, new Set(['6']), true).length, 6);
});

test('a few closed ones stay, also between open ones', () => {
  const ids = ['1', '2', '3', '4'];
  assert.ok(stretches(ids, new Set(['4']), false).every(({ kind }) => kind === 'message'));
  assert.equal(stretches(['1', '2', '3', '4', '5', '6', '7', '8', '9'], new Set(['5', '9']), false).length, 8 - 0);
});
