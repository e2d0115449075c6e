/**
 * POP3 around the logon on a running server: what TLS changes under each LoginType, LOGIN-DELAY, settings that act
 * within the session or the next one, response codes of refusals.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LoginType } from '../../src/directory/model.ts';
import { LineClient, openTestServer, PASSWORD, type TestServer } from './imap/not-authenticated/server.ts';
import type { ReadReceipts } from '../../src/transport/read-receipts.ts';
import { append } from './pop3/stage.ts';

type Options = Parameters<typeof openTestServer>[0];

async function withServer(options: Options, act: (server: TestServer) => Promise<void>): Promise<void> {
  const server = await openTestServer(options);
  try {
    await act(server);
    assert.deepEqual(
      server.log.filter((line) => line.level === 'error'),
      [],
    );
  } finally {
    await server.close();
  }
}

class Client {
  #lines: LineClient;
  readonly #server: TestServer;

  private constructor(server: TestServer, lines: LineClient) {
    this.#server = server;
    this.#lines = lines;
  }

  static async open(server: TestServer, implicitTls = true): Promise<Client> {
    const client = new Client(server, new LineClient(await server.connect('pop3', implicitTls)));
    assert.equal(await client.line(), '+OK POP ready');
    return client;
  }

  async line(): Promise<string> {
    return (await this.#lines.line()) ?? 'closed';
  }

  async say(...commands: readonly string[]): Promise<string> {
    let answer = '';
    for (const command of commands) {
      this.#lines.send(command);
      answer = await this.line();
    }
    return answer;
  }

  async list(command: string): Promise<string[]> {
    assert.match(await this.say(command), /^\+OK/);
    const lines: string[] = [];
    for (let line = await this.line(); line !== '.'; line = await this.line()) lines.push(line);
    return lines;
  }

  async startTls(): Promise<void> {
    assert.match(await this.say('STLS'), /^\+OK .*TLS/);
    this.#lines = new LineClient(await this.#server.upgrade(this.#lines.release()));
  }

  logOn(user = 'ann', password = PASSWORD): Promise<string> {
    return this.say(`USER ${user}@example.test`, `PASS ${password}`);
  }

  /** Sends these bytes, whatever they are. */
  async raw(bytes: Buffer): Promise<string> {
    this.#lines.socket.write(bytes);
    return this.line();
  }

  hangUp(): void {
    this.#lines.socket.destroy();
  }
}

const OK = '+OK User successfully logged on.';

/** Two messages for ann. */
async function fill(server: TestServer): Promise<void> {
  const ann = await server.account('ann');
  assert.ok(ann.mailbox !== null);
  const mailbox = await server.database.open(ann.mailbox.id);
  for (const uidl of ['old', 'new']) {
    await append(server.database, mailbox, 'INBOX', Buffer.from(`Subject: ${uidl}\r\n\r\n`), { uidl });
  }
  mailbox.close();
}

