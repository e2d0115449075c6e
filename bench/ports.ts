/** Free ports and waiting for a listener. */
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export async function freePort(): Promise<number> {
  const server = net.createServer();
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const address = server.address();
  const closed = new Promise((done) => server.close(done));
  await closed;
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** A foreign program announces its readiness by listening only: try until it does, 15 s at most. */
export async function listening(port: number): Promise<void> {
  const until = performance.now() + 15_000;
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (open) return;
    if (performance.now() > until) throw new Error(`nothing listens on port ${port}`);
    await delay(25);
  }
}
