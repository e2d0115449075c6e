import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, Socket } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { PROXY_HEADERS_AWAITED } from '../wire/limits.ts';
import { idleWheel, type Timed } from '../wire/timer-wheel.ts';
import { type Arrival, LoadBalancers, PROXY_HEADER_MS } from './load-balancers.ts';

const HEADER = 'PROXY TCP4 192.0.2.7 198.51.100.10 33333 143\r\n';

interface Outcome {
  readonly socket: Socket;
  readonly arrival: Arrival | null;
  readonly reason: string | null;
}

describe('connections of load balancers', () => {
  let balancers: LoadBalancers;
  let server: Server;
  let port = 0;
  let outcomes: Outcome[] = [];
  let told: () => void = () => {};
  let deadline: Timed | null = null;
  let awaitedMs = 0;

  before(async () => {
    server = createServer((socket) => {
      const tell = (arrival: Arrival | null, reason: string | null): void => {
        outcomes.push({ socket, arrival, reason });
        told();
      };
      balancers.receive(
        socket,
        (arrival) => tell(arrival, null),
        (reason) => tell(null, reason),
      );
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    port = address.port;
    const set = idleWheel.set.bind(idleWheel);
    idleWheel.set = (entry, ms) => {
      [deadline, awaitedMs] = [entry, ms];
      set(entry, ms);
      told();
    };
  });
  after(() => {
    Reflect.deleteProperty(idleWheel, 'set');
    server.close();
  });
  beforeEach(() => {
    outcomes = [];
    deadline = null;
    balancers = new LoadBalancers();
    balancers.trust(['127.0.0.2']);
  });

  async function from(localAddress: string, ...pieces: readonly string[]): Promise<Socket> {
    const socket = connect({ host: '127.0.0.1', port, localAddress, noDelay: true });
    socket.on('error', () => {});
    await once(socket, 'connect');
    for (const piece of pieces) {
      const written = Promise.withResolvers<void>();
      socket.write(piece, 'latin1', () => written.resolve());
      await written.promise;
    }
    return socket;
  }
  async function until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      const heard = Promise.withResolvers<void>();
      told = heard.resolve;
      await heard.promise;
    }
  }
  const awaited = (): Promise<void> => until(() => deadline !== null);
  async function outcome(): Promise<Outcome> {
    await until(() => outcomes.length > 0);
    return outcomes.shift() ?? assert.fail();
  }
  /** Not `once` of node:events: a reset is a way to close, too. */
  const closeOf = (socket: Socket): Promise<void> => {
    const closed = Promise.withResolvers<void>();
    socket.once('close', () => closed.resolve());
    return closed.promise;
  };
  async function textOf(socket: Socket, size: number): Promise<string> {
    let text = '';
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      text += String(chunk);
      if (text.length >= size) break;
    }
    return text;
  }

  test('a client that comes by itself is heard at once, whatever it says first', async () => {
    const client = await from('127.0.0.1');
    const { arrival, socket } = await outcome();
    assert.deepEqual(arrival, { ends: null, isBalancer: false });
    client.write(HEADER);
    assert.equal(await textOf(socket, HEADER.length), HEADER, 'the forged header is the client’s own text');
    client.destroy();
    socket.destroy();
  });

  for (const [how, pieces] of [
    ['in one piece', [`${HEADER}first words`]],
    ['in many pieces', [...HEADER.split(/(?=.)/s), 'first ', 'words']],
  ] as const) {
    test(`the client of a header, and its own bytes, ${how}`, async () => {
      const client = await from('127.0.0.2', ...pieces);
      const { arrival, socket } = await outcome();
      assert.deepEqual(arrival?.ends?.remote, { address: '192.0.2.7', port: 33_333 });
      assert.equal(await textOf(socket, 11), 'first words');
      socket.write('answer');
      assert.equal(await textOf(client, 6), 'answer');
      client.destroy();
      socket.destroy();
    });
  }

  test('bytes that came with the end of the stream are kept', async () => {
    const client = await from('127.0.0.2');
    client.end(`${HEADER}QUIT`);
    const { socket } = await outcome();
    assert.equal(await textOf(socket, 5), 'QUIT');
    socket.destroy();
  });

  test('a health check is the balancer itself', async () => {
    const client = await from('127.0.0.2', 'PROXY UNKNOWN\r\n');
    const { arrival, socket } = await outcome();
    assert.deepEqual(arrival, { ends: null, isBalancer: true });
    client.destroy();
    socket.destroy();
  });

  test('refused: no header', async () => {
    const closed = closeOf(await from('127.0.0.2', 'EHLO me\r\n'));
    assert.match((await outcome()).reason ?? '', /no PROXY protocol header/);
    await closed;
  });

  test('refused: hung up within the header', async () => {
    const client = await from('127.0.0.2', 'PROXY TCP4 ');
    client.end();
    assert.match((await outcome()).reason ?? '', /closed before/);
  });

  test('refused: a header that does not come in time', async () => {
    const closed = closeOf(await from('127.0.0.2', 'PROXY TCP4 '));
    await awaited();
    assert.equal(awaitedMs, PROXY_HEADER_MS);
    deadline?.fire();
    assert.match((await outcome()).reason ?? '', /within 5000 ms/);
    await closed;
  });

  test('refused: more than may wait; all end with the service', async () => {
    const waiting = new Set<Socket>();
    class Waiting extends LoadBalancers {
      override isTrusted(): boolean {
        return true;
      }
    }
    balancers = new Waiting();
    const sockets: Socket[] = [];
    for (let count = 0; count < PROXY_HEADERS_AWAITED; count += 1) {
      const socket = new Socket();
      sockets.push(socket);
      balancers.receive(
        socket,
        () => assert.fail('nothing was said'),
        () => waiting.add(socket),
      );
    }
    const late = new Socket();
    let reason = '';
    balancers.receive(
      late,
      () => assert.fail('nothing was said'),
      (why) => {
        reason = why;
      },
    );
    assert.match(reason, /2000 connections wait/);
    assert.ok(late.destroyed);
    assert.equal(waiting.size, 0);
    const closed = Promise.all(sockets.map((socket) => once(socket, 'close')));
    balancers.close();
    await closed;
    assert.equal(waiting.size, PROXY_HEADERS_AWAITED);
  });

  test('nobody is trusted until ranges are named, and nobody when they are taken away', () => {
    const fresh = new LoadBalancers();
    assert.ok(!fresh.isTrusted('127.0.0.1'));
    fresh.trust(['127.0.0.0/31', '2001:db8::/32']);
    assert.deepEqual(
      ['127.0.0.1', '127.0.0.2', '2001:db8::9', '2001:db9::', ''].map((address) => fresh.isTrusted(address)),
      [true, false, true, false, false],
    );
    fresh.trust([]);
    assert.ok(!fresh.isTrusted('127.0.0.1'));
  });
});
