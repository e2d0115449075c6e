/** Which server is asked for a mailbox, and what its answers lead to, with servers that say what the test tells them to. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, test } from 'node:test';
import { openSqliteDirectory } from '../../directory/engine/sqlite/directory.ts';
import type { Account, Server, ServerId } from '../../directory/model.ts';
import { Placement } from '../../directory/placement.ts';
import { Failure } from '../../observe/failure.ts';
import { silentLog } from '../../observe/log.ts';
import { dial } from '../../smtp/client/dial.ts';
import { SmtpClient } from '../../smtp/client/session.ts';
import { SERVER_TIMEOUTS } from '../../smtp/client/time-outs.ts';
import { OwnedElsewhere } from '../../store/api.ts';
import { Connection } from '../../wire/connection.ts';
import type { Envelope, Recipient } from '../api.ts';
import { RemoteDelivery } from './delivery.ts';
import { FIRST_PAUSE_MS, ServerLinks } from './links.ts';

const directory = await openSqliteDirectory({ file: ':memory:' });
const site = await directory.addSite('Site');
const [here, one, two] = await Promise.all(
  ['HERE', 'ONE', 'TWO'].map((name) =>
    directory.addServer({ name, fqdn: `${name}.test`.toLowerCase(), site: site.id, frontEnd: true, backEnd: true }),
  ),
);
assert.ok(here !== undefined && one !== undefined && two !== undefined);
const own = here.id;
const database = await directory.addDatabase({
  name: 'PG',
  server: one.id,
  engine: 'postgres',
  location: 'postgres:///x',
});
await directory.addDomain({ name: 'example.org', type: 'Authoritative', isDefault: true });
const accounts = await directory.addAccounts(
  Array.from({ length: 80 }, (_, at) => ({
    kind: 'user' as const,
    displayName: `u${at}`,
    alias: `u${at}`,
    userPrincipalName: `u${at}@example.org`,
    mailbox: { database: database.id, addresses: [`u${at}@example.org`] },
    credentials: null,
  })),
);
const placement = new Placement(directory);
const listeners: net.Server[] = [];
after(async () => {
  for (const listener of listeners) listener.close();
  placement.close();
  await directory.close();
});

const recipientOf = (account: Account): Recipient => {
  assert.ok(account.mailbox !== null);
  return { address: account.mailbox.primaryAddress, account, mailbox: account.mailbox };
};

/** Somebody whose mailbox that server is the first to be asked for. */
async function firstOf(server: Server): Promise<Recipient> {
  for (const account of accounts) {
    const recipient = recipientOf(account);
    if ((await placement.of(recipient.mailbox))[0]?.id === server.id) return recipient;
  }
  throw new Error(`no mailbox prefers ${server.name}`);
}

/** Answers every command; RCPT as told. */
async function speaking(rcpt: () => string): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const listener = net.createServer((socket) => {
    const connection = new Connection(socket);
    const talk = async (): Promise<void> => {
      connection.out.ascii('220 x\r\n');
      for (let line = await connection.readLine(5000); line !== null; line = await connection.readLine(5000)) {
        const text = String(line).trimEnd();
        if (text.startsWith('LHLO')) connection.out.ascii('250-x\r\n250-PIPELINING\r\n250 CHUNKING\r\n');
        else if (text.startsWith('RCPT')) {
          asked.push(text);
          connection.out.ascii(`${rcpt()}\r\n`);
        } else connection.out.ascii('250 OK\r\n');
      }
    };
    void talk().finally(() => connection.end());
  });
  listeners.push(listener);
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  assert.ok(address !== null && typeof address === 'object');
  return { port: address.port, asked };
}

function delivery(ports: ReadonlyMap<ServerId, number>): {
  remote: RemoteDelivery;
  links: ServerLinks;
  opened: () => number;
} {
  let opened = 0;
  const links = new ServerLinks({
    log: silentLog,
    open: async ({ id, name }) => {
      opened += 1;
      const port = ports.get(id);
      if (port === undefined) throw new Failure('UNAVAILABLE', `${name} is away`);
      const connection = await dial({ host: '127.0.0.1', port }, 5000);
      return SmtpClient.open(connection, { protocol: 'lmtp', name: 'here', timeouts: SERVER_TIMEOUTS });
    },
  });
  return { remote: new RemoteDelivery({ server: own, placement, links }), links, opened: () => opened };
}

const envelope = (recipients: readonly Recipient[]): Envelope => ({
  id: 'x-1',
  reversePath: '',
  recipients,
  receivedAt: 1,
});
const notHere = (): Promise<void> => Promise.reject(new Failure('UNAVAILABLE', 'not here'));

