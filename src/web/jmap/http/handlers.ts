/**
 * The resources of JMAP on the HTTPS host (RFC 8620 §2, §3.1, §6, §7.3): each a handler. What they answer comes from
 * the front end (front-end.ts) and from push-stream.ts.
 */
import type { IncomingMessage } from 'node:http';
import { Failure } from '../../../observe/failure.ts';
import type { Log } from '../../../observe/log.ts';
import type { WebExchange, WebHandler } from '../../https-host.ts';
import type { SignIns } from '../../session/sign-ins.ts';
import { refuseUpgrade, sendProblem } from '../../problem.ts';
import { JMAP_LIMITS, readRequest, RequestRefused } from '../request.ts';
import {
  allow,
  callerOf,
  keyOf,
  refuse,
  sendPieces,
  sendRefusal,
  type SignedInCaller,
  utf8,
  withBody,
} from './answering.ts';
import { isKnown, mediaTypeOf, writeFileHead, writeNotModified, writeRangeRefused } from './downloads.ts';
import { sendEvents } from './event-source.ts';
import type { JmapFrontEnd } from './front-end.ts';
import { Budget, REQUEST_BODIES_BYTES, Slots, STREAMS_OF_ONE, UPLOAD_SILENCE_MS } from './limits.ts';
import type { PushStreams } from './push-stream.ts';
import { RangeRefused, readRange } from './ranges.ts';
import { sessionObject } from './session-object.ts';
import { serveWebSocket } from './web-socket.ts';

export interface JmapHandlersOptions {
  readonly frontEnd: JmapFrontEnd;
  readonly streams: PushStreams;
  readonly signIns: SignIns;
  readonly log: Log;
}

