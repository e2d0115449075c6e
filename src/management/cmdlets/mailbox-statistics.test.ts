import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { fakeRunningServer, session } from '../../../test/management/fake-running-server.ts';
import {
  failure,
  type InMemoryOrganization,
  inMemoryOrganization,
  only,
  shownText,
} from '../../../test/management/in-memory-organization.ts';
import { type MemoryMail, memoryMail } from '../../../test/management/memory-mail.ts';
import type { Account } from '../../directory/model.ts';
import { Failure } from '../../observe/failure.ts';
import type { CmdletObject } from '../cmdlet.ts';
import { storageLimitStatus } from './mailbox-statistics.ts';

let org: InMemoryOrganization;
let mail: MemoryMail;
beforeEach(async () => {
  mail = memoryMail();
  const running = fakeRunningServer(() => org, { sessions: [session('1', 'imap', 'ann@example.test')] });
  org = await inMemoryOrganization({ mail, running });
});
afterEach(async () => {
  await mail.database.close();
  await org.close();
});

const texts = (object: CmdletObject, ...names: readonly string[]): readonly string[] =>
  names.map((name) => shownText(object[name]));

test('counts, sizes, recoverable items, quota, the session that is open', async () => {
  const [, second = 0] = await mail.deliver(org.mailbox, ['one', 'two', 'three']);
  await mail.delete(org.mailbox, [second]);
  const statistics = async (): Promise<CmdletObject> => only(await org.run('Get-MailboxStatistics', { 1: 'ann' }));
  const { bytes } = await mail.using(org.mailbox, (mailbox) => mailbox.usage());
  const now = await statistics();
  assert.deepEqual(
    [now['ItemCount'], now['DeletedItemCount'], now['StorageLimitStatus'], now['Database'], now['LastLogonTime']],
    [2, 1, 'BelowLimit', 'DB1', '2026-01-02T00:00:00.000Z'],
  );
  assert.deepEqual(now['TotalItemSize'], { text: `${bytes} B (${bytes} bytes)`, value: bytes });
  await org.run('Set-Mailbox', {
    1: 'ann',
    UseDatabaseQuotaDefaults: false,
    IssueWarningQuota: 1,
    ProhibitSendQuota: bytes,
    ProhibitSendReceiveQuota: bytes + 1,
  });
  assert.equal((await statistics())['StorageLimitStatus'], 'ProhibitSend');
});

test('StorageLimitStatus at and below each quota', () => {
  const quotas = {
    issueWarningQuota: 10,
    prohibitSendQuota: 20,
    prohibitSendReceiveQuota: 30,
    recoverableItemsQuota: Infinity,
    recoverableItemsWarningQuota: Infinity,
  };
  const rows: ReadonlyArray<readonly [number, string]> = [
    [9, 'BelowLimit'],
    [10, 'IssueWarning'],
    [19, 'IssueWarning'],
    [20, 'ProhibitSend'],
    [29, 'ProhibitSend'],
    [30, 'MailboxDisabled'],
  ];
  for (const [bytes, status] of rows) assert.equal(storageLimitStatus(bytes, quotas), status);
  const unlimited = {
    ...quotas,
    issueWarningQuota: Infinity,
    prohibitSendQuota: Infinity,
    prohibitSendReceiveQuota: Infinity,
  };
  assert.equal(storageLimitStatus(Number.MAX_SAFE_INTEGER, unlimited), 'BelowLimit');
});

test('mailboxes nobody has used are shown empty, and looking does not make them; many stream', async () => {
  const database = org.mailbox.mailbox?.database ?? assert.fail();
  const make = (alias: string) => ({
    kind: 'user' as const,
    displayName: alias,
    alias,
    userPrincipalName: `${alias}@example.test`,
    mailbox: { database, addresses: [`${alias}@example.test`] },
    credentials: null,
  });
  await org.directory.addAccounts(Array.from({ length: 1100 }, (_, at) => make(`user${at}`)));
  assert.equal((await org.run('Get-MailboxStatistics')).length, 1000);
  assert.match(org.warnings.join(), /more than 1000/);
  const all = await org.run('Get-MailboxStatistics', { ResultSize: 'Unlimited' });
  assert.deepEqual([all.length, all.at(-1)?.['ItemCount']], [1101, 0]);
  assert.deepEqual(await mail.database.mailboxes(), []);
  const caller = { user: 'x', roles: ['Organization Management'], via: 'api' } as const;
  const stream = org.door.run(caller, 'Get-MailboxStatistics', {});
  const first = stream[Symbol.asyncIterator]();
  assert.equal((await first.next()).done, false);
  await first.return?.();
});

test('one that cannot be opened does not hide the others; asked for by name it is an error', async () => {
  const broken = {
    ...mail,
    databaseOf: (account: Account) => {
      if (account.alias === 'ann') throw new Failure('UNAVAILABLE', 'the disk is gone');
      return mail.databaseOf(account);
    },
  };
  const other = await inMemoryOrganization({ mail: broken });
  await other.run('New-Mailbox', { 1: 'bob' });
  assert.deepEqual(
    (await other.run('Get-MailboxStatistics')).map((one) => one['Identity']),
    ['bob'],
  );
  assert.match(other.warnings.join(), /ann: the disk is gone/);
  await assert.rejects(other.run('Get-MailboxStatistics', { 1: 'ann' }), failure('UNAVAILABLE', /disk is gone/));
  await other.close();
  await assert.rejects(
    org.run('Get-MailboxStatistics', { 1: 'nobody' }),
    failure('NONEXISTENT', /no mailbox or account/),
  );
});

test('folders: types, scopes, subtrees, the oldest and the newest', async () => {
  await mail.deliver(org.mailbox, ['a', 'b']);
  await mail.deliver(org.mailbox, ['c'], { folder: 'Work/2019' });
  const folders = async (args: Readonly<Record<string, string | boolean>>): Promise<readonly CmdletObject[]> =>
    org.run('Get-MailboxFolderStatistics', { 1: 'ann', ...args });
  const inbox = only(await folders({ FolderScope: 'inbox', IncludeOldestAndNewestItems: true }));
  assert.deepEqual(texts(inbox, 'FolderPath', 'FolderType', 'ItemsInFolder', 'UnreadItemsInFolder'), [
    '/INBOX',
    'Inbox',
    '2',
    '2',
  ]);
  assert.match(shownText(inbox['OldestItemReceivedDate']), /^\d{4}-/);
  const all = await folders({});
  const work = all.find((one) => one['FolderPath'] === '/Work') ?? assert.fail();
  assert.deepEqual(texts(work, 'FolderType', 'ItemsInFolder', 'ItemsInFolderAndSubfolders'), [
    'User Created',
    '0',
    '1',
  ]);
  assert.equal(only(await folders({ FolderScope: 'RecoverableItems' }))['FolderType'], 'RecoverableItemsRoot');
  assert.deepEqual(await folders({ FolderScope: 'Tasks' }), []);
  await assert.rejects(folders({ FolderScope: 'Nonsense' }), failure('CANNOT', /FolderScope must be one of All/));
  await org.run('New-Mailbox', { 1: 'bob' });
  assert.deepEqual(await org.run('Get-MailboxFolderStatistics', { 1: 'bob' }), []);
});
