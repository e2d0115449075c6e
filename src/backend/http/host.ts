/**
 * The back-end HTTPS port (444, as Exchange's back-end site): what servers of the organization ask of each other, for
 * mounted handlers. Mutual TLS and the directory decide who comes in (tls/server-accept.ts) before a byte of a request
 * is read, each handler names the role that may ask; clients never reach it. Open while there is another server.
 * Knows no handler.
 */
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Directory, DirectoryChange } from '../../directory/api.ts';
import type { Server } from '../../directory/model.ts';
import { Listeners, type Listening } from '../../frontend/accept.ts';
import { Failure } from '../../observe/failure.ts';
import type { Log } from '../../observe/log.ts';
import { OwnedElsewhere } from '../../store/api.ts';
import { acceptServer } from '../../tls/server-accept.ts';
import type { ServerIdentity } from '../../tls/server-identity.ts';
import { problemOf, sendProblem } from '../../web/problem.ts';

/** Head of a request, then all of it; a body that streams is watched by its handler. */
const HEADERS_MS = 10_000;
const HEADER_BYTES = 16 * 1024;
/** Between two requests of a peer, and without traffic within one. */
const KEEP_ALIVE_MS = 60_000;
const IDLE_MS = 120_000;
/** Connections of all peers: each move has two or three. */
export const PEER_CONNECTIONS = 512;

const CONCERNS: readonly DirectoryChange['kind'][] = [
  'client-access-server',
  'server',
  'imap-settings',
  'pop-settings',
];

export interface PeerExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  /** Who has proved to ask. */
  readonly peer: Server;
  /** Aborted when the peer has gone away or this server stops. */
  readonly signal: AbortSignal;
}

export interface PeerHandler {
  /** Begins and ends with a slash. */
  readonly prefix: string;
  /** Servers of this role only. */
  readonly from: 'front-end' | 'back-end';
  /**
   * A Failure becomes a problem document; after the head was sent, the connection ends. A peer that waits for leave to
   * send its body (Expect: 100-continue) gets it by `response.writeContinue()`.
   */
  handle(exchange: PeerExchange): Promise<void>;
}

export interface BackEndHttpsOptions {
  readonly directory: Directory;
  readonly server: Pick<Server, 'id' | 'name'>;
  readonly identity: ServerIdentity;
  readonly handlers: readonly PeerHandler[];
  readonly log: Log;
}

export class BackEndHttps {
  readonly #options: BackEndHttpsOptions;
  readonly #handlers: PeerHandler[];
  readonly #http: HttpServer;
  readonly #listeners: Listeners;
  readonly #peers = new WeakMap<Socket, Server>();
  readonly #sockets = new Set<Socket>();
  readonly #stop = new AbortController();
  #unwatch: () => void = () => {};
  #applying: Promise<void> = Promise.resolve();
  #problems: readonly Failure[] = [];

  constructor(options: BackEndHttpsOptions) {
    this.#options = options;
    this.#handlers = [...options.handlers];
    this.#http = createServer(
      {
        headersTimeout: HEADERS_MS,
        requestTimeout: 0,
        keepAliveTimeout: KEEP_ALIVE_MS,
        connectionsCheckingInterval: HEADERS_MS,
        maxHeaderSize: HEADER_BYTES,
      },
      (request, response) => this.#answer(request, response),
    );
    // Without this, Node gives leave before anybody has looked at the request.
    this.#http.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
      this.#answer(request, response),
    );
    this.#http.setTimeout(IDLE_MS);
    // Sockets come from Listeners; without this event Node watches no request's time.
    this.#http.emit('listening');
    this.#listeners = new Listeners((socket) => void this.#accept(socket));
  }

  /** Before it starts. */
  mount(handler: PeerHandler): void {
    this.#handlers.push(handler);
  }

  get listening(): readonly Listening[] {
    return this.#listeners.listening;
  }

  get problems(): readonly Failure[] {
    return this.#problems;
  }

  async start(): Promise<void> {
    this.#unwatch = this.#options.directory.watch(({ kind }) => {
      if (CONCERNS.includes(kind)) this.#apply();
    });
    this.#apply();
    await this.#applying;
  }

  settled(): Promise<void> {
    return this.#applying;
  }

  /** Requests end where they are: whoever asked asks again. */
  async close(): Promise<void> {
    this.#unwatch();
    await this.#applying;
    this.#stop.abort();
    await this.#listeners.apply([]);
    for (const socket of this.#sockets) socket.destroy();
    this.#http.close();
  }

  #apply(): void {
    this.#applying = this.#applying
      .then(async () => {
        if (this.#stop.signal.aborted) return;
        this.#problems = await this.#listeners.apply(await this.#wanted());
        for (const problem of this.#problems) this.#options.log.error({ text: problem.message }, 'back-end HTTPS');
      })
      .catch((error: unknown) => this.#options.log.error({ err: error }, 'the back-end HTTPS port could not follow'));
  }

  /** On the addresses of the other ports of this server. */
  async #wanted(): Promise<Parameters<Listeners['apply']>[0]> {
    const { directory, server } = this.#options;
    const others = (await directory.servers()).some((one) => one.id !== server.id);
    if (!others) return [];
    const { backEndHttpsPort: port } = await directory.clientAccessServer(server.id);
    const [imap, pop3] = [await directory.imapSettings(server.id), await directory.popSettings(server.id)];
    const bindings = [imap, pop3].flatMap((one) => [...one.unencryptedOrTlsBindings, ...one.sslBindings]);
    return [...new Set(bindings.map(({ address }) => address))].map((address) => ({
      address,
      port,
      implicitTls: true,
    }));
  }

  async #accept(plain: Socket): Promise<void> {
    const { identity, directory, log } = this.#options;
    const { remoteAddress } = plain;
    if (this.#sockets.size >= PEER_CONNECTIONS) {
      plain.destroy();
      return;
    }
    this.#sockets.add(plain);
    plain.on('close', () => this.#sockets.delete(plain));
    try {
      const { socket, server } = await acceptServer(plain, { identity, directory, role: 'any' });
      this.#peers.set(socket, server);
      this.#http.emit('connection', socket);
    } catch (error) {
      plain.destroy();
      const code = error instanceof Failure ? error.code : 'SERVERBUG';
      const text = error instanceof Failure ? error.message : '';
      log.warn({ peer: remoteAddress, code, text }, 'nobody of this organization: refused on the back-end HTTPS port');
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { log } = this.#options;
    const peer = this.#peers.get(request.socket);
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const handled = async (): Promise<void> => {
      const url = new URL(request.url ?? '/', 'https://back-end');
      const handler = this.#handlers.find(({ prefix }) => url.pathname.startsWith(prefix));
      if (peer === undefined || handler === undefined) throw new Failure('NONEXISTENT', 'there is nothing here');
      if (!(handler.from === 'front-end' ? peer.frontEnd : peer.backEnd))
        throw new Failure(
          'AUTHORIZATIONFAILED',
          `server ${peer.name} is no ${handler.from}, and only those may ask this`,
        );
      const signal = AbortSignal.any([gone.signal, this.#stop.signal]);
      await handler.handle({ request, response, url, peer, signal });
    };
    handled().catch((error: unknown) => {
      if (!(error instanceof Failure))
        log.error({ err: error, peer: peer?.name }, 'a request of another server failed');
      // A body that was begun cannot say that it is wrong; one that ends early does.
      if (response.headersSent) response.destroy();
      else
        sendProblem(response, {
          ...problemOf(error),
          ...(error instanceof OwnedElsewhere ? { owner: error.owner } : {}),
        });
    });
  }
}
