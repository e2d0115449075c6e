/** Deleted messages: found, shown with their dates, put back to where they were. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { idsOf, listOf, objectOf, TestAccount, textOf } from '../../../../test/support/jmap-account.ts';
import type { Directory } from '../../../directory/api.ts';
import { openSqliteDirectory } from '../../../directory/engine/sqlite/directory.ts';
import { mailMethods } from '../mail/methods.ts';
import { recoverableCapability } from './recoverable-items.ts';

const DAY = 86_400;
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
  await directory.setMailboxSettings(owner.id, { useDatabaseRetentionDefaults: false, retainDeletedItemsFor: 5 * DAY });
  account = await TestAccount.open([...mailMethods, ...recoverableCapability({ directory }).methods], { owner });
});
after(async () => {
  await account.close();
  await directory.close();
});

test('a deleted message is found, shown and put back', async () => {
  await account.mailbox.createFolder('Projects');
  const mail = (subject: string): string => `From: Bob <bob@example.org>\r\nSubject: ${subject}\r\n\r\ntext\r\n`;
  const kept = await account.add(mail('kept'), 'Projects');
  const other = await account.add(mail('other'));
  await account.call('Email/set', { destroy: [kept, other] });
  const found = idsOf(await account.call('RecoverableItem/query', { filter: { subject: 'kept' } }));
  assert.equal(found.length, 1);
  const all = await account.call('RecoverableItem/query', { calculateTotal: true, limit: 1 });
  assert.deepEqual([idsOf(all).length, all['total']], [1, 2]);
  const answer = await account.call('RecoverableItem/get', { ids: [...found, 'R1-999'] });
  const utc = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000', '');
  assert.deepEqual(listOf(answer), [
    {
      id: found[0],
      subject: 'kept',
      from: [{ name: 'Bob', email: 'bob@example.org' }],
      size: mail('kept').length,
      receivedAt: utc(account.now),
      deletedAt: utc(account.now),
      goneAt: utc(account.now + 5 * DAY),
      mailboxId: account.mailboxIdOf('Projects'),
      mailboxName: 'Projects',
    },
  ]);
  assert.deepEqual(answer['notFound'], ['R1-999']);
  account.isReadOnly = true;
  assert.deepEqual(await account.call('RecoverableItem/restore', { ids: found }), { error: 'accountReadOnly' });
  account.isReadOnly = false;
  const restored = await account.call('RecoverableItem/restore', { ids: [...found, 'R1-999'] });
  assert.deepEqual(objectOf(restored['restored']), {
    [textOf(found[0])]: { mailboxId: account.mailboxIdOf('Projects') },
  });
  assert.deepEqual(restored['notFound'], ['R1-999']);
  const [email] = listOf(await account.call('Email/get', { ids: [kept], properties: ['mailboxIds'] }));
  assert.deepEqual(email?.['mailboxIds'], { [account.mailboxIdOf('Projects')]: true }, 'by the same id');
  assert.deepEqual(await account.call('RecoverableItem/query', { filter: { size: 'x' } }), {
    error: 'unsupportedFilter',
  });
});