test('the owner that a server names is asked next', async () => {
  const recipient = await firstOf(one);
  const busy = await speaking(() => `451 4.2.1 XOWNER=${two.id} elsewhere`);
  const owner = await speaking(() => '250 2.1.5 OK');
  const { remote, links } = delivery(
    new Map([
      [one.id, busy.port],
      [two.id, owner.port],
    ]),
  );
  const placed = await remote.place(envelope([recipient]), [recipient], 0, notHere);
  assert.equal(placed.targets.length, 1);
  assert.deepEqual(placed.failed, []);
  assert.deepEqual([busy.asked.length, owner.asked.length], [1, 1]);
  await Promise.all(placed.targets.map((target) => target.abort()));
  await links.close();
});

test('an owner that this server is told of by its own database is asked', async () => {
  const recipient = await firstOf(here);
  const owner = await speaking(() => '250 2.1.5 OK');
  const { remote, links } = delivery(new Map([[two.id, owner.port]]));
  const placed = await remote.place(envelope([recipient]), [recipient], 0, () =>
    Promise.reject(new OwnedElsewhere(two.id)),
  );
  assert.deepEqual([placed.local.length, placed.targets.length, placed.failed.length], [0, 1, 0]);
  await Promise.all(placed.targets.map((target) => target.abort()));
  await links.close();
});

test('two servers that each name the other are not asked for ever', async () => {
  const recipient = await firstOf(one);
  const first = await speaking(() => `451 4.2.1 XOWNER=${two.id} elsewhere`);
  const second = await speaking(() => `451 4.2.1 XOWNER=${one.id} elsewhere`);
  const { remote, links } = delivery(
    new Map([
      [one.id, first.port],
      [two.id, second.port],
    ]),
  );
  const { failed } = await remote.place(envelope([recipient]), [recipient], 0, notHere);
  assert.equal(failed.length, 1);
  assert.ok(first.asked.length + second.asked.length <= 5);
  await links.close();
});

test('the next eligible server is asked where the first cannot be reached, and a refusal is the last word', async () => {
  const recipient = await firstOf(one);
  const other = await speaking(() => '250 2.1.5 OK');
  const { remote, links } = delivery(new Map([[two.id, other.port]]));
  const placed = await remote.place(envelope([recipient]), [recipient], 0, notHere);
  assert.equal(placed.targets.length, 1);
  await Promise.all(placed.targets.map((target) => target.abort()));
  await links.close();
  const refusing = await speaking(() => '550 5.2.1 no mail');
  const again = delivery(
    new Map([
      [one.id, refusing.port],
      [two.id, other.port],
    ]),
  );
  const { failed } = await again.remote.place(envelope([recipient]), [recipient], 0, notHere);
  assert.equal(failed[0]?.failure.code, 'CONTACTADMIN');
  await again.links.close();
});

test('links: kept open, used again, and a dead server is not tried for each message', async () => {
  const server = await speaking(() => '250 OK');
  let now = 0;
  let opened = 0;
  let dead = true;
  const links = new ServerLinks({
    log: silentLog,
    now: () => now,
    open: async () => {
      opened += 1;
      if (dead) throw new Error('refused');
      const connection = await dial({ host: '127.0.0.1', port: server.port }, 5000);
      return SmtpClient.open(connection, { protocol: 'lmtp', name: 'here', timeouts: SERVER_TIMEOUTS });
    },
  });
  const unreachable = (error: unknown): boolean =>
    error instanceof Failure && error.code === 'UNAVAILABLE' && error.message.includes('ONE');
  await assert.rejects(links.take(one), unreachable);
  await assert.rejects(links.take(one), unreachable);
  assert.deepEqual([opened, links.isDown(one.id)], [1, true]);
  now += FIRST_PAUSE_MS;
  await assert.rejects(links.take(one), unreachable);
  // The second pause is twice as long.
  now += FIRST_PAUSE_MS;
  await assert.rejects(links.take(one), unreachable);
  assert.equal(opened, 2);
  now += FIRST_PAUSE_MS;
  dead = false;
  const first = await links.take(one);
  assert.equal(links.isDown(one.id), false);
  first.release();
  const second = await links.take(one);
  assert.deepEqual([second.reused, second.client === first.client, opened], [true, true, 3]);
  second.client.destroy();
  second.release();
  const third = await links.take(one);
  assert.deepEqual([third.reused, opened], [false, 4]);
  third.release();
  await links.close();
});
