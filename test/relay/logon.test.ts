/** Logons through the front end of one server to the mailbox on another: what clients see is what they see without. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { LineClient } from '../dialogues/imap/not-authenticated/server.ts';
import { type ManyServers, startServers } from '../support/many-servers.ts';
import { imapLogin, secureClient } from './client.ts';

let servers: ManyServers;
before(async () => {
  servers = await startServers({
    engine: 'memory',
    servers: ['MBX1', { name: 'MBX2' }, { name: 'FE1', roles: { frontEnd: true, backEnd: false } }],
    users: { ann: 'MBX1', ben: 'MBX2' },
  });
});
after(() => servers.stop());

describe('IMAP4', () => {
  for (const front of ['MBX1', 'MBX2', 'FE1'])
    for (const name of ['ann', 'ben'])
      test(`${name} logs on through ${front}`, async () => {
        const { ports, ca } = servers.server(front);
        const user = servers.user(name);
        const client = await secureClient(ports.imap.tls, ca);
        assert.match((await client.line()) ?? '', /^\* OK /);
        assert.match(
          await client.imap(`a ${imapLogin(user)}`),
          /^a OK \[CAPABILITY IMAP4rev1 .*IDLE.*\] LOGIN completed\.$/,
        );
        assert.match(await client.imap('b SELECT INBOX'), /^b OK \[READ-WRITE\]/);
        client.send('c LOGOUT');
        assert.match((await client.line()) ?? '', /^\* BYE/);
        assert.equal(await client.line(), 'c OK LOGOUT completed.');
        await client.closed();
      });

  test('what is pipelined behind the logon is answered in order', async () => {
    const { ports, ca } = servers.server('FE1');
    const client = await secureClient(ports.imap.tls, ca);
    await client.line();
    client.send(`a ${imapLogin(servers.user('ben'))}`, 'b NOOP', 'c SELECT INBOX', 'd LOGOUT');
    const lines: string[] = [];
    for (let line = await client.line(); line !== null; line = await client.line()) lines.push(line);
    assert.deepEqual(
      lines.filter((line) => /^[abcd] /.test(line)).map((line) => line.slice(0, 4)),
      ['a OK', 'b OK', 'c OK', 'd OK'],
    );
  });

  test('a wrong password is refused by the front end, in the usual words', async () => {
    const { ports, ca } = servers.server('FE1');
    const client = await secureClient(ports.imap.tls, ca);
    await client.line();
    const { address } = servers.user('ben');
    assert.match(await client.imap(`a LOGIN ${address} wrong`), /^a NO \[AUTHENTICATIONFAILED\]/);
    client.send('b LOGOUT');
    await client.closed();
  });
});

describe('POP3', () => {
  for (const front of ['MBX1', 'FE1'])
    test(`ben logs on through ${front}, UTF8 and LANG agreed upon before`, async () => {
      const { ports, ca } = servers.server(front);
      const { address, password } = servers.user('ben');
      const client = await secureClient(ports.pop3.tls, ca);
      await client.line();
      client.send('UTF8', 'LANG de', `USER ${address}`, `PASS ${password}`, 'STAT', 'QUIT');
      const lines: string[] = [];
      for (let line = await client.line(); line !== null; line = await client.line()) lines.push(line);
      assert.equal(lines.length, 6);
      for (const line of lines) assert.match(line, /^\+OK/);
      assert.equal(lines[4], '+OK 0 0');
    });

  test('CAPA tells of the client’s own connection: STLS in the clear (RFC 2595 §4)', async () => {
    const front = servers.server('FE1');
    await servers.directory.setPopSettings(front.server.id, { loginType: 'PlainTextLogin' });
    await front.running.settled();
    const socket = connect(front.ports.pop3.plain, '127.0.0.1');
    await once(socket, 'connect');
    const client = new LineClient(socket);
    const { address, password } = servers.user('ben');
    await client.line();
    client.send(`USER ${address}`, `PASS ${password}`, 'CAPA', 'QUIT');
    const lines: string[] = [];
    for (let line = await client.line(); line !== null; line = await client.line()) lines.push(line);
    assert.ok(lines.includes('STLS'), lines.join(' | '));
  });
});

test('the back end knows the client, its encryption and its front end', async () => {
  const front = servers.server('FE1');
  const client = await secureClient(front.ports.imap.tls, front.ca);
  await client.line();
  await client.imap('i ID ("name" "Löwe & Co" "os" "x=y")');
  await client.imap(`a ${imapLogin(servers.user('ben'))}`);
  const back = servers.server('MBX2').running.backEnd.sessions.list();
  const session = back.find(({ frontEnd }) => frontEnd === 'FE1');
  assert.ok(session !== undefined);
  assert.equal(session.clientAddress, '127.0.0.1');
  assert.equal(session.tls?.protocol, 'TLSv1.3');
  assert.equal(session.tls?.serverName, 'localhost');
  assert.equal(session.user, servers.user('ben').address);
  const here = (await front.running.status()).sessions;
  assert.equal(here, 1, 'the front end lists what it relays');
  client.send('z LOGOUT');
  await client.closed();
});
