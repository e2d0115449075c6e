/**
 * Where Prometheus and load balancers ask: GET /metrics and GET /healthz over plain HTTP, on loopback unless an admin
 * wants it elsewhere. A listener of its own: it answers while the web service is stopped, and nobody's password is ever
 * sent to it. Knows neither instruments nor probes.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Failure } from '../failure.ts';
import type { Log } from '../log.ts';

/** Scrapers there are two of, not hundreds. */
export const METRICS_CONNECTIONS = 16;
const REQUEST_MS = 5_000;
const HEADER_BYTES = 4096;

export interface Answer {
  readonly status: 200 | 503;
  readonly contentType: string;
  readonly body: string;
}

export interface MetricsListenerOptions {
  readonly address: string;
  readonly port: number;
  /** Path → what it answers. */
  readonly answers: ReadonlyMap<string, () => Promise<Answer>>;
  readonly log: Log;
}

export interface MetricsListener {
  readonly address: string;
  /** Really listened on, also where 0 was wanted. */
  readonly port: number;
  close(): Promise<void>;
}

/** @throws Failure INUSE, UNAVAILABLE: the text names address and port */
export async function openMetricsListener(options: MetricsListenerOptions): Promise<MetricsListener> {
  const { address, port, log } = options;
  const server = createServer(
    {
      requestTimeout: REQUEST_MS,
      headersTimeout: REQUEST_MS,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: HEADER_BYTES,
    },
    (request, response) => {
      answer(options, request, response).catch((error: unknown) => {
        log.error({ err: error }, 'metrics could not be told');
        if (response.headersSent) response.destroy();
        else write(response, 500, 'text/plain', 'the metrics could not be read; see the log\n');
      });
    },
  );
  server.maxConnections = METRICS_CONNECTIONS;
  // Nothing here keeps a process alive that has nothing else to do.
  server.unref();
  try {
    server.listen({ host: address, port, ipv6Only: address.includes(':') });
    await once(server, 'listening');
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
    const isTaken = code === 'EADDRINUSE';
    throw new Failure(
      isTaken ? 'INUSE' : 'UNAVAILABLE',
      `penfold.toml: \`metrics.listen\`: port ${port} on ${address} ${isTaken ? 'is taken by another program' : `cannot be opened (${String(code)})`}`,
      { cause: error },
    );
  }
  server.on('error', (error) => log.error({ err: error }, 'the metrics listener has trouble'));
  const bound = server.address();
  return {
    address,
    port: bound !== null && typeof bound === 'object' ? bound.port : port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  options: MetricsListenerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const found = options.answers.get(path);
  if (found === undefined) {
    write(response, 404, 'text/plain', `${[...options.answers.keys()].join('\n')}\n`);
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    write(response, 405, 'text/plain', 'GET only\n');
    return;
  }
  const { status, contentType, body } = await found();
  write(response, status, contentType, request.method === 'HEAD' ? '' : body);
}

function write(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
  response.end(body);
}
