/**
 * What hostile POP3 clients send. Each test names the limit of wire/limits.ts it breaks; behind each attack a second
 * client is served. Drip by drip: imap.test.ts, which tries both protocols.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { connect } from 'node:tls';
import {
  LOGON_FAILURES,
  POP3_AUTH_LINE_BYTES,
  POP3_BAD_COMMANDS,
  POP3_READ_AHEAD_BYTES,
  WRITE_BACKLOG_BYTES,
} from '../../src/wire/limits.ts';
import { Pop3Client } from '../dialogues/pop3/client.ts';
import { startOrganization, type TestOrganization } from '../support/organization.ts';

const MESSAGES = 60;
const MESSAGE_BYTES = 1024 * 1024;
const MIB = 1024 * 1024;

describe('POP3 attacks', () => {
  let organization: TestOrganization;
  before(async () => {
    organization = await startOrganization({ engine: 'memory', lockAfter: 1000 });
    const { account } = organization.user(0);
    const database = organization.databaseOf(account);
    assert.ok(account.mailbox !== null);
    const mailbox = await database.open(account.mailbox.id);
    const inbox = mailbox.folderByUse('inbox');
    assert.ok(inbox !== null);
    for (let i = 0; i < MESSAGES; i += 1) {
      const sink = database.stage();
      await sink.write(Buffer.from(`Subject: ${i}\r\n\r\n${'x'.repeat(MESSAGE_BYTES)}\r\n`));
      const staged = await sink.finish();
      await mailbox.append(inbox.id, staged, {});
      await staged.release();
    }
    mailbox.close();
  });
  after(() => organization.stop());

  async function stranger(): Promise<Pop3Client> {
    const socket = connect({ host: 'localhost', port: organization.pop3.tls, ca: organization.ca });
    await once(socket, 'secureConnect');
    const client = new Pop3Client(socket);
    assert.match(await client.line(), /^\+OK/);
    return client;
  }

  async function inside(index = 0): Promise<Pop3Client> {
    const client = await stranger();
    const { address, password } = organization.user(index);
    assert.equal(await client.command(`USER ${address}`), '+OK');
    assert.match(await client.command(`PASS ${password}`), /^\+OK/);
    return client;
  }

  function attack(name: string, act: () => Promise<void>): void {
    test(name, async () => {
      await act();
      const other = await inside(1);
      assert.match(await other.command('STAT'), /^\+OK/);
      other.hangUp();
      assert.deepEqual(
        organization.log.filter((line) => line.level === 'error'),
        [],
      );
    });
  }

  for (const [where, open] of [
    ['before logon', stranger],
    ['after logon', inside],
  ] as const) {
    attack(`a line without end, ${where} (POP3_AUTH_LINE_BYTES)`, async () => {
      const client = await open();
      client.send(Buffer.alloc(2 * POP3_AUTH_LINE_BYTES, 'x').toString());
      assert.match(await client.rest(), /^-ERR line longer than \d+ bytes\r\n$/);
    });

    attack(`one bad command after the other, ${where} (POP3_BAD_COMMANDS)`, async () => {
      const client = await open();
      client.send('NONSENSE\r\n'.repeat(POP3_BAD_COMMANDS * 5));
      const lines = (await client.rest()).trimEnd().split('\r\n');
      assert.ok(lines.length <= POP3_BAD_COMMANDS + 2, `${lines.length} answers`);
      assert.match(lines.at(-1) ?? '', /^-ERR .*too many bad commands/i);
    });

    attack(`hundred thousand commands at once, ${where}: others get their turn`, async () => {
      const client = await open();
      client.send('CAPA\r\n'.repeat(100_000));
      const other = await inside(1);
      assert.match(await other.command('STAT'), /^\+OK/);
      other.hangUp();
      client.hangUp();
    });
  }

  attack('a response to AUTH without end (POP3_AUTH_LINE_BYTES)', async () => {
    const client = await stranger();
    assert.match(await client.command('AUTH PLAIN'), /^\+/);
    client.send('A'.repeat(2 * POP3_AUTH_LINE_BYTES));
    assert.match(await client.rest(), /^-ERR line longer than \d+ bytes\r\n$/);
  });

  attack('guessing passwords on one connection (LOGON_FAILURES)', async () => {
    const client = await stranger();
    client.send(`USER ${organization.user(0).address}\r\nPASS wrong\r\n`.repeat(LOGON_FAILURES * 4));
    const refusals = (await client.rest()).split('\r\n').filter((line) => line.startsWith('-ERR'));
    assert.equal(refusals.length, LOGON_FAILURES + 1);
    assert.match(refusals.at(-1) ?? '', /Too many failed logons/);
  });

  attack('messages that nobody reads (POP3_READ_AHEAD_BYTES, WRITE_BACKLOG_BYTES)', async () => {
    const client = await inside();
    const held = process.memoryUsage().arrayBuffers;
    client.send(Array.from({ length: MESSAGES }, (_, i) => `RETR ${i + 1}\r\n`).join(''));
    const other = await inside(1);
    for (let i = 0; i < 200; i += 1) assert.equal(await other.command('NOOP'), '+OK');
    other.hangUp();
    const grown = process.memoryUsage().arrayBuffers - held;
    const fair = 2 * POP3_READ_AHEAD_BYTES + WRITE_BACKLOG_BYTES + 2 * MESSAGE_BYTES;
    assert.ok(grown < 4 * fair, `${Math.round(grown / MIB)} MiB of ${MESSAGES} MiB are held`);
    client.hangUp();
  });

  attack('numbers beyond reason', async () => {
    const client = await inside();
    for (const words of ['RETR 999999999', 'RETR 0', 'DELE 4294967297', 'TOP 99999999999 1', 'LIST -1', 'UIDL 1e9']) {
      assert.match(await client.command(words), /^-ERR /);
    }
    assert.match(await client.command('TOP 1 999999999'), /^\+OK/);
    client.hangUp();
  });
});
