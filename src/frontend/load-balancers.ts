/**
 * Connections from trusted load balancers: the PROXY protocol header in front of TLS and of any greeting, read and taken
 * away before a service sees the connection. From these addresses the header must come; from all others it is what it
 * looks like, bytes of a client that forges one. Knows no protocol behind it.
 */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { narrowestMatch } from '../directory/settings/ip-range.ts';
import { PROXY_HEADERS_AWAITED } from '../wire/limits.ts';
import { parseProxyHeader } from '../wire/proxy-protocol.ts';
import { type Ends, remoteEnd } from '../wire/socket-facts.ts';
import { idleWheel } from '../wire/timer-wheel.ts';

/** A balancer sends its header with the connection; §2 of the protocol's text asks for at least 3 s of patience. */
export const PROXY_HEADER_MS = 5_000;

/** Whose connection it is. */
export interface Arrival {
  /** The client's, as its load balancer says; null: those of the socket. */
  readonly ends: Ends | null;
  /** A load balancer on its own behalf (a health check): no client, so limits per address do not count it. */
  readonly isBalancer: boolean;
}

/** What is not from a load balancer. */
export const DIRECT: Arrival = { ends: null, isBalancer: false };
const BALANCER: Arrival = { ends: null, isBalancer: true };

export class LoadBalancers {
  #ranges: readonly string[] = [];
  readonly #awaited = new Set<Socket>();

  /** Those of ProxyProtocolIPRanges; counts for connections that come from now on. */
  trust(ranges: readonly string[]): void {
    this.#ranges = ranges;
  }

  isTrusted(address: string): boolean {
    return this.#ranges.length > 0 && narrowestMatch(this.#ranges, address) !== null;
  }

  /**
   * `accepted` is called at once for a client that came by itself, else when the header is read; the socket then gives
   * the bytes behind it. `refused` gets the reason, and the socket is gone.
   */
  receive(socket: Socket, accepted: (arrival: Arrival) => void, refused: (reason: string) => void): void {
    if (!this.isTrusted(remoteEnd(socket).address)) {
      accepted(DIRECT);
      return;
    }
    if (this.#awaited.size >= PROXY_HEADERS_AWAITED) {
      socket.destroy();
      refused(`${PROXY_HEADERS_AWAITED} connections wait for their PROXY protocol header already`);
      return;
    }
    this.#awaited.add(socket);
    const late = idleWheel.deadline(() => fail(`no whole PROXY protocol header within ${PROXY_HEADER_MS} ms`));
    late.set(PROXY_HEADER_MS);
    let received: Buffer = Buffer.alloc(0);
    const leave = (): void => {
      late.clear();
      this.#awaited.delete(socket);
      socket.removeListener('readable', read).removeListener('close', gone).removeListener('error', ignore);
    };
    const fail = (reason: string): void => {
      leave();
      socket.on('error', ignore);
      socket.destroy();
      refused(reason);
    };
    const gone = (): void => fail('the connection was closed before its PROXY protocol header was whole');
    const read = (): void => {
      const chunk: unknown = socket.read();
      if (!Buffer.isBuffer(chunk)) return;
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const header = parseProxyHeader(received);
      if (header.kind === 'incomplete') return;
      if (header.kind === 'broken') {
        fail(header.reason);
        return;
      }
      leave();
      if (header.length < received.length) socket.unshift(received.subarray(header.length));
      accepted(header.kind === 'local' ? BALANCER : { ends: header.ends, isBalancer: false });
    };
    socket.on('readable', read).on('close', gone).on('error', ignore);
  }

  /** Ends those whose header has not come. */
  close(): void {
    for (const socket of this.#awaited) socket.destroy();
  }
}

/** What went wrong with a socket, its close says. */
const ignore = (): void => {};
