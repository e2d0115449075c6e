/**
 * Moves between servers over the back-end HTTPS port: the back end of the target asks, the one of the source answers.
 * Each request names the move and the claim; the directory has to say that the peer holds it.
 *
 *   POST /moves/1/begin        order as JSON                  → nothing
 *   POST /moves/1/contents     content ids that are there     → frames (frames.ts)
 *   POST /moves/1/thread-keys                                 → frames
 *   POST /moves/1/hold                                        → nothing
 *   POST /moves/1/state                                       → sections (store/mailbox/mailbox-image.ts)
 *   POST /moves/1/settle                                      → `here` or `moved`
 *   POST /moves/1/close                                       → nothing
 */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MoveRequests } from '../../directory/move-request.ts';
import type { ServerId } from '../../directory/model.ts';
import { Failure } from '../../observe/failure.ts';
import { ByteDecoder, encodeUids } from '../../store/mailbox/byte-codec.ts';
import type { ContentFrame, ThreadKey } from '../../store/moving.ts';
import type { PeerClient } from '../http/client.ts';
import type { PeerExchange, PeerHandler } from '../http/host.ts';
import type { Departures } from './departures.ts';
import { decodeFrames, encodeEnd, encodeFailure, encodeFrame, type MoveFrame } from './frames.ts';
import type { MoveOrder, MoveSource } from './move-source.ts';

const PREFIX = '/moves/1/';
/** The ids a target has, in ranges: scattered ones cost about four octets each. */
export const HAVE_BYTES = 64 * 1024 * 1024;
const HAVE_CONTENTS = 64 * 1024 * 1024;
const ORDER_BYTES = 4096;
const WORD_BYTES = 64;

/** The source's side. */
export class MovesOfPeers implements PeerHandler {
  readonly prefix = PREFIX;
  readonly from = 'back-end';
  readonly #departures: Departures;
  readonly #directory: Pick<MoveRequests, 'moveRequests'>;
  /** Who has begun a move that is under way: nobody else may end it. */
  readonly #movers = new Map<string, ServerId>();

  constructor(departures: Departures, directory: Pick<MoveRequests, 'moveRequests'>) {
    this.#departures = departures;
    this.#directory = directory;
  }

  async handle({ request, response, url, peer, signal }: PeerExchange): Promise<void> {
    const order = orderOf(url);
    const verb = url.pathname.slice(PREFIX.length);
    if (verb === 'begin') {
      await bodyOf(request, ORDER_BYTES);
      await this.#checkClaim(order, peer.id);
      await this.#departures.begin(order);
      this.#movers.set(order.move, peer.id);
      return answer(response, '');
    }
    if (this.#movers.get(order.move) !== peer.id) throw new Failure('NONEXISTENT', 'this move has to begin again');
    const source = this.#departures.of(order.move, order.fence);
    switch (verb) {
      case 'contents': {
        const have = haveOf(await bodyOf(request, HAVE_BYTES));
        return sendFrames(response, source.contents(have, signal), signal);
      }
      case 'thread-keys':
        return sendFrames(response, keyFrames(source.threadKeys(signal)), signal);
      case 'hold':
        await source.hold();
        return answer(response, '');
      case 'state':
        return send(response, source.state(signal), signal);
      case 'settle':
        return answer(response, await source.settle());
      case 'close':
        this.#movers.delete(order.move);
        await source.close();
        return answer(response, '');
      default:
        throw new Failure('NONEXISTENT', 'there is no such request');
    }
  }

  /** @throws Failure AUTHORIZATIONFAILED */
  async #checkClaim(order: MoveOrder, peer: ServerId): Promise<void> {
    const request = (await this.#directory.moveRequests()).find(({ id }) => id === order.move);
    const isHis =
      request !== undefined &&
      request.owner === peer &&
      request.fence === order.fence &&
      request.mailbox === order.mailbox &&
      request.source === order.database;
    if (!isHis) throw new Failure('AUTHORIZATIONFAILED', 'the directory has no such move in the hands of this server');
  }
}

/** The target's side. */
export class RemoteSource implements MoveSource {
  readonly #client: PeerClient;
  readonly #query: string;

  private constructor(client: PeerClient, order: MoveOrder) {
    this.#client = client;
    this.#query = new URLSearchParams({ ...order, fence: String(order.fence) }).toString();
  }

