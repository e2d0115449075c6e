/** What a mailbox holds, and its limits, as a client asks for them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { listOf, TestAccount, textOf } from '../../../../test/support/jmap-account.ts';
import type { Directory } from '../../../directory/api.ts';
import { openSqliteDirectory } from '../../../directory/engine/sqlite/directory.ts';
import { quotaCapability } from './quota-capability.ts';

let directory: Directory;
let account: TestAccount;

before(async () => {
  directory = await openSqliteDirectory({ file: ':memory:' });
  const site = await directory.addSite('Default');
  const server = await directory.addServer({ name: 'A', fqdn: 'a.org', site: site.id, frontEnd: true, backEnd: true });
  const database = await directory.addDatabase({ name: 'DB', server: server.id, engine: 'sqlite', location: 'db' });
  await directory.addDomain({ name: 'example.org', type: 'Authoritative', isDefault: true });
  const owner = await directory.addAccount({
    kind: 'user',
    displayName: 'Ann',
    alias: 'ann',
    userPrincipalName: 'ann@example.org',
    mailbox: { database: database.id, addresses: ['ann@example.org'] },
    credentials: null,
  });
  await directory.setMailboxSettings(owner.id, {
    useDatabaseQuotaDefaults: false,
    issueWarningQuota: 1000,
    prohibitSendQuota: 2000,
    prohibitSendReceiveQuota: Infinity,
  });
  account = await TestAccount.open(quotaCapability({ directory }).methods, { owner });
});
after(async () => {
  await account.close();
  await directory.close();
});

test('used octets are exact, limits are those in force, and a change is told', async () => {
  const empty = await account.call('Quota/get', { ids: null });
  const message = 'Subject: one\r\n\r\ntext\r\n';
  await account.add(message);
  const now = await account.call('Quota/get', { ids: ['mailbox', 'other'] });
  assert.deepEqual(now['notFound'], ['other']);
  assert.deepEqual(listOf(now), [
    {
      id: 'mailbox',
      resourceType: 'octets',
      used: message.length,
      hardLimit: Number.MAX_SAFE_INTEGER,
      scope: 'account',
      name: 'Ann',
      types: ['Email'],
      warnLimit: 1000,
      softLimit: 2000,
    },
  ]);
  const changes = await account.call('Quota/changes', { sinceState: textOf(empty['state']) });
  assert.deepEqual(changes['updated'], ['mailbox']);
  const none = await account.call('Quota/changes', { sinceState: textOf(now['state']) });
  assert.deepEqual(none['updated'], []);
});

test('what is not asked for stays away; another account is not there', async () => {
  const answer = await account.call('Quota/get', { ids: null, properties: ['used'] });
  assert.deepEqual(
    listOf(answer).map((one) => Object.keys(one)),
    [['id', 'used']],
  );
  assert.deepEqual(await account.call('Quota/get', { ids: null, properties: ['size'] }), { error: 'invalidArguments' });
  assert.deepEqual(await account.call('Quota/get', { accountId: 'b2', ids: null }), { error: 'accountNotFound' });
});
