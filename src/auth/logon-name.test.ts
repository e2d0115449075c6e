import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type DelegateName, parseDelegateName } from './logon-name.ts';

const alias = (user: string, name: string): DelegateName => ({ user, mailbox: { by: 'alias', alias: name } });
const address = (user: string, name: string): DelegateName => ({ user, mailbox: { by: 'address', address: name } });

const table: ReadonlyArray<readonly [typed: string, expected: DelegateName | null]> = [
  // The four specified forms, and the same with a backslash.
  ['CONTOSO/ann/sales', alias('CONTOSO/ann', 'sales')],
  ['CONTOSO/ann/sales@example.org', address('CONTOSO/ann', 'sales@example.org')],
  ['ann@example.org/sales', alias('ann@example.org', 'sales')],
  ['ann@example.org/sales@example.org', address('ann@example.org', 'sales@example.org')],
  ['CONTOSO\\ann\\sales', alias('CONTOSO\\ann', 'sales')],
  ['CONTOSO\\ann/sales', alias('CONTOSO\\ann', 'sales')],
  ['CONTOSO/ann\\sales', alias('CONTOSO/ann', 'sales')],
  ['ann@example.org\\sales@example.org', address('ann@example.org', 'sales@example.org')],
  // With a star a bare user is clear, too.
  ['ann*sales', alias('ann', 'sales')],
  ['ann@example.org*sales', alias('ann@example.org', 'sales')],
  ['CONTOSO\\ann*sales@example.org', address('CONTOSO\\ann', 'sales@example.org')],
  ['First Organization\\ann\\sales', alias('First Organization\\ann', 'sales')],
  [' ann@example.org/sales ', alias('ann@example.org', 'sales')],
  // One account.
  ['ann', null],
  ['ann@example.org', null],
  ['CONTOSO/ann', null],
  ['CONTOSO\\ann', null],
  // A name that could be read in two ways is no delegate form.
  ['ann/sales@example.org', null],
  ['a/b@example.org/sales', null],
  ['ann@example.org/CONTOSO/sales', null],
  ['CONTOSO/ann/sales/more', null],
  ['ann*sales*more', null],
  ['ann@example.org/sales*more', null],
  ['ann*CONTOSO/sales', null],
  ['a@b@c/sales', null],
  ['ann@example.org/a@b@c', null],
  // Parts may not be empty.
  ['', null],
  ['*', null],
  ['ann*', null],
  ['*sales', null],
  ['ann@example.org/', null],
  ['/ann/sales', null],
  ['CONTOSO//sales', null],
  ['CONTOSO/ann/', null],
  ['ann@example.org/ ', null],
  [' /ann/sales', null],
  ['ann @example.org/sales', null],
  ['ann@example.org / sales', null],
];

test('delegate forms: one text, one reading', () => {
  for (const [typed, expected] of table) assert.deepEqual(parseDelegateName(typed), expected, typed);
});

test('any text ends quickly, and what is read can be written again', () => {
  const piece = fc.constantFrom('/', '\\', '*', '@', 'ann', 'x', '.', ' ', 'é');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 200 }), (pieces) => {
      const parsed = parseDelegateName(pieces.join(''));
      if (parsed === null) return;
      const { user, mailbox } = parsed;
      const name = mailbox.by === 'alias' ? mailbox.alias : mailbox.address;
      // Star takes every user and mailbox that any form can name.
      assert.deepEqual(parseDelegateName(`${user}*${name}`), parsed);
    }),
  );
});
