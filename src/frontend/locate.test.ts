import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BackendSession, HandOver } from '../backend/link.ts';
import type { Directory } from '../directory/api.ts';
import { openSqliteDirectory } from '../directory/engine/sqlite/directory.ts';
import type { Account, DatabaseId, Server } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import { OwnedElsewhere } from '../store/api.ts';
import { Locator } from './locate.ts';

const session: BackendSession = { capabilities: [], run: () => Promise.resolve(), cancel: () => {} };

interface Scene {
  readonly directory: Directory;
  readonly servers: readonly Server[];
  readonly databases: { readonly cluster: DatabaseId; readonly first: DatabaseId; readonly second: DatabaseId };
  readonly account: (database: DatabaseId) => Promise<Account>;
  /** Names of the servers that were asked, in order, and what came of it. */
  readonly open: (account: Account) => Promise<string[]>;
  /** What each server answers; an OK when nothing is said. */
  readonly answers: Map<string, (handOver: HandOver) => Failure | null>;
  readonly down: Set<string>;
}

async function onScene(act: (scene: Scene) => Promise<void>): Promise<void> {
  const directory = await openSqliteDirectory({ file: ':memory:' });
  const site = await directory.addSite('Main');
  await directory.addDomain({ name: 'example.test', type: 'Authoritative', isDefault: true });
  const servers: Server[] = [];
  for (const name of ['one', 'two', 'three']) {
    const roles = { site: site.id, frontEnd: true, backEnd: true };
    const server = await directory.addServer({ name, fqdn: `${name}.example.test`, ...roles });
    await directory.setService(server.id, 'imap4-backend', { running: true });
    servers.push(server);
  }
  const database = async (name: string, at: number, engine: 'sqlite' | 'postgres'): Promise<DatabaseId> => {
    const server = servers[at];
    assert.ok(server !== undefined);
    const location = engine === 'sqlite' ? name : 'postgres:///mail';
    return (await directory.addDatabase({ name, server: server.id, engine, location })).id;
  };
  const databases = {
    cluster: await database('cluster', 0, 'postgres'),
    first: await database('first', 0, 'sqlite'),
    second: await database('second', 1, 'sqlite'),
  };
  const answers: Scene['answers'] = new Map();
  const down: Scene['down'] = new Set();
  let asked: string[] = [];
  const locator = new Locator(directory, ({ name }) => ({
    isDown: down.has(name),
    open: async (handOver) => {
      asked.push(name);
      const failure = answers.get(name)?.(handOver) ?? null;
      if (failure !== null) throw failure;
      return session;
    },
  }));
  let count = 0;
  try {
    await act({
      directory,
      servers,
      databases,
      answers,
      down,
      account: async (of) => {
        count += 1;
        const address = `u${count}@example.test`;
        return directory.addAccount({
          kind: 'user',
          displayName: address,
          alias: `u${count}`,
          userPrincipalName: address,
          mailbox: { database: of, addresses: [address] },
          credentials: null,
        });
      },
      open: async (account) => {
        asked = [];
        await locator.open({
          session: '0123456789abcdef',
          protocol: 'imap',
          logon: { account, mailbox: account },
          clientAddress: '192.0.2.1',
          tls: null,
          clientId: new Map(),
          mechanisms: [],
          stop: new AbortController().signal,
        });
        return asked;
      },
    });
  } finally {
    locator.close();
    await directory.close();
  }
}

const away = (): Failure => new Failure('UNAVAILABLE', 'away');

describe('a mailbox is looked for', () => {
  test('on the server of its SQLite database, and nowhere else', () =>
    onScene(async ({ databases, account, open, answers }) => {
      const user = await account(databases.second);
      assert.deepEqual(await open(user), ['two']);
      answers.set('two', away);
      await assert.rejects(open(user), { code: 'UNAVAILABLE', message: 'away' });
    }));

  test('on every back end of a PostgreSQL database, in the same order each time, until one serves', () =>
    onScene(async ({ databases, account, open, answers, servers }) => {
      const user = await account(databases.cluster);
      for (const { name } of servers) answers.set(name, away);
      await assert.rejects(open(user), { code: 'UNAVAILABLE' });
      answers.clear();
      const [best = ''] = await open(user);
      answers.set(best, away);
      const order = await open(user);
      assert.equal(order.length, 2);
      assert.equal(order[0], best);
    }));

  test('past back ends that are known to be down or were stopped by an admin', () =>
    onScene(async ({ databases, account, open, directory, servers, down }) => {
      const user = await account(databases.cluster);
      const [best = ''] = await open(user);
      down.add(best);
      const [second = ''] = await open(user);
      assert.notEqual(second, best);
      const stopped = servers.find(({ name }) => name === second);
      assert.ok(stopped !== undefined);
      await directory.setService(stopped.id, 'imap4-backend', { running: false });
      const [third] = await open(user);
      assert.ok(third !== best && third !== second);
    }));

  test('where a referral says, and there at once the next time', () =>
    onScene(async ({ databases, account, open, answers, servers }) => {
      const user = await account(databases.cluster);
      const [best = ''] = await open(user);
      const owner = servers.find(({ name }) => name !== best);
      assert.ok(owner !== undefined);
      answers.set(best, () => new OwnedElsewhere(owner.id));
      assert.deepEqual(await open(user), [best, owner.name]);
      assert.deepEqual(await open(user), [owner.name]);
      // It has given the mailbox up meanwhile: one more referral.
      answers.set(owner.name, () => new OwnedElsewhere(servers.find(({ name }) => name === best)?.id ?? ''));
      answers.delete(best);
      assert.deepEqual(await open(user), [owner.name, best]);
    }));

  test('no longer where two back ends send it to each other for ever', () =>
    onScene(async ({ databases, account, open, answers, servers: [one, two] }) => {
      assert.ok(one !== undefined && two !== undefined);
      const user = await account(databases.first);
      answers.set('one', () => new OwnedElsewhere(two.id));
      answers.set('two', () => new OwnedElsewhere(one.id));
      await assert.rejects(open(user), { code: 'UNAVAILABLE' });
    }));

  test('once more in the directory, when it moved a moment ago', () =>
    onScene(async ({ databases, account, open, answers, directory }) => {
      const user = await account(databases.first);
      assert.ok(user.mailbox !== null);
      const addresses = [user.mailbox.primaryAddress];
      await directory.changeAccount(user.id, { mailbox: null });
      await directory.changeAccount(user.id, { mailbox: { database: databases.second, addresses } });
      answers.set('one', () => new Failure('UNAVAILABLE', 'The mailbox database is not mounted'));
      assert.deepEqual(await open(user), ['one', 'two']);
    }));

  test('nowhere else when a back end refuses for a reason of its own', () =>
    onScene(async ({ databases, account, open, answers, servers }) => {
      const user = await account(databases.cluster);
      for (const { name } of servers) answers.set(name, () => new Failure('LIMIT', 'eight sessions'));
      await assert.rejects(open(user), { code: 'LIMIT', message: 'eight sessions' });
    }));

  test('in vain, and says which service does not run', () =>
    onScene(async ({ databases, account, open, directory, servers: [one] }) => {
      assert.ok(one !== undefined);
      const user = await account(databases.first);
      await directory.setService(one.id, 'imap4-backend', { running: false });
      await assert.rejects(open(user), { code: 'UNAVAILABLE', message: /Penfold IMAP4 Backend is not running/ });
      await directory.setService(one.id, 'imap4-backend', { running: true });
      assert.deepEqual(await open(user), ['one']);
    }));
});
