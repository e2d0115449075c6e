import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALL, extended, isChosen, isEmpty, NONE, only, toggled, without } from './selection.ts';

test('rows are put in and taken out one by one', () => {
  const two = toggled(only('M1'), 'M2');
  assert.deepEqual([...two.ids], ['M1', 'M2']);
  assert.equal(two.anchor, 'M2');
  assert.deepEqual([...toggled(two, 'M1').ids], ['M2']);
  assert.ok(isEmpty(toggled(only('M1'), 'M1')));
});

test('a range begins at the anchor and replaces or adds', () => {
  const from = only('M1');
  assert.deepEqual([...extended(from, ['M1', 'M2', 'M3'], false).ids], ['M1', 'M2', 'M3']);
  assert.equal(extended(from, ['M1', 'M2'], false).anchor, 'M1');
  assert.deepEqual([...extended(toggled(from, 'M9'), ['M9', 'M8'], true).ids], ['M1', 'M9', 'M8']);
  assert.equal(extended(NONE, ['M4', 'M5'], false).anchor, 'M4');
});

test('all means also what is not loaded, until one is taken out', () => {
  assert.ok(isChosen(ALL, 'never seen'));
  assert.ok(!isEmpty(ALL));
  const some = toggled(ALL, 'M2', ['M1', 'M2', 'M3']);
  assert.deepEqual([...some.ids], ['M1', 'M3']);
  assert.equal(some.isAll, false);
});

test('what has left the list is not chosen any more', () => {
  const chosen = extended(NONE, ['M1', 'M2'], false);
  assert.deepEqual([...without(chosen, (id) => id === 'M1').ids], ['M2']);
  assert.equal(
    without(chosen, () => false),
    chosen,
  );
  assert.equal(
    without(ALL, () => true),
    ALL,
  );
});
