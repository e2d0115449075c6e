/** Whoever is no server of the organization is not served on the ports between servers, and a client cannot pass for one. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { serverId } from '../../src/directory/model.ts';
import { makeServerAuthority } from '../../src/tls/server-authority.ts';
import { SmtpClient } from '../dialogues/smtp/client.ts';
import type { ManyServers } from '../support/many-servers.ts';
import { aServer, identityOf, type OpenedIdentity } from '../support/server-identities.ts';
import { authPlain, BACK_END, inbound, startMail, submission } from './stage.ts';

let servers: ManyServers;
const identities: OpenedIdentity[] = [];
before(async () => {
  servers = await startMail();
});
after(async () => {
  for (const identity of identities) identity.close();
  await servers.stop();
});

/** All that the other side says until it hangs up; the socket's error counts as the end. */
async function heard(socket: Socket, ...lines: string[]): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => (text += String(chunk)));
  socket.on('error', () => {});
  for (const line of lines) socket.write(`${line}\r\n`);
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once('close', resolve);
  if (!socket.closed) await promise;
  return text;
}

const ports = (): Readonly<Record<'transport' | 'clientProxy', number>> => servers.server('B').ports.connectors;

describe('a stranger', () => {
  for (const port of ['transport', 'clientProxy'] as const) {
    const where = (): { host: string; port: number } => ({ host: '127.0.0.1', port: ports()[port] });

    test(`in the clear hears nothing on ${port}`, async () => {
      assert.equal(await heard(connect(where()), 'LHLO x', 'EHLO x'), '');
    });

    test(`without a certificate hears nothing on ${port}`, async () => {
      // TLS 1.3 tells the client of its refusal after its own handshake.
      const socket = connectTls({ ...where(), rejectUnauthorized: false });
      assert.equal(await heard(socket, 'LHLO x', 'EHLO x'), '');
    });

    test(`of another authority hears nothing on ${port}, whatever id it claims`, async () => {
      const rogue = await identityOf(await makeServerAuthority('Test'), servers.server('F').server.id);
      identities.push(rogue);
      const socket = connectTls({
        ...rogue.dialOptions(servers.server('B').server.id),
        ...where(),
        rejectUnauthorized: false,
        checkServerIdentity: () => undefined,
      });
      assert.equal(await heard(socket, 'LHLO x', 'EHLO x'), '');
    });

    test(`that was removed from the organization hears nothing on ${port}`, async () => {
      const removed = await servers.identity(aServer(serverId('removed'), 'GONE'));
      const socket = removed.dial(servers.server('B').server.id, where());
      assert.equal(await heard(socket, 'LHLO x', 'EHLO x'), '');
    });
  }

  test('that is a back end brings no submissions', async () => {
    const backEnd = await servers.identity(servers.server('C').server);
    const socket = backEnd.dial(servers.server('B').server.id, { host: '127.0.0.1', port: ports().clientProxy });
    assert.equal(await heard(socket, 'EHLO x'), '');
  });
});

async function fromF(port: 'transport' | 'clientProxy'): Promise<SmtpClient> {
  const identity = await servers.identity(servers.server('F').server);
  const socket = identity.dial(servers.server('B').server.id, { host: '127.0.0.1', port: ports()[port] });
  await once(socket, 'secureConnect');
  const client = new SmtpClient(socket);
  await client.reply();
  return client;
}

const external = (text: string): string => `AUTH EXTERNAL ${Buffer.from(text).toString('base64')}`;
const facts = 'XCLIENT SESSION=0011223344556677 ADDR=192.0.2.1 PORT=1 HELO=x CONNECTOR=none';

