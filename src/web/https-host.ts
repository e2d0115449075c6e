/**
 * The `web` service: HTTPS listeners that follow the service's state and the certificates, limits before any request
 * is looked at, and mounted handlers by path. Everything that speaks HTTP to the outside stands on this one host; there
 * is no plain HTTP (RFC 8996, RFC 9325; HSTS: RFC 6797). Knows no handler.
 *
 * node:https as it is: what stands here now is a handful of routes with one shape. The pages of the web app bring a
 * framework, which then is one more handler.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Directory } from '../directory/api.ts';
import type { Binding, ServerId } from '../directory/model.ts';
import { Listeners, type Listening } from '../frontend/accept.ts';
import type { Arrival } from '../frontend/load-balancers.ts';
import { RunningService } from '../frontend/running-service.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import { tally } from '../observe/metrics/tally.ts';
import type { CertificateStore } from '../tls/certificates.ts';
import { WEB_CONNECTIONS, WEB_CONNECTIONS_PER_ADDRESS, WEB_HEADER_BYTES } from '../wire/limits.ts';
import { localEnd, remoteEnd } from '../wire/socket-facts.ts';
import { problem, problemOf, refuseUpgrade, sendProblem } from './problem.ts';

/** TLS handshake, then the head of a request, then all of it. */
const HANDSHAKE_MS = 10_000;
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
/** A connection without traffic in either direction: longer than a cmdlet may be silent. */
const IDLE_MS = 360_000;
const KEEP_ALIVE_MS = 10_000;
/** Requests of a stopped service have so long to end. */
const STOP_MS = 5_000;
const RETRY_MS = 15_000;
/** One year (RFC 6797 §6.1.1). Not for subdomains: those may be other people's servers. */
const HSTS = 'max-age=31536000';

interface Arrived {
  readonly request: IncomingMessage;
  readonly url: URL;
  readonly remoteAddress: string;
  /** Aborted when the client has gone away or the service stops. */
  readonly signal: AbortSignal;
  /** Aborted when the service begins to stop: answers without an end have to end now. */
  readonly leaving: AbortSignal;
}

export interface WebExchange extends Arrived {
  readonly response: ServerResponse;
}

/** A client that asks for another protocol on its connection (RFC 9110 §7.8). */
export interface WebUpgrade extends Arrived {
  readonly socket: Duplex;
  /** What it has sent behind its request already. */
  readonly head: Buffer;
}

export interface WebHandler {
  /** With a slash at its end all paths that begin so, in this case; else this one path, in any case. The longest wins. */
  readonly prefix: string;
  /** It bounds the time of a body itself, by what comes in; else a request has REQUEST_MS. */
  readonly streamsBodies?: true;
  /** A Failure becomes a problem document. */
  handle(exchange: WebExchange): Promise<void>;
  /**
   * Resolves when the connection is over. A Failure before anything was written becomes a problem document. Missing:
   * it is refused.
   */
  upgrade?(exchange: WebUpgrade): Promise<void>;
}

const HEADERS: Readonly<Record<string, string>> = {
  'strict-transport-security': HSTS,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
};

export interface HttpsHostOptions {
  readonly directory: Directory;
  readonly server: ServerId;
  readonly bindings: readonly Binding[];
  readonly certificates: CertificateStore;
  readonly handlers: readonly WebHandler[];
  readonly log: Log;
  /** For tests. */
  readonly limits?: Partial<{
    readonly headersMs: number;
    readonly requestMs: number;
    readonly connections: number;
    readonly perAddress: number;
  }>;
}

export class HttpsHost {
  readonly #options: HttpsHostOptions;
  readonly #https: HttpsServer;
  readonly #listeners: Listeners;
  readonly #service: RunningService;
  readonly #active = new Set<Promise<void>>();
  readonly #unwatch: () => void;
  #stop = new AbortController();
  #leave = new AbortController();
  #connections = 0;
  readonly #byAddress = new Map<string, number>();
  /** The client of each open connection from a load balancer. The TLS socket that Node makes of it has only its ends. */
  readonly #behindBalancers = new Map<string, string>();
  #problems: readonly Failure[] = [];
  #retry: NodeJS.Timeout | null = null;
  #leaving: Promise<void> = Promise.resolve();

