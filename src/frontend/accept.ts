/**
 * Listening sockets of one service: opens and closes bindings until they are those wanted, while connections of a
 * closed binding live on (exchange-behaviour.md §1.2: settings apply without a restart). Who came through a load
 * balancer is known before a service hears of him. Knows no protocol.
 */
import { once } from 'node:events';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import type { Binding } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import { remoteEnd } from '../wire/socket-facts.ts';
import { type Arrival, LoadBalancers } from './load-balancers.ts';

/** Connections the kernel holds while the event loop is busy. */
const BACKLOG = 1024;

export interface WantedBinding extends Binding {
  /** TLS from the first byte (RFC 8314 §3). */
  readonly implicitTls: boolean;
}

/** `port` is the port really listened on, also where 0 was wanted. */
export interface Listening extends WantedBinding {
  readonly wanted: WantedBinding;
}

export type Accepted = (socket: Socket, listening: Listening, arrival: Arrival) => void;
/** A load balancer's connection without a right header; it is gone already. */
export type HeaderRefused = (balancer: string, listening: Listening, reason: string) => void;

interface Open {
  readonly server: NetServer;
  readonly listening: Listening;
}

const keyOf = (binding: WantedBinding): string => `${binding.address} ${binding.port} ${binding.implicitTls}`;

export class Listeners {
  readonly #accepted: Accepted;
  readonly #refused: HeaderRefused;
  readonly #balancers = new LoadBalancers();
  readonly #open = new Map<string, Open>();

  constructor(accepted: Accepted, refused: HeaderRefused = () => {}) {
    this.#accepted = accepted;
    this.#refused = refused;
  }

  /** Address ranges whose connections must begin with a PROXY protocol header, from now on; nobody at first. */
  trustLoadBalancers(ranges: readonly string[]): void {
    this.#balancers.trust(ranges);
  }

  get listening(): readonly Listening[] {
    return [...this.#open.values()].map((each) => each.listening);
  }

  /**
   * Makes these bindings the open ones. Every binding is tried, also behind one that fails.
   * @returns what could not be opened, each with a text that names address and port
   */
  async apply(wanted: readonly WantedBinding[]): Promise<readonly Failure[]> {
    const keys = new Set(wanted.map(keyOf));
    for (const [key, { server }] of this.#open) {
      if (keys.has(key)) continue;
      this.#open.delete(key);
      server.close();
    }
    if (wanted.length === 0) this.#balancers.close();
    const failures: Failure[] = [];
    for (const binding of wanted) {
      const key = keyOf(binding);
      if (this.#open.has(key)) continue;
      try {
        this.#open.set(key, await this.#listen(binding));
      } catch (error) {
        const code = codeOf(error);
        // A machine without IPv6 cannot listen on [::], and nobody will miss it there.
        if (binding.address === '::' && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL')) continue;
        failures.push(bindFailure(binding, code, error));
      }
    }
    return failures;
  }

  async #listen(wanted: WantedBinding): Promise<Open> {
    const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 120_000 });
    server.listen({
      host: wanted.address,
      port: wanted.port,
      backlog: BACKLOG,
      // `[::]:143, 0.0.0.0:143` are two bindings; a dual-stack socket would take both addresses.
      ipv6Only: wanted.address.includes(':'),
    });
    await once(server, 'listening');
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : wanted.port;
    const listening: Listening = { address: wanted.address, port, implicitTls: wanted.implicitTls, wanted };
    server.on('connection', (socket) => this.#arrived(socket, listening));
    // Accept errors (EMFILE) pass; the listener stays, the client tries again.
    server.on('error', () => {});
    return { server, listening };
  }

  #arrived(socket: Socket, listening: Listening): void {
    const { address } = remoteEnd(socket);
    this.#balancers.receive(
      socket,
      (arrival) => this.#accepted(socket, listening, arrival),
      (reason) => this.#refused(address, listening, reason),
    );
  }
}

function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : 'unknown';
}

function bindFailure(binding: Binding, code: string, cause: unknown): Failure {
  const where = `port ${binding.port} on ${binding.address}`;
  switch (code) {
    case 'EADDRINUSE':
      return new Failure('INUSE', `${where} is taken by another program; free it or choose another binding`, { cause });
    case 'EACCES':
      return new Failure('NOPERM', `this process may not listen on ${where}; ports below 1024 need a privilege`, {
        cause,
      });
    case 'EADDRNOTAVAIL':
      return new Failure('UNAVAILABLE', `${where}: this machine has no such address`, { cause });
    default:
      return new Failure('UNAVAILABLE', `cannot listen on ${where} (${code})`, { cause });
  }
}
