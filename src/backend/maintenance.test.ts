import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Directory } from '../directory/api.ts';
import { openSqliteDirectory } from '../directory/engine/sqlite/directory.ts';
import type { Account, DatabaseRecord } from '../directory/model.ts';
import { silentLog } from '../observe/log.ts';
import type { MailboxDatabase } from '../store/api.ts';
import { openMemoryDatabase } from '../store/engine/memory/index.ts';
import { type MailboxId, mailboxId } from '../store/model.ts';
import { MaintenanceSchedule } from './maintenance.ts';

const HOUR = 3_600_000;
const DAY_SECONDS = 86_400;
const [QUIET, BUSY] = [
  mailboxId('11111111-1111-4111-8111-111111111111'),
  mailboxId('22222222-2222-4222-8222-222222222222'),
];

let directory: Directory;
let record: DatabaseRecord;
let database: MailboxDatabase;
beforeEach(async () => {
  directory = await openSqliteDirectory({ file: ':memory:' });
  const site = await directory.addSite('Dublin');
  const server = { name: 'MAIL1', fqdn: 'mail1.example.test', site: site.id, frontEnd: true, backEnd: true };
  const { id } = await directory.addServer(server);
  record = await directory.addDatabase({ name: 'DB1', server: id, engine: 'sqlite', location: 'db1' });
  await directory.addDomain({ name: 'example.test', type: 'Authoritative', isDefault: true });
  database = openMemoryDatabase();
});
afterEach(async () => {
  await database.close();
  await directory.close();
});

const makeAccount = (alias: string): Promise<Account> =>
  directory.addAccount({
    kind: 'user',
    displayName: alias,
    alias,
    userPrincipalName: `${alias}@example.test`,
    mailbox: { database: record.id, addresses: [`${alias}@example.test`] },
    credentials: null,
  });

const mailboxOf = (account: Account): MailboxId => account.mailbox?.id ?? assert.fail();

/** What the schedule does to mailboxes is written into `opened` and `retained`. */
function watched(seen: { opened: string[]; retained: Map<string, number> }): MailboxDatabase {
  return new Proxy(database, {
    get: (target, key) => {
      if (key !== 'open') return Reflect.get(target, key).bind(target);
      return async (id: MailboxId) => {
        seen.opened.push(id);
        const mailbox = await target.open(id);
        const maintain = mailbox.maintain.bind(mailbox);
        mailbox.maintain = async (options) => {
          seen.retained.set(id, options.retentionSeconds);
          await maintain(options);
        };
        return mailbox;
      };
    },
  });
}

test('each mailbox once a day, one in use when it is quiet, at the latest after three days', async () => {
  for (const id of [QUIET, BUSY]) (await database.open(id)).close();
  const seen = { opened: new Array<string>(), retained: new Map<string, number>() };
  let now = 1_000_000 * HOUR;
  let isBusy = true;
  const schedule = new MaintenanceSchedule({
    directory,
    databases: () => new Map([[record.id, watched(seen)]]),
    isInUse: (id) => isBusy && id === BUSY,
    log: silentLog,
    now: () => now,
  });
  const round = async (hours: number): Promise<string[]> => {
    now += hours * HOUR;
    seen.opened.length = 0;
    await schedule.round();
    return [...seen.opened];
  };
  assert.deepEqual(await round(0), [QUIET]);
  assert.deepEqual(await round(1), []);
  assert.deepEqual(await round(24), [QUIET]);
  assert.deepEqual(await round(48), [QUIET, BUSY], 'the busy one has waited for three days');
  assert.deepEqual(await round(1), []);
  isBusy = false;
  assert.deepEqual(await round(24), [QUIET, BUSY]);
  await schedule.stop();
  assert.deepEqual(await round(48), [], 'stopped');
});