  constructor(options: HttpsHostOptions) {
    this.#options = options;
    const { certificates, limits } = options;
    const { SNICallback } = certificates.socketOptions();
    this.#https = createServer(
      {
        ...certificates.secureContextOptions(),
        ...(SNICallback === undefined ? {} : { SNICallback }),
        handshakeTimeout: HANDSHAKE_MS,
        headersTimeout: limits?.headersMs ?? HEADERS_MS,
        // Bodies have their time each (#bodyDeadline): Node has one for all requests, uploads as well.
        requestTimeout: 0,
        connectionsCheckingInterval: Math.min(1000, limits?.headersMs ?? HEADERS_MS),
        keepAliveTimeout: KEEP_ALIVE_MS,
        maxHeaderSize: WEB_HEADER_BYTES,
      },
      (request, response) => this.#begin(this.#answer(request, response)),
    );
    this.#https.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#begin(this.#upgrade(request, socket, head)),
    );
    this.#https.setTimeout(IDLE_MS);
    // The sockets come from Listeners, as with the other services; without this event Node watches no request's time.
    this.#https.emit('listening');
    this.#unwatch = certificates.onReload(() => this.#https.setSecureContext(certificates.secureContextOptions()));
    this.#listeners = new Listeners(
      (socket, _, arrival) => {
        if (!this.#admit(socket, arrival)) {
          tally.connections.web.refused.add(['LIMIT']);
          socket.destroy();
          return;
        }
        // A client that breaks off its handshake is no news.
        socket.on('error', () => {});
        this.#https.emit('connection', socket);
      },
      (balancer, { port }, text) => {
        tally.connections.web.refused.add(['PROXY']);
        options.log.warn({ protocol: 'web', balancer, port, text }, 'connection of a load balancer refused');
      },
    );
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

  /** A port that is taken does not keep the mail from running: it stands here, and is tried again. */
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
    this.#unwatch();
    if (this.#retry !== null) clearTimeout(this.#retry);
    await Promise.all([this.#leaving, this.#endRequests(ms)]);
    this.#https.close();
    this.#https.closeAllConnections();
  }

  /** Counts the connection until it closes. False: there are too many. */
  #admit(socket: Socket, { ends, isBalancer }: Arrival): boolean {
    const { limits } = this.#options;
    const address = (ends?.remote ?? remoteEnd(socket)).address;
    const own = this.#byAddress.get(address) ?? 0;
    if (this.#connections >= (limits?.connections ?? WEB_CONNECTIONS)) return false;
    if (!isBalancer && own >= (limits?.perAddress ?? WEB_CONNECTIONS_PER_ADDRESS)) return false;
    this.#connections += 1;
    tally.connections.web.accepted += 1;
    tally.connections.web.open += 1;
    const hop = hopOf(socket);
    if (ends !== null) this.#behindBalancers.set(hop, address);
    if (!isBalancer) this.#byAddress.set(address, own + 1);
    socket.once('close', () => {
      this.#connections -= 1;
      tally.connections.web.open -= 1;
      if (ends !== null) this.#behindBalancers.delete(hop);
      if (isBalancer) return;
      const left = (this.#byAddress.get(address) ?? 1) - 1;
      if (left > 0) this.#byAddress.set(address, left);
      else this.#byAddress.delete(address);
    });
    return true;
  }

  async #apply(running: boolean): Promise<readonly Failure[]> {
    this.#listeners.trustLoadBalancers(
      (await this.#options.directory.clientAccessServer(this.#options.server)).proxyProtocolIpRanges,
    );
    const wanted = running ? this.#options.bindings.map((binding) => ({ ...binding, implicitTls: true })) : [];
    const had = this.#listeners.listening.length > 0;
    this.#problems = await this.#listeners.apply(wanted);
    for (const { code, message } of this.#problems) this.#options.log.error({ service: 'web', code }, message);
    if (this.#problems.length > 0) this.#retryLater();
    if (had && !running) this.#leaving = Promise.all([this.#leaving, this.#endRequests(STOP_MS)]).then(() => {});
    return [];
  }

  #retryLater(): void {
    if (this.#retry !== null) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      const wanted = this.#options.bindings.map((binding) => ({ ...binding, implicitTls: true }));
      if (this.#problems.length === 0) return;
      this.#listeners.apply(wanted).then(
        (problems) => {
          this.#problems = problems;
          if (problems.length > 0) this.#retryLater();
        },
        (error: unknown) => this.#options.log.error({ err: error }, 'the web listeners could not be opened'),
      );
    }, RETRY_MS);
    this.#retry.unref();
  }

  #begin(answer: Promise<void>): void {
    const work = answer.finally(() => this.#active.delete(work));
    this.#active.add(work);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort(new Failure('UNAVAILABLE', 'the client has gone away')));
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    let deadline: NodeJS.Timeout | null = null;
    try {
      const { handler, url } = this.#routed(request);
      if (handler.streamsBodies !== true && !request.complete) deadline = this.#bodyDeadline(request, response);
      await handler.handle({ response, ...this.#arrived(request, url, gone.signal) });
    } catch (error) {
      this.#logFault(error, request, response.destroyed);
      sendProblem(response, { ...problemOf(error) });
    } finally {
      if (deadline !== null) clearTimeout(deadline);
    }
    // What the client still sends of a refused request is not waited for.
    if (request.complete) return;
    if (response.writableFinished) request.destroy();
    else response.once('finish', () => request.destroy());
  }

  /** A body that does not come in its time: 408, and the connection ends. */
  #bodyDeadline(request: IncomingMessage, response: ServerResponse): NodeJS.Timeout {
    const late = (): void => {
      if (request.complete) return;
      if (response.headersSent) {
        request.destroy();
        return;
      }
      response.once('finish', () => request.destroy());
      const slow = problem(408, 'the request did not come in time', 'LIMIT');
      sendProblem(response, { ...slow }, { connection: 'close' });
    };
    return setTimeout(late, this.#options.limits?.requestMs ?? REQUEST_MS).unref();
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const gone = new AbortController();
    socket.on('error', () => socket.destroy());
    socket.once('close', () => gone.abort(new Failure('UNAVAILABLE', 'the client has gone away')));
    try {
      const { handler, url } = this.#routed(request);
      if (handler.upgrade === undefined)
        throw new Failure('CLIENTBUG', `no other protocol is spoken at ${url.pathname.slice(0, 200)}`);
      await handler.upgrade({ socket, head, ...this.#arrived(request, url, gone.signal) });
    } catch (error) {
      this.#logFault(error, request, socket.destroyed);
      refuseUpgrade(socket, { ...problemOf(error) });
    }
  }

  /** @throws Failure CLIENTBUG, NONEXISTENT */
  #routed(request: IncomingMessage): { readonly handler: WebHandler; readonly url: URL } {
    const target = request.url ?? '/';
    if (!target.startsWith('/') || !URL.canParse(target, 'https://host'))
      throw new Failure('CLIENTBUG', 'the request target is no path');
    const url = new URL(target, 'https://host');
    let handler: WebHandler | null = null;
    for (const one of this.#options.handlers)
      if (fits(one.prefix, url.pathname) && one.prefix.length > (handler?.prefix.length ?? 0)) handler = one;
    if (handler === null) throw new Failure('NONEXISTENT', `there is nothing at ${url.pathname.slice(0, 200)}`);
    return { handler, url };
  }

  #arrived(request: IncomingMessage, url: URL, gone: AbortSignal): Arrived {
    return {
      request,
      url,
      remoteAddress: this.#behindBalancers.get(hopOf(request.socket)) ?? remoteEnd(request.socket).address,
      signal: AbortSignal.any([gone, this.#stop.signal]),
      leaving: this.#leave.signal,
    };
  }

  #logFault(error: unknown, request: IncomingMessage, isGone: boolean): void {
    if (error instanceof Failure || isGone) return;
    // A query may hold what is nobody's business.
    this.#options.log.error({ err: error, path: request.url?.split('?', 1)[0]?.slice(0, 200) }, 'a web request failed');
  }

  /** Lets running requests end for `ms`, then ends them. */
  async #endRequests(ms: number): Promise<void> {
    const [stop, leave] = [this.#stop, this.#leave];
    this.#stop = new AbortController();
    this.#leave = new AbortController();
    leave.abort(new Failure('UNAVAILABLE', 'the service stops'));
    this.#https.closeIdleConnections();
    const running = [...this.#active];
    const over = new AbortController();
    if (running.length > 0 && ms > 0) {
      await Promise.race([
        Promise.all(running),
        delay(ms, undefined, { signal: over.signal, ref: false }).catch(() => {}),
      ]);
    }
    over.abort();
    stop.abort(new Failure('UNAVAILABLE', 'the service stops'));
    await Promise.all(running);
    this.#https.closeIdleConnections();
  }
}

const fits = (prefix: string, path: string): boolean =>
  prefix.endsWith('/') ? path.startsWith(prefix) : path.toLowerCase() === prefix.toLowerCase();

/** Which TCP connection it is, told alike of a socket and of the TLS on it. */
const hopOf = (socket: Socket): string => {
  const [remote, local] = [remoteEnd(socket), localEnd(socket)];
  return `${remote.address} ${remote.port} ${local.address} ${local.port}`;
};

/** All of a request's body. @throws Failure TOOBIG */
export async function readBody(request: IncomingMessage, most: number): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > most) throw new Failure('TOOBIG', `a request takes ${most} bytes at most`);
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Not destroyed by the throw: the refusal still has to reach the client.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const part = Buffer.from(chunk);
    bytes += part.length;
    if (bytes > most) throw new Failure('TOOBIG', `a request takes ${most} bytes at most`);
    chunks.push(part);
  }
  return Buffer.concat(chunks);
}

/** Resolves when the client has taken enough for more, or is gone. */
export async function writeAll(response: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (!response.write(text)) await once(response, 'drain', { signal });
}
