/**
 * JMAP for front ends of other servers, on the back-end HTTPS port: they have signed the person in and say who he is;
 * what he may do is read here (ADR 9 §3). Works whether this server's own web service runs or not.
 *
 *   POST /jmap/1/api?owner=ID                 request → response
 *   POST /jmap/1/upload?owner=ID&type=TYPE    octets → { blobId, size }
 *   GET  /jmap/1/download?owner=ID&blob=ID…   → octets
 *   POST /jmap/1/follow                       wishes → words (follow-lines.ts), for as long as both live
 *
 * Leave to send a body is given when the mailbox is known to be here: before, nothing has been done.
 */
import { Buffer } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PeerExchange, PeerHandler } from '../../../backend/http/host.ts';
import type { Directory } from '../../../directory/api.ts';
import { type Account, accountId, type Server } from '../../../directory/model.ts';
import { Failure } from '../../../observe/failure.ts';
import { OwnedElsewhere } from '../../../store/api.ts';
import { sendPieces, utf8 } from '../http/answering.ts';
import type { FollowCall, Following } from '../http/back-end.ts';
import type { Caller } from '../http/caller.ts';
import type { LocalBackEnd } from '../http/local-back-end.ts';
import { RangeRefused, type WantedRange } from '../http/ranges.ts';
import { JMAP_LIMITS, readRequest } from '../request.ts';
import { CALLER_FIELD, type CallerFacts, checkedCallerFacts, readCallerFacts } from './caller-facts.ts';
import { BEAT_MS, type FollowWord, line, SILENCE_MS, wishes } from './follow-lines.ts';

export const PREFIX = '/jmap/1/';
export const STATE_FIELD = 'x-penfold-session-state';

export interface JmapOfPeersOptions {
  readonly directory: Directory;
  readonly local: LocalBackEnd;
  /** What `using` may hold. */
  readonly uris: ReadonlySet<string>;
}

export class JmapOfPeers implements PeerHandler {
  readonly prefix = PREFIX;
  readonly from = 'front-end';
  readonly #options: JmapOfPeersOptions;

  constructor(options: JmapOfPeersOptions) {
    this.#options = options;
  }

  async handle(exchange: PeerExchange): Promise<void> {
    const { url, request, peer } = exchange;
    const verb = url.pathname.slice(PREFIX.length);
    if (verb === 'follow') return this.#follow(exchange);
    const field = request.headers[CALLER_FIELD];
    const caller = await this.#caller(readCallerFacts(typeof field === 'string' ? field : undefined), peer);
    const owner = await this.#owner(url.searchParams.get('owner') ?? '');
    switch (verb) {
      case 'api':
        return this.#api(exchange, caller, owner);
      case 'upload':
        return this.#upload(exchange, caller, owner);
      case 'download':
        return this.#download(exchange, caller, owner);
      default:
        throw new Failure('NONEXISTENT', 'there is no such request');
    }
  }

