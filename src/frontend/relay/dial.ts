/**
 * One connection to the back-end port of another server: reached, both sides proved, greeted, within a time limit.
 * Knows no user.
 */
import { internalAddress } from '../../directory/internal-address.ts';
import type { Server } from '../../directory/model.ts';
import { parseAnswer, PROXY_LINE_BYTES, type ProxyAnswer, type ProxyProtocol } from '../../backend/proxy/dialect.ts';
import { Failure } from '../../observe/failure.ts';
import type { ServerIdentity } from '../../tls/server-identity.ts';
import { Connection, IdleTimeout, withoutLineEnd } from '../../wire/connection.ts';

/** Name resolution, TCP, TLS and greeting together. A lost first packet is made good within it: TCP sends it again after 1 s. */
export const CONNECT_MS = 2_000;
/** A back end's machine that is gone is noticed after this and some seconds more. */
export const BACK_END_KEEP_ALIVE_MS = 30_000;

/** A back end could not be asked. The text names it; another one may do as well. */
export class Unreachable extends Failure {
  /** It cost a time-out. */
  readonly slow: boolean;

  constructor(server: Pick<Server, 'name'>, slow: boolean, why: string, cause?: unknown) {
    super('UNAVAILABLE', `The server of this mailbox (${server.name}) ${why}; try again in a moment`, { cause });
    this.slow = slow;
  }
}

export interface Target {
  readonly server: Server;
  readonly protocol: ProxyProtocol;
  readonly port: number;
}

/** @throws Unreachable */
export async function dial(identity: ServerIdentity, target: Target, limitMs: number): Promise<Connection> {
  const { server, protocol, port } = target;
  const socket = identity.dial(server.id, { host: internalAddress(server), port });
  socket.setKeepAlive(true, BACK_END_KEEP_ALIVE_MS);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const late = setTimeout(() => socket.destroy(new Unreachable(server, true, 'does not answer')), limitMs);
  socket.once('secureConnect', resolve);
  socket.once('error', reject);
  socket.once('close', () => reject(new Unreachable(server, false, 'closed the connection')));
  try {
    await promise;
    const connection = new Connection(socket);
    const greeting = await readAnswer(connection, target);
    if (greeting.ok) return connection;
    throw new Unreachable(server, false, 'takes no sessions now');
  } catch (error) {
    socket.on('error', () => {});
    const cause = socket.errored ?? error;
    socket.destroy();
    if (cause instanceof Unreachable) throw cause;
    throw new Unreachable(server, false, `cannot be reached (${whyOf(cause)})`, cause);
  } finally {
    clearTimeout(late);
  }

  function whyOf(cause: unknown): string {
    const code: unknown = cause instanceof Error ? Reflect.get(cause, 'code') : undefined;
    if (cause instanceof Failure) return 'it did not prove to be that server';
    return typeof code === 'string' ? `${code}, ${protocol === 'imap' ? 'IMAP4' : 'POP3'} port ${port}` : 'TLS failed';
  }
}

/** The next answer. @throws Unreachable when the connection is closed or says nothing within the idle limit */
export async function readAnswer(connection: Connection, { server, protocol }: Target): Promise<ProxyAnswer> {
  let line: Buffer | null;
  try {
    line = await connection.readLine(PROXY_LINE_BYTES);
  } catch (error) {
    if (error instanceof IdleTimeout) throw new Unreachable(server, true, 'does not answer', error);
    throw new Unreachable(server, false, 'speaks another language', error);
  }
  if (line === null) throw new Unreachable(server, false, 'closed the connection');
  const answer = parseAnswer(protocol, withoutLineEnd(line).toString('utf8'));
  if (answer === null) throw new Unreachable(server, false, 'speaks another language');
  return answer;
}
