/** Who may bring sessions to a back end, and what a client must not be able to do: cases that have to fail. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { writeFacts } from '../../src/backend/proxy/client-facts.ts';
import { logonLines } from '../../src/backend/proxy/dialect.ts';
import { type AccountId, accountId, type Server } from '../../src/directory/model.ts';
import { makeServerAuthority } from '../../src/tls/server-authority.ts';
import type { ServerIdentity } from '../../src/tls/server-identity.ts';
import { LineClient } from '../dialogues/imap/not-authenticated/server.ts';
import { type ManyServers, startServers } from '../support/many-servers.ts';
import { identityOf, type OpenedIdentity } from '../support/server-identities.ts';
import { imapLogin, secureClient } from './client.ts';
import { happens } from './gate.ts';

const FRONT = { frontEnd: true, backEnd: false };
let servers: ManyServers;
const opened: OpenedIdentity[] = [];
before(async () => {
  servers = await startServers({
    engine: 'memory',
    servers: [
      'MBX1',
      { name: 'FE1', roles: FRONT },
      { name: 'FE2', roles: FRONT },
      { name: 'MBX2', roles: { frontEnd: false, backEnd: true } },
    ],
    users: { ann: 'MBX1', ben: 'MBX1', eve: 'MBX2' },
  });
});
after(async () => {
  for (const identity of opened) identity.close();
  await servers.stop();
});

async function identity(name: string): Promise<ServerIdentity> {
  return servers.identity(servers.server(name).server);
}

const facts = (session = '0123456789abcdef'): string =>
  writeFacts({ session, clientAddress: '192.0.2.1', tls: null, clientId: new Map(), mechanisms: [] });

/** A connection to MBX1's IMAP back-end port as this identity makes it; null: it is not let in. */
async function atTheDoor(who: ServerIdentity, protocol: 'imap' | 'pop3' = 'imap'): Promise<LineClient | null> {
  const { server, ports } = servers.server('MBX1');
  const socket = who.dial(server.id, { host: '127.0.0.1', port: ports[protocol].backEnd });
  const client = new LineClient(socket);
  return (await client.line()) === null ? null : client;
}

async function letIn(who: ServerIdentity, protocol: 'imap' | 'pop3' = 'imap'): Promise<LineClient> {
  const client = await atTheDoor(who, protocol);
  assert.ok(client !== null, 'a front end of the organization is let in');
  return client;
}

const idOf = (name: string): AccountId => servers.user(name).account.id;

async function logonAs(client: LineClient, account: AccountId, mailbox = account): Promise<string> {
  client.send(logonLines('imap', facts(), { account, mailbox, appPassword: null }).trimEnd());
  assert.equal(await client.line(), 'f OK XCLIENT completed.');
  return (await client.line()) ?? '';
}

describe('a back-end port lets nobody in', () => {
  test('without a certificate', async () => {
    const { ports } = servers.server('MBX1');
    const socket = connectTls({ host: '127.0.0.1', port: ports.imap.backEnd, rejectUnauthorized: false });
    const client = new LineClient(socket);
    assert.equal(await client.line(), null);
  });

  test('without TLS', async () => {
    const { connect } = await import('node:net');
    const socket = connect(servers.server('MBX1').ports.imap.backEnd, '127.0.0.1');
    await once(socket, 'connect');
    const client = new LineClient(socket);
    client.send(
      logonLines('imap', facts(), { account: idOf('ann'), mailbox: idOf('ann'), appPassword: null }).trimEnd(),
    );
    assert.equal(await client.line(), null);
  });

  test('of another authority, whatever id it claims', async () => {
    const rogue = await identityOf(await makeServerAuthority('Test'), servers.server('FE1').server.id);
    opened.push(rogue);
    // It trusts our servers, so that it is the back end that refuses.
    const trusting: ServerIdentity = {
      ...rogue,
      dial: (_peer, where) =>
        connectTls({
          ...rogue.dialOptions(servers.server('MBX1').server.id),
          ...where,
          rejectUnauthorized: false,
          checkServerIdentity: () => undefined,
        }),
    };
    assert.equal(await atTheDoor(trusting), null);
  });

  test('without the front-end role', async () => {
    assert.equal(await atTheDoor(await identity('MBX2')), null);
  });

  test('that has left the organization', async () => {
    const site = (await servers.directory.sites())[0];
    assert.ok(site !== undefined);
    const server: Server = await servers.directory.addServer({
      name: 'OLD',
      fqdn: 'old.example.test',
      site: site.id,
      ...FRONT,
    });
    const who = await servers.identity(server);
    assert.notEqual(await atTheDoor(who), null);
    await servers.directory.removeServer(server.id);
    assert.equal(await atTheDoor(who), null);
  });
});