  async #api({ request, response, signal }: PeerExchange, caller: Caller, owner: Account): Promise<void> {
    const { local, uris } = this.#options;
    await local.check(caller, owner);
    response.writeContinue();
    const text = await bodyOf(request, JMAP_LIMITS.maxSizeRequest);
    const sessionState = request.headers[STATE_FIELD];
    const pieces = await local.api({
      caller,
      owner,
      request: readRequest(utf8(text), uris),
      text,
      sessionState: typeof sessionState === 'string' ? sessionState : '',
      signal,
    });
    response.writeHead(200, { 'content-type': 'application/json' });
    await sendPieces(response, pieces, signal);
  }

  async #upload({ request, response, url, signal }: PeerExchange, caller: Caller, owner: Account): Promise<void> {
    const { local } = this.#options;
    await local.check(caller, owner);
    response.writeContinue();
    const type = url.searchParams.get('type') ?? 'application/octet-stream';
    const uploaded = await local.upload({ caller, owner, type, body: piecesOf(request), signal });
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(uploaded));
  }

  async #download({ response, url, signal }: PeerExchange, caller: Caller, owner: Account): Promise<void> {
    const { searchParams } = url;
    const wantsBody = searchParams.get('body') !== 'no';
    try {
      const download = await this.#options.local.download({
        caller,
        owner,
        blobId: searchParams.get('blob') ?? '',
        range: rangeOf(searchParams),
        wantsBody,
        signal,
      });
      if (download === null) throw new Failure('NONEXISTENT', 'there is no such blob');
      try {
        const { size, range } = download;
        response.writeHead(200, { 'x-penfold-blob': JSON.stringify({ size, range }) });
        await sendPieces(response, download.bytes, signal);
      } finally {
        download.close();
      }
    } catch (error) {
      if (!(error instanceof RangeRefused)) throw error;
      response.writeHead(204, { 'x-penfold-blob': JSON.stringify({ behind: error.size }) });
      response.end();
    }
  }

  /** Ends when either side does; what a slow reader has not heard yet is kept as one state a type. */
  async #follow({ request, response, peer, signal }: PeerExchange): Promise<void> {
    response.writeContinue();
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.flushHeaders();
    const followed = new Followed(response, this.#options.local);
    const beats = setInterval(() => followed.say({ beat: true }), BEAT_MS);
    const silence = setTimeout(() => request.destroy(), SILENCE_MS);
    try {
      for await (const wish of wishes(request)) {
        if (signal.aborted) break;
        silence.refresh();
        if ('leave' in wish) followed.leave(wish.leave);
        else if ('follow' in wish) {
          const asked = Promise.all([
            this.#caller(checkedCallerFacts(wish.caller), peer),
            this.#owner(wish.owner),
          ]).then(([caller, owner]) => ({ caller, owner, session: wish.session }));
          followed.follow(wish.follow, asked);
        }
      }
      response.end();
    } catch (error) {
      // The other side is gone, and with it whoever could be told.
      if (!request.destroyed) throw error;
    } finally {
      clearInterval(beats);
      clearTimeout(silence);
      followed.close();
    }
  }

  async #caller({ user, ...facts }: CallerFacts, peer: Server): Promise<Caller> {
    const account = await this.#options.directory.account(accountId(user));
    if (account === null) throw new Failure('CONTACTADMIN', 'This account does not exist any more.');
    return { ...facts, user: account, frontEnd: peer.name };
  }

  async #owner(id: string): Promise<Account> {
    const owner = await this.#options.directory.account(accountId(id));
    if (owner === null) throw new Failure('NONEXISTENT', 'There is no such account.');
    return owner;
  }
}

/** What one front end follows here. */
class Followed {
  readonly #response: ServerResponse;
  readonly #local: LocalBackEnd;
  /** Null: on its way. */
  readonly #followings = new Map<number, Following | null>();
  #held = new Map<number, Record<string, string>>();

  constructor(response: ServerResponse, local: LocalBackEnd) {
    this.#response = response;
    this.#local = local;
    response.on('drain', () => this.#flush());
  }

  say(word: FollowWord): void {
    if (!this.#response.destroyed) this.#response.write(line(word));
  }

  follow(following: number, asked: Promise<Omit<FollowCall, 'changed' | 'ended'>>): void {
    this.#followings.set(following, null);
    void this.#begin(following, asked);
  }

  leave(following: number): void {
    this.#followings.get(following)?.close();
    this.#followings.delete(following);
    this.#held.delete(following);
  }

  close(): void {
    for (const following of this.#followings.keys()) this.leave(following);
  }

  /** Never rejects. */
  async #begin(following: number, asked: Promise<Omit<FollowCall, 'changed' | 'ended'>>): Promise<void> {
    try {
      const begun = await this.#local.follow({
        ...(await asked),
        changed: (states) => {
          this.#held.set(following, { ...this.#held.get(following), ...states });
          this.#flush();
        },
        ended: () => {
          this.leave(following);
          this.say({ ended: following });
        },
      });
      if (!this.#followings.has(following)) {
        begun.close();
        return;
      }
      this.#followings.set(following, begun);
      this.say({ following, states: { ...begun.states } });
      this.#flush();
    } catch (error) {
      this.leave(following);
      const code = error instanceof Failure ? error.code : 'SERVERBUG';
      const text = error instanceof Failure ? error.message : 'an internal error; see the log of the server';
      this.say({ refused: following, code, text, owner: error instanceof OwnedElsewhere ? error.owner : null });
    }
  }

  #flush(): void {
    if (this.#response.writableNeedDrain) return;
    for (const [following, states] of this.#held) {
      // Its first states come first.
      if (this.#followings.get(following) === null) continue;
      this.#held.delete(following);
      this.say({ changed: following, states });
    }
  }
}

function rangeOf(searchParams: URLSearchParams): WantedRange | null {
  const start = searchParams.get('start');
  if (start === null) return null;
  const end = searchParams.get('end');
  return { start: Number(start), end: end === null ? null : Number(end) };
}

async function* piecesOf(request: IncomingMessage): AsyncIterable<Buffer> {
  for await (const chunk of request) yield Buffer.from(chunk);
}

async function bodyOf(request: IncomingMessage, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let octets = 0;
  for await (const chunk of piecesOf(request)) {
    octets += chunk.length;
    if (octets > most) throw new Failure('TOOBIG', `a request has at most ${most} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
