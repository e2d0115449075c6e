import assert from 'node:assert/strict';
import { test } from 'node:test';
import { numbered, preparedSql, STATEMENTS_KEPT } from './placeholders.ts';

test('parameters are numbered, repeated ones stay the same, quoted text is left alone', () => {
  assert.equal(numbered('SELECT 1 WHERE a = ? AND b = ?'), 'SELECT 1 WHERE a = $1 AND b = $2');
  assert.equal(numbered('a = ?1 OR b = ?1 OR c = ?2'), 'a = $1 OR b = $1 OR c = $2');
  assert.equal(
    numbered(`a = '?' AND "b?" = ? AND c ->> 'it''s ?' = ?`),
    `a = '?' AND "b?" = $1 AND c ->> 'it''s ?' = $2`,
  );
});

test('a statement keeps its name, and no more than so many are kept', () => {
  assert.equal(preparedSql('SELECT ?'), preparedSql('SELECT ?'));
  const names = new Set(Array.from({ length: STATEMENTS_KEPT + 10 }, (_, n) => preparedSql(`SELECT ${n}`).name));
  assert.equal(names.size, STATEMENTS_KEPT + 10, 'no two statements share a name');
  assert.notEqual(preparedSql(`SELECT ${STATEMENTS_KEPT + 5}`), preparedSql(`SELECT ${STATEMENTS_KEPT + 5}`));
});