describe('LoginType', () => {
  const before: Readonly<Record<LoginType, { user: boolean; sasl: RegExp | null }>> = {
    PlainTextLogin: { user: true, sasl: /SCRAM-SHA-256 .*PLAIN/ },
    PlainTextAuthentication: { user: false, sasl: /^SASL SCRAM-SHA-256$/ },
    SecureLogin: { user: false, sasl: null },
  };
  for (const loginType of ['PlainTextLogin', 'PlainTextAuthentication', 'SecureLogin'] as const) {
    test(`${loginType}: CAPA tells what is taken, before and behind STLS and behind the logon`, () =>
      withServer({ pop3: { loginType } }, async (server) => {
        const client = await Client.open(server, false);
        const { user, sasl } = before[loginType];
        const clear = await client.list('CAPA');
        assert.equal(clear.includes('USER'), user);
        const offered = clear.find((line) => line.startsWith('SASL'));
        if (sasl === null) assert.equal(offered, undefined);
        else assert.match(offered ?? '', sasl);
        assert.ok(clear.includes('STLS'));
        assert.equal((await client.say('USER ann@example.test')).startsWith('+OK'), user);

        await client.startTls();
        assert.equal(await client.say(`PASS ${PASSWORD}`), '-ERR PASS comes behind USER', 'USER is forgotten');
        const encrypted = await client.list('CAPA');
        assert.ok(encrypted.includes('USER') && !encrypted.includes('STLS'));
        assert.match(encrypted.find((line) => line.startsWith('SASL')) ?? '', /SCRAM-SHA-256.*PLAIN/);
        assert.equal(await client.logOn(), OK);
        const inside = await client.list('CAPA');
        assert.deepEqual(
          inside.filter((line) => line !== 'IMPLEMENTATION Penfold'),
          encrypted,
          'what was announced stays (RFC 2449 §5)',
        );
        client.hangUp();
      }));
  }

  test('STLS forgets a language from the clear (RFC 6856 §7)', () =>
    withServer({}, async (server) => {
      const client = await Client.open(server, false);
      assert.equal(await client.say('LANG de'), '+OK de Sprache geändert');
      assert.equal(await client.say('XYZZY'), '-ERR XYZZY wird nicht unterstützt');
      await client.startTls();
      assert.equal(await client.say('XYZZY'), '-ERR XYZZY is not supported');
      client.hangUp();
    }));

  test('`LANG *` is English before the logon and the language of the mailbox behind it (RFC 6856 §3.2)', () =>
    withServer({}, async (server) => {
      const ann = await server.account('ann');
      await server.directory.setMailboxSettings(ann.id, { language: 'fr-CH' });
      const client = await Client.open(server);
      assert.equal(await client.say('LANG *'), '+OK en language changed');
      assert.equal(await client.logOn(), OK);
      assert.equal(await client.say('LANG *'), '+OK fr Langue changée');
      client.hangUp();
    }));

  test('names and passwords that are no UTF-8 are refused (RFC 6856 §2.2)', () =>
    withServer({}, async (server) => {
      const client = await Client.open(server);
      assert.equal(
        await client.raw(Buffer.from('USER zo\xeb@example.test\r\n', 'latin1')),
        '-ERR names and passwords are UTF-8',
      );
      await client.say('USER ann@example.test');
      assert.equal(await client.raw(Buffer.from('PASS \xff\r\n', 'latin1')), '-ERR names and passwords are UTF-8');
      assert.equal(await client.logOn(), OK);
      client.hangUp();
    }));
});

describe('LOGIN-DELAY (RFC 2449 §6.5)', () => {
  test('is announced and enforced for each mailbox, and live', () =>
    withServer({ pop3: { loginDelay: 600 } }, async (server) => {
      const first = await Client.open(server);
      assert.ok((await first.list('CAPA')).includes('LOGIN-DELAY 600'));
      assert.equal(await first.logOn(), OK);
      assert.ok((await first.list('CAPA')).includes('LOGIN-DELAY 600'));
      await first.say('QUIT');

      const again = await Client.open(server);
      assert.match(
        await again.logOn('ann', 'wrong'),
        /^-ERR \[AUTH\]/,
        'nobody learns of the delay without the password',
      );
      assert.match(await again.logOn(), /^-ERR \[LOGIN-DELAY\] .* (?:600|599|598|597|596|595) seconds$/);
      const initial = Buffer.from(`\0ann@example.test\0${PASSWORD}`).toString('base64');
      assert.match(await again.say(`AUTH PLAIN ${initial}`), /^-ERR \[LOGIN-DELAY\]/);
      assert.equal(await again.logOn('bob'), OK, 'another mailbox');
      again.hangUp();

      await server.directory.setPopSettings(server.server, { loginDelay: 0 });
      await server.pop3.settled();
      const free = await Client.open(server);
      assert.ok(!(await free.list('CAPA')).some((line) => line.startsWith('LOGIN-DELAY')));
      assert.equal(await free.logOn(), OK);
      free.hangUp();
    }));
});

