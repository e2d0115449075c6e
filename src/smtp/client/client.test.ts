import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { createAuthority } from '../../tls/authority.ts';
import { Connection } from '../../wire/connection.ts';
import { SMTP_REPLY_LINE_BYTES } from '../../wire/limits.ts';
import { DotStuffer } from '../grammar/dot-stuffing.ts';
import type { Reply } from '../grammar/reply.ts';
import { DataDecoder } from '../server/data-reader.ts';
import { dial, dialTls } from './dial.ts';
import { RemoteRefusal, RemoteTrouble } from './failure.ts';
import { SmtpClient } from './session.ts';
import { SMTP_TIMEOUTS } from './time-outs.ts';
import { beginTransaction } from './transaction.ts';

const HOST = '127.0.0.1';
const folder = await mkdtemp(path.join(tmpdir(), 'penfold-smtp-client-'));
const authority = await createAuthority({ directory: folder, organization: 'Test', domains: ['example.test'] });
const issued = await authority.issue({ names: ['localhost'], days: 2 });
const tls = { cert: issued.chainPem, key: issued.keyPem };
const servers: net.Server[] = [];
after(async () => {
  for (const server of servers) server.close();
  await rm(folder, { recursive: true, force: true });
});

/** A server that says what the test tells it to. */
async function server(act: (connection: Connection) => Promise<void>): Promise<{ port: number; done: Promise<void> }> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const listener = net.createServer((socket) => {
    const connection = new Connection(socket);
    act(connection)
      .then(resolve, reject)
      .finally(() => connection.end());
  });
  servers.push(listener);
  listener.listen(0, HOST);
  await once(listener, 'listening');
  const address = listener.address();
  assert.ok(address !== null && typeof address === 'object');
  promise.catch(() => {});
  return { port: address.port, done: promise };
}

async function expectLine(connection: Connection, expected: string | RegExp): Promise<void> {
  const line = String(await connection.readLine(10_000)).replace(/\r\n$/, '');
  if (typeof expected === 'string') assert.equal(line, expected);
  else assert.match(line, expected);
}

const say = (connection: Connection, ...lines: string[]): void => {
  connection.out.ascii(lines.map((line) => `${line}\r\n`).join(''));
  connection.flush();
};

/** Greeting and capabilities. */
async function greet(connection: Connection, verb: 'EHLO' | 'LHLO', ...capabilities: string[]): Promise<void> {
  say(connection, '220 mail.example.test ready');
  await expectLine(connection, `${verb} us.example.test`);
  const lines = ['mail.example.test', ...capabilities];
  say(connection, ...lines.map((line, at) => `250${at === lines.length - 1 ? ' ' : '-'}${line}`));
}

async function open(port: number, protocol: 'smtp' | 'lmtp' = 'smtp', timeouts = SMTP_TIMEOUTS): Promise<SmtpClient> {
  return SmtpClient.open(await dial({ host: HOST, port }, 5000), { protocol, name: 'us.example.test', timeouts });
}

const codeOf = (outcome: Reply | RemoteTrouble | undefined): number | string | undefined => outcome?.code;

const trouble = (error: unknown): boolean => error instanceof RemoteTrouble && !error.outcomeUnknown;

