import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import {
  failure,
  type InMemoryOrganization,
  inMemoryOrganization,
  only,
  shownText,
} from '../../../test/management/in-memory-organization.ts';
import type { RawArgument } from '../cmdlet.ts';
import { ConfirmationNeeded } from '../door.ts';

let org: InMemoryOrganization;
beforeEach(async () => {
  org = await inMemoryOrganization();
  for (const name of ['bob', 'cara']) await org.run('New-Mailbox', { 1: name });
  await org.run('New-Mailbox', { 1: 'sales', Shared: true });
});
afterEach(() => org.close());

const rights = async (noun: string, args: Readonly<Record<string, RawArgument>>): Promise<readonly string[]> =>
  (await org.run(`Get-${noun}`, args)).map(
    (one) =>
      `${shownText(one['Identity'])} ${shownText(one['User'] ?? one['Trustee'])} ${shownText(one['AccessRights'])}`,
  );

test('FullAccess and SendAs go their own ways', async () => {
  const made = only(
    await org.run('Add-MailboxPermission', {
      1: 'sales',
      User: 'bob',
      AccessRights: 'FullAccess',
      InheritanceType: 'All',
      AutoMapping: false,
    }),
  );
  assert.equal(shownText(made['AccessRights']), 'FullAccess');
  await org.run('Add-RecipientPermission', { 1: 'sales', Trustee: 'bob', AccessRights: 'SendAs' });
  await org.run('Add-MailboxPermission', { 1: 'sales', User: 'bob', AccessRights: ['FullAccess', 'ReadPermission'] });
  assert.deepEqual(await rights('MailboxPermission', { 1: 'sales' }), [
    'sales bob@example.test FullAccess, ReadPermission',
  ]);
  assert.deepEqual(await rights('RecipientPermission', { User: 'bob' }), ['sales bob@example.test SendAs']);
  await org.run('Remove-MailboxPermission', {
    1: 'sales',
    User: 'bob',
    AccessRights: ['FullAccess', 'ReadPermission'],
  });
  assert.deepEqual(await rights('MailboxPermission', {}), []);
  assert.deepEqual(await rights('RecipientPermission', {}), ['sales bob@example.test SendAs']);
  await org.run('Remove-RecipientPermission', { 1: 'sales', Trustee: 'bob' });
  assert.deepEqual(await rights('RecipientPermission', { 1: 'sales', Trustee: 'bob' }), []);
});

test('the names of Exchange on premises: Add-ADPermission -ExtendedRights "Send As"', async () => {
  await org.run('Add-ADPermission', { 1: 'sales', User: 'cara', ExtendedRights: 'Send As' });
  assert.deepEqual(await rights('ADPermission', { 1: 'sales' }), ['sales cara@example.test SendAs']);
  await org.run('Remove-ADPermission', { 1: 'sales', User: 'cara', ExtendedRights: 'Send-As' });
  assert.deepEqual(await rights('ADPermission', {}), []);
});

test('what Get brings through the pipeline, Remove takes away: all of it and nothing else', async () => {
  await org.run('Add-MailboxPermission', { 1: 'sales', User: 'bob', AccessRights: 'FullAccess' });
  await org.run('Add-MailboxPermission', { 1: 'sales', User: 'cara', AccessRights: 'FullAccess' });
  const [first] = await org.run('Get-MailboxPermission', { 1: 'sales', User: 'bob' });
  await org.run('Remove-MailboxPermission', {}, { input: first ?? assert.fail() });
  assert.deepEqual(await rights('MailboxPermission', {}), ['sales cara@example.test FullAccess']);
  const mailbox = only(await org.run('Get-Mailbox', { 1: 'sales' }));
  await assert.rejects(
    org.run('Remove-MailboxPermission', { User: 'cara' }, { input: mailbox }),
    /AccessRights must be/,
  );
});

test('the same right again changes nothing and says so', async () => {
  await org.run('Add-RecipientPermission', { 1: 'sales', Trustee: 'bob' });
  await org.run('Add-RecipientPermission', { 1: 'sales', Trustee: 'bob' });
  assert.match(org.warnings.join(), /the right is there already/);
});

const refusals: ReadonlyArray<readonly [string, Readonly<Record<string, RawArgument>>, string, RegExp]> = [
  ['Add-MailboxPermission', { 1: 'sales', User: 'bob' }, 'CANNOT', /needs -AccessRights/],
  ['Add-MailboxPermission', { 1: 'sales', User: 'bob', AccessRights: 'SendAs' }, 'CANNOT', /one of FullAccess/],
  ['Add-MailboxPermission', { 1: 'sales', User: 'bob', AccessRights: null }, 'CANNOT', /say which right/],
  ['Add-MailboxPermission', { 1: 'bob', User: 'bob', AccessRights: 'FullAccess' }, 'CANNOT', /every right on the own/],
  ['Add-MailboxPermission', { 1: 'bob', User: 'sales', AccessRights: 'FullAccess' }, 'CANNOT', /sales never logs on/],
  [
    'Add-MailboxPermission',
    { 1: 'sale', User: 'bob', AccessRights: 'FullAccess' },
    'NONEXISTENT',
    /did you mean "sales"/,
  ],
  ['Add-RecipientPermission', { 1: 'sales', Trustee: 'nobody' }, 'NONEXISTENT', /no mailbox or account called/],
  ['Add-RecipientPermission', { 1: 'sales', Trustee: 'bob', AccessRights: 'FullAccess' }, 'CANNOT', /SendAs/],
  [
    'Remove-MailboxPermission',
    { 1: 'sales', User: 'bob', AccessRights: 'FullAccess' },
    'NONEXISTENT',
    /has no FullAccess on sales/,
  ],
  ['Get-MailboxPermission', { 1: 'nobody' }, 'NONEXISTENT', /no mailbox or account called/],
];
for (const [name, args, code, text] of refusals)
  test(`refused: ${name} ${JSON.stringify(args)}`, async () => {
    await assert.rejects(org.run(name, args), (error: unknown) => {
      assert.ok(error instanceof Error && Reflect.get(error, 'code') === code, String(error));
      assert.match(error.message, text);
      return true;
    });
  });

test('-WhatIf tells and changes nothing; taking a right away is asked about', async () => {
  const add = { 1: 'sales', User: 'bob', AccessRights: 'FullAccess' };
  const text = shownText(only(await org.run('Add-MailboxPermission', add, { whatIf: true }))['WhatIf']);
  assert.equal(text, 'Add MailboxPermission on sales for bob: FullAccess');
  assert.deepEqual(await rights('MailboxPermission', {}), []);
  await org.run('Add-MailboxPermission', add);
  await assert.rejects(org.run('Remove-MailboxPermission', add, { confirm: null }), ConfirmationNeeded);
  await assert.rejects(org.run('Get-MailboxPermission', {}, { whatIf: true }), failure('CANNOT', /changes nothing/));
  assert.equal((await rights('MailboxPermission', {})).length, 1);
});