/** Name or address and perhaps a port, as a client has called the server (RFC 9110 §7.2). */
const HOST = /^(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$/;

export function jmapHandlers(options: JmapHandlersOptions): readonly WebHandler[] {
  const { frontEnd, signIns } = options;
  const requests = new Slots(JMAP_LIMITS.maxConcurrentRequests);
  const uploads = new Slots(JMAP_LIMITS.maxConcurrentUpload);
  const streams = new Slots(STREAMS_OF_ONE);
  const bodies = new Budget(REQUEST_BODIES_BYTES);

  async function inSlot<T>({ caller }: SignedInCaller, stream: () => Promise<T>): Promise<T> {
    const leave = streams.take(caller.user.id);
    if (leave === null) throw new Failure('LIMIT', `You have ${STREAMS_OF_ONE} streams open already; close one.`);
    try {
      return await stream();
    } finally {
      leave();
    }
  }

  const handler = (
    prefix: string,
    methods: readonly string[],
    answer: (exchange: WebExchange, signedIn: SignedInCaller) => Promise<void>,
  ): WebHandler => ({
    prefix,
    handle: async (exchange) => {
      try {
        allow(exchange.request, ...methods);
        await answer(exchange, await callerOf(signIns, exchange));
      } catch (error) {
        sendRefusal(error, exchange);
      }
    },
  });

  return [
    {
      prefix: '/.well-known/jmap',
      handle: async ({ response }) => {
        response.writeHead(307, { location: '/jmap/session', 'cache-control': 'no-store' });
        response.end();
      },
    },
    handler('/jmap/session', ['GET', 'HEAD'], async ({ request, response }, { caller }) => {
      const session = await frontEnd.session(caller);
      response.setHeader('content-type', 'application/json');
      response.setHeader('cache-control', 'no-cache, no-store, must-revalidate');
      response.end(request.method === 'HEAD' ? '' : JSON.stringify(sessionObject(session, hostOf(request))));
    }),
    handler('/jmap/api', ['POST'], async ({ request, response, signal }, { caller }) => {
      if (typeOf(request) !== 'application/json')
        throw new RequestRefused('notJSON', 'content-type must be application/json');
      const leave = requests.take(keyOf(caller));
      if (leave === null) throw tooMany('maxConcurrentRequests', 'requests at a time');
      const limits = {
        most: JMAP_LIMITS.maxSizeRequest,
        budget: bodies,
        tooLarge: () => tooMany('maxSizeRequest', 'bytes a request'),
      };
      try {
        await withBody(request, limits, async (text) => {
          const asked = readRequest(utf8(text), frontEnd.uris);
          const pieces = await frontEnd.api(caller, asked, text, signal);
          response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
          await sendPieces(response, pieces, signal);
        });
      } finally {
        leave();
      }
    }),
    {
      ...handler('/jmap/upload/', ['POST'], async (exchange, { caller }) => {
        const { request, response, url, signal } = exchange;
        const [account = '', rest] = pathBehind(url, '/jmap/upload/');
        if (rest !== '') throw nothingThere();
        const leave = uploads.take(keyOf(caller));
        if (leave === null) throw tooMany('maxConcurrentUpload', 'uploads at a time');
        try {
          const announced = Number(request.headers['content-length'] ?? 0);
          if (announced > JMAP_LIMITS.maxSizeUpload) throw tooLargeUpload();
          const type = mediaTypeOf(typeOf(request));
          const body = bodyOf(request);
          const { blobId, size } = await frontEnd.upload(account, { caller, type, body, signal });
          response.writeHead(201, { 'content-type': 'application/json', 'cache-control': 'no-store' });
          response.end(JSON.stringify({ accountId: account, blobId, type, size }));
        } finally {
          leave();
        }
      }),
      streamsBodies: true,
    },
    handler('/jmap/download/', ['GET', 'HEAD'], async ({ request, response, url, signal }, { caller }) => {
      const [account = '', blobId = '', name = '', ...more] = pathBehind(url, '/jmap/download/');
      if (blobId === '' || more.length > 0) throw nothingThere();
      const file = {
        blobId,
        name,
        type: mediaTypeOf(url.searchParams.get('type')),
        inline: url.searchParams.get('disposition') === 'inline',
      };
      const wantsBody = request.method !== 'HEAD';
      const range = wantsBody && mayBeRange(request, blobId) ? readRange(request.headers.range) : null;
      try {
        const has = isKnown(request.headers, blobId);
        const download = await frontEnd.download(account, {
          caller,
          blobId,
          range,
          wantsBody: wantsBody && !has,
          signal,
        });
        if (download === null) throw nothingThere();
        try {
          if (has) {
            writeNotModified(response, file);
            return;
          }
          writeFileHead(response, file, download);
          if (wantsBody) await sendPieces(response, download.bytes, signal);
          else response.end();
        } finally {
          download.close();
        }
      } catch (error) {
        if (!(error instanceof RangeRefused)) throw error;
        writeRangeRefused(response, error);
      }
    }),
    handler('/jmap/eventsource', ['GET'], (exchange, signedIn) =>
      inSlot(signedIn, () => sendEvents(exchange, signedIn, options.streams)),
    ),
    {
      prefix: '/jmap/ws',
      handle: async (exchange) => {
        const problem = { title: 'Upgrade Required', status: 426, detail: 'This is for WebSockets (RFC 8887).' };
        sendProblem(exchange.response, { ...problem }, { upgrade: 'websocket', connection: 'upgrade' });
      },
      upgrade: async (exchange) => {
        try {
          const signedIn = await callerOf(signIns, { ...exchange, response: null });
          await inSlot(signedIn, () =>
            serveWebSocket(exchange, signedIn, {
              ...options,
              requests,
              bodies,
              whileSignedIn: (ended) => signIns.whileSignedIn(signedIn.who, ended),
            }),
          );
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          const { problem, headers } = refuse(error, exchange.request.headers);
          refuseUpgrade(exchange.socket, problem, headers);
        }
      },
    },
  ];
}

function tooMany(
  limit: 'maxConcurrentRequests' | 'maxConcurrentUpload' | 'maxSizeRequest',
  what: string,
): RequestRefused {
  return new RequestRefused('limit', `at most ${JMAP_LIMITS[limit]} ${what}`, limit);
}

const tooLargeUpload = (): Failure =>
  new Failure('TOOBIG', `An upload has at most ${JMAP_LIMITS.maxSizeUpload} bytes (maxSizeUpload).`);

const nothingThere = (): Failure => new Failure('NONEXISTENT', 'There is nothing at this address for you.');

const typeOf = ({ headers }: IncomingMessage): string =>
  headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? '';

/** @throws Failure CLIENTBUG */
function hostOf({ headers }: IncomingMessage): string {
  const host = headers.host ?? '';
  if (!HOST.test(host)) throw new Failure('CLIENTBUG', 'the Host field is no name');
  return host;
}

/** Segments without their percent encoding. @throws Failure CLIENTBUG */
function pathBehind(url: URL, prefix: string): readonly string[] {
  try {
    return url.pathname.slice(prefix.length).split('/').map(decodeURIComponent);
  } catch {
    throw new Failure('CLIENTBUG', 'the path is not encoded as it has to be');
  }
}

/** If-Range (RFC 9110 §13.1.5): the octets behind an id never change. */
function mayBeRange({ headers }: IncomingMessage, blobId: string): boolean {
  const condition = headers['if-range'];
  return condition === undefined || condition === `"${blobId}"`;
}

/** Ends with a Failure when the client falls silent: what comes slowly may come, for as long as it comes. */
async function* bodyOf(request: IncomingMessage): AsyncIterable<Buffer> {
  const silent = setTimeout(
    () => request.destroy(new Failure('LIMIT', 'the upload has stopped coming')),
    UPLOAD_SILENCE_MS,
  );
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      silent.refresh();
      yield Buffer.from(chunk);
      silent.refresh();
    }
  } finally {
    clearTimeout(silent);
  }
}