  /** @throws Failure as Departures.begin, UNAVAILABLE when the server cannot be reached */
  static async begin(client: PeerClient, order: MoveOrder): Promise<RemoteSource> {
    const source = new RemoteSource(client, order);
    await source.#say('begin');
    return source;
  }

  async *contents(have: Uint32Array, signal: AbortSignal): AsyncIterable<ContentFrame> {
    for await (const frame of this.#frames('contents', encodeUids(have), signal)) {
      if (frame.kind === 'keys') throw unexpected();
      yield frame;
    }
  }

  async *threadKeys(signal: AbortSignal): AsyncIterable<readonly ThreadKey[]> {
    for await (const frame of this.#frames('thread-keys', Buffer.alloc(0), signal)) {
      if (frame.kind !== 'keys') throw unexpected();
      yield frame.keys;
    }
  }

  async hold(): Promise<void> {
    await this.#say('hold');
  }

  async *state(signal: AbortSignal): AsyncIterable<Buffer> {
    yield* await this.#client.ask({ path: this.#path('state'), body: Buffer.alloc(0), signal });
  }

  async settle(): Promise<'here' | 'moved'> {
    try {
      return (await this.#say('settle')) === 'moved' ? 'moved' : 'here';
    } catch (error) {
      // It has given the departure up, and asked the directory before.
      if (error instanceof Failure && error.code === 'NONEXISTENT') return 'here';
      throw error;
    }
  }

  async close(): Promise<void> {
    try {
      await this.#say('close');
    } catch {
      // It notices by itself that nobody asks any more.
    } finally {
      this.#client.close();
    }
  }

  async #say(verb: string): Promise<string> {
    const answered = await this.#client.askWhole({ path: this.#path(verb), body: Buffer.alloc(0) }, WORD_BYTES);
    return answered.toString('latin1');
  }

  async *#frames(verb: string, body: Buffer, signal: AbortSignal): AsyncIterable<MoveFrame> {
    yield* decodeFrames(await this.#client.ask({ path: this.#path(verb), body, signal }));
  }

  #path(verb: string): string {
    return `${PREFIX}${verb}?${this.#query}`;
  }
}

function orderOf({ searchParams }: URL): MoveOrder {
  const word = (name: string): string => searchParams.get(name) ?? '';
  const fence = Number(word('fence'));
  if (word('move') === '' || !Number.isSafeInteger(fence)) throw new Failure('CANNOT', 'the request names no move');
  return { move: word('move'), fence, database: word('database'), mailbox: word('mailbox') };
}

function haveOf(body: Buffer): Uint32Array {
  try {
    return body.length === 0 ? new Uint32Array() : new ByteDecoder(body).uids(HAVE_CONTENTS);
  } catch (error) {
    if (error instanceof RangeError) throw new Failure('CANNOT', 'the list of contents cannot be read');
    throw error;
  }
}

async function bodyOf(request: IncomingMessage, most: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes: unknown = chunk;
    if (!Buffer.isBuffer(bytes)) continue;
    size += bytes.length;
    if (size > most) throw new Failure('TOOBIG', `the request is longer than ${most} octets`);
    pieces.push(bytes);
  }
  return Buffer.concat(pieces);
}

function answer(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': text.length });
  response.end(text);
}

async function* keyFrames(batches: AsyncIterable<readonly ThreadKey[]>): AsyncIterable<MoveFrame> {
  for await (const keys of batches) if (keys.length > 0) yield { kind: 'keys', keys };
}

/** The last frame is the end, or what went wrong. */
function sendFrames(response: ServerResponse, frames: AsyncIterable<MoveFrame>, signal: AbortSignal): Promise<void> {
  return send(
    response,
    (async function* () {
      try {
        for await (const frame of frames) yield encodeFrame(frame);
        yield encodeEnd();
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        yield encodeFailure(error);
      }
    })(),
    signal,
  );
}

/** Waits while the peer reads slower than this side. */
async function send(response: ServerResponse, bytes: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void> {
  for await (const one of bytes) {
    signal.throwIfAborted();
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/octet-stream' });
    if (!response.write(one)) await once(response, 'drain', { signal });
  }
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/octet-stream' });
  response.end();
}

const unexpected = (): Failure => new Failure('UNAVAILABLE', 'The source of a move sends what was not asked for.');
