/**
 * JMAP over a WebSocket (RFC 8887): requests answered as they are done, push when the client turns it on. Nothing more
 * is read from a client that does not read, a message has its time and its room like a body, and no compression: its
 * state would cost more memory than everything else of a connection.
 */
import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { Failure } from '../../../observe/failure.ts';
import type { Log } from '../../../observe/log.ts';
import type { WebUpgrade } from '../../https-host.ts';
import { isArray, isObject, type Json, type JsonObject, property } from '../json.ts';
import { JMAP_LIMITS, readJson, requestOf, RequestRefused } from '../request.ts';
import { keyOf, refuse, type SignedInCaller, utf8 } from './answering.ts';
import type { JmapFrontEnd } from './front-end.ts';
import {
  type Budget,
  KEEP_ALIVE_MS,
  SOCKET_MESSAGE_MS,
  SOCKET_MESSAGES,
  SOCKET_WAITING_BYTES,
  type Slots,
  STREAM_STALLED_MS,
} from './limits.ts';
import type { PushStream, PushStreams } from './push-stream.ts';

/** How long a client may take for the end of a closing handshake. */
const FAREWELL_MS = 2_000;
const ID_CHARACTERS = 256;
const TYPE_NAMES = 100;

/** Close codes of RFC 6455 §7.4.1 and its registry. */
const GOING_AWAY = 1001;
const UNSUPPORTED = 1003;
const POLICY = 1008;
const RESTART = 1012;
const TRY_LATER = 1013;

export interface WebSocketParts {
  readonly frontEnd: JmapFrontEnd;
  readonly streams: PushStreams;
  readonly requests: Slots;
  readonly bodies: Budget;
  readonly log: Log;
  /** Calls `ended` once when he could not sign in any more; returns the way to stop watching. */
  readonly whileSignedIn: (ended: (reason: string) => void) => () => void;
}

const server = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: JMAP_LIMITS.maxSizeRequest,
  handleProtocols: (protocols) => (protocols.has('jmap') ? 'jmap' : false),
});

/** Resolves when the connection is over. @throws Failure CLIENTBUG when the client does not speak JMAP (§4.2) */
export async function serveWebSocket(
  exchange: WebUpgrade,
  signedIn: SignedInCaller,
  parts: WebSocketParts,
): Promise<void> {
  const { request, socket, head, leaving } = exchange;
  const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim());
  if (!protocols.includes('jmap')) throw new Failure('CLIENTBUG', 'the WebSocket has to name the subprotocol "jmap"');
  const over = Promise.withResolvers<void>();
  socket.once('close', () => over.resolve());
  // What is no handshake of a WebSocket is answered by `ws`, and the connection ends.
  server.handleUpgrade(request, socket, head, (webSocket) => {
    const jmap = new JmapSocket(webSocket, socket, signedIn, parts);
    const leave = (): void => jmap.end(GOING_AWAY, 'the service stops');
    if (leaving.aborted) leave();
    leaving.addEventListener('abort', leave, { once: true });
    webSocket.once('close', () => leaving.removeEventListener('abort', leave));
  });
  await over.promise;
}

class JmapSocket {
  readonly #webSocket: WebSocket;
  readonly #signedIn: SignedInCaller;
  readonly #parts: WebSocketParts;
  readonly #gone = new AbortController();
  readonly #incoming: IncomingRoom;
  readonly #undo: Array<() => void>;
  /** Messages go one behind the other, each in pieces. */
  #sending: Promise<void> = Promise.resolve();
  #push: PushStream | null = null;
  /** Rises with each WebSocketPushEnable and -Disable: one that was overtaken must not come into force. */
  #pushWish = 0;
  #isTelling = false;
  /** Messages that are not answered yet. */
  #inHand = 0;
  #isAlive = true;