describe('settings that act at once', () => {
  const inEffect = async (server: TestServer): Promise<void> => {
    await server.pop3.settled();
    await server.backEnd.settled();
  };

  test('MessageRetrievalSortOrder counts for the next session, MaxCommandSize for the next command', () =>
    withServer({}, async (server) => {
      await fill(server);
      const first = await Client.open(server);
      assert.equal(await first.logOn(), OK);
      const waiting = await Client.open(server);
      await server.directory.setPopSettings(server.server, {
        messageRetrievalSortOrder: 'Descending',
        maxCommandSize: 40,
      });
      await inEffect(server);
      assert.equal(await first.say('UIDL 1'), '+OK 1 old', 'numbers of a session never change');
      for (const client of [first, waiting]) {
        assert.equal(await client.say(`NOOP ${'x'.repeat(36)}`), '-ERR a command may have at most 40 bytes');
      }
      assert.equal(await waiting.logOn(), OK);
      assert.equal(await waiting.say('UIDL 1'), '+OK 1 new');
      first.hangUp();
      waiting.hangUp();
    }));

  test('PopKeepMessagesOnServer: what was deleted is there again', () =>
    withServer({}, async (server) => {
      await fill(server);
      const ann = await server.account('ann');
      await server.directory.setClientAccess(ann.id, { popKeepMessagesOnServer: true });
      const keeping = await Client.open(server);
      assert.equal(await keeping.logOn(), OK);
      assert.equal(await keeping.say('DELE 1'), '+OK message 1 deleted');
      assert.match(await keeping.say('QUIT'), /^\+OK bye, 1 messages kept/);
      await server.directory.setClientAccess(ann.id, { popKeepMessagesOnServer: false });
      const removing = await Client.open(server);
      assert.equal(await removing.logOn(), OK);
      assert.match(await removing.say('STAT'), /^\+OK 2 /);
      assert.equal(await removing.say('DELE 1', 'QUIT'), '+OK bye, 1 messages deleted');
    }));

  test('an address in the Banner is no timestamp of APOP (RFC 1939 §7)', () =>
    withServer({ pop3: { banner: 'Questions to <help@example.test>' } }, async (server) => {
      const lines = new LineClient(await server.connect('pop3', false));
      assert.equal(await lines.line(), '+OK Questions to (help@example.test)');
      lines.socket.destroy();
    }));

  test('PreAuthenticatedConnectionTimeout ends who does not log on, with a word', () =>
    withServer({ preAuthenticatedSeconds: 0.05 }, async (server) => {
      const client = await Client.open(server, false);
      assert.equal(await client.line(), '-ERR [SYS/TEMP] Idle for too long before logon');
      assert.equal(await client.line(), 'closed');
    }));
});

describe('SuppressReadReceipt (exchange-behaviour.md §5.4)', () => {
  for (const [what, server, mailbox, expected] of [
    ['the default: receipts', {}, {}, 1],
    ['the server suppresses them', { suppressReadReceipt: true }, {}, 0],
    ['the mailbox suppresses them', {}, { popUseProtocolDefaults: false, popSuppressReadReceipt: true }, 0],
    [
      'the mailbox wants them',
      { suppressReadReceipt: true },
      { popUseProtocolDefaults: false, popSuppressReadReceipt: false },
      1,
    ],
  ] as const) {
    test(what, async () => {
      const asked: string[] = [];
      const receipts: ReadReceipts = {
        downloaded: ({ uid, owner, start }) => {
          asked.push(`${owner.alias} ${uid} ${start.toString('latin1', 0, 12)}`);
          return Promise.resolve();
        },
        fetched: () => Promise.resolve(),
      };
      await withServer({ pop3: server, receipts }, async (running) => {
        await fill(running);
        const ann = await running.account('ann');
        await running.directory.setClientAccess(ann.id, mailbox);
        const client = await Client.open(running);
        assert.equal(await client.logOn(), OK);
        assert.deepEqual(await client.list('TOP 1 0'), ['Subject: old', ''], 'TOP is no download');
        assert.deepEqual(await client.list('RETR 1'), ['Subject: old', '']);
        assert.equal(await client.say('QUIT'), '+OK bye');
        assert.deepEqual(asked, expected === 1 ? ['ann 1 Subject: old'] : []);
      });
    });
  }
});

describe('response codes of a logon (RFC 2449 §8.1, RFC 3206)', () => {
  test('[SYS/TEMP]: the back end does not run', () =>
    withServer({ stopped: ['pop3-backend'] }, async (server) => {
      const client = await Client.open(server);
      assert.match(await client.logOn(), /^-ERR \[SYS\/TEMP\] .*Backend/);
      client.hangUp();
    }));

  test('[SYS/PERM]: the account has no mailbox, the protocol is off', () =>
    withServer({}, async (server) => {
      const client = await Client.open(server);
      assert.match(await client.logOn('nomailbox'), /^-ERR \[SYS\/PERM\]/);
      assert.match(await client.logOn('noprotocol'), /^-ERR \[SYS\/PERM\]/);
      client.hangUp();
    }));
});
