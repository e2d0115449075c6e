/**
 * Clients that vanish: one dialogue a protocol, with everything pipelined, cut off behind each of many octets, by the
 * end of the stream and by a reset; and sessions that are told to end while half a literal has come. No session, no
 * mailbox and no place of a user may stay behind, and the log holds no fault of the server's own.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import { RawImap } from '../support/raw-imap.ts';
import { startOrganization, type TestOrganization } from '../support/organization.ts';

const PATIENCE_MS = 5_000;

describe('clients that vanish', () => {
  let organization: TestOrganization;
  before(async () => {
    organization = await startOrganization({ engine: 'memory', lockAfter: 100_000 });
  });
  after(() => organization.stop());

  const tls = async (port: number): Promise<Socket> => {
    const socket = connect({ host: 'localhost', port, ca: organization.ca });
    socket.on('error', () => {});
    await once(socket, 'secureConnect');
    return socket;
  };

  const sessions = (): number => organization.running.backEnd.sessions.list().length;

  async function untilNobodyIsLeft(what: string): Promise<void> {
    const until = performance.now() + PATIENCE_MS;
    while (sessions() > 0) {
      assert.ok(performance.now() < until, `${what}: ${sessions()} sessions stay behind`);
      await delay(5);
    }
    const faults = organization.log.filter((line) => line.level === 'error');
    assert.deepEqual(faults, [], what);
  }

  /** Sends the first `octets`, waits until something has been answered, and goes. */
  async function cut(port: number, dialogue: Buffer, octets: number, byReset: boolean): Promise<void> {
    const socket = await tls(port);
    socket.resume();
    await new Promise<void>((resolve) => {
      socket.write(dialogue.subarray(0, octets), () => resolve());
    });
    if (octets % 3 === 0) await delay(1);
    if (byReset) socket.destroy();
    else socket.end();
    await once(socket, 'close');
  }

  async function everywhere(port: number, dialogue: string, what: string): Promise<void> {
    const bytes = Buffer.from(dialogue);
    const step = Math.max(1, Math.floor(bytes.length / 90));
    for (let octets = 1; octets <= bytes.length; octets += step)
      await cut(port, bytes, octets, (octets / step) % 2 === 0);
    await untilNobodyIsLeft(what);
  }

  test('IMAP4: in a command, a literal, a message, an IDLE', async () => {
    const { address, password } = organization.user(0);
    const message = `From: <a@b.example>\r\nSubject: cut\r\n\r\n${'x'.repeat(300)}\r\n`;
    await everywhere(
      organization.imap.tls,
      [
        `a1 LOGIN {${address.length}+}\r\n${address} "${password}"`,
        'a2 SELECT INBOX',
        `a3 APPEND INBOX (\\Seen) {${message.length}+}\r\n${message}`,
        'a4 FETCH 1:* (UID FLAGS ENVELOPE BODY[])',
        'a5 UID SEARCH SUBJECT {3+}\r\ncut',
        'a6 IDLE\r\nDONE',
        `a7 APPEND INBOX {${message.length}}\r\n${message}`,
        'a8 STORE 1:* +FLAGS (\\Deleted)',
        'a9 IDLE\r\nNOOP',
        'b1 EXPUNGE',
        'b2 LOGOUT',
        '',
      ].join('\r\n'),
      'IMAP4',
    );
  });

  test('POP3: before and behind the logon, in a download', async () => {
    const { address, password } = organization.user(0);
    await everywhere(
      organization.pop3.tls,
      [
        'UTF8',
        `USER ${address}`,
        `PASS ${password}`,
        'STAT',
        'UIDL',
        'RETR 1',
        'TOP 1 5',
        'DELE 1',
        'RSET',
        'QUIT',
        '',
      ].join('\r\n'),
      'POP3',
    );
  });

  test('SMTP: in AUTH, an envelope, DATA, BDAT', async () => {
    const { address, password } = organization.user(0);
    const plain = Buffer.from(`\0${address}\0${password}`).toString('base64');
    await everywhere(
      organization.smtp.submissions,
      [
        'EHLO x',
        `AUTH PLAIN ${plain}`,
        `MAIL FROM:<${address}> RET=HDRS ENVID=x`,
        `RCPT TO:<${address}> NOTIFY=SUCCESS`,
        'DATA',
        `From: <${address}>`,
        'Subject: cut',
        '',
        'x'.repeat(200),
        '.',
        `MAIL FROM:<${address}>`,
        `RCPT TO:<${address}>`,
        'BDAT 30 LAST',
        `From: <${address}>`,
        '',
        'QUIT',
        '',
      ].join('\r\n'),
      'SMTP',
    );
  });

  test('a client that has sent half a literal hears BYE when its session is ended, and is gone', async () => {
    const { address, password } = organization.user(0);
    for (const half of [
      // Not BYE but the end of its patience (FAREWELL_MS): the command is being carried out.
      'h1 APPEND INBOX {100+}\r\nhalf',
      'h1 LOGIN {100+}\r\nhalf',
      'h1 SELECT {5}\r\nIN',
      'h1 IDLE\r\nDO',
      'h1 NO',
    ]) {
      const socket = await tls(organization.imap.tls);
      const client = await RawImap.greeted(socket);
      assert.match((await client.command(`LOGIN ${address} "${password}"`)).status, /^OK/);
      client.send(half);
      const [session] = organization.running.backEnd.sessions.list();
      assert.ok(session !== undefined);
      // The server has to have read it: what it answers to the literal, if anything, is not awaited.
      await delay(20);
      const closed = once(socket, 'close');
      assert.equal(
        organization.running.backEnd.sessions.end((one) => one.id === session.id),
        1,
      );
      let last: Buffer | null = null;
      for (let answer = await client.answer(); answer !== null; answer = await client.answer()) last = answer;
      await closed;
      if (!half.includes('APPEND')) assert.match(String(last), /^\* BYE /, half);
      await untilNobodyIsLeft(half);
    }
  });

  test('what is pipelined in the clear behind STARTTLS and STLS is never obeyed', async () => {
    for (const [port, line, expected] of [
      [organization.imap.plain, 'a STARTTLS\r\nb NOOP\r\n', /\bb OK/],
      [organization.pop3.plain, 'STLS\r\nCAPA\r\n', /\bUIDL\b/],
    ] as const) {
      const socket = connectPlain(port, '127.0.0.1');
      let heard = '';
      socket.on('data', (chunk) => {
        heard += chunk.toString('latin1');
      });
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.write(line);
      await once(socket, 'close');
      assert.doesNotMatch(heard, expected);
    }
  });
});