  constructor(webSocket: WebSocket, socket: Duplex, signedIn: SignedInCaller, parts: WebSocketParts) {
    this.#webSocket = webSocket;
    this.#signedIn = signedIn;
    this.#parts = parts;
    this.#incoming = new IncomingRoom(parts.bodies, (code, why) => this.end(code, why));
    const count = (chunk: Buffer): void => this.#incoming.came(chunk.length);
    socket.on('data', count);
    const pings = setInterval(() => this.#ping(), KEEP_ALIVE_MS);
    this.#undo = [
      () => socket.off('data', count),
      () => clearInterval(pings),
      parts.whileSignedIn((reason) => this.end(POLICY, reason)),
    ];
    webSocket.on('message', (data: RawData, isBinary: boolean) => this.#message(data, isBinary));
    webSocket.on('ping', () => this.#incoming.close());
    webSocket.on('pong', () => {
      this.#isAlive = true;
      this.#incoming.close();
    });
    // Broken frames, messages that are too long: `ws` closes by itself (1002, 1007, 1009).
    webSocket.on('error', () => {});
    webSocket.once('close', () => this.#closed());
  }

  end(code: number, reason: string): void {
    this.#webSocket.close(code, reason.slice(0, 100));
    setTimeout(() => this.#webSocket.terminate(), FAREWELL_MS).unref();
  }

  #closed(): void {
    this.#gone.abort(new Failure('UNAVAILABLE', 'the client has gone away'));
    for (const step of this.#undo) step();
    this.#incoming.close();
    this.#stopPush();
  }

  #ping(): void {
    if (!this.#isAlive) {
      this.#webSocket.terminate();
      return;
    }
    this.#isAlive = false;
    this.#webSocket.ping();
  }

  #message(data: RawData, isBinary: boolean): void {
    const octets = this.#incoming.complete();
    if (isBinary) {
      this.end(UNSUPPORTED, 'messages are text');
      return;
    }
    const body = Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
    this.#inHand += 1;
    this.#flow();
    void this.#handle(body).finally(() => {
      this.#inHand -= 1;
      this.#parts.bodies.give(octets);
      this.#flow();
    });
  }

  /** Reads on only while the client takes what it is answered. */
  #flow(): void {
    const isFull = this.#inHand >= SOCKET_MESSAGES || this.#webSocket.bufferedAmount > SOCKET_WAITING_BYTES;
    if (isFull === this.#webSocket.isPaused) return;
    this.#incoming.pause(isFull);
    if (isFull) this.#webSocket.pause();
    else this.#webSocket.resume();
  }

  /** Never rejects. */
  async #handle(body: Buffer): Promise<void> {
    let requestId: string | null = null;
    try {
      const message = readJson(utf8(body));
      if (!isObject(message)) throw new RequestRefused('notRequest', 'a message is a JSON object');
      const type = property(message, '@type');
      requestId = idOf(message);
      switch (type) {
        case 'Request':
          await this.#request(message, body, requestId);
          return;
        case 'WebSocketPushEnable':
          await this.#startPush(message);
          return;
        case 'WebSocketPushDisable':
          this.#stopPush();
          return;
        default:
          throw new RequestRefused('notRequest', '@type must be Request, WebSocketPushEnable or WebSocketPushDisable');
      }
    } catch (error) {
      if (this.#gone.signal.aborted) return;
      if (!(error instanceof Failure) && !(error instanceof RequestRefused))
        this.#parts.log.error({ err: error }, 'a message on a WebSocket failed');
      const { problem } = refuse(error, {});
      await this.#send({ '@type': 'RequestError', ...(requestId === null ? {} : { requestId }), ...problem });
    }
  }

  async #request(message: JsonObject, body: Buffer, requestId: string | null): Promise<void> {
    const { frontEnd, requests } = this.#parts;
    const { caller } = this.#signedIn;
    const leave = requests.take(keyOf(caller));
    if (leave === null)
      throw new RequestRefused(
        'limit',
        `at most ${JMAP_LIMITS.maxConcurrentRequests} requests at a time`,
        'maxConcurrentRequests',
      );
    try {
      const pieces = await frontEnd.api(caller, requestOf(message, frontEnd.uris), body, this.#gone.signal);
      const id = requestId === null ? '' : `"requestId":${JSON.stringify(requestId)},`;
      // The brace that the answer begins with has been written.
      await this.#sendPieces(`{"@type":"Response",${id}`, pieces);
    } finally {
      leave();
    }
  }

