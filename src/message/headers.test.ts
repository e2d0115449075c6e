import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HEADER_FIELDS } from '../wire/limits.ts';
import { FIELD_STRIDE, fieldTexts, findField, findFields, readFields, selectFields } from './headers.ts';

const HEADER = Buffer.from(
  [
    'From mbox@example.com Thu Jan  1 00:00:00 2020',
    'Received: by a',
    '\tfor b; today',
    'Subject : spaced',
    'no colon here',
    'Two Words: no field',
    ': no name',
    'received: by c',
    'X-Empty:',
    'To: =?utf-8?q?=C3=B6?= <a@b>,',
    ' c@d',
    '',
    'Subject: in the body',
    '',
  ].join('\r\n'),
  'latin1',
);

const select = (names: string[], not: boolean): string[] =>
  selectFields(HEADER, new Set(names), not).map((piece) => piece.toString('latin1'));

test('fields are found by name, in any case, folded or not', () => {
  assert.equal(findFields(HEADER, 'received').length, 2);
  const range = findField(HEADER, 'RECEIVED');
  assert.equal(HEADER.toString('latin1', range?.start, range?.end), 'Received: by a\r\n\tfor b; today\r\n');
  assert.equal(HEADER.toString('latin1', range?.valueStart, range?.end), ' by a\r\n\tfor b; today\r\n');
  assert.deepEqual(fieldTexts(HEADER, 'To'), ['ö <a@b>, c@d']);
  assert.deepEqual(fieldTexts(HEADER, 'subject'), ['spaced']);
  assert.deepEqual(fieldTexts(HEADER, 'x-empty'), ['']);
  for (const name of ['from', 'two words', '', 'nothing']) assert.equal(findField(HEADER, name), null, name);
});

test('selected fields are the original bytes in order, neighbours joined', () => {
  assert.deepEqual(select(['received', 'subject'], false), [
    'Received: by a\r\n\tfor b; today\r\nSubject : spaced\r\n',
    'received: by c\r\n',
  ]);
  assert.deepEqual(select(['received', 'to'], true), ['Subject : spaced\r\n', 'X-Empty:\r\n']);
  assert.deepEqual(select(['nothing'], false), []);
});

test('bare LF, no empty line and no last line end are read', () => {
  const header = Buffer.from('A: 1\nB: 2\n 3\nC: 4', 'latin1');
  assert.deepEqual(fieldTexts(header, 'b'), ['2 3']);
  assert.deepEqual(fieldTexts(header, 'c'), ['4']);
});

test('the parser reads HEADER_FIELDS fields; selecting reads all', () => {
  const header = Buffer.from('X: y\r\n'.repeat(HEADER_FIELDS + 5), 'latin1');
  assert.equal(readFields(header.toString('latin1')).length, HEADER_FIELDS * FIELD_STRIDE);
  assert.equal(findFields(header, 'x').length, HEADER_FIELDS + 5);
});

test('FIELDS and FIELDS.NOT part the fields between them', () => {
  const line = fc.constantFrom('A: 1', 'B: 2', ' folded', 'junk', 'a : 3', 'C:', '\tx');
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const header = Buffer.from(lines.map((text) => `${text}\r\n`).join(''), 'latin1');
      const length = (not: boolean): number =>
        selectFields(header, new Set(['a']), not).reduce((sum, piece) => sum + piece.length, 0);
      const all = selectFields(header, new Set(), true).reduce((sum, piece) => sum + piece.length, 0);
      assert.equal(length(false) + length(true), all);
    }),
  );
});
