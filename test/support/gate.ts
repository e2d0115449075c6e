/**
 * A way to a server that a test can cut: a TCP port of its own that passes bytes on until it is told to stop. It knows
 * no protocol.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Gate {
  readonly port: number;
  /** Connections stay and nothing passes any more, as when a server hangs or a cable is out; new ones get no word. */
  hang(): void;
  /** Connections end, and new ones are ended at once. */
  cut(): void;
  /** As at first; what waited while it hung passes now. */
  heal(): void;
  /** A connection on which a client says this ends before the server hears it; once. */
  endAt(text: string): void;
  close(): Promise<void>;
}

export async function openGate(target: { readonly host: string; readonly port: number }): Promise<Gate> {
  let state: 'open' | 'hanging' | 'cut' = 'open';
  let forbidden: string | null = null;
  const pairs = new Set<readonly [client: Socket, server: Socket]>();
  const endAll = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  const gate = createServer((client) => {
    if (state === 'cut') {
      client.destroy();
      return;
    }
    const server = connect(target);
    const pair = [client, server] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [server, client] as const]) {
      from.on('error', () => to.destroy());
      from.on('close', () => {
        pairs.delete(pair);
        to.destroy();
      });
      from.on('data', (bytes) => {
        if (from === client && forbidden !== null && bytes.includes(forbidden)) {
          forbidden = null;
          client.destroy();
          return;
        }
        to.write(bytes);
      });
      if (state === 'hanging') from.pause();
    }
  });
  gate.listen({ host: '127.0.0.1', port: 0 });
  await once(gate, 'listening');
  // A TCP server that listens has an address and no path.
  const address: AddressInfo | string | null = gate.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    port,
    hang: () => {
      state = 'hanging';
      for (const pair of pairs) for (const socket of pair) socket.pause();
    },
    cut: () => {
      state = 'cut';
      endAll();
    },
    heal: () => {
      state = 'open';
      for (const pair of pairs) for (const socket of pair) socket.resume();
    },
    endAt: (text) => {
      forbidden = text;
    },
    close: async () => {
      endAll();
      gate.close();
      await once(gate, 'close');
    },
  };
}
