import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import {
  failure,
  type InMemoryOrganization,
  inMemoryOrganization,
  only,
  shownText,
} from '../../../test/management/in-memory-organization.ts';
import type { CmdletObject, RawArgument } from '../cmdlet.ts';
import { ConfirmationNeeded } from '../door.ts';

let org: InMemoryOrganization;
beforeEach(async () => {
  org = await inMemoryOrganization();
});
afterEach(() => org.close());

const get = async (args: Readonly<Record<string, RawArgument>>): Promise<CmdletObject> =>
  only(await org.run('Get-MailboxDatabase', args));

test('defaults (§9.2), a new one with its own values, mailboxes in it', async () => {
  const first = await get({ 1: 'DB1', Status: true });
  assert.deepEqual(
    ['IssueWarningQuota', 'ProhibitSendQuota', 'DeletedItemRetention', 'MailboxRetention', 'Mailboxes'].map((name) =>
      shownText(first[name]),
    ),
    ['1.899 GB (2,039,480,320 bytes)', '2 GB (2,147,483,648 bytes)', '14.00:00:00', '30.00:00:00', '1'],
  );
  const made = only(await org.run('New-MailboxDatabase', { 1: 'Sales 2', MailboxRetention: '60.00:00:00' }));
  assert.equal(made['EdbFilePath'], 'databases/sales-2');
  assert.equal(shownText((await get({ 1: 'MAIL1\\sales 2' }))['MailboxRetention']), '60.00:00:00');
  await org.run('New-Mailbox', { 1: 'bob', Database: 'Sales 2' });
  assert.equal(shownText(only(await org.run('Get-Mailbox', { Database: 'Sales 2' }))['Alias']), 'bob');
  assert.equal((await org.run('Get-MailboxDatabase', { Server: 'MAIL1' })).length, 2);
});

test('less retention is asked about, as mail goes for good; more is not', async () => {
  const less = { 1: 'DB1', DeletedItemRetention: '1.00:00:00' };
  await assert.rejects(org.run('Set-MailboxDatabase', less, { confirm: null }), (error: unknown) => {
    assert.ok(error instanceof ConfirmationNeeded);
    assert.match(error.what, /DeletedItemRetention 14\.00:00:00 → 1\.00:00:00.* goes for good within a day/);
    return true;
  });
  await org.run('Set-MailboxDatabase', { 1: 'DB1', DeletedItemRetention: '30.00:00:00' }, { confirm: null });
  assert.equal(shownText((await get({ 1: 'DB1' }))['DeletedItemRetention']), '30.00:00:00');
  await org.run('Set-MailboxDatabase', { 1: 'DB1', DeletedItemRetention: '30.00:00:00' });
  assert.match(org.warnings.join(), /no setting was changed/);
});

test('a database on PostgreSQL: the URL is kept for the servers, its password is shown to nobody', async () => {
  const url = 'postgres://penfold:pa5s@db.example.test/paris';
  const made = only(await org.run('New-MailboxDatabase', { 1: 'Paris', PostgresUrl: url }));
  assert.equal(made['Engine'], 'postgres');
  assert.doesNotMatch(JSON.stringify(made), /pa5s/);
  assert.doesNotMatch(JSON.stringify(await get({ 1: 'Paris' })), /pa5s/);
  assert.doesNotMatch(JSON.stringify(await org.directory.auditLog({ limit: 100 })), /pa5s/);
  assert.equal((await org.directory.databases()).find((one) => one.name === 'Paris')?.location, url);
  await assert.rejects(
    org.run('New-MailboxDatabase', { 1: 'Rome', PostgresUrl: url }),
    failure('ALREADYEXISTS', /Paris/),
  );
  await assert.rejects(
    org.run('New-MailboxDatabase', { 1: 'Rome', PostgresUrl: `${url}2` }, { via: 'api' }),
    failure('NOPERM', /on a server itself/),
  );
});

const refusals: ReadonlyArray<readonly [string, Readonly<Record<string, RawArgument>>, RegExp]> = [
  ['New-MailboxDatabase', {}, /needs -Name/],
  ['New-MailboxDatabase', { 1: 'db1' }, /DB1 exists already/],
  ['New-MailboxDatabase', { 1: 'a/b' }, /without \/ and/],
  ['New-MailboxDatabase', { 1: 'x', EdbFilePath: 'db1/sub' }, /where DB1 lies/],
  ['New-MailboxDatabase', { 1: 'x', PostgresUrl: 'http://x/y' }, /-PostgresUrl must be a URL such as postgres/],
  ['New-MailboxDatabase', { 1: 'x', PostgresUrl: 'postgres://x/y', EdbFilePath: 'y' }, /not both/],
  ['New-MailboxDatabase', { 1: 'x', EdbFilePath: '../x' }, /must name a folder/],
  ['New-MailboxDatabase', { 1: 'x', Server: 'MAIL2' }, /no server called "MAIL2"; did you mean "MAIL1"/],
  ['New-MailboxDatabase', { 1: 'x', ProhibitSendQuota: '1GB' }, /IssueWarningQuota .* must be less than/],
  ['Set-MailboxDatabase', { 1: 'DB1', ProhibitSendReceiveQuota: '1GB' }, /ProhibitSendQuota .* must be at most/],
  ['Set-MailboxDatabase', { 1: 'DB1', MailboxRetention: '99999.00:00:00' }, /MailboxRetention must be/],
  ['Set-MailboxDatabase', { 1: 'DB9' }, /no mailbox database called "DB9"/],
  ['Get-MailboxDatabase', { 1: 'DB9' }, /no mailbox database called "DB9"; did you mean "DB1"/],
];
for (const [name, args, text] of refusals)
  test(`refused: ${name} ${JSON.stringify(args)}`, async () => {
    await assert.rejects(org.run(name, args), text);
    assert.equal((await org.run('Get-MailboxDatabase')).length, 1);
  });

test('-WhatIf', async () => {
  const text = shownText(
    only(await org.run('New-MailboxDatabase', { 1: 'x', DeletedItemRetention: 1 }, { whatIf: true }))['WhatIf'],
  );
  assert.match(
    text,
    /^New MailboxDatabase "x" on MAIL1 in databases\/x\. .*DeletedItemRetention 14\.00:00:00 → 1\.00:00:00$/,
  );
  assert.equal((await org.run('Get-MailboxDatabase')).length, 1);
});
