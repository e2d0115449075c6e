/**
 * What hostile IMAP clients send: lines and literals without end, depth, sets that name everything a thousand times,
 * silence, answers that nobody reads. Each test names the limit of wire/limits.ts it breaks; behind each attack a
 * second client is served.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { connect } from 'node:tls';
import {
  IMAP_ARGUMENT_LITERAL_BYTES,
  IMAP_AUTH_LINE_BYTES,
  IMAP_BAD_COMMANDS,
  IMAP_COMMAND_LITERALS,
  IMAP_COMMAND_LITERALS_BYTES,
  IMAP_LIST_DEPTH,
  IMAP_LITERAL_BEFORE_LOGON_BYTES,
  IMAP_SEARCH_KEYS,
  IMAP_SKIPPED_LITERAL_BYTES,
  LOGON_FAILURES,
  WRITE_BACKLOG_BYTES,
} from '../../src/wire/limits.ts';
import { LineClient, openTestServer } from '../dialogues/imap/not-authenticated/server.ts';
import { startOrganization, type TestOrganization } from '../support/organization.ts';
import { RawImap } from '../support/raw-imap.ts';

const MESSAGES = 20;
const LARGE_BYTES = 2 * 1024 * 1024;
const MIB = 1024 * 1024;

describe('IMAP attacks', () => {
  let organization: TestOrganization;
  before(async () => {
    organization = await startOrganization({ engine: 'memory', lockAfter: 1000 });
    const client = await inside();
    for (let i = 0; i < MESSAGES; i += 1) await client.command('APPEND INBOX', Buffer.from(`Subject: ${i}\r\n\r\n`));
    await client.command('APPEND Drafts', Buffer.from(`Subject: large\r\n\r\n${'x'.repeat(LARGE_BYTES)}\r\n`));
    client.hangUp();
  });
  after(() => organization.stop());

  async function stranger(): Promise<RawImap> {
    const socket = connect({ host: 'localhost', port: organization.imap.tls, ca: organization.ca });
    await once(socket, 'secureConnect');
    return RawImap.greeted(socket);
  }

  async function inside(index = 0): Promise<RawImap> {
    const client = await stranger();
    const { address, password } = organization.user(index);
    const { status } = await client.command(`LOGIN ${address} "${password}"`);
    assert.match(status, /^OK/);
    return client;
  }

  function attack(name: string, act: () => Promise<void>): void {
    test(name, async () => {
      await act();
      const other = await inside(1);
      assert.match((await other.command('SELECT INBOX')).status, /^OK/);
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
    attack(`a line without end, ${where} (IMAP_AUTH_LINE_BYTES)`, async () => {
      const client = await open();
      client.send(Buffer.alloc(2 * IMAP_AUTH_LINE_BYTES, 'x'));
      assert.match(await client.rest(), /^\* BAD line longer than \d+ bytes\r\n\* BYE /);
    });

    attack(`one bad command after the other, ${where} (IMAP_BAD_COMMANDS)`, async () => {
      const client = await open();
      client.send('x NONSENSE\r\n'.repeat(IMAP_BAD_COMMANDS * 5));
      const lines = (await client.rest()).trimEnd().split('\r\n');
      assert.equal(lines.length, IMAP_BAD_COMMANDS + 1);
      assert.match(lines.at(-1) ?? '', /^\* BYE .*bad commands/i);
    });

    attack(`a million empty literals, ${where} (IMAP_COMMAND_LITERALS, IMAP_SKIPPED_LITERAL_BYTES)`, async () => {
      const client = await open();
      const command = where === 'before logon' ? 'LOGIN' : 'SEARCH SUBJECT';
      client.send(`a ${command} {0+}\r\n${' {0+}\r\n'.repeat(1_000_000)}`);
      const answer = await client.rest();
      // Cut off in the middle of a send: the words may be lost with the reset.
      if (answer !== '') assert.match(answer, new RegExp(`^a BAD .*${IMAP_COMMAND_LITERALS} literals\\r\\n\\* BYE `));
    });
  }

  attack('a response to AUTHENTICATE without end (IMAP_AUTH_LINE_BYTES)', async () => {
    const client = await stranger();
    client.send('a AUTHENTICATE PLAIN\r\n');
    await client.answer();
    client.send(Buffer.alloc(2 * IMAP_AUTH_LINE_BYTES, 'A'));
    assert.match(await client.rest(), /BAD line longer than \d+ bytes\r\n\* BYE /);
  });

  attack('guessing passwords on one connection (LOGON_FAILURES)', async () => {
    const client = await stranger();
    client.send(`a LOGIN ${organization.user(0).address} wrong\r\n`.repeat(LOGON_FAILURES * 4));
    const lines = (await client.rest()).trimEnd().split('\r\n');
    assert.equal(lines.length, LOGON_FAILURES + 1);
    assert.match(lines.at(-1) ?? '', /^\* BYE Too many failed logons/);
  });

  attack('a huge literal of a stranger (IMAP_LITERAL_BEFORE_LOGON_BYTES, IMAP_SKIPPED_LITERAL_BYTES)', async () => {
    const client = await stranger();
    const waiting = await client.command(`LOGIN {${2 ** 31}}`);
    assert.match(waiting.status, /^NO \[TOOBIG\]/);
    assert.deepEqual(waiting.untagged, []);
    const small = await client.command('LOGIN', Buffer.alloc(IMAP_LITERAL_BEFORE_LOGON_BYTES + 1, 'x'));
    assert.match(small.status, /^NO \[TOOBIG\]/);
    client.send(`b LOGIN {${IMAP_SKIPPED_LITERAL_BYTES + 1}+}\r\n`);
    assert.match(await client.rest(), /^b BAD .*\r\n\* BYE /);
  });

  attack('large arguments (IMAP_ARGUMENT_LITERAL_BYTES, IMAP_COMMAND_LITERALS_BYTES)', async () => {
    const client = await inside();
    await client.command('EXAMINE INBOX');
    const one = await client.command('SEARCH SUBJECT', Buffer.alloc(IMAP_ARGUMENT_LITERAL_BYTES + 1, 'x'));
    assert.match(one.status, /^NO \[TOOBIG\]/);
    const count = IMAP_COMMAND_LITERALS_BYTES / IMAP_ARGUMENT_LITERAL_BYTES;
    const literal = `SUBJECT {${IMAP_ARGUMENT_LITERAL_BYTES}+}\r\n${'x'.repeat(IMAP_ARGUMENT_LITERAL_BYTES)} `;
    client.send(`many SEARCH ${literal.repeat(count + 1)}ALL\r\n`);
    assert.match((await client.tagged('many')).status, /^NO \[TOOBIG\]/);
    client.send(`fits SEARCH ${literal.repeat(count)}ALL\r\n`);
    assert.match((await client.tagged('fits')).status, /^OK/);
    client.hangUp();
  });

  attack('depth and breadth of a search (IMAP_LIST_DEPTH, IMAP_SEARCH_KEYS)', async () => {
    const client = await inside();
    await client.command('EXAMINE INBOX');
    const deep = 4 * IMAP_LIST_DEPTH;
    assert.match((await client.command(`SEARCH ${'('.repeat(deep)}ALL${')'.repeat(deep)}`)).status, /^BAD/);
    assert.match((await client.command(`SEARCH ${'NOT '.repeat(1_000)}ALL`)).status, /^BAD/);
    assert.match((await client.command(`SEARCH ${'ALL '.repeat(IMAP_SEARCH_KEYS)}ALL`)).status, /^BAD/);
    assert.match((await client.command(`THREAD REFERENCES UTF-8 ${'('.repeat(5_000)}`)).status, /^BAD/);
    assert.match((await client.command('SEARCH ALL')).status, /^OK/);
    client.hangUp();
  });

  attack('a set that names everything thousands of times', async () => {
    const client = await inside();
    await client.command('EXAMINE INBOX');
    const set = `${'1:*,'.repeat(2_000)}${'4294967295:1,'.repeat(100)}1`;
    const { status, untagged } = await client.command(`UID FETCH ${set} FLAGS`);
    assert.match(status, /^OK/);
    assert.equal(untagged.length, MESSAGES);
    assert.match((await client.command(`FETCH ${'1,'.repeat(4_000)}0 FLAGS`)).status, /^BAD/);
    client.hangUp();
  });

  attack('answers that nobody reads (WRITE_BACKLOG_BYTES)', async () => {
    const client = await inside();
    await client.command('EXAMINE Drafts');
    client.socket.pause();
    const held = process.memoryUsage().arrayBuffers;
    client.send('f FETCH 1 BODY[]\r\n'.repeat(100));
    const other = await inside(1);
    for (let i = 0; i < 200; i += 1) await other.command('NOOP');
    other.hangUp();
    const grown = process.memoryUsage().arrayBuffers - held;
    // 200 MiB were asked for; the answer being written and what the kernel holds are all there may be.
    assert.ok(grown < 20 * (LARGE_BYTES + WRITE_BACKLOG_BYTES), `${Math.round(grown / MIB)} MiB`);
    client.hangUp();
  });

  attack('fifty connections that say nothing and one that only shakes hands', async () => {
    const silent = await Promise.all(Array.from({ length: 50 }, () => stranger()));
    const client = await inside();
    client.hangUp();
    for (const each of silent) each.hangUp();
  });
});

test('drip by drip: PreAuthenticatedConnectionTimeout is for the whole command, not for each byte', async () => {
  const server = await openTestServer({ preAuthenticatedSeconds: 0.4 });
  try {
    for (const protocol of ['imap', 'pop3'] as const) {
      const client = new LineClient(await server.connect(protocol, false));
      await client.line();
      const drip = setInterval(() => client.socket.write('x'), 50);
      client.socket.on('error', () => {});
      assert.match((await client.line()) ?? '', /^(\* BYE|-ERR) .*Idle for too long before logon/);
      clearInterval(drip);
      await client.closed();
      const other = new LineClient(await server.connect(protocol, true));
      assert.match((await other.line()) ?? '', /^(\* OK|\+OK) /);
      other.socket.destroy();
    }
  } finally {
    await server.close();
  }
});
