/** What a socket tells of its two ends and of its encryption, for logs, limits and Received fields. */
import type { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** What is known of the encryption of a connection, for logs, Received fields and channel binding. */
export interface TlsFacts {
  readonly protocol: string;
  readonly cipher: string;
  readonly serverName: string | null;
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** Both ends of a connection, seen from here. */
export interface Ends {
  /** The client. */
  readonly remote: Endpoint;
  /** Where the client reached us. */
  readonly local: Endpoint;
}

/** What a connection hears of its socket. */
export interface SocketListeners {
  readonly data: (this: Socket, chunk: Buffer) => void;
  readonly end: (this: Socket) => void;
  readonly error: (this: Socket, reason: Error) => void;
  readonly close: (this: Socket) => void;
  readonly drain: (this: Socket) => void;
}

export function tlsFacts(socket: TLSSocket): TlsFacts {
  const name: unknown = Reflect.get(socket, 'servername');
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().name,
    serverName: typeof name === 'string' && name !== '' ? name : null,
  };
}

/** The two ends as the kernel has them; empty addresses when the connection is gone. */
export const remoteEnd = (socket: Socket): Endpoint => ({
  address: plainAddress(socket.remoteAddress),
  port: socket.remotePort ?? 0,
});
export const localEnd = (socket: Socket): Endpoint => ({
  address: plainAddress(socket.localAddress),
  port: socket.localPort ?? 0,
});

/** IPv4 clients of a dual-stack listener come as ::ffff:a.b.c.d. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
