import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MailboxId } from '../store/model.ts';
import { mailboxId } from '../store/model.ts';
import { openSqliteDirectory } from './engine/sqlite/directory.ts';
import { type DatabaseRecord, databaseId, type Server, serverId, siteId } from './model.ts';
import { downLast, eligibleServers, Placement, type Topology } from './placement.ts';

const server = (name: string, site: string, roles: Partial<Pick<Server, 'frontEnd' | 'backEnd'>> = {}): Server => ({
  id: serverId(name),
  name,
  fqdn: `${name}.example.test`,
  site: siteId(site),
  frontEnd: true,
  backEnd: true,
  ...roles,
});

const database = (name: string, home: string, engine: DatabaseRecord['engine']): DatabaseRecord => ({
  id: databaseId(name),
  name,
  server: serverId(home),
  engine,
  location: name,
});

function topology(servers: readonly Server[], databases: readonly DatabaseRecord[]): Topology {
  return {
    servers: new Map(servers.map((each) => [each.id, each])),
    databases: new Map(databases.map((each) => [each.id, each])),
  };
}

const SERVERS = [
  server('here1', 'here'),
  server('here2', 'here'),
  server('here3', 'here'),
  server('herefront', 'here', { backEnd: false }),
  server('there1', 'there'),
];
const DATABASES = [
  database('files', 'here2', 'sqlite'),
  database('cluster', 'here1', 'postgres'),
  database('misplaced', 'herefront', 'sqlite'),
  database('orphan', 'gone', 'sqlite'),
];
const MAILBOXES = Array.from({ length: 600 }, (_, at): MailboxId => mailboxId(`mailbox-${at}`));
const order = (id: MailboxId, name: string, of: Topology): string[] =>
  eligibleServers({ id, database: databaseId(name) }, of).map((each) => each.name);

test('a SQLite database is served by its own server and no other', () => {
  const all = topology(SERVERS, DATABASES);
  for (const id of MAILBOXES.slice(0, 20)) assert.deepEqual(order(id, 'files', all), ['here2']);
});

test('without a back end, server or database nobody is eligible', () => {
  const all = topology(SERVERS, DATABASES);
  const [id = mailboxId('x')] = MAILBOXES;
  for (const name of ['misplaced', 'orphan', 'unknown']) assert.deepEqual(order(id, name, all), []);
});

test('a PostgreSQL database is served by every back end of its site, each first for its share of the mailboxes', () => {
  const all = topology(SERVERS, DATABASES);
  const first = new Map<string, number>();
  for (const id of MAILBOXES) {
    const names = order(id, 'cluster', all);
    assert.deepEqual([...names].sort(), ['here1', 'here2', 'here3']);
    const [best = ''] = names;
    first.set(best, (first.get(best) ?? 0) + 1);
  }
  for (const name of ['here1', 'here2', 'here3']) {
    // A third is 200; six standard deviations of chance are 70. The ids are fixed, so this cannot fail by chance.
    assert.ok(Math.abs((first.get(name) ?? 0) - 200) < 70, `${name} is first for ${first.get(name)}`);
  }
});

test('the order does not depend on the order of the list', () => {
  const [forward, backward] = [topology(SERVERS, DATABASES), topology([...SERVERS].reverse(), DATABASES)];
  for (const id of MAILBOXES) assert.deepEqual(order(id, 'cluster', forward), order(id, 'cluster', backward));
});

test('a server that goes moves its own mailboxes only', () => {
  const all = topology(SERVERS, DATABASES);
  const without = topology(
    SERVERS.filter((each) => each.name !== 'here3'),
    DATABASES,
  );
  for (const id of MAILBOXES) {
    const before = order(id, 'cluster', all);
    assert.deepEqual(
      order(id, 'cluster', without),
      before.filter((name) => name !== 'here3'),
    );
  }
});

test('those that are down come last, and stay', () => {
  const [one, two, three] = SERVERS;
  assert.ok(one !== undefined && two !== undefined && three !== undefined);
  const names = (isDown: (name: string) => boolean): string[] =>
    downLast([one, two, three], isDown).map((each) => each.name);
  assert.deepEqual(
    names(() => false),
    ['here1', 'here2', 'here3'],
  );
  assert.deepEqual(
    names((name) => name === 'here1'),
    ['here2', 'here3', 'here1'],
  );
  assert.deepEqual(
    names(() => true),
    ['here1', 'here2', 'here3'],
  );
});

test('servers and databases that are new are known at once', async () => {
  const directory = await openSqliteDirectory({ file: ':memory:' });
  const placement = new Placement(directory);
  try {
    const site = await directory.addSite('Main');
    const roles = { site: site.id, frontEnd: true, backEnd: true };
    const first = await directory.addServer({ name: 'a', fqdn: 'a.example.test', ...roles });
    const cluster = await directory.addDatabase({
      name: 'cluster',
      server: first.id,
      engine: 'postgres',
      location: 'postgres:///x',
    });
    const mailbox = { id: mailboxId('m'), database: cluster.id };
    assert.deepEqual(
      (await placement.of(mailbox)).map((each) => each.name),
      ['a'],
    );
    await directory.addServer({ name: 'b', fqdn: 'b.example.test', ...roles });
    assert.deepEqual((await placement.of(mailbox)).map((each) => each.name).sort(), ['a', 'b']);
  } finally {
    placement.close();
    await directory.close();
  }
});
