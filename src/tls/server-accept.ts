/**
 * The door of every listener that only servers of the organization may reach: handshake, certificate, and whether the
 * directory still has that server, with the role it needs here. A server that was removed is refused by this at its
 * next connection, whatever its certificate says. Nothing that the peer sent is read before.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Directory } from '../directory/api.ts';
import type { Server, ServerId } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import { idleWheel } from '../wire/timer-wheel.ts';
import type { ServerIdentity } from './server-identity.ts';

/** How long a peer may take for its handshake: servers are never as slow as clients. */
export const SERVER_HANDSHAKE_MS = 10_000;

/** `any`: whatever its roles. */
export type NeededRole = 'front-end' | 'back-end' | 'any';

export interface AcceptedServer {
  readonly socket: TLSSocket;
  readonly server: Server;
}

/**
 * Takes over a connection that was accepted just now; it is destroyed when this fails.
 * @throws Failure AUTHENTICATIONFAILED for no certificate of the organization, AUTHORIZATIONFAILED for a server that the
 *   directory does not have or that lacks the role, UNAVAILABLE when the peer went away or took too long
 */
export async function acceptServer(
  plain: Socket,
  options: {
    readonly identity: ServerIdentity;
    readonly directory: Pick<Directory, 'servers'>;
    readonly role: NeededRole;
    /** Names of RFC 7301 that the listener speaks. */
    readonly alpn?: readonly string[];
    readonly handshakeMs?: number;
  },
): Promise<AcceptedServer> {
  const { identity, directory, role, alpn = [] } = options;
  const socket = new TLSSocket(plain, {
    ...identity.listenerOptions(),
    isServer: true,
    ...(alpn.length === 0 ? {} : { ALPNProtocols: [...alpn] }),
  });
  // Between the steps nobody else listens, and an error that nobody hears ends the process.
  for (const one of [plain, socket]) one.on('error', () => plain.destroy());
  try {
    await shaken(socket, options.handshakeMs ?? SERVER_HANDSHAKE_MS);
    return { socket, server: await admittedServer(directory, identity.peer(socket), role) };
  } catch (error) {
    socket.destroy();
    plain.destroy();
    throw error;
  }
}

/** The same question for a connection whose handshake is done (`https.createServer`). @throws Failure AUTHORIZATIONFAILED */
export async function admittedServer(
  directory: Pick<Directory, 'servers'>,
  id: ServerId,
  role: NeededRole,
): Promise<Server> {
  const server = (await directory.servers()).find((one) => one.id === id);
  if (server === undefined)
    throw new Failure('AUTHORIZATIONFAILED', `the directory has no server ${id}: it was removed from the organization`);
  const has = role === 'any' || (role === 'front-end' ? server.frontEnd : server.backEnd);
  if (!has)
    throw new Failure('AUTHORIZATIONFAILED', `server ${server.name} is no ${role}, and only those may connect here`);
  return server;
}

async function shaken(socket: TLSSocket, ms: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const failed = (cause?: Error): void => reject(refusal(cause));
  const gone = (): void => failed();
  socket.once('secure', resolve);
  socket.once('error', failed);
  socket.once('close', gone);
  const deadline = idleWheel.deadline(() => failed(new Error(`no handshake in ${ms} ms`)));
  deadline.set(ms);
  try {
    await promise;
  } finally {
    deadline.clear();
    socket.removeListener('secure', resolve);
    socket.removeListener('error', failed);
    socket.removeListener('close', gone);
  }
}

function refusal(cause: Error | undefined): Failure {
  return Reflect.get(cause ?? {}, 'code') === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE'
    ? new Failure('AUTHENTICATIONFAILED', 'the other side is no server of this organization: it showed no certificate')
    : new Failure('UNAVAILABLE', 'the TLS handshake with another server failed', { cause });
}