test('retention: of the database, or of the mailbox when it has its own; unknown mailboxes go by the database', async () => {
  const [plain, own] = [await makeAccount('plain'), await makeAccount('own')];
  await directory.setDatabaseSettings(record.id, { deletedItemRetention: 20 * DAY_SECONDS });
  await directory.setMailboxSettings(plain.id, { retainDeletedItemsFor: 5 * DAY_SECONDS });
  await directory.setMailboxSettings(own.id, {
    retainDeletedItemsFor: 3 * DAY_SECONDS,
    useDatabaseRetentionDefaults: false,
  });
  for (const id of [mailboxOf(plain), mailboxOf(own), QUIET]) (await database.open(id)).close();
  const seen = { opened: new Array<string>(), retained: new Map<string, number>() };
  let now = Date.now();
  const schedule = new MaintenanceSchedule({
    directory,
    databases: () => new Map([[record.id, watched(seen)]]),
    isInUse: () => false,
    log: silentLog,
    now: () => now,
  });
  await schedule.round();
  const days = (id: MailboxId): number | undefined => (seen.retained.get(id) ?? 0) / DAY_SECONDS;
  assert.deepEqual([mailboxOf(plain), mailboxOf(own), QUIET].map(days), [20, 3, 20]);
  await directory.setMailboxSettings(own.id, { useDatabaseRetentionDefaults: true });
  now += 24 * HOUR;
  await schedule.round();
  assert.equal(days(mailboxOf(own)), 20, 'followed without a restart');
});

test('mail of a removed mailbox goes when MailboxRetention ends, and the directory forgets it', async () => {
  const [gone, kept] = [await makeAccount('gone'), await makeAccount('kept')];
  for (const account of [gone, kept]) (await database.open(mailboxOf(account))).close();
  await directory.removeAccount(gone.id);
  const seen = { opened: new Array<string>(), retained: new Map<string, number>() };
  let now = Date.now();
  const schedule = new MaintenanceSchedule({
    directory,
    databases: () => new Map([[record.id, watched(seen)]]),
    isInUse: () => false,
    log: silentLog,
    now: () => now,
  });
  const left = async (): Promise<readonly [disconnected: number, stored: number]> => [
    (await directory.disconnectedMailboxes()).length,
    (await database.mailboxes()).length,
  ];
  now += 29 * 24 * HOUR;
  await schedule.round();
  assert.deepEqual(await left(), [1, 2]);
  now += 25 * HOUR;
  const held = await database.open(mailboxOf(gone));
  await schedule.round();
  assert.deepEqual(await left(), [1, 2], 'in use: next time');
  held.close();
  await schedule.round();
  assert.deepEqual(await left(), [0, 1]);
});

test('what a move has left goes when MailboxRetention ends, never where the directory says the mailbox is', async () => {
  const account = await makeAccount('ann');
  const id = mailboxOf(account);
  (await database.open(id)).close();
  const departure = await database.depart(id);
  await departure.hold('a move');
  await departure.seal();
  departure.close();
  const { mailboxRetention } = await directory.databaseSettings(record.id);
  let now = Date.now();
  const seen = { opened: new Array<string>(), retained: new Map<string, number>() };
  const schedule = new MaintenanceSchedule({
    directory,
    databases: () => new Map([[record.id, watched(seen)]]),
    isInUse: () => false,
    log: silentLog,
    now: () => now,
  });
  now += (mailboxRetention + 60) * 1000;
  await schedule.round();
  assert.deepEqual(
    await database.mailboxes(),
    [id],
    'the directory names this database: it stays, whatever was written',
  );
  const { id: elsewhere } = await directory.addDatabase({ ...record, name: 'DB2', location: 'db2' });
  const request = await directory.addMoveRequest({
    account: account.id,
    target: elsewhere,
    batchName: '',
    suspendWhenReadyToComplete: false,
    isSuspended: false,
  });
  const claim =
    (await directory.claimMove(request.id, record.server, Number.MAX_SAFE_INTEGER)) ??
    assert.fail('nobody else has it');
  await directory.completeMove(claim, await directory.openCutOver(claim), {});
  now -= 120_000;
  await schedule.round();
  assert.deepEqual(await database.mailboxes(), [id], 'its retention has not ended');
  now += 120_000;
  await schedule.round();
  assert.deepEqual(await database.mailboxes(), []);
  assert.deepEqual(seen.opened, [], 'nobody tried to open it');
  await assert.rejects(database.verify(id));
});
