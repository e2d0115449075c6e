import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { Listeners, type WantedBinding } from './accept.ts';

const local = (port: number, implicitTls = false): WantedBinding => ({ address: '127.0.0.1', port, implicitTls });

test('bindings open and close, connections of a closed one live on', async () => {
  const accepted: Socket[] = [];
  const listeners = new Listeners((socket) => accepted.push(socket));
  assert.deepEqual(await listeners.apply([local(0), local(0, true)]), []);
  const [plain, tls] = listeners.listening;
  assert.ok(plain !== undefined && tls !== undefined && plain.port !== tls.port);
  assert.deepEqual([plain.implicitTls, tls.implicitTls], [false, true]);

  const client = connect(plain.port, '127.0.0.1');
  await once(client, 'connect');
  await listeners.apply([local(0, true)]);
  assert.deepEqual(
    listeners.listening.map((each) => each.port),
    [tls.port],
    'the other binding is not opened anew',
  );
  await assert.rejects(once(connect(plain.port, '127.0.0.1'), 'connect'));
  const [served] = accepted;
  assert.ok(served !== undefined);
  served.write('alive');
  assert.equal(String((await once(client, 'data'))[0]), 'alive');
  client.destroy();
  served.destroy();
  await listeners.apply([]);
});

test('failures name the port, all other bindings open', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = taken.address();
  assert.ok(address !== null && typeof address === 'object');
  const listeners = new Listeners(() => {});
  const failures = await listeners.apply([
    local(address.port),
    { address: '192.0.2.77', port: 0, implicitTls: false },
    local(0),
  ]);
  assert.deepEqual(
    failures.map((failure) => failure.code),
    ['INUSE', 'UNAVAILABLE'],
  );
  assert.match(failures[0]?.message ?? '', new RegExp(`port ${address.port} on 127.0.0.1 is taken`));
  assert.match(failures[1]?.message ?? '', /192\.0\.2\.77: this machine has no such address/);
  assert.equal(listeners.listening.length, 1);
  taken.close();
  await once(taken, 'close');
  assert.deepEqual(await listeners.apply([local(address.port), local(0)]), [], 'free again');
  await listeners.apply([]);
});

test('[::] and 0.0.0.0 are two bindings of one port', async () => {
  const probe = createServer().listen(0, '0.0.0.0');
  await once(probe, 'listening');
  const address = probe.address();
  assert.ok(address !== null && typeof address === 'object');
  probe.close();
  await once(probe, 'close');
  const listeners = new Listeners(() => {});
  const { port } = address;
  assert.deepEqual(
    await listeners.apply([
      { address: '::', port, implicitTls: false },
      { address: '0.0.0.0', port, implicitTls: false },
    ]),
    [],
  );
  assert.ok(listeners.listening.some((each) => each.address === '0.0.0.0'));
  await listeners.apply([]);
});
