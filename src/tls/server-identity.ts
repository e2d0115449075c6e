/**
 * How servers of one organization prove to each other who they are: TLS 1.3 with certificates of an authority that
 * signs for servers only and that no client ever trusts (design.md §6, exchange-behaviour.md §13: a change of the
 * client certificate must not break the links between servers). The server's id stands in the certificate.
 *
 * Key and certificate live in memory only and are renewed every day; handshakes after that have the new ones, open
 * connections keep theirs.
 */
import { randomBytes, X509Certificate } from 'node:crypto';
import {
  connect,
  type ConnectionOptions,
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import type { ServerId } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import type { IssuedCertificate } from './ecdsa.ts';
import { serverOfCertificate } from './server-authority.ts';

export interface ServerIdentity {
  /** This server's. */
  readonly server: ServerId;
  /**
   * For a listener that only servers of the organization may reach: TLS 1.3, a certificate of the peer demanded. Ask
   * for every connection: the answer is cheap and always holds the current certificate. A listener that keeps them
   * (`tls.createServer`) takes new ones from `onRenewed`.
   *
   * Node checks the certificate by itself in `tls.createServer` only, never for `new TLSSocket`: `acceptServer`
   * (server-accept.ts) does it for both, and asks the directory too.
   */
  listenerOptions(): TlsOptions;
  /** For dialling that server with a whole handshake: the peer has to prove to be it, whatever host name leads there. */
  dialOptions(peer: ServerId): ConnectionOptions;
  /** `tls.connect` with them; sessions are kept per peer, so that the next call costs no signature (RFC 8446 §2.2). */
  dial(peer: ServerId, where: { readonly host: string; readonly port: number }): TLSSocket;
  /**
   * Who the other side of a finished handshake has proved to be.
   * @throws Failure AUTHENTICATIONFAILED when nobody: no certificate, another authority's, an expired one
   */
  peer(socket: TLSSocket): ServerId;
  /** Returns the way to stop. */
  onRenewed(listener: () => void): () => void;
}

/** What a server needs to prove itself and to check others. */
export interface ServerCredential extends IssuedCertificate {
  /** PEM of the authorities whose servers are ours: two while one takes the other's place. */
  readonly trusted: readonly string[];
}

export interface ServerIdentityOptions {
  readonly server: ServerId;
  /** A certificate made now. Called at start, then once a day and by `renew`; while it fails, the last one serves. */
  readonly issue: () => Promise<ServerCredential>;
  readonly log: Log;
  /** For tests. */
  readonly now?: () => Date;
}

const DAY_MS = 86_400_000;
/** Leaves six of seven days for a directory that cannot be asked. */
export const RENEW_AFTER_MS = DAY_MS;
/** How often it is looked whether to renew, and how soon a failed renewal is tried again. */
export const RENEWAL_CHECK_MS = 10 * 60_000;
/** How long a session can be resumed (RFC 8446 §4.6.1 allows a week); a restarted listener forgets them all. */
export const SESSION_SECONDS = 3600;
const TICKET_KEY_BYTES = 48;

interface Current {
  readonly options: SecureContextOptions;
  readonly context: SecureContext;
  readonly trusted: readonly X509Certificate[];
  readonly since: number;
}

/** @throws what `issue` throws: a server without identity does not start */
export async function openServerIdentity(
  options: ServerIdentityOptions,
): Promise<ServerIdentity & { renew(): Promise<void>; close(): void }> {
  const { server, log } = options;
  const now = options.now ?? (() => new Date());
  const ticketKeys = randomBytes(TICKET_KEY_BYTES);
  const sessions = new Map<ServerId, Buffer>();
  const dialled = new WeakMap<TLSSocket, ServerId>();
  const listeners = new Set<() => void>();
  const made = async (): Promise<Current> => current(await options.issue(), ticketKeys, now());
  let held = await made();
  let renewing: Promise<void> | null = null;
  let tried = held.since;
  /** The last renewal failed. */
  let owed = false;

  const renew = (): Promise<void> => {
    tried = now().getTime();
    owed = true;
    // Behind one that is under way, which may have read what does not count any more.
    const mine = (renewing ?? Promise.resolve())
      .catch(() => {})
      .then(made)
      .then((fresh) => {
        held = fresh;
        if (renewing === mine) owed = false;
        // They were checked by what was trusted before.
        sessions.clear();
        for (const listener of listeners) listener();
      });
    const ended = (): void => {
      if (renewing === mine) renewing = null;
    };
    mine.then(ended, ended);
    renewing = mine;
    return mine;
  };
  const renewWhenDue = (): void => {
    const time = now().getTime();
    // A clock that was set back is a reason too: what was made in the future may not be in force for others.
    const due = owed || Math.abs(time - held.since) >= RENEW_AFTER_MS;
    if (!due || renewing !== null || Math.abs(time - tried) < RENEWAL_CHECK_MS) return;
    renew().catch((error: unknown) => log.error({ error, server }, 'the identity of this server was not renewed'));
  };
  const timer = setInterval(renewWhenDue, RENEWAL_CHECK_MS);
  timer.unref();

  const whoIs = (certificate: X509Certificate | undefined): ServerId => {
    if (certificate === undefined) throw noServer('it showed no certificate');
    const found = serverOfCertificate(certificate, held.trusted, now());
    if (found.server === null) throw noServer(found.why);
    return found.server;
  };
  const dialOptions = (peer: ServerId): ConnectionOptions => {
    renewWhenDue();
    return {
      ...held.options,
      secureContext: held.context,
      rejectUnauthorized: true,
      checkServerIdentity: (_host, { raw }) => {
        const reached = whoIs(new X509Certificate(raw));
        return reached === peer ? undefined : noServer(`it is server ${reached}, not ${peer}`);
      },
    };
  };

  return {
    server,
    listenerOptions: () => {
      renewWhenDue();
      return { ...held.options, secureContext: held.context, requestCert: true, rejectUnauthorized: true };
    },
    dialOptions,
    dial: (peer, where) => {
      const session = sessions.get(peer);
      const socket = connect({ ...dialOptions(peer), ...where, ...(session === undefined ? {} : { session }) });
      dialled.set(socket, peer);
      socket.on('session', (session) => sessions.set(peer, session));
      // Whatever was wrong, the next handshake is a whole one.
      socket.once('error', () => sessions.delete(peer));
      return socket;
    },
    peer: (socket) => {
      const meant = dialled.get(socket);
      // OpenSSL shows a client no certificate for a resumed session; it is of a handshake that was checked, since
      // sessions are kept by peer.
      if (meant !== undefined && socket.authorized && socket.isSessionReused()) return meant;
      return whoIs(socket.getPeerX509Certificate());
    },
    onRenewed: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    renew,
    close: () => {
      clearInterval(timer);
      listeners.clear();
    },
  };
}

function current(credential: ServerCredential, ticketKeys: Buffer, now: Date): Current {
  const options: SecureContextOptions = {
    cert: credential.chainPem,
    key: credential.keyPem,
    ca: [...credential.trusted],
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    sessionIdContext: 'penfold-servers',
    sessionTimeout: SESSION_SECONDS,
    ticketKeys,
  };
  return {
    options,
    context: createSecureContext(options),
    trusted: credential.trusted.map((text) => new X509Certificate(text)),
    since: now.getTime(),
  };
}

function noServer(why: string): Failure {
  return new Failure('AUTHENTICATIONFAILED', `the other side is no server of this organization: ${why}`);
}
