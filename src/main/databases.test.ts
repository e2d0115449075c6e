import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Directory } from '../directory/api.ts';
import { openSqliteDirectory } from '../directory/engine/sqlite/directory.ts';
import type { Account, Server } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import { silentLog } from '../observe/log.ts';
import { openMemoryDatabase } from '../store/engine/memory/index.ts';
import { Databases, type OpenDatabase } from './databases.ts';

let directory: Directory;
let server: Server;
beforeEach(async () => {
  directory = await openSqliteDirectory({ file: ':memory:' });
  const site = await directory.addSite('Dublin');
  const fqdn = 'mail1.example.test';
  server = await directory.addServer({ name: 'MAIL1', fqdn, site: site.id, frontEnd: true, backEnd: true });
  await directory.addDomain({ name: 'example.test', type: 'Authoritative', isDefault: true });
});
afterEach(() => directory.close());

async function accountIn(name: string): Promise<Account> {
  const record = { name, server: server.id, engine: 'sqlite', location: name } as const;
  const database = await directory.addDatabase(record);
  return directory.addAccount({
    kind: 'user',
    displayName: name,
    alias: name.toLowerCase(),
    userPrincipalName: `${name}@example.test`,
    mailbox: { database: database.id, addresses: [`${name}@example.test`] },
    credentials: null,
  });
}

test('MountAtStartup: false stays closed at start, true opens it while the server runs, and one that is open stays', async () => {
  const [kept, shut] = [await accountIn('kept'), await accountIn('shut')];
  const idOf = (account: Account) => account.mailbox?.database ?? assert.fail();
  await directory.setDatabaseSettings(idOf(shut), { mountAtStartup: false });
  const opened = Promise.withResolvers<void>();
  const names: string[] = [];
  const open: OpenDatabase = (record) => {
    names.push(record.name);
    if (record.name === 'shut') opened.resolve();
    return Promise.resolve(openMemoryDatabase());
  };
  const databases = await Databases.open(directory, server, open, silentLog);
  assert.deepEqual(names, ['kept']);
  assert.throws(
    () => databases.of(shut),
    (error) => error instanceof Failure && error.code === 'UNAVAILABLE',
  );
  await directory.setDatabaseSettings(idOf(shut), { mountAtStartup: true });
  await opened.promise;
  await directory.setDatabaseSettings(idOf(kept), { mountAtStartup: false });
  assert.ok(databases.of(kept));
  await databases.close();
  assert.deepEqual(names, ['kept', 'shut']);
});
