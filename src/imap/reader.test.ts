import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { createServer, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Failure, ProtocolViolation } from '../observe/failure.ts';
import { Connection } from '../wire/connection.ts';
import {
  IMAP_ARGUMENT_LITERAL_BYTES,
  IMAP_AUTH_LINE_BYTES,
  IMAP_COMMAND_LITERALS,
  IMAP_LITERAL_BEFORE_LOGON_BYTES,
  IMAP_SKIPPED_LITERAL_BYTES,
  IMAP_SKIPPED_MESSAGE_BYTES,
} from '../wire/limits.ts';
import { CommandReader } from './reader.ts';

const MAX_COMMAND = 10_240;
let client: Socket;
let connection: Connection;
let heard: string;

beforeEach(async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const accepted = once(server, 'connection');
  client = connect(address.port, '127.0.0.1');
  const [socket]: Socket[] = await accepted;
  assert.ok(socket !== undefined);
  server.close();
  connection = new Connection(socket);
  heard = '';
  client.on('data', (chunk) => {
    heard += chunk.toString('latin1');
  });
});

afterEach(() => {
  client.destroy();
  connection.destroy();
});

const reader = (loggedOn = true): CommandReader =>
  new CommandReader(connection, { maxCommandSize: MAX_COMMAND, loggedOn });

async function refusal(from: CommandReader): Promise<{ tag: string; error: ProtocolViolation | Failure }> {
  const command = await from.next();
  assert.ok(command !== null && command.name === 'REFUSED', `refused, not ${command?.name}`);
  return command;
}

async function names(from: CommandReader, count: number): Promise<Array<string | undefined>> {
  const list: Array<string | undefined> = [];
  for (let i = 0; i < count; i += 1) list.push((await from.next())?.name);
  return list;
}

test('pipelined commands come one by one, in any cut of the stream', async () => {
  const wire = 'a NOOP\r\nb LOGIN {3}\r\njoe {4+}\r\nse\r\n\r\nc LIST "" *\r\n';
  for (const byte of wire) client.write(byte);
  const from = reader();
  assert.deepEqual(await from.next(), { tag: 'a', name: 'NOOP' });
  assert.deepEqual(await from.next(), { tag: 'b', name: 'LOGIN', user: 'joe', password: 'se\r\n' });
  assert.deepEqual(await names(from, 1), ['LIST']);
  client.end();
  assert.equal(await from.next(), null);
  connection.end();
  await once(client, 'close');
  assert.equal(heard, '+ OK\r\n');
});

test('a bare LF ends a line too', async () => {
  client.write('a NOOP\nb CHECK\n');
  assert.deepEqual(await names(reader(), 2), ['NOOP', 'CHECK']);
});

describe('APPEND', () => {
  test('a synchronizing message is asked for and streamed', async () => {
    const from = reader();
    client.write('a APPEND {4}\r\n');
    const next = from.next();
    await once(client, 'data');
    client.write(String.raw`W&-k (\Seen x) "17-Jul-1996 02:44:25 -0700" {11}` + '\r\n');
    const append = await next;
    assert.ok(append?.name === 'APPEND');
    assert.equal(append.folder, 'W&k');
    assert.deepEqual(append.first.flags, { flags: 1, keywords: ['x'] });
    assert.equal(append.first.internalDate, 837_596_665);
    assert.equal(append.first.literal.size, 11);
    assert.equal(heard, '+ OK\r\n', 'the message has not been asked for');
    const body: Buffer[] = [];
    client.write('hello\0world\r\nb NOOP\r\n');
    assert.equal(await from.message((chunk) => void body.push(chunk)), true);
    assert.equal(Buffer.concat(body).toString(), 'hello\0world');
    assert.equal(await from.finishAppend(), 'complete');
    assert.deepEqual(await names(from, 1), ['NOOP']);
  });

  test('MULTIAPPEND and UTF8', async () => {
    client.write('a APPEND INBOX {1+}\r\nx (\\Draft) UTF8 (~{2+}\r\nyz)\r\nb NOOP\r\n');
    const from = reader();
    assert.deepEqual(await names(from, 1), ['APPEND']);
    assert.equal(await from.message(() => {}), true);
    const second = await from.finishAppend();
    assert.ok(second !== null && typeof second === 'object' && 'flags' in second);
    assert.equal(second.utf8, true);
    assert.equal(await from.message(() => {}), true);
    assert.equal(await from.finishAppend(), 'complete');
    assert.deepEqual(await names(from, 1), ['NOOP']);
  });

  test('declined: a waiting client sends nothing, any other is skipped', async () => {
    client.write('a APPEND x {100}\r\nb NOOP\r\nc APPEND x {5+}\r\nabcde\r\nd NOOP\r\n');
    const from = reader();
    assert.deepEqual(await names(from, 1), ['APPEND']);
    assert.equal(await from.discardMessage(), true);
    assert.deepEqual(await names(from, 2), ['NOOP', 'APPEND']);
    assert.equal(await from.discardMessage(), true);
    assert.deepEqual(await names(from, 1), ['NOOP']);
    client.write(`e APPEND x {${IMAP_SKIPPED_MESSAGE_BYTES + 1}+}\r\n`);
    assert.deepEqual(await names(from, 1), ['APPEND']);
    assert.equal(await from.discardMessage(), false);
  });

  test('the client goes away in the middle', async () => {
    client.write('a APPEND x {100+}\r\nabc');
    const from = reader();
    assert.deepEqual(await names(from, 1), ['APPEND']);
    client.end();
    assert.equal(await from.message(() => {}), false);
  });

  test('a wrong prefix is refused with its tag, its message skipped', async () => {
    client.write('t1 APPEND x (\\Nonsense) {5+}\r\nabcde\r\nb NOOP\r\n');
    const from = reader();
    assert.equal((await refusal(from)).tag, 't1');
    assert.deepEqual(await names(from, 1), ['NOOP']);
  });

  test('before logon a message is only a literal', async () => {
    client.write('a APPEND x {5+}\r\nabcde\r\nb APPEND x {5000}\r\nc NOOP\r\n');
    const from = reader(false);
    assert.equal((await refusal(from)).tag, 'a');
    assert.equal((await refusal(from)).tag, 'b');
    assert.deepEqual(await names(from, 1), ['NOOP']);
  });
});

