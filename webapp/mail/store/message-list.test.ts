import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageList, PAGE } from './message-list.ts';

const named = (from: number, count: number): string[] => Array.from({ length: count }, (_, at) => `M${from - at}`);

function filled(total: number, pages: number): MessageList {
  const list = new MessageList();
  list.accept(0, named(total, Math.min(total, pages * PAGE)), total);
  return list;
}

test('what is not known is wanted in whole pages, and only once', () => {
  const list = new MessageList();
  assert.deepEqual(list.wanted(0, 30), { position: 0, limit: PAGE });
  list.accept(0, named(1000, PAGE), 1000);
  assert.equal(list.wanted(0, 30), null);
  assert.deepEqual(list.wanted(30, PAGE + 10), { position: PAGE, limit: PAGE });
  assert.deepEqual(list.wanted(500, 560), { position: 448, limit: 2 * PAGE });
});

test('an empty list is known to be empty', () => {
  const list = new MessageList();
  list.accept(0, [], 0);
  assert.equal(list.total, 0);
  assert.equal(list.wanted(0, 30), null);
});

test('the last, short page is whole', () => {
  const list = filled(70, 2);
  assert.equal(list.wanted(0, 70), null);
  assert.equal(list.at(69), 'M1');
});

test('new mail moves what is known behind it, and what lies outside the window is asked again when it is looked at', () => {
  const list = filled(1000, 3);
  list.accept(0, ['M1002', 'M1001', ...named(1000, PAGE - 2)], 1002);
  assert.equal(list.at(0), 'M1002');
  assert.equal(list.at(2), 'M1000');
  assert.equal(list.indexOf('M900'), 102);
  assert.equal(list.total, 1002);
  assert.equal(list.wanted(0, PAGE), null);
  assert.deepEqual(list.wanted(PAGE, PAGE + 1), { position: PAGE, limit: PAGE });
});

test('a window far down tells how far the rows in front of it have moved', () => {
  const list = filled(1000, 4);
  list.accept(2 * PAGE, named(1000 - 2 * PAGE + 5, PAGE), 1005);
  assert.equal(list.indexOf('M990'), 15);
  assert.equal(list.indexOf(`M${1000 - 3 * PAGE - 1}`), 3 * PAGE + 1 + 5);
});

test('a conversation that came up again is in one place', () => {
  const list = filled(100, 2);
  list.accept(0, ['M101', ...named(100, 40), ...named(59, PAGE - 41)], 100);
  const seen = list.between(0, 100);
  assert.equal(new Set(seen).size, seen.length);
  assert.equal(list.indexOf('M60'), -1);
  assert.equal(list.at(41), 'M59');
  assert.equal(list.at(99), 'M1');
});

test('what is removed lets the rest move up, and the pages from there on are asked again', () => {
  const list = filled(1000, 3);
  list.remove(new Set(['M999', 'M950', 'unknown']));
  assert.equal(list.total, 998);
  assert.equal(list.at(0), 'M1000');
  assert.equal(list.at(1), 'M998');
  assert.equal(list.indexOf('M949'), 49);
  assert.deepEqual(list.wanted(0, PAGE), { position: 0, limit: PAGE });
});

test('a removal far down leaves the pages in front of it alone', () => {
  const list = filled(1000, 3);
  list.remove(new Set([`M${1000 - 2 * PAGE}`]));
  assert.equal(list.wanted(0, 2 * PAGE), null);
  assert.deepEqual(list.wanted(0, 3 * PAGE), { position: 2 * PAGE, limit: PAGE });
});

test('a list whose window became empty forgets what was there', () => {
  const list = filled(3, 1);
  list.accept(0, [], 0);
  assert.equal(list.at(0), null);
  assert.equal(list.total, 0);
});