describe('SMTP client', () => {
  test('pipelines the envelope, sends exact bytes by BDAT, keeps refusals apart', async () => {
    const { port, done } = await server(async (connection) => {
      await greet(connection, 'EHLO', 'PIPELINING', 'CHUNKING', 'SIZE 1000', '8BITMIME', 'DSN', 'SMTPUTF8');
      // All three are there before anything is answered.
      await expectLine(connection, 'MAIL FROM:<a@example.test> SIZE=12 BODY=8BITMIME RET=HDRS ENVID=q+201');
      await expectLine(connection, 'RCPT TO:<b@example.test> NOTIFY=NEVER');
      await expectLine(connection, 'RCPT TO:<c@example.test>');
      say(connection, '250 2.1.0 ok', '250 2.1.5 ok', '550 5.1.1 nobody');
      await expectLine(connection, 'BDAT 12 LAST');
      assert.equal(String(await connection.readExactly(12)), '..\r\n.\r\n\r\nxyz');
      say(connection, '250 2.6.0 taken');
      await expectLine(connection, 'QUIT');
      say(connection, '221 bye');
    });
    const client = await open(port);
    const transaction = await beginTransaction(client, {
      reversePath: 'a@example.test',
      size: 12,
      dsn: { ret: 'HDRS', envelopeId: 'q 1' },
      recipients: [
        { address: 'b@example.test', dsn: { notify: new Set(), original: null } },
        { address: 'c@example.test' },
      ],
    });
    assert.deepEqual(
      transaction.recipients.map(({ code }) => code),
      [250, 550],
    );
    await transaction.write(Buffer.from('..\r\n.\r\n\r\nxyz'));
    const answers = await transaction.finish();
    assert.deepEqual(answers, [{ code: 250, enhanced: '2.6.0', lines: ['taken'] }]);
    await client.quit();
    await done;
  });

  test('an old server: HELO, one command at a time, DATA with dots', async () => {
    const { port, done } = await server(async (connection) => {
      say(connection, '220 old');
      await expectLine(connection, 'EHLO us.example.test');
      say(connection, '502 what');
      await expectLine(connection, 'HELO us.example.test');
      say(connection, '250 old');
      for (const line of ['MAIL FROM:<>', 'RCPT TO:<b@example.test>']) {
        assert.equal(connection.buffered, 0);
        await expectLine(connection, line);
        say(connection, '250 ok');
      }
      await expectLine(connection, 'DATA');
      say(connection, '354 go');
      for (const line of ['..hidden', 'two', '...', '.']) await expectLine(connection, line);
      say(connection, '250 ok');
    });
    const client = await open(port);
    const transaction = await beginTransaction(client, {
      reversePath: '',
      recipients: [{ address: 'b@example.test' }],
    });
    await transaction.write(Buffer.from('.hidden\r\ntwo\r\n..'));
    const [answer] = await transaction.finish();
    assert.equal(codeOf(answer), 250);
    await done;
    client.destroy();
  });

  test('LMTP: an answer for each recipient that was taken (RFC 2033 §4.2)', async () => {
    const { port, done } = await server(async (connection) => {
      await greet(connection, 'LHLO', 'PIPELINING', 'CHUNKING');
      for (let lines = 0; lines < 4; lines += 1) await connection.readLine(1000);
      say(connection, '250 ok', '250 ok', '451 4.3.0 not now', '250 ok');
      await expectLine(connection, 'BDAT 0 LAST');
      say(connection, '250 2.6.0 one', '552 5.2.2 full');
      await connection.closed;
    });
    const client = await open(port, 'lmtp');
    const recipients = ['a', 'b', 'c'].map((name) => ({ address: `${name}@example.test` }));
    const transaction = await beginTransaction(client, { reversePath: '', recipients });
    const answers = await transaction.finish();
    assert.deepEqual(
      answers.map((answer) => (answer instanceof RemoteTrouble ? null : answer.enhanced)),
      ['2.6.0', '5.2.2'],
    );
    assert.ok(client.isUsable);
    client.destroy();
    await done;
  });

  test('the connection is lost behind the message: what was not answered is unknown', async () => {
    const { port } = await server(async (connection) => {
      await greet(connection, 'LHLO', 'PIPELINING', 'CHUNKING');
      for (let lines = 0; lines < 3; lines += 1) await connection.readLine(1000);
      say(connection, '250 ok', '250 ok', '250 ok');
      await connection.readLine(1000);
      say(connection, '250 2.6.0 one');
    });
    const client = await open(port, 'lmtp');
    const recipients = ['a', 'b'].map((name) => ({ address: `${name}@example.test` }));
    const [first, second] = await (await beginTransaction(client, { reversePath: '', recipients })).finish();
    assert.equal(codeOf(first), 250);
    assert.ok(second instanceof RemoteTrouble && second.outcomeUnknown);
    assert.ok(!client.isUsable);
  });

  test('a refused piece of a message fails it for all', async () => {
    const { port } = await server(async (connection) => {
      await greet(connection, 'EHLO', 'PIPELINING', 'CHUNKING');
      for (let lines = 0; lines < 2; lines += 1) await connection.readLine(1000);
      say(connection, '250 ok', '250 ok');
      await expectLine(connection, /^BDAT 70000$/);
      await connection.readExactly(70_000);
      say(connection, '552 5.3.4 too big');
      await connection.closed;
    });
    const client = await open(port);
    const transaction = await beginTransaction(client, {
      reversePath: '',
      recipients: [{ address: 'b@example.test' }],
    });
    await transaction.write(Buffer.alloc(70_000));
    const [answer] = await transaction.finish();
    assert.equal(codeOf(answer), 552);
    assert.ok(!client.isUsable);
  });

  test('a message given up between two pieces leaves a session that can be used again', async () => {
    const { port, done } = await server(async (connection) => {
      await greet(connection, 'EHLO', 'PIPELINING', 'CHUNKING');
      for (let lines = 0; lines < 2; lines += 1) await connection.readLine(1000);
      say(connection, '250 ok', '250 ok');
      await expectLine(connection, 'BDAT 70000');
      await connection.readExactly(70_000);
      say(connection, '250 ok');
      await expectLine(connection, 'RSET');
      say(connection, '250 ok');
      await connection.closed;
    });
    const client = await open(port);
    const transaction = await beginTransaction(client, {
      reversePath: '',
      recipients: [{ address: 'b@example.test' }],
    });
    await transaction.write(Buffer.alloc(70_000));
    await transaction.write(Buffer.from('rest'));
    await transaction.abort();
    assert.ok(client.isUsable);
    client.destroy();
    await done;
  });

  test('many recipients go in groups, so that neither side waits for the other', async () => {
    let names = 0;
    const { port } = await server(async (connection) => {
      await greet(connection, 'EHLO', 'PIPELINING');
      for (;;) {
        const line = await connection.readLine(1000);
        if (line === null) return;
        if (String(line).startsWith('RCPT')) names += 1;
        say(connection, '250 ok');
      }
    });
    const client = await open(port);
    const recipients = Array.from({ length: 350 }, (_, at) => ({ address: `r${at}@example.test` }));
    const transaction = await beginTransaction(client, { reversePath: '', recipients });
    assert.equal(transaction.recipients.length, 350);
    assert.equal(names, 350);
    await transaction.abort();
    assert.ok(client.isUsable);
    client.destroy();
  });

  test('what the other server refuses keeps its words', async () => {
    const { port } = await server(async (connection) => {
      await greet(connection, 'EHLO', 'PIPELINING', 'SIZE 10');
      for (let lines = 0; lines < 2; lines += 1) await connection.readLine(1000);
      say(connection, '552 5.2.2 the mailbox is full', '503 5.5.1 no');
      await connection.closed;
    });
    const client = await open(port);
    const envelope = { reversePath: '', recipients: [{ address: 'b@example.test' }] };
    await assert.rejects(
      beginTransaction(client, envelope),
      (error) => error instanceof RemoteRefusal && error.code === 'OVERQUOTA' && error.reply.code === 552,
    );
    // Both answers were read: the session goes on. Its limit is known without asking.
    assert.ok(client.isUsable);
    await assert.rejects(
      beginTransaction(client, { ...envelope, size: 11 }),
      (error) => error instanceof RemoteRefusal && error.code === 'TOOBIG',
    );
    await assert.rejects(
      beginTransaction(client, { ...envelope, reversePath: 'jürgen@example.test' }),
      (error) => error instanceof RemoteRefusal && error.reply.enhanced === '5.6.7',
    );
    client.destroy();
  });

  for (const [what, act] of [
    ['no greeting', async (connection: Connection) => connection.closed],
    ['something else than SMTP', async (connection: Connection) => say(connection, 'HTTP/1.1 400 Bad Request')],
    ['the end of the connection', async () => {}],
    [
      'a line that is too long',
      async (connection: Connection) => say(connection, `220 ${'x'.repeat(SMTP_REPLY_LINE_BYTES)}`),
    ],
    [
      'a line without end',
      async (connection: Connection) => void connection.out.ascii('x'.repeat(2 * SMTP_REPLY_LINE_BYTES)),
    ],
  ] as const) {
    test(`${what} is trouble, not a refusal`, async () => {
      const { port } = await server(act);
      await assert.rejects(open(port, 'smtp', { ...SMTP_TIMEOUTS, greeting: 100 }), trouble);
    });
  }

  test('a refused greeting is a refusal; 421 at any time ends the session', async () => {
    const busy = await server(async (connection) => say(connection, '554 go away'));
    await assert.rejects(open(busy.port), (error) => error instanceof RemoteRefusal && error.reply.code === 554);
    const { port } = await server(async (connection) => {
      await greet(connection, 'EHLO');
      await connection.readLine(1000);
      say(connection, '421 4.3.2 shutting down');
      await connection.closed;
    });
    const client = await open(port);
    await assert.rejects(client.reset(), (error) => error instanceof RemoteRefusal && error.code === 'UNAVAILABLE');
    assert.ok(!client.isUsable);
    client.destroy();
  });

  test('a line of exactly SMTP_REPLY_LINE_BYTES is read', async () => {
    const { port } = await server(async (connection) => {
      say(connection, `220 ${'x'.repeat(SMTP_REPLY_LINE_BYTES - '220 \r\n'.length)}`);
      await expectLine(connection, 'EHLO us.example.test');
      say(connection, '250 mail.example.test');
    });
    (await open(port)).destroy();
  });

  test('nobody listens: the error names host and port', async () => {
    const { port } = await server(async () => {});
    servers.at(-1)?.close();
    await assert.rejects(dial({ host: HOST, port }, 5000), new RegExp(`127\\.0\\.0\\.1:${port} cannot be reached`));
  });
});

