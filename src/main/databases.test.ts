import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Directory } from '../directory/api.ts';
import { openSqliteDirectory } from '../directory/engine/sqlite/directory.ts';
import type { Account, DatabaseRecord, Server } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import { silentLog } from '../observe/log.ts';
import type { MailboxDatabase } from '../store/api.ts';
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

test('a database is served where its record says: by its server, or (PostgreSQL) by every back end of the site', async () => {
  const [here, shared] = [await accountIn('here'), await accountIn('shared')];
  const idOf = (account: Account) => account.mailbox?.database ?? assert.fail();
  const fqdn = 'mail2.example.test';
  const roles = { frontEnd: true, backEnd: true };
  const other = await directory.addServer({ name: 'MAIL2', fqdn, site: server.site, ...roles });
  const away = await directory.addSite('Cork');
  const far = await directory.addServer({ name: 'MAIL3', fqdn: 'mail3.example.test', site: away.id, ...roles });
  const url = 'postgres://h/d';
  const pool = await directory.addDatabase({ name: 'pool', server: other.id, engine: 'postgres', location: url });
  await directory.addDatabase({ name: 'far', server: far.id, engine: 'postgres', location: 'postgres://h/e' });
  const steps = new Steps();
  const databases = await Databases.open(directory, server, steps.open, silentLog);
  assert.deepEqual([...steps.taken].sort(), ['open here', 'open pool', 'open shared']);
  assert.ok(databases.open.has(pool.id));
  await directory.changeDatabase(idOf(here), { server: other.id });
  await steps.reached('close here');
  assert.throws(() => databases.of(here), { code: 'UNAVAILABLE' });
  assert.ok(databases.of(shared));
  await directory.changeDatabase(idOf(here), { server: server.id });
  await steps.reached('open here', 2);
  await databases.close();
});

test('a database that could not be opened is tried again by itself', async () => {
  await accountIn('good');
  const late = await accountIn('late');
  const steps = new Steps();
  let isAway = true;
  const databases = await Databases.open(
    directory,
    server,
    async (record) => {
      if (record.name !== 'late' || !isAway) return steps.open(record);
      isAway = false;
      throw new Failure('UNAVAILABLE', 'away');
    },
    silentLog,
  );
  assert.throws(() => databases.of(late), { code: 'UNAVAILABLE' });
  await steps.reached('open late');
  await databases.close();
  assert.ok(steps.taken.includes('close late'));
});

/** What became of databases, in order. */
class Steps {
  readonly taken: string[] = [];
  #waiting: (() => void)[] = [];

  readonly open = (record: DatabaseRecord): Promise<MailboxDatabase> => {
    const database = openMemoryDatabase();
    const close = database.close.bind(database);
    database.close = async () => {
      await close();
      this.#take(`close ${record.name}`);
    };
    this.#take(`open ${record.name}`);
    return Promise.resolve(database);
  };

  async reached(step: string, times = 1): Promise<void> {
    while (this.taken.filter((one) => one === step).length < times) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await promise;
    }
  }

  #take(step: string): void {
    this.taken.push(step);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