describe('limits', () => {
  test('MaxCommandSize: refused by tag, the next command is read', async () => {
    const long = `t2 SELECT "${'x'.repeat(MAX_COMMAND)}"\r\n`;
    client.write(`${long}b NOOP\r\n`);
    const from = reader();
    const { tag, error } = await refusal(from);
    assert.equal(tag, 't2');
    assert.match(error.message, /10240 bytes/);
    assert.deepEqual(await names(from, 1), ['NOOP']);
  });

  test('a line without end is fatal', async () => {
    client.write('x'.repeat(IMAP_AUTH_LINE_BYTES + 10));
    const { error } = await refusal(reader());
    assert.ok(error instanceof ProtocolViolation && error.fatal);
  });

  test('AUTHENTICATE may be longer than MaxCommandSize', async () => {
    client.write(`a AUTHENTICATE PLAIN ${'A'.repeat(MAX_COMMAND)}\r\n`);
    assert.deepEqual(await names(reader(false), 1), ['AUTHENTICATE']);
  });

  const literals: Array<[string, boolean, number]> = [
    ['argument', true, IMAP_ARGUMENT_LITERAL_BYTES],
    ['before logon', false, IMAP_LITERAL_BEFORE_LOGON_BYTES],
  ];
  for (const [what, loggedOn, most] of literals) {
    test(`literal ${what}: not asked for above ${most}`, async () => {
      client.write(`a LOGIN {${most + 1}}\r\nb NOOP\r\n`);
      const from = reader(loggedOn);
      const { error } = await refusal(from);
      assert.ok(error instanceof Failure && error.code === 'TOOBIG');
      assert.deepEqual(await names(from, 1), ['NOOP']);
      assert.equal(heard, '');
      client.write(`c LOGIN {${most}+}\r\n${'u'.repeat(most)} x\r\n`);
      assert.deepEqual(await names(from, 1), ['LOGIN']);
    });
  }

  test('a non-synchronizing literal above the limit is skipped, a huge one is fatal', async () => {
    const size = IMAP_ARGUMENT_LITERAL_BYTES + 1;
    client.write(`a SELECT {${size}+}\r\n${'x'.repeat(size)}\r\nb NOOP\r\n`);
    const from = reader();
    assert.equal((await refusal(from)).tag, 'a');
    assert.deepEqual(await names(from, 1), ['NOOP']);
    client.write(`c SELECT {${IMAP_SKIPPED_LITERAL_BYTES + 1}+}\r\n`);
    const { error } = await refusal(from);
    assert.ok(error instanceof ProtocolViolation && error.fatal);
  });

  test('number of literals', async () => {
    client.write(`a ID (${'{0+}\r\n '.repeat(IMAP_COMMAND_LITERALS + 1)})\r\nb NOOP\r\n`);
    const from = reader();
    assert.match((await refusal(from)).error.message, /at most 64 literals/);
    assert.deepEqual(await names(from, 1), ['NOOP']);
  });
});

test('DONE belongs to the byte stream', async () => {
  client.write('a IDLE\r\ndone\r\nb NOOP\r\nx\r\n');
  const from = reader();
  assert.deepEqual(await names(from, 1), ['IDLE']);
  assert.equal(from.done(), true);
  assert.deepEqual(await names(from, 1), ['NOOP']);
  assert.equal(from.done(), false);
});

test('poll takes what is there, and promises only what has literals', async () => {
  const from = reader();
  assert.equal(from.poll(), null);
  client.write('a NO');
  while (connection.buffered < 4) await turn();
  assert.equal(from.poll(), null);
  client.write('OP\r\nb STATUS {5}\r\n');
  while (connection.buffered < 21) await turn();
  assert.deepEqual(from.poll(), { tag: 'a', name: 'NOOP' });
  const coming = from.poll();
  assert.ok(coming instanceof Promise);
  client.write('INBOX (MESSAGES)\r\n');
  assert.deepEqual(await coming, { tag: 'b', name: 'STATUS', folder: 'INBOX', items: ['MESSAGES'] });
});

test('responses of AUTHENTICATE', async () => {
  client.write('AGEAYg==\r\n*\r\n\r\n!\r\n');
  const from = reader(false);
  assert.deepEqual(await from.response(), Buffer.from('\0a\0b'));
  assert.equal(await from.response(), 'cancelled');
  assert.deepEqual(await from.response(), Buffer.alloc(0));
  const bad = await from.response();
  assert.ok(bad !== null && typeof bad === 'object' && 'error' in bad);
});
