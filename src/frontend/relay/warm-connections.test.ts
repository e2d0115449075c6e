import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, test } from 'node:test';
import { Connection } from '../../wire/connection.ts';
import { WARM_CONNECTIONS, WarmConnections } from './warm-connections.ts';

const server = net.createServer();
const accepted: net.Socket[] = [];
server.on('connection', (socket) => {
  accepted.push(socket);
  socket.on('error', () => {});
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
after(() => {
  for (const socket of accepted) socket.destroy();
  server.close();
});

async function dialled(): Promise<Connection> {
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const socket = net.connect(address.port, '127.0.0.1');
  await once(socket, 'connect');
  return new Connection(socket);
}

test('are made up for behind a use, as many as allowed and no more', async () => {
  let dials = 0;
  const full = Promise.withResolvers<void>();
  const warm = new WarmConnections(async () => {
    const connection = await dialled();
    dials += 1;
    if (dials === WARM_CONNECTIONS) setImmediate(full.resolve);
    return connection;
  });
  assert.equal(warm.take(), null);
  warm.refill();
  warm.refill();
  await full.promise;
  assert.equal(warm.size, WARM_CONNECTIONS);
  assert.equal(dials, WARM_CONNECTIONS);
  const surplus = await dialled();
  warm.add(surplus);
  assert.equal(warm.size, WARM_CONNECTIONS);
  await surplus.closed;
  warm.close();
  assert.equal(warm.size, 0);
});

test('that the other side has closed are not given out', async () => {
  const warm = new WarmConnections(dialled);
  const [lost, good] = [await dialled(), await dialled()];
  warm.add(good);
  warm.add(lost);
  lost.destroy();
  await lost.closed;
  assert.equal(warm.take(), good);
  assert.equal(warm.take(), null);
  good.destroy();
  warm.close();
});

test('that said something unasked are not given out', async () => {
  const warm = new WarmConnections(dialled);
  const connection = await dialled();
  warm.add(connection);
  accepted.at(-1)?.write('* BYE\r\n');
  assert.equal(await connection.readable(), true);
  assert.equal(warm.take(), null);
  await connection.closed;
  warm.close();
});
