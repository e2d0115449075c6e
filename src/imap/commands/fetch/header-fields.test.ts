import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { fieldNameSet, selectFields } from './header-fields.ts';

const header = 'From: a\r\nX-Odd: one\r\n two\r\n\tthree\r\nfrom: b\r\nSubject : old\r\nno field\r\n\r\n';
const cases: ReadonlyArray<readonly [names: string[], not: boolean, expected: string]> = [
  [['FROM'], false, 'From: a\r\nfrom: b\r\n\r\n'],
  [['x-odd'], false, 'X-Odd: one\r\n two\r\n\tthree\r\n\r\n'],
  [['Subject'], false, 'Subject : old\r\n\r\n'],
  [['Nothing'], false, '\r\n'],
  [['From', 'X-Odd'], true, 'Subject : old\r\nno field\r\n\r\n'],
  [['From', 'X-Odd', 'Subject'], false, header.replace('no field\r\n', '')],
];

for (const [names, not, expected] of cases) {
  test(`HEADER.FIELDS${not ? '.NOT' : ''} (${names.join(' ')})`, () => {
    assert.equal(selectFields(Buffer.from(header), fieldNameSet(names), not).toString(), expected);
  });
}

test('a header without end, an empty one', () => {
  assert.equal(selectFields(Buffer.from('A: b'), fieldNameSet(['a']), false).toString(), 'A: b\r\n');
  assert.equal(selectFields(Buffer.alloc(0), fieldNameSet(['a']), true).toString(), '\r\n');
});