describe('a front end cannot', () => {
  test('name somebody who does not exist', async () => {
    const client = await letIn(await identity('FE1'));
    assert.match(await logonAs(client, accountId('nobody')), /^l NO \[CONTACTADMIN\]/);
    client.socket.destroy();
  });

  test('open a mailbox that its user may not open', async () => {
    const client = await letIn(await identity('FE1'));
    assert.match(await logonAs(client, idOf('ann'), idOf('ben')), /^l NO \[AUTHORIZATIONFAILED\]/);
    client.socket.destroy();
  });

  test('log on who is disabled, or whose protocol is off', async () => {
    await servers.directory.setClientAccess(idOf('ben'), { imapEnabled: false });
    const client = await letIn(await identity('FE1'));
    assert.match(await logonAs(client, idOf('ben')), /^l NO \[CONTACTADMIN\] IMAP4 is turned off/);
    await servers.directory.setClientAccess(idOf('ben'), { imapEnabled: true });
    await servers.directory.changeAccount(idOf('ben'), { enabled: false });
    assert.match(await logonAs(client, idOf('ben')), /^l NO \[CONTACTADMIN\] This account is disabled/);
    await servers.directory.changeAccount(idOf('ben'), { enabled: true });
    assert.match(await logonAs(client, idOf('ben')), /^l OK/);
    client.socket.destroy();
  });

  test('name a session without telling whose client it is', async () => {
    const client = await letIn(await identity('FE1'));
    const [, authenticate = ''] = logonLines('imap', facts(), {
      account: idOf('ann'),
      mailbox: idOf('ann'),
      appPassword: null,
    }).split('\r\n');
    client.send(authenticate);
    assert.match((await client.line()) ?? '', /^l BAD XCLIENT comes before/);
    client.send('q LOGOUT');
    await client.closed();
  });

  test('end sessions of another front end', async () => {
    const one = await letIn(await identity('FE1'));
    assert.match(await logonAs(one, idOf('ann')), /^l OK/);
    const other = await letIn(await identity('FE2'));
    other.send('x XLEAVE 0123456789abcdef');
    assert.equal(await other.line(), 'x OK 0 sessions end.');
    assert.match(await one.imap('n NOOP'), /^n OK/);
    const own = await letIn(await identity('FE1'));
    own.send('x XLEAVE 0123456789abcdef');
    assert.equal(await own.line(), 'x OK 1 sessions end.');
    assert.match((await one.line()) ?? '', /^\* BYE/);
    for (const client of [one, other, own]) client.socket.destroy();
  });

  test('talk nonsense for long', async () => {
    const client = await letIn(await identity('FE1'));
    client.send('a CAPABILITY', 'b LOGIN ann x', 'c SELECT INBOX', 'd XCLIENT nonsense', 'e XCLIENT SESSION=1 ADDR=x');
    for (const tag of ['a', 'b', 'c', 'd', 'e']) assert.match((await client.line()) ?? '', new RegExp(`^${tag} BAD`));
    assert.match((await client.line()) ?? '', /^\* BYE/);
    await client.closed();
  });

  test('send a line without end', async () => {
    const client = await letIn(await identity('FE1'), 'pop3');
    client.socket.write('X'.repeat(100_000));
    await client.closed();
  });
});

describe('a client of a front end cannot', () => {
  for (const front of ['FE1', 'MBX1'])
    test(`inject proxy facts, on ${front}`, async () => {
      const { ports, ca } = servers.server(front);
      const client = await secureClient(ports.imap.tls, ca);
      await client.line();
      client.send(
        ...logonLines('imap', facts(), { account: idOf('ann'), mailbox: idOf('ann'), appPassword: null })
          .trimEnd()
          .split('\r\n'),
      );
      assert.match((await client.line()) ?? '', /^f BAD/);
      assert.match((await client.line()) ?? '', /^l NO \[CANNOT\] This authentication mechanism is not offered/);
      client.send('x XLEAVE 0123456789abcdef');
      assert.match((await client.line()) ?? '', /^x BAD/);
      client.send(`a ${imapLogin(servers.user('ann'))}`);
      assert.match((await client.line()) ?? '', /^a OK/);
      assert.match(await client.imap(`b XCLIENT ${facts()}`), /^b BAD/);
      const back = servers.server('MBX1').running.backEnd.sessions.list();
      assert.ok(
        back.every(({ clientAddress }) => clientAddress === '127.0.0.1'),
        'what a client says of itself is not believed',
      );
      client.send('z LOGOUT');
      await client.closed();
    });

  test('do so on POP3', async () => {
    const { ports, ca } = servers.server('FE1');
    const client = await secureClient(ports.pop3.tls, ca);
    await client.line();
    client.send(
      ...logonLines('pop3', facts(), { account: idOf('ann'), mailbox: idOf('ann'), appPassword: null })
        .trimEnd()
        .split('\r\n'),
      'XLEAVE 1',
      'QUIT',
    );
    for (let i = 0; i < 3; i += 1) assert.match((await client.line()) ?? '', /^-ERR/);
    await client.closed();
  });

  test('say through its ID what would be a fact', async () => {
    const { ports, ca } = servers.server('FE1');
    const client = await secureClient(ports.imap.tls, ca);
    await client.line();
    await client.imap(
      'i ID ("x ADDR=198.51.100.1" "y\tSESSION=ffffffffffffffff ADDR=198.51.100.1" "name" "%0D%0Al AUTHENTICATE")',
    );
    assert.match(await client.imap(`a ${imapLogin(servers.user('ann'))}`), /^a OK/);
    const { sessions } = servers.server('MBX1').running.backEnd;
    await happens('the session is listed', () => sessions.list().some(({ frontEnd }) => frontEnd === 'FE1'));
    const session = sessions.list().find(({ frontEnd }) => frontEnd === 'FE1');
    assert.equal(session?.clientAddress, '127.0.0.1');
    assert.equal(session?.clientId.get('name'), '%0D%0Al AUTHENTICATE');
    client.send('z LOGOUT');
    await client.closed();
  });
});

test('the port is closed while there is no other front end, and opens when one joins', async () => {
  const alone = await startServers({ engine: 'memory', servers: ['MBX1'], users: {} });
  try {
    const { running } = alone.server('MBX1');
    const open = (): boolean => running.listeners().some(({ service }) => service === 'imap4-backend');
    assert.equal(open(), false);
    const site = (await alone.directory.sites())[0];
    assert.ok(site !== undefined);
    const server = await alone.directory.addServer({ name: 'FE9', fqdn: 'fe9.example.test', site: site.id, ...FRONT });
    await running.settled();
    assert.equal(open(), true);
    await alone.directory.removeServer(server.id);
    await running.settled();
    assert.equal(open(), false);
  } finally {
    await alone.stop();
  }
});
