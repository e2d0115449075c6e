/**
 * The plain HTTP port of the `web` service: who typed an address without `https://` is sent there (308, RFC 9110
 * §15.4.9) and nothing else happens: no handler, no cookie, no file, one request a connection. The request and what is in
 * it have crossed the network in the clear; HSTS (RFC 6797) keeps browsers from coming here a second time.
 */
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http';
import type { Directory } from '../directory/api.ts';
import type { Binding, ServerId } from '../directory/model.ts';
import { Listeners, type Listening } from '../frontend/accept.ts';
import type { FrontEndService } from '../frontend/front-end.ts';
import { RunningService } from '../frontend/running-service.ts';
import type { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import { tally } from '../observe/metrics/tally.ts';
import { REDIRECT_CONNECTIONS, REDIRECT_CONNECTIONS_PER_ADDRESS, REDIRECT_HEADER_BYTES } from '../wire/limits.ts';
import { remoteEnd } from '../wire/socket-facts.ts';

/** From the connection to the end of the answer. */
const WHOLE_MS = 5_000;
const HTTPS_PORT = 443;
/** A host name or an address in brackets; with the port of this listener, which is another one there. */
const HOST = /^([A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

export interface HttpRedirectOptions {
  readonly directory: Directory;
  readonly server: ServerId;
  /** Where a client is sent that does not say which host it wants. */
  readonly fqdn: string;
  readonly bindings: readonly Binding[];
  /** Null: HTTPS listens nowhere now. */
  readonly httpsPort: () => number | null;
  readonly log: Log;
  /** For tests. */
  readonly limits?: Partial<{ readonly wholeMs: number; readonly connections: number; readonly perAddress: number }>;
}

export class HttpRedirect implements FrontEndService {
  readonly #options: HttpRedirectOptions;
  readonly #http: HttpServer;
  readonly #listeners: Listeners;
  readonly #service: RunningService;
  readonly #byAddress = new Map<string, number>();
  #connections = 0;
  #problems: readonly Failure[] = [];

  constructor(options: HttpRedirectOptions) {
    this.#options = options;
    const wholeMs = options.limits?.wholeMs ?? WHOLE_MS;
    this.#http = createServer(
      {
        headersTimeout: wholeMs,
        requestTimeout: wholeMs,
        connectionsCheckingInterval: Math.min(1000, wholeMs),
        maxHeaderSize: REDIRECT_HEADER_BYTES,
      },
      (request, response) => this.#answer(request, response),
    );
    // The sockets come from Listeners; without this event Node watches no request's time.
    this.#http.emit('listening');
    this.#listeners = new Listeners((socket, _, { ends, isBalancer }) => {
      const address = (ends?.remote ?? remoteEnd(socket)).address;
      const own = this.#byAddress.get(address) ?? 0;
      const { connections = REDIRECT_CONNECTIONS, perAddress = REDIRECT_CONNECTIONS_PER_ADDRESS } =
        options.limits ?? {};
      if (this.#connections >= connections || (!isBalancer && own >= perAddress)) {
        socket.destroy();
        return;
      }
      this.#connections += 1;
      this.#byAddress.set(address, own + 1);
      const late = setTimeout(() => socket.destroy(), wholeMs);
      socket.on('error', () => {});
      socket.once('close', () => {
        clearTimeout(late);
        this.#connections -= 1;
        const left = (this.#byAddress.get(address) ?? 1) - 1;
        if (left > 0) this.#byAddress.set(address, left);
        else this.#byAddress.delete(address);
      });
      this.#http.emit('connection', socket);
    });
    this.#service = new RunningService({
      directory: options.directory,
      server: options.server,
      services: ['web'],
      concerns: ['service', 'client-access-server'],
      log: options.log,
      connections: tally.connections.web,
      apply: (running) => this.#apply(running.size > 0),
    });
  }

  get listening(): readonly Listening[] {
    return this.#listeners.listening;
  }

  /** A port that another program has keeps nothing from running: it stands here. */
  get problems(): readonly Failure[] {
    return this.#problems;
  }

  start(): Promise<void> {
    return this.#service.start();
  }

  settled(): Promise<void> {
    return this.#service.settled();
  }

  async drain(ms: number): Promise<void> {
    await this.#service.drain(ms);
    this.#http.close();
    this.#http.closeAllConnections();
  }

  async #apply(running: boolean): Promise<readonly Failure[]> {
    const { directory, server, bindings, log } = this.#options;
    this.#listeners.trustLoadBalancers((await directory.clientAccessServer(server)).proxyProtocolIpRanges);
    this.#problems = await this.#listeners.apply(
      running ? bindings.map((binding) => ({ ...binding, implicitTls: false })) : [],
    );
    for (const { code, message } of this.#problems)
      log.warn({ service: 'web', code }, `${message}; browsers are not sent from http to https there`);
    return [];
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const port = this.#options.httpsPort();
    const target = request.url ?? '/';
    // Bodies are not read: the connection ends with the answer.
    response.once('finish', () => request.socket.destroySoon());
    response.shouldKeepAlive = false;
    if (port === null) {
      response.writeHead(503, { 'content-length': 0 });
    } else {
      const host = HOST.exec(request.headers.host ?? '')?.[1] ?? this.#options.fqdn;
      const place = port === HTTPS_PORT ? host : `${host}:${port}`;
      // `*` and whole URLs are no paths of ours.
      const path = target.startsWith('/') ? target : '/';
      response.writeHead(308, {
        location: `https://${place}${path}`,
        'content-length': 0,
        'cache-control': 'no-store',
      });
    }
    response.end();
  }
}