  async #startPush(message: JsonObject): Promise<void> {
    const { streams } = this.#parts;
    const types = typesOf(property(message, 'dataTypes'));
    const last = property(message, 'pushState');
    this.#stopPush();
    const wish = this.#pushWish;
    const push = await streams.open(this.#signedIn, types, {
      ready: () => this.#tell(),
      ended: (reason) => this.end(RESTART, reason),
    });
    if (this.#gone.signal.aborted || wish !== this.#pushWish) {
      push.close();
      return;
    }
    this.#push = push;
    if (typeof last === 'string' && last !== push.eventId) await this.#sendState(push, push.all());
    this.#tell();
  }

  #stopPush(): void {
    this.#pushWish += 1;
    this.#push?.close();
    this.#push = null;
  }

  /** One state at a time is on its way; what changes meanwhile is told as one. */
  #tell(): void {
    const push = this.#push;
    if (push === null || this.#isTelling) return;
    const changed = push.take();
    if (changed === null) return;
    this.#isTelling = true;
    void this.#sendState(push, changed).finally(() => {
      this.#isTelling = false;
      this.#tell();
    });
  }

  #sendState(push: PushStream, changed: JsonObject): Promise<void> {
    return this.#send({ '@type': 'StateChange', changed, pushState: push.eventId });
  }

  #send(message: JsonObject): Promise<void> {
    return this.#inTurn((write) => write(JSON.stringify(message), true));
  }

  /** `begin` takes the place of the first octet of the pieces. */
  #sendPieces(begin: string, pieces: AsyncIterable<Buffer>): Promise<void> {
    return this.#inTurn(async (write) => {
      await write(begin, false);
      let isFirst = true;
      for await (const piece of pieces) {
        await write(isFirst ? piece.subarray(1) : piece, false);
        isFirst = false;
      }
      await write('', true);
    });
  }

  /** Never rejects: a message that broke off takes the connection with it. */
  #inTurn(send: (write: (text: string | Buffer, isLast: boolean) => Promise<void>) => Promise<void>): Promise<void> {
    const turn = this.#sending.then(async () => {
      try {
        await send((text, isLast) => this.#write(text, isLast));
      } catch (error) {
        if (this.#gone.signal.aborted) return;
        this.#parts.log.warn({ err: error }, 'an answer on a WebSocket broke off');
        this.#webSocket.terminate();
      }
    });
    this.#sending = turn;
    return turn;
  }

  async #write(text: string | Buffer, isLast: boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stalled = setTimeout(() => this.#webSocket.terminate(), STREAM_STALLED_MS);
    this.#webSocket.send(text, { fin: isLast, binary: false }, (error) => {
      if (error === undefined || error === null) resolve();
      else reject(error);
    });
    this.#flow();
    try {
      await promise;
    } finally {
      clearTimeout(stalled);
      this.#flow();
    }
  }
}

/** What has come of a message that is not complete: counted while it comes, because `ws` holds it in memory. */
class IncomingRoom {
  readonly #budget: Budget;
  readonly #refuse: (code: number, why: string) => void;
  #octets = 0;
  #deadline: NodeJS.Timeout | null = null;
  #isPaused = false;

  constructor(budget: Budget, refuse: (code: number, why: string) => void) {
    this.#budget = budget;
    this.#refuse = refuse;
  }

  came(octets: number): void {
    this.#begin();
    if (this.#budget.take(octets)) this.#octets += octets;
    else this.#refuse(TRY_LATER, 'too many large requests are being worked on');
  }

  /** All that came is a message now: how many octets of the budget it has, to be given back by whoever takes it. */
  complete(): number {
    const octets = this.#octets;
    this.#octets = 0;
    if (this.#deadline !== null) clearTimeout(this.#deadline);
    this.#deadline = null;
    return octets;
  }

  /** Who is not read from is not late. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (this.#deadline !== null) clearTimeout(this.#deadline);
    this.#deadline = null;
    if (this.#octets > 0) this.#begin();
  }

  #begin(): void {
    if (this.#isPaused) return;
    this.#deadline ??= setTimeout(() => this.#refuse(POLICY, 'a message took too long'), SOCKET_MESSAGE_MS);
  }

  /** It was no message, or nobody takes it. */
  close(): void {
    this.#budget.give(this.complete());
  }
}

/** @throws RequestRefused */
function idOf(message: JsonObject): string | null {
  const id = property(message, 'id') ?? null;
  if (id === null) return null;
  if (typeof id !== 'string' || id.length > ID_CHARACTERS)
    throw new RequestRefused('notRequest', `an id is a string of at most ${ID_CHARACTERS} characters`);
  return id;
}

/** Null: all. @throws RequestRefused */
function typesOf(names: Json | undefined): ReadonlySet<string> | null {
  if (names === null || names === undefined) return null;
  if (!isArray(names) || names.length > TYPE_NAMES || !names.every((one) => typeof one === 'string'))
    throw new RequestRefused('notRequest', `dataTypes is null or a list of at most ${TYPE_NAMES} names`);
  return new Set(names.filter((one) => typeof one === 'string'));
}