describe('TLS of the client', () => {
  const starttls = (): ReturnType<typeof server> =>
    server(async (connection) => {
      await greet(connection, 'EHLO', 'STARTTLS', 'CHUNKING');
      await expectLine(connection, 'STARTTLS');
      say(connection, '220 go');
      await connection.startTls(tls);
      await expectLine(connection, 'EHLO us.example.test');
      say(connection, '250-mail.example.test', '250 AUTH EXTERNAL');
      await expectLine(connection, `AUTH EXTERNAL ${Buffer.from('ann').toString('base64')}`);
      say(connection, '235 2.7.0 ok');
      await connection.closed;
    });

  test('STARTTLS forgets what was offered in the clear; AUTH EXTERNAL', async () => {
    const { port, done } = await starttls();
    const client = await open(port);
    assert.ok(client.capabilities.startTls && client.capabilities.chunking);
    await client.startTls({ ca: authority.certificatePem, servername: 'localhost' });
    assert.ok(!client.capabilities.startTls && !client.capabilities.chunking);
    await client.authExternal('ann');
    client.destroy();
    await done;
  });

  for (const [what, options] of [
    ['of an authority that is not known', { servername: 'localhost' }],
    ['for another name', { ca: authority.certificatePem, servername: 'elsewhere.example.test' }],
  ] as const) {
    test(`a certificate ${what} is refused, by STARTTLS and from the first byte`, async () => {
      const { port } = await starttls();
      const client = await open(port);
      await assert.rejects(client.startTls(options), trouble);
      assert.ok(!client.isUsable);
      const implicit = await server(async (connection) => connection.startTls(tls));
      await assert.rejects(dialTls({ host: HOST, port: implicit.port }, options, 5000), trouble);
    });
  }

  test('TLS from the first byte', async () => {
    const { port, done } = await server(async (connection) => {
      await connection.startTls(tls);
      await greet(connection, 'EHLO');
    });
    const options = { ca: authority.certificatePem, servername: 'localhost' };
    const connection = await dialTls({ host: HOST, port }, options, 5000);
    const client = await SmtpClient.open(connection, { protocol: 'smtp', name: 'us.example.test' });
    assert.equal(connection.tls?.protocol, 'TLSv1.3');
    await done;
    client.destroy();
  });

  test('bytes injected behind the answer to STARTTLS end it (CVE-2011-0411 class)', async () => {
    const { port } = await server(async (connection) => {
      await greet(connection, 'EHLO', 'STARTTLS');
      await connection.readLine(100);
      say(connection, '220 go', '250 injected');
      await connection.closed;
    });
    const client = await open(port);
    await assert.rejects(client.startTls({ ca: authority.certificatePem, servername: 'localhost' }), trouble);
  });
});

