/** What the scripts cannot say of the front ends: TLS, SCRAM, limits, live settings, services, stop and drain. */
import assert from 'node:assert/strict';
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { LOGON_FAILURES, POP3_BAD_COMMANDS } from '../../../../src/wire/limits.ts';
import { DOMAIN, LineClient, openTestServer, PASSWORD, type TestServer, type TestServerOptions } from './server.ts';

const LOGIN = `LOGIN ann@${DOMAIN} "${PASSWORD}"`;
const CLEAR: TestServerOptions = { imap: { loginType: 'PlainTextLogin' }, pop3: { loginType: 'PlainTextLogin' } };

async function withServer(options: TestServerOptions, act: (server: TestServer) => Promise<void>): Promise<void> {
  const server = await openTestServer(options);
  try {
    await act(server);
  } finally {
    await server.close();
  }
}

async function imapClient(server: TestServer, implicitTls = false): Promise<LineClient> {
  const client = new LineClient(await server.connect('imap', implicitTls));
  assert.match((await client.line()) ?? 'closed', /^\* (OK|BYE) /);
  return client;
}

/** Resolves when `is` holds; looks again at each turn of the event loop, for a second. */
async function eventually(is: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + 1000;
  while (!(await is())) {
    assert.ok(performance.now() < end, `within a second: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const refuses = (server: TestServer): Promise<boolean> =>
  server.connect('imap', false).then(
    (socket) => {
      socket.destroy();
      return false;
    },
    () => true,
  );

describe('TLS', () => {
  test('STARTTLS, then LOGIN; what was said in the clear is forgotten', () =>
    withServer({}, async (server) => {
      const clear = await imapClient(server);
      assert.match(await clear.imap('a STARTTLS'), /^a OK Begin TLS/);
      const secure = new LineClient(await server.upgrade(clear.release()));
      secure.send('b CAPABILITY');
      const capabilities = await secure.line();
      assert.match(capabilities ?? '', /AUTH=PLAIN/);
      assert.doesNotMatch(capabilities ?? '', /STARTTLS|LOGINDISABLED/);
      assert.match((await secure.line()) ?? '', /^b OK/);
      assert.match(await secure.imap(`c ${LOGIN}`), /^c OK \[CAPABILITY /);
      secure.socket.destroy();
    }));

  test('STLS, then USER and PASS', () =>
    withServer({}, async (server) => {
      const clear = new LineClient(await server.connect('pop3', false));
      await clear.line();
      clear.send('STLS');
      assert.match((await clear.line()) ?? '', /^\+OK/);
      const secure = new LineClient(await server.upgrade(clear.release()));
      secure.send(`USER ann@${DOMAIN}`, `PASS ${PASSWORD}`, 'STAT');
      for (const expected of ['+OK', '+OK User successfully logged on.', '+OK 0 0']) {
        assert.equal(await secure.line(), expected);
      }
      secure.socket.destroy();
    }));

  test('a client that speaks no TLS on the SSL port is cut off', () =>
    withServer({}, async (server) => {
      const client = new LineClient(await server.connect('imap', false));
      await client.line();
      const raw = new LineClient((await import('node:net')).connect(server.port('imap', true), '127.0.0.1'));
      raw.send('a LOGIN x y');
      await raw.closed();
      client.socket.destroy();
    }));
});

test('AUTHENTICATE SCRAM-SHA-256, the last word of the server included', () =>
  withServer(CLEAR, async (server) => {
    const client = await imapClient(server);
    const clientFirst = `n=ann@${DOMAIN},r=${randomBytes(12).toString('hex')}`;
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    client.send(`a AUTHENTICATE SCRAM-SHA-256 ${base64(`n,,${clientFirst}`)}`);
    const challenge = async (): Promise<string> => {
      const line = (await client.line()) ?? '';
      assert.ok(line.startsWith('+ '), line);
      return Buffer.from(line.slice(2), 'base64').toString();
    };
    const serverFirst = await challenge();
    const [, nonce = '', salt = '', iterations = ''] = /^r=([^,]*),s=([^,]*),i=(\d+)/.exec(serverFirst) ?? [];
    const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
    const salted = pbkdf2Sync(PASSWORD, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256');
    const clientKey = hmac(salted, 'Client Key');
    const final = `c=biws,r=${nonce}`;
    const message = `${clientFirst},${serverFirst},${final}`;
    const signature = hmac(createHash('sha256').update(clientKey).digest(), message);
    const proof = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0))).toString('base64');
    client.send(base64(`${final},p=${proof}`));
    const expected = hmac(hmac(salted, 'Server Key'), message).toString('base64');
    assert.equal(await challenge(), `v=${expected}`);
    client.send('');
    assert.match((await client.line()) ?? '', /^a OK \[CAPABILITY .*\] AUTHENTICATE completed/);
    client.socket.destroy();
  }));

describe('limits name the setting', () => {
  test('MaxConnections', () =>
    withServer({ imap: { ...CLEAR.imap, maxConnections: 1 } }, async (server) => {
      const first = await imapClient(server);
      const second = new LineClient(await server.connect('imap', false));
      assert.equal(await second.line(), '* BYE [LIMIT] The server serves 1 connections already (MaxConnections)');
      assert.equal(await second.line(), null);
      first.socket.destroy();
      await eventually(async () => {
        const next = new LineClient(await server.connect('imap', false));
        const greeting = await next.line();
        next.socket.destroy();
        return greeting?.startsWith('* OK') === true;
      }, 'the place is free again');
    }));

  test('MaxConnectionFromSingleIP', () =>
    withServer({ pop3: { maxConnectionFromSingleIp: 1 } }, async (server) => {
      const first = new LineClient(await server.connect('pop3', false));
      await first.line();
      const second = new LineClient(await server.connect('pop3', false));
      assert.match((await second.line()) ?? '', /^-ERR \[SYS\/TEMP\] .*MaxConnectionFromSingleIP/);
      assert.equal(await second.line(), null);
      first.socket.destroy();
    }));

  test('MaxConnectionsPerUser, and the place comes back', () =>
    withServer({ imap: { ...CLEAR.imap, maxConnectionsPerUser: 2 } }, async (server) => {
      const one = await imapClient(server);
      const two = await imapClient(server);
      const three = await imapClient(server);
      assert.match(await one.imap(`a ${LOGIN}`), /^a OK/);
      assert.match(await two.imap(`a ${LOGIN}`), /^a OK/);
      assert.match(await three.imap(`a ${LOGIN}`), /^a NO \[LIMIT\] You have 2 sessions .*MaxConnectionsPerUser/);
      assert.match(await three.imap(`b LOGIN bob@${DOMAIN} "${PASSWORD}"`), /^b OK/);
      await one.imap('z LOGOUT');
      await one.closed();
      const four = await imapClient(server);
      assert.match(await four.imap(`a ${LOGIN}`), /^a OK/);
      for (const each of [two, three, four]) each.socket.destroy();
    }));

  test('failed logons and bad commands end a connection', () =>
    withServer(CLEAR, async (server) => {
      const imap = await imapClient(server);
      for (let i = 0; i < LOGON_FAILURES; i += 1) {
        assert.match(await imap.imap(`a${i} LOGIN nobody${i}@${DOMAIN} x`), /^a\d NO/);
      }
      assert.match((await imap.line()) ?? '', /^\* BYE Too many failed logons/);
      const pop = new LineClient(await server.connect('pop3', false));
      await pop.line();
      for (let i = 0; i < POP3_BAD_COMMANDS; i += 1) pop.send('XYZZY');
      for (let i = 0; i < POP3_BAD_COMMANDS; i += 1) assert.equal(await pop.line(), '-ERR XYZZY is not supported');
      assert.match((await pop.line()) ?? '', /^-ERR .*too many bad commands/);
      await pop.closed();
    }));

  test('a line longer than any is BAD and BYE', () =>
    withServer({}, async (server) => {
      const client = await imapClient(server);
      client.send('x'.repeat(20_000));
      assert.match((await client.line()) ?? '', /^\* BAD line longer than/);
      assert.match((await client.line()) ?? '', /^\* BYE /);
      await client.closed();
    }));
});

describe('settings apply to a running server', () => {
  test('service stopped: nothing listens, sessions hear BYE; started: accepts within a second', () =>
    withServer(CLEAR, async (server) => {
      const waiting = await imapClient(server);
      const inside = await imapClient(server);
      await inside.imap(`a ${LOGIN}`);
      const port = server.port('imap', false);
      await server.directory.setService(server.server, 'imap4', { running: false });
      assert.match((await waiting.line()) ?? '', /^\* BYE /);
      assert.match((await inside.line()) ?? '', /^\* BYE /);
      await eventually(() => server.imap.listening.length === 0, 'IMAP4 does not listen');
      assert.equal(server.pop3.listening.length, 2);
      await assert.rejects(once((await import('node:net')).connect(port, '127.0.0.1'), 'connect'));
      await server.directory.setService(server.server, 'imap4', { running: true });
      await eventually(() => server.imap.listening.length === 2, 'IMAP4 listens');
      const again = await imapClient(server);
      assert.match(await again.imap(`a ${LOGIN}`), /^a OK/);
      again.socket.destroy();
    }));

  test('a service that does not run listens on nothing', () =>
    withServer({ stopped: ['imap4', 'imap4-backend'] }, async (server) => {
      assert.deepEqual(server.imap.listening, []);
      assert.equal(await refuses(server), true);
    }));

  test('back end stopped: the logon says so, the right password does not look wrong', () =>
    withServer({ ...CLEAR, stopped: ['imap4-backend'] }, async (server) => {
      const client = await imapClient(server);
      assert.match(await client.imap(`a ${LOGIN}`), /^a NO \[UNAVAILABLE\] The service .*IMAP4 Backend is not running/);
      await server.directory.setService(server.server, 'imap4-backend', { running: true });
      await eventually(async () => (await client.imap(`b ${LOGIN}`)).startsWith('b OK'), 'logon works');
      const ended = client.closed();
      await server.directory.setService(server.server, 'imap4-backend', { running: false });
      await ended;
    }));

  test('bindings move, LoginType and banner change; connections live on', () =>
    withServer({}, async (server) => {
      const old = await imapClient(server);
      const free = createServer().listen(0, '127.0.0.1');
      await once(free, 'listening');
      const address = free.address();
      assert.ok(address !== null && typeof address === 'object');
      const { port } = address;
      free.close();
      await once(free, 'close');
      await server.directory.setImapSettings(server.server, {
        unencryptedOrTlsBindings: [{ address: '127.0.0.1', port }],
        loginType: 'PlainTextLogin',
        banner: 'moved',
      });
      await eventually(() => server.imap.listening.some((each) => each.port === port), 'the new port listens');
      const client = new LineClient(await server.connect('imap', false));
      assert.match((await client.line()) ?? '', /^\* OK \[.*AUTH=PLAIN\] moved$/);
      assert.match(await old.imap(`a ${LOGIN}`), /^a OK/);
      old.socket.destroy();
      client.socket.destroy();
    }));

  test('a protocol turned off for a mailbox ends its sessions, and only those', () =>
    withServer(CLEAR, async (server) => {
      const ann = await imapClient(server);
      const bob = await imapClient(server);
      await ann.imap(`a ${LOGIN}`);
      await bob.imap(`a LOGIN bob@${DOMAIN} "${PASSWORD}"`);
      const { id } = await server.account('ann');
      assert.deepEqual(
        server.backEnd.sessions
          .list()
          .map((each) => each.user)
          .toSorted(),
        [`ann@${DOMAIN}`, `bob@${DOMAIN}`],
      );
      await server.directory.setClientAccess(id, { popEnabled: false });
      await server.directory.setClientAccess(id, { imapEnabled: false });
      assert.match((await ann.line()) ?? '', /^\* BYE /);
      await ann.closed();
      assert.match(await bob.imap('b NOOP'), /^b OK/);
      await eventually(() => server.backEnd.sessions.list().length === 1, 'one session is left');
      bob.socket.destroy();
    }));

  test('a taken port is named, and taken when it becomes free is not needed to start the others', () =>
    withServer({}, async (server) => {
      const taken = createServer().listen(0, '127.0.0.1');
      await once(taken, 'listening');
      const address = taken.address();
      assert.ok(address !== null && typeof address === 'object');
      await server.directory.setPopSettings(server.server, {
        unencryptedOrTlsBindings: [{ address: '127.0.0.1', port: address.port }],
      });
      await eventually(
        () =>
          server.log.some(
            (line) => line.level === 'error' && line.text.includes(`port ${address.port} on 127.0.0.1 is taken`),
          ),
        'the log names the port',
      );
      assert.equal(server.pop3.listening.length, 1, 'the SSL binding stays');
      taken.close();
    }));
});

describe('log', () => {
  test('each refused logon leaves its reason, no line holds a password', () =>
    withServer(CLEAR, async (server) => {
      const client = await imapClient(server);
      await client.imap(`a LOGIN ann@${DOMAIN} Sup3rSecret`);
      await client.imap(`b LOGIN noprotocol@${DOMAIN} "${PASSWORD}"`);
      await client.imap(`c LOGIN administrator@${DOMAIN} "${PASSWORD}"`);
      await client.imap(`d ${LOGIN}`);
      const reasons = server.log.filter((line) => line.level === 'warn').map((line) => line.fields['reason']);
      assert.equal(new Set(reasons).size, 3);
      assert.equal(reasons.length, 3);
      const all = JSON.stringify(server.log);
      assert.doesNotMatch(all, /Sup3rSecret|correct horse/);
      const session = server.log.find((line) => line.text === 'logged on')?.fields['session'];
      assert.match(String(session), /^[0-9a-f]{16}$/);
      client.socket.destroy();
    }));
});

test('drain: everyone hears a farewell, nobody is left', () =>
  withServer(CLEAR, async (server) => {
    const waiting = await imapClient(server);
    const inside = await imapClient(server);
    await inside.imap(`a ${LOGIN}`);
    const pop = new LineClient(await server.connect('pop3', false));
    await pop.line();
    await Promise.all([server.imap.drain(1000), server.pop3.drain(1000)]);
    assert.match((await waiting.line()) ?? '', /^\* BYE /);
    assert.match((await inside.line()) ?? '', /^\* BYE /);
    assert.match((await pop.line()) ?? '', /^-ERR /);
    await Promise.all([waiting.closed(), inside.closed(), pop.closed()]);
    await eventually(() => server.backEnd.sessions.list().length === 0, 'no session is left');
  }));
