/** Opens connections to other servers: the socket, TLS from the first byte where asked for, one time-out for both. */
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls';
import { Connection } from '../../wire/connection.ts';
import { RemoteTrouble } from './failure.ts';

export interface Destination {
  readonly host: string;
  readonly port: number;
}

/** In the clear; STARTTLS is the session's (session.ts). @throws RemoteTrouble naming host and port */
export function dial(where: Destination, ms: number): Promise<Connection> {
  return connected(connectTcp(where), where, ms);
}

/** TLS from the first byte (RFC 8314 §3.3). The certificate is checked as `options` say, by host name when they say nothing. */
export function dialTls(where: Destination, options: ConnectionOptions, ms: number): Promise<Connection> {
  return connected(connectTls({ servername: where.host, ...options, ...where }), where, ms);
}

/** A socket that somebody has begun to open. It is destroyed when this fails. @throws RemoteTrouble */
export async function connected(socket: Socket, { host, port }: Destination, ms: number): Promise<Connection> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`no connection in ${ms} ms`)), ms);
  const ready = socket instanceof TLSSocket ? 'secureConnect' : 'connect';
  const onClose = (): void => reject(new Error('closed by the other side'));
  socket.once(ready, resolve).once('error', reject).once('close', onClose);
  try {
    await promise;
    return new Connection(socket);
  } catch (error) {
    // Whatever it still says has no listener otherwise, and would end the process.
    socket.on('error', () => {});
    socket.destroy();
    throw new RemoteTrouble(`${host}:${port} cannot be reached: ${reasonOf(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
    socket.removeListener(ready, resolve).removeListener('close', onClose);
    if (!socket.destroyed) socket.removeListener('error', reject);
  }
}

function reasonOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  if (typeof code === 'string') return code;
  return error instanceof Error ? error.message : String(error);
}