describe('a front end of the organization', () => {
  test('needs an account that exists, may use SMTP and is named rightly', async () => {
    const { account } = servers.user('bob');
    const client = await fromF('clientProxy');
    await client.expect('EHLO f.example.test', '250');
    assert.match(await client.command(external(`${account.id} ${account.id}`)), /^503 5\.5\.1 say XCLIENT first/);
    await client.expect(facts, '220');
    assert.match(await client.command(external('nobody nobody')), /^525 5\.7\.13/);
    assert.match(await client.command(external('x')), /^501/);
    assert.match(await client.command('AUTH PLAIN AGFubgBhbm4='), /^504/);
    assert.match(await client.command('MAIL FROM:<bob@example.test>'), /^530/);
    client.hangUp();
  });

  test('brings nobody whose SMTP was turned off after he logged on elsewhere', async () => {
    const { account } = servers.user('carol');
    await servers.directory.setClientAccess(account.id, { smtpClientAuthenticationDisabled: true });
    const client = await fromF('clientProxy');
    await client.expect(facts, '220');
    assert.match(await client.command(external(`${account.id} ${account.id}`)), /^525 5\.7\.13/);
    client.hangUp();
    await servers.directory.setClientAccess(account.id, { smtpClientAuthenticationDisabled: false });
  });

  test('speaks LMTP where mail is brought, and nothing else', async () => {
    const client = await fromF('transport');
    assert.match(await client.command('EHLO f.example.test'), /^500/);
    await client.expect('LHLO f.example.test', '250');
    assert.match(await client.command('MAIL FROM:<a@b.example>'), /^503 5\.5\.1 say XFORWARD first/);
    await client.expect('XFORWARD IDENT=x-1 RECEIVED=1 PREFIX=0', '250');
    await client.expect('MAIL FROM:<a@b.example>', '250');
    assert.match(await client.command('RCPT TO:<bob@example.test>'), /^501 5\.1\.3/);
    assert.match(await client.command('RCPT TO:<x@example.test> XACCOUNT=nobody'), /^550 5\.1\.1/);
    client.hangUp();
    const other = await fromF('transport');
    await other.expect('LHLO f.example.test', '250');
    await other.expect('XFORWARD IDENT=x-1 RECEIVED=1 PREFIX=0', '250');
    await other.expect('MAIL FROM:<a@b.example>', '250');
    // Carol's mailbox lies on C: B says so, whoever asks.
    assert.match(
      await other.command(`RCPT TO:<carol@example.test> XACCOUNT=${servers.user('carol').account.id}`),
      /^451/,
    );
    other.hangUp();
  });

  test('that makes mistake after mistake is cut off', async () => {
    const client = await fromF('transport');
    for (let mistakes = 0; mistakes < 4; mistakes += 1) await client.expect('NONSENSE', '500');
    client.send('NONSENSE\r\n');
    assert.match(await client.rest(), /^500 [^\r]*\r\n421 4\.7\.0 /);
  });
});

describe('a client', () => {
  test('cannot say for whom or from where it comes', async () => {
    const outside = await inbound(servers, 'F');
    for (const line of [facts, 'XFORWARD IDENT=x RECEIVED=1 PREFIX=0', 'XSETTLE DONE'])
      await outside.expect(line, '500');
    assert.match(await outside.command('LHLO x'), /^500/);
    await outside.expect('MAIL FROM:<a@b.example>', '250');
    assert.match(await outside.command('RCPT TO:<bob@example.test> XACCOUNT=1'), /^555/);
    outside.hangUp();
    const user = await submission(servers, 'F');
    const { account } = servers.user('ann');
    assert.match(await user.command(external(`${account.id} ${account.id}`)), /^504/);
    await user.expect(authPlain(servers, 'bob'), '235');
    // Behind the relay, too.
    await user.expect(facts, '500');
    assert.match(await user.command(external(`${account.id} ${account.id}`)), /^503/);
    user.hangUp();
  });
});

test('the ports between servers are open while there is another server', async () => {
  const alone = await startMail({ servers: ['A'], users: { ann: 'A' } });
  try {
    const { running, ports } = alone.server('A');
    const { transport, clientProxy } = ports.connectors;
    const open = (): readonly number[] =>
      running
        .listeners()
        .map(({ port }) => port)
        .filter((port) => port === transport || port === clientProxy);
    await running.settled();
    assert.deepEqual(open(), []);
    const [site] = await alone.directory.sites();
    assert.ok(site !== undefined);
    await alone.directory.addServer({ name: 'B', fqdn: 'b.example.test', site: site.id, ...BACK_END });
    await running.settled();
    assert.equal(open().length, 2);
  } finally {
    await alone.stop();
  }
});