describe('dot stuffing', () => {
  test('is undone by the decoder, however the message is cut', () => {
    for (const message of ['.', '..\r\n.\r\n', 'a\r\n.b\r\n', '', 'x\r\n\r\n...\r\ny']) {
      for (const size of [1, 2, 3, 100]) {
        const stuffer = new DotStuffer();
        const wire: Buffer[] = [];
        for (let at = 0; at < message.length; at += size) {
          wire.push(...stuffer.push(Buffer.from(message.slice(at, at + size))));
        }
        wire.push(Buffer.from(stuffer.end()));
        const decoded = new DataDecoder().decode(Buffer.concat(wire));
        assert.ok(decoded.ended);
        assert.equal(String(decoded.content), message === '' || message.endsWith('\n') ? message : `${message}\r\n`);
      }
    }
  });

  for (const message of ['a\nb', 'a\rb', 'a\r\r\nb']) {
    test(`${JSON.stringify(message)} is refused`, () => {
      assert.throws(() => new DotStuffer().push(Buffer.from(message)), /bare CR or LF/);
    });
  }
  test('a CR at the very end is refused', () => {
    const stuffer = new DotStuffer();
    stuffer.push(Buffer.from('a\r'));
    assert.throws(() => stuffer.end(), /bare CR or LF/);
  });
});
