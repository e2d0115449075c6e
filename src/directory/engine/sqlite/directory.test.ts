/** What only this engine has: its file, its schema versions, its cache. The rest is in test/conformance. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { Failure } from '../../../observe/failure.ts';
import { silentLog } from '../../../observe/log.ts';
import { SERVER_ACTOR } from '../../audit.ts';
import { SqliteDatabase } from './database.ts';
import { openSqliteDirectory } from './directory.ts';
import { SCHEMA_VERSION } from './migrations.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'penfold-directory-'));
});
after(() => rm(folder, { recursive: true }));

const unavailable = (text: RegExp) => (error: unknown) =>
  error instanceof Failure && error.code === 'UNAVAILABLE' && text.test(error.message);

test('a second opening finds everything; the file is unreadable to others', async () => {
  const file = path.join(folder, 'deep', 'directory.db');
  const first = await openSqliteDirectory({ file });
  await first.addDomain({ name: 'example.org', type: 'Authoritative', isDefault: true });
  await first.close();
  await first.close();
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const second = await openSqliteDirectory({ file });
  assert.equal((await second.domains())[0]?.name, 'example.org');
  assert.equal((await stat(`${file}-wal`)).mode & 0o077, 0);
  await second.close();
});

test('a newer schema and a foreign file are refused in clear words', async () => {
  const newer = path.join(folder, 'newer.db');
  await (await openSqliteDirectory({ file: newer })).close();
  const raw = new DatabaseSync(newer);
  raw.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
  raw.close();
  await assert.rejects(openSqliteDirectory({ file: newer }), unavailable(/newer Penfold.*start that version/));

  const foreign = path.join(folder, 'foreign.db');
  const other = new DatabaseSync(foreign);
  other.exec('CREATE TABLE x (y)');
  other.close();
  await assert.rejects(openSqliteDirectory({ file: foreign }), unavailable(/no Penfold directory/));
});

test('what a logon asks for costs no query the second time', async () => {
  const file = path.join(folder, 'cached.db');
  const directory = await openSqliteDirectory({ file });
  const site = await directory.addSite('S');
  const fields = { name: 'A', fqdn: 'a.example.org', site: site.id, frontEnd: true, backEnd: true };
  const server = await directory.addServer(fields);
  const account = await directory.addAccount({
    kind: 'user',
    displayName: 'Ann',
    alias: 'ann',
    userPrincipalName: 'ann@example.org',
    mailbox: null,
    credentials: null,
  });
  const logon = async () => [
    await directory.accountByLogonName('ann'),
    await directory.clientAccess(account.id),
    await directory.imapSettings(server.id),
    await directory.connectors(server.id),
  ];
  const warm = await logon();
  const again = await logon();
  // The very same objects: nothing was read again.
  warm.forEach((value, at) => assert.equal(value, again[at]));
  await directory.close();
});

test('two processes: each hears of the other within a second and reads no stale value', async () => {
  const file = path.join(folder, 'two.db');
  const directory = await openSqliteDirectory({ file });
  await directory.setOrganization({ maxSendSize: 1000 });
  // The child adds 1 to whatever it hears of until 1005, through its own cache.
  const program = `
    import { openSqliteDirectory } from ${JSON.stringify(new URL('directory.ts', import.meta.url).href)};
    const directory = await openSqliteDirectory({ file: ${JSON.stringify(file)} });
    await directory.organization();
    const open = setInterval(() => {}, 1000);
    directory.watch(async (change) => {
      const { maxSendSize } = await directory.organization();
      if (maxSendSize % 2 === 1) await directory.as({ user: 'child', via: 'command', command: 'x' }).setOrganization({ maxSendSize: maxSendSize + 1 });
      if (maxSendSize >= 1005) { clearInterval(open); await directory.close(); }
    });
    process.stdout.write('ready');
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const begun = performance.now();
  const seen: number[] = [];
  const { promise, resolve } = Promise.withResolvers<undefined>();
  directory.watch((change) => {
    void (async () => {
      assert.equal(change.kind, 'organization');
      const { maxSendSize } = await directory.organization();
      seen.push(maxSendSize);
      if (maxSendSize >= 1006) resolve(undefined);
      else if (maxSendSize % 2 === 0) await directory.setOrganization({ maxSendSize: maxSendSize + 1 });
    })();
  });
  await directory.setOrganization({ maxSendSize: 1001 });
  const guard = setTimeout(() => child.kill(), 8000);
  const [code] = (await Promise.all([once(child, 'exit'), promise]))[0];
  clearTimeout(guard);
  assert.equal(code, 0);
  assert.deepEqual(seen, [1001, 1002, 1003, 1004, 1005, 1006]);
  // Six hops between the processes.
  assert.ok(performance.now() - begun < 6000);
  assert.deepEqual(
    (await directory.auditLog({ limit: 100, user: 'child' })).map((entry) => entry.after?.['MaxSendSize']?.slice(0, 4)),
    ['1006', '1004', '1002'],
  );
  await directory.close();
});

test('nobody sees what a transaction wrote before it ends, and whoever waits hears in turn', async () => {
  const database = await SqliteDatabase.open(':memory:', { log: silentLog, now: Date.now, forget: () => {} });
  const sites = 'SELECT name FROM site';
  const insert = "INSERT INTO site (id, name) VALUES (?, 'S')";
  const halfway = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const undone = database.write(SERVER_ACTOR, async (transaction) => {
    await transaction.run(insert, '1');
    assert.equal((await transaction.all(sites)).length, 1);
    halfway.resolve();
    await goOn.promise;
    throw new Failure('CANNOT', 'changed my mind');
  });
  await halfway.promise;
  const order: string[] = [];
  const before = database.all(sites).then((rows) => order.push(`${rows.length} before`));
  const kept = database.write(SERVER_ACTOR, async (transaction) => {
    await transaction.run(insert, '2');
    order.push('written');
  });
  const after = database.all(sites).then((rows) => order.push(`${rows.length} after`));
  goOn.resolve();
  await assert.rejects(undone, /changed my mind/);
  await Promise.all([before, kept, after]);
  assert.deepEqual(order, ['0 before', 'written', '1 after']);
  await database.close();
  await assert.rejects(database.all(sites), /is closed/);
});
