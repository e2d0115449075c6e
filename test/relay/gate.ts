/** A wire between front end and back end that a test can hold still, cut, or take away. */
import { once } from 'node:events';
import { connect, createServer, type Server as NetServer, type Socket } from 'node:net';
import type { Directory } from '../../src/directory/api.ts';
import type { ServerId } from '../../src/directory/model.ts';
import { findFreePorts } from '../../src/main/free-ports.ts';

export class Gate {
  readonly port: number;
  /** Connections that came so far. */
  connections = 0;
  /** Pieces that went from the front end to the back end. */
  pieces = 0;
  #target = 0;
  #server: NetServer | null = null;
  #held = false;
  readonly #pairs = new Set<readonly [Socket, Socket]>();

  private constructor(port: number) {
    this.port = port;
  }

  static async open(): Promise<Gate> {
    const [port = 0] = await findFreePorts('127.0.0.1', 1);
    const gate = new Gate(port);
    await gate.listen();
    return gate;
  }

  /** Where the back end listens. */
  leadTo(port: number): void {
    this.#target = port;
  }

  async listen(): Promise<void> {
    const server = createServer((socket) => this.#pass(socket));
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
  }

  /** Bytes and ends of either side no longer reach the other one: what a machine without power looks like. */
  hold(): void {
    this.#held = true;
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  release(): void {
    this.#held = false;
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  /** Every connection is reset, as by the kernel of a process that was killed. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    server.close();
    await once(server, 'close');
  }

  #pass(near: Socket): void {
    this.connections += 1;
    const far = connect(this.#target, '127.0.0.1');
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (chunk) => void to.write(chunk));
      from.on('end', () => to.end());
      from.on('error', () => {});
      from.on('close', () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
    }
    near.on('data', () => (this.pieces += 1));
    if (this.#held) for (const socket of pair) socket.pause();
  }
}

/** The directory as a front end sees it that reaches every back end through the gate. */
export function throughGate(directory: Directory, gate: Gate): Directory {
  return new Proxy(directory, {
    get: (target, name) => {
      if (name === 'imapSettings')
        return async (id: ServerId) => ({ ...(await target.imapSettings(id)), proxyTargetPort: gate.port });
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Waits for something that has no event of its own, as a person would: looks again. @throws when it does not happen */
export async function happens(what: string, look: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const until = performance.now() + ms;
  for (;;) {
    if (await look()) return;
    if (performance.now() > until) throw new Error(`did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
