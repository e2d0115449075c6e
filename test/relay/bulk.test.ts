/** Much through a relay: every byte arrives, and nobody's memory pays for a client that does not read. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { Pop3Client } from '../dialogues/pop3/client.ts';
import { LineClient } from '../dialogues/imap/not-authenticated/server.ts';
import { type ManyServers, startServers } from '../support/many-servers.ts';
import { RawImap } from '../support/raw-imap.ts';
import { imapLogin } from './client.ts';
import { happens } from './gate.ts';

/** Several times what the buffers of a relay and of the kernel hold together. */
const MESSAGE_BYTES = 16 * 1024 * 1024;
const line = Buffer.from(`${'0123456789abcdef'.repeat(4)}\r\n`);
const head = Buffer.from('Subject: much\r\n\r\n');
const message = Buffer.concat([head, ...Array.from({ length: Math.floor(MESSAGE_BYTES / line.length) }, () => line)]);

let servers: ManyServers;
before(async () => {
  servers = await startServers({
    engine: 'memory',
    servers: ['MBX1', { name: 'FE1', roles: { frontEnd: true, backEnd: false } }],
    users: { ann: 'MBX1' },
    prepare: async ({ directory, servers: all }) => {
      await directory.setOrganization({ maxReceiveSize: 2 * MESSAGE_BYTES });
      for (const { id, frontEnd } of all) {
        if (!frontEnd) continue;
        await directory.setImapSettings(id, { loginType: 'PlainTextLogin' });
        await directory.setPopSettings(id, { loginType: 'PlainTextLogin' });
      }
    },
  });
});
after(() => servers.stop());

async function socketTo(how: 'plain' | 'STARTTLS' | 'TLS'): Promise<Socket> {
  const { ports, ca } = servers.server('FE1');
  if (how === 'TLS') {
    const socket = connectTls({ host: '127.0.0.1', port: ports.imap.tls, ca, servername: 'localhost' });
    await once(socket, 'secureConnect');
    return socket;
  }
  const socket = connect(ports.imap.plain, '127.0.0.1');
  await once(socket, 'connect');
  if (how === 'plain') return socket;
  const client = new LineClient(socket);
  await client.line();
  assert.match(await client.imap('s STARTTLS'), /^s OK/);
  const secure = connectTls({ socket: client.release(), ca, servername: 'localhost' });
  await once(secure, 'secureConnect');
  return secure;
}

async function loggedOn(how: 'plain' | 'STARTTLS' | 'TLS'): Promise<RawImap> {
  const socket = await socketTo(how);
  const client = how === 'STARTTLS' ? new RawImap(socket) : await RawImap.greeted(socket);
  assert.match((await client.command(imapLogin(servers.user('ann')))).status, /^OK/);
  return client;
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('a message of 16 MB', () => {
  for (const how of ['plain', 'STARTTLS', 'TLS'] as const)
    test(`goes in and comes back whole, ${how}`, async () => {
      const client = await loggedOn(how);
      const folder = `Much-${how}`;
      await client.command(`CREATE ${folder}`);
      assert.match((await client.command(`APPEND ${folder}`, message)).status, /^OK \[APPENDUID/);
      await client.command(`SELECT ${folder}`);
      const { untagged } = await client.command('FETCH 1 (BODY.PEEK[])');
      const [fetched = Buffer.alloc(0)] = untagged;
      const start = fetched.indexOf('}\r\n') + 3;
      assert.equal(digest(fetched.subarray(start, start + message.length)), digest(message));
      assert.match((await client.command('LOGOUT')).status, /^OK/);
    });

  test('waits at the back end for a client that stops reading, which gets all of it in the end', async () => {
    const client = await loggedOn('plain');
    await client.command('CREATE Slow');
    assert.match((await client.command('APPEND Slow', message)).status, /^OK/);
    await client.command('SELECT Slow');
    const { socket } = client;
    const back = servers.server('MBX1').running.backEnd;
    assert.equal(back.sessions.list().length, 1);
    socket.pause();
    client.send('x FETCH 1 (BODY.PEEK[])\r\ny NOOP\r\n');
    // Somebody else is served meanwhile, and what is held back in this process stays far below the message.
    const other = await loggedOn('plain');
    const held = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 50; i += 1) assert.match((await other.command('NOOP')).status, /^OK/);
    assert.ok(process.memoryUsage().arrayBuffers - held < MESSAGE_BYTES / 2);
    await other.command('LOGOUT');
    socket.resume();
    const { untagged } = await client.tagged('x');
    assert.ok((untagged[0]?.length ?? 0) > message.length);
    assert.match((await client.tagged('y')).status, /^OK/);
    await client.command('LOGOUT');
  });

  test('is let go of when its client vanishes half-way', async () => {
    const client = await loggedOn('TLS');
    await client.command('SELECT Slow');
    client.socket.pause();
    client.send('x FETCH 1 (BODY.PEEK[])\r\n');
    await happens('the answer is on its way', () => client.socket.bytesRead > 0);
    client.socket.destroy();
    const back = servers.server('MBX1').running.backEnd;
    await happens('the back end’s session ends', () => back.sessions.list().length === 0);
    await happens('the front end’s too', () => servers.server('FE1').running.sessions().length === 0);
  });
});

test('POP3: many messages, pipelined, whole and in order', async () => {
  const imap = await loggedOn('plain');
  const messages = Array.from({ length: 40 }, (_, i) =>
    Buffer.from(
      `Subject: ${i}\r\n\r\n${randomBytes(i * 1000)
        .toString('base64')
        .replaceAll(/.{76}/g, '$&\r\n')}\r\n.dot\r\n`,
    ),
  );
  for (const each of messages) assert.match((await imap.command('APPEND INBOX', each)).status, /^OK/);
  await imap.command('LOGOUT');
  const { ports } = servers.server('FE1');
  const { address, password } = servers.user('ann');
  const socket = connect(ports.pop3.plain, '127.0.0.1');
  await once(socket, 'connect');
  const client = new Pop3Client(socket);
  assert.match(await client.line(), /^\+OK/);
  // Everything at once: what stands behind the logon belongs to the back end.
  client.send(`USER ${address}\r\nPASS ${password}\r\n${messages.map((_, i) => `RETR ${i + 1}\r\n`).join('')}QUIT\r\n`);
  for (let i = 0; i < 2; i += 1) assert.match(await client.line(), /^\+OK/);
  for (const each of messages) assert.deepEqual(await client.multiLineReply(), each);
  assert.equal(await client.line(), '+OK bye');
});
