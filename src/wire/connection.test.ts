import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ProtocolViolation } from '../observe/failure.ts';
import { Connection, IdleTimeout, type Reader, withoutLineEnd } from './connection.ts';
import { READ_AHEAD_BYTES } from './limits.ts';

const open: net.Server[] = [];
after(() => {
  for (const server of open) server.close();
});

async function pair(): Promise<{ client: net.Socket; connection: Connection }> {
  const server = net.createServer();
  open.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const client = net.connect(address.port, '127.0.0.1');
  const [socket] = await once(server, 'connection');
  assert.ok(socket instanceof net.Socket);
  return { client, connection: new Connection(socket) };
}

/** Notes how a wait ended. */
function waiter(): { reader: Reader; woken: Promise<boolean | IdleTimeout> } {
  const { promise, resolve } = Promise.withResolvers<boolean | IdleTimeout>();
  return { reader: { readable: resolve, silent: resolve }, woken: promise };
}

describe('Connection', () => {
  test('reads lines however they are cut into packets', async () => {
    const { client, connection } = await pair();
    client.write('a1 NO');
    client.write('OP\r');
    client.write('\nbare\nthird line\r\n');
    assert.equal(String(await connection.readLine(100)), 'a1 NOOP\r\n');
    assert.equal(String(await connection.readLine(100)), 'bare\n');
    assert.equal(withoutLineEnd((await connection.readLine(100)) ?? Buffer.alloc(0)).toString(), 'third line');
    client.end();
    assert.equal(await connection.readLine(100), null);
    connection.destroy();
  });

  test('a line above the limit is a fatal violation, with and without its end', async () => {
    for (const bytes of [`${'x'.repeat(100)}\r\n`, 'x'.repeat(101)]) {
      const { client, connection } = await pair();
      client.write(bytes);
      await assert.rejects(connection.readLine(100), (reason) => reason instanceof ProtocolViolation && reason.fatal);
      connection.destroy();
      client.destroy();
    }
  });

  test('bytes put back come again, in front', async () => {
    const { client, connection } = await pair();
    client.write('one\r\ntwo\r\n');
    const first = await connection.readLine(100);
    assert.ok(first !== null);
    connection.unread(first);
    assert.equal(connection.buffered, 10);
    assert.equal(String(await connection.readExactly(7)), 'one\r\ntw');
    assert.equal(String(await connection.readChunk(100)), 'o\r\n');
    connection.destroy();
    client.destroy();
  });

  test('a client that sends ahead is paused and loses nothing', async () => {
    const { client, connection } = await pair();
    const sent = Buffer.alloc(8 * READ_AHEAD_BYTES, 'abcdefg');
    client.end(sent);
    const parts: Buffer[] = [];
    for (let chunk = await connection.readChunk(50_000); chunk !== null; chunk = await connection.readChunk(50_000)) {
      assert.ok(connection.buffered < 3 * READ_AHEAD_BYTES, 'read-ahead is not bounded');
      parts.push(chunk);
    }
    assert.ok(Buffer.concat(parts).equals(sent));
    connection.destroy();
  });

  test('long output waits for a slow reader', async () => {
    const { client, connection } = await pair();
    client.pause();
    const block = Buffer.alloc(512 * 1024, 'x');
    let written = 0;
    let waited = false;
    while (written < 64 * 1024 * 1024 && !waited) {
      connection.out.bytes(block);
      written += block.length;
      const drained = connection.drained();
      waited =
        (await Promise.race([
          drained.then(() => 'drained'),
          new Promise((resolve) => setImmediate(resolve, 'waiting')),
        ])) === 'waiting';
    }
    assert.ok(waited, 'the writer never waited');
    connection.destroy();
    client.destroy();
  });

  test('the idle deadline rejects a pending read', async () => {
    const { client, connection } = await pair();
    connection.idleLimit(1);
    await assert.rejects(connection.readLine(100), IdleTimeout);
    connection.destroy();
    client.destroy();
  });

  test('who waits without a promise hears of more bytes, of the end and of silence, each time once', async () => {
    const { client, connection } = await pair();
    assert.equal(connection.takeLine(100), null);
    const first = waiter();
    connection.wait(first.reader);
    assert.throws(() => connection.wait(waiter().reader), /two reads/);
    client.write('half a li');
    assert.equal(await first.woken, true);
    assert.equal(connection.takeLine(100), null);
    const second = waiter();
    connection.wait(second.reader);
    client.write('ne\r\nand more');
    assert.equal(await second.woken, true);
    assert.equal(String(connection.takeLine(100)), 'half a line\r\n');
    assert.equal(connection.takeLine(100), null);
    const third = waiter();
    connection.wait(third.reader);
    connection.idleLimit(1);
    assert.ok((await third.woken) instanceof IdleTimeout);
    const fourth = waiter();
    connection.wait(fourth.reader);
    assert.ok((await fourth.woken) instanceof IdleTimeout);
    connection.destroy();
    client.destroy();

    const other = await pair();
    const last = waiter();
    other.connection.wait(last.reader);
    other.client.end();
    assert.equal(await last.woken, false);
    const late = waiter();
    other.connection.wait(late.reader);
    assert.equal(await late.woken, false);
    other.connection.destroy();
  });

  test('a line that comes in pieces is held to the limit, and what was scanned stays right behind a put back', async () => {
    const { client, connection } = await pair();
    client.write('x'.repeat(60));
    while (connection.buffered < 60) await turn();
    assert.equal(connection.takeLine(100), null);
    connection.unread(Buffer.from('a\n'));
    assert.equal(String(connection.takeLine(100)), 'a\n');
    assert.equal(connection.takeLine(100), null);
    client.write('x'.repeat(40));
    while (connection.buffered < 100) await turn();
    assert.throws(
      () => connection.takeLine(100),
      (reason) => reason instanceof ProtocolViolation && reason.fatal,
    );
    connection.destroy();
    client.destroy();
  });

  test('bytes pipelined behind STARTTLS end the connection', async () => {
    const { client, connection } = await pair();
    client.write('STARTTLS\r\na2 LOGIN me secret\r\n');
    await connection.readLine(100);
    await assert.rejects(connection.startTls({}), (reason) => reason instanceof ProtocolViolation && reason.fatal);
    connection.destroy();
    client.destroy();
  });

  test('end says the last words before closing', async () => {
    const { client, connection } = await pair();
    const words: Buffer[] = [];
    client.on('data', (chunk: Buffer) => words.push(chunk));
    connection.out.ascii('* BYE done\r\n');
    connection.end();
    await once(client, 'end');
    assert.equal(Buffer.concat(words).toString(), '* BYE done\r\n');
    client.destroy();
    await connection.closed;
  });
});
