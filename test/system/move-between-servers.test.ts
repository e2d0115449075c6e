/** New-MoveRequest between servers: the target pulls over the back-end HTTPS port; strangers get nothing there. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { PeerClient } from '../../src/backend/http/client.ts';
import { ACTIVE_MOVES, type MoveRequest } from '../../src/directory/move-request.ts';
import type { DatabaseRecord } from '../../src/directory/model.ts';
import { Failure } from '../../src/observe/failure.ts';
import type { Mailbox } from '../../src/store/api.ts';
import { failure } from '../conformance/store-fixture.ts';
import { mailboxFacts } from '../support/mailbox-facts.ts';
import { type ManyServers, startServers } from '../support/many-servers.ts';
import { RawImap } from '../support/raw-imap.ts';
import { serverIdentities } from '../support/server-identities.ts';

let servers: ManyServers;
before(async () => {
  servers = await startServers({
    engine: 'sqlite',
    servers: ['MBX1', { name: 'MBX2' }, { name: 'FE1', roles: { frontEnd: true, backEnd: false } }],
    users: { ann: 'MBX1', ben: 'MBX1', cleo: 'MBX1' },
  });
});
after(() => servers.stop());

async function databaseOn(name: string): Promise<DatabaseRecord> {
  const { server } = servers.server(name);
  const found = (await servers.directory.databases()).find((one) => one.server === server.id);
  assert.ok(found);
  return found;
}

async function ask(user: string, to: string): Promise<MoveRequest> {
  return servers.directory.addMoveRequest({
    account: servers.user(user).account.id,
    target: (await databaseOn(to)).id,
    batchName: '',
    suspendWhenReadyToComplete: false,
    isSuspended: false,
  });
}

async function ended(id: string, until: (request: MoveRequest) => boolean): Promise<MoveRequest> {
  const { promise, resolve, reject } = Promise.withResolvers<MoveRequest>();
  const look = (): void => {
    servers.directory.moveRequests().then((all) => {
      const request = all.find((one) => one.id === id);
      if (request !== undefined && until(request)) resolve(request);
    }, reject);
  };
  const stop = servers.directory.watch(look);
  look();
  try {
    return await promise;
  } finally {
    stop();
  }
}
const isOver = ({ status }: MoveRequest): boolean => !ACTIVE_MOVES.includes(status);

async function logOn(front: string, user: string): Promise<RawImap> {
  const { ports, ca } = servers.server(front);
  const socket = connectTls({ host: '127.0.0.1', port: ports.imap.tls, ca, servername: 'localhost' });
  await once(socket, 'secureConnect');
  const client = await RawImap.greeted(socket);
  const { address, password } = servers.user(user);
  assert.match((await client.command(`LOGIN ${address} "${password}"`)).status, /^OK/);
  return client;
}

async function opened(name: string, user: string): Promise<Mailbox> {
  const account = await servers.directory.account(servers.user(user).account.id);
  assert.ok(account?.mailbox);
  return servers.server(name).running.databaseOf(account).open(account.mailbox.id);
}

const mail = (name: string, filler = 0): Buffer =>
  Buffer.from(`Subject: ${name}\r\nMessage-ID: <${name}@x>\r\n\r\n${'y'.repeat(filler)}\r\n`);

describe('a move between servers', () => {
  test('a mailbox moves to another server; its clients come back through any front end', async () => {
    const client = await logOn('FE1', 'ann');
    for (let i = 0; i < 30; i += 1) await client.command('APPEND INBOX', mail(`m${i}`));
    await client.command('APPEND INBOX', mail('large', 3_000_000));
    await client.command('SELECT INBOX');
    await client.command('STORE 1:5 +FLAGS (\\Deleted $Seen2)');
    await client.command('EXPUNGE');
    const source = await opened('MBX1', 'ann');
    const facts = await mailboxFacts(source);
    source.close();
    const { id } = await ask('ann', 'MBX2');
    const done = await ended(id, isOver);
    assert.equal(done.status, 'Completed', done.progress.message);
    assert.equal(done.owner, servers.server('MBX2').server.id);
    assert.match(await client.rest(), /\* BYE/);
    const moved = await opened('MBX2', 'ann');
    assert.deepEqual(await mailboxFacts(moved), facts);
    moved.close();
    for (const front of ['FE1', 'MBX1', 'MBX2']) {
      const again = await logOn(front, 'ann');
      assert.match(Buffer.concat([...(await again.command('SELECT INBOX')).untagged]).toString(), /\* 26 EXISTS/);
      again.hangUp();
    }
  });

  test('a source that goes down in the middle is waited for', async () => {
    const client = await logOn('FE1', 'ben');
    for (let i = 0; i < 5; i += 1) await client.command('APPEND INBOX', mail(`m${i}`));
    client.hangUp();
    await servers.server('MBX1').stop();
    const { id } = await ask('ben', 'MBX2');
    const failed = await ended(id, ({ progress }) => progress.failures > 0);
    assert.match(failed.progress.message, /MBX1/, 'it says which server is away');
    await servers.server('MBX1').start();
    const done = await ended(id, isOver);
    assert.equal(done.status, 'Completed', done.progress.message);
    const moved = await opened('MBX2', 'ben');
    assert.equal(moved.folderByUse('inbox')?.exists, 5);
    moved.close();
  });
});

describe('the back-end HTTPS port', () => {
  const ANYTHING = { path: '/moves/1/begin?move=x&fence=1', body: Buffer.alloc(0) };

  test('refuses who shows no certificate and a certificate of a stranger; a server that is no back end moves nothing', async () => {
    const { ports, server } = servers.server('MBX1');
    const where = { host: '127.0.0.1', port: ports.backEndHttps };
    const strangers = await serverIdentities(servers.server('MBX2').server.id, server.id);
    try {
      const cut = async (socket: TLSSocket): Promise<void> => {
        socket.on('error', () => {});
        socket.write('POST /moves/1/begin HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
        let said = '';
        socket.on('data', (bytes: Buffer) => (said += bytes.toString('latin1')));
        await new Promise((resolve) => socket.on('close', resolve));
        assert.equal(said, '');
      };
      await cut(connectTls({ ...where, rejectUnauthorized: false }));
      await cut(connectTls({ ...where, ...strangers.frontEnd.dialOptions(server.id), rejectUnauthorized: false }));
      const frontEnd = await servers.identity(servers.server('FE1').server);
      const frontEndClient = new PeerClient(
        servers.directory,
        { ...frontEnd, dial: (peer) => frontEnd.dial(peer, where) },
        server,
      );
      await assert.rejects(frontEndClient.askWhole(ANYTHING, 100), failure('AUTHORIZATIONFAILED'));
      frontEndClient.close();
    } finally {
      strangers.close();
    }
  });

  test('a back end gets only what the directory says is its move', async () => {
    const { server } = servers.server('MBX1');
    const own = await servers.identity(servers.server('MBX2').server);
    const identity = {
      ...own,
      dial: (peer: typeof server.id, { port }: { readonly port: number }) =>
        own.dial(peer, { host: '127.0.0.1', port }),
    };
    const client = new PeerClient(servers.directory, identity, server);
    try {
      await assert.rejects(client.askWhole(ANYTHING, 100), failure('AUTHORIZATIONFAILED'));
      const { id, mailbox, source } = await servers.directory.addMoveRequest({
        account: servers.user('cleo').account.id,
        target: (await databaseOn('MBX2')).id,
        batchName: '',
        suspendWhenReadyToComplete: false,
        isSuspended: true,
      });
      const query = new URLSearchParams({ move: id, fence: '0', mailbox, database: source }).toString();
      for (const verb of ['begin', 'contents', 'hold', 'state', 'settle', 'close', 'nonsense'])
        await assert.rejects(
          client.askWhole({ path: `/moves/1/${verb}?${query}`, body: Buffer.alloc(0) }, 100),
          (error) => {
            assert.ok(error instanceof Failure);
            assert.ok(['AUTHORIZATIONFAILED', 'NONEXISTENT'].includes(error.code), error.message);
            return true;
          },
        );
      await assert.rejects(client.askWhole({ path: '/elsewhere', body: Buffer.alloc(0) }, 100), failure('NONEXISTENT'));
    } finally {
      client.close();
    }
  });
});
