/**
 * Mailboxes of another server, followed: one request for all of them, for as long as there is one. When it is lost,
 * every following ends, and the streams' clients come back to wherever their mailboxes are by then.
 */
import type { PeerClient } from '../../../backend/http/client.ts';
import { Failure, type FailureCode } from '../../../observe/failure.ts';
import { OwnedElsewhere } from '../../../store/api.ts';
import type { States } from '../capability.ts';
import type { FollowCall, Following } from '../http/back-end.ts';
import { callerFacts } from './caller-facts.ts';
import { BEAT_MS, type FollowAsk, type FollowWish, type FollowWord, line, SILENCE_MS, words } from './follow-lines.ts';

const LEAVE_MS = 5_000;
/** The answer to one wish: the mailbox has to be opened. */
const STATES_MS = 6_000;

export class RemoteChanges {
  readonly #client: PeerClient;
  readonly #path: string;
  #feed: Feed | null = null;

  constructor(client: PeerClient, path: string) {
    this.#client = client;
    this.#path = path;
  }

  close(): void {
    this.#feed?.end();
  }

  /** @throws Failure */
  follow(call: FollowCall): Promise<Following> {
    let feed = this.#feed;
    if (feed === null || feed.isOver) {
      feed = new Feed(this.#client, this.#path);
      this.#feed = feed;
    }
    return feed.follow(call);
  }
}

interface Pending {
  readonly call: FollowCall;
  /** Null: it follows. */
  begun: PromiseWithResolvers<States> | null;
}

/** One request, from its first following to its end. */
class Feed {
  readonly #client: PeerClient;
  readonly #over = new AbortController();
  readonly #followings = new Map<number, Pending>();
  /** What is to be said, and who waits for it. */
  #outgoing: string[] = [];
  #wake = Promise.withResolvers<void>();
  #last = 0;

  constructor(client: PeerClient, path: string) {
    this.#client = client;
    void this.#run(path);
  }

  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  async follow(call: FollowCall): Promise<Following> {
    this.#last += 1;
    const following = this.#last;
    const begun = Promise.withResolvers<States>();
    this.#followings.set(following, { call, begun });
    const { caller, owner, session } = call;
    this.#say({ follow: following, owner: owner.id, session, caller: callerFacts(caller) });
    const late = setTimeout(() => begun.reject(this.#lost()), STATES_MS).unref();
    try {
      return { states: await begun.promise, close: () => this.#leave(following) };
    } catch (error) {
      this.#leave(following);
      throw error;
    } finally {
      clearTimeout(late);
    }
  }

  end(): void {
    if (this.isOver) return;
    this.#over.abort();
    this.#wake.resolve();
    const followings = [...this.#followings.values()];
    this.#followings.clear();
    for (const { call, begun } of followings) {
      if (begun === null) call.ended();
      else begun.reject(this.#lost());
    }
  }

  #leave(following: number): void {
    if (!this.#followings.delete(following)) return;
    this.#say({ leave: following });
    if (this.#followings.size === 0) this.end();
  }

  #say(wish: FollowAsk | FollowWish): void {
    this.#outgoing.push(line(wish));
    this.#wake.resolve();
  }

  /** Never rejects. */
  async #run(path: string): Promise<void> {
    const beats = setInterval(() => this.#say({ beat: true }), BEAT_MS);
    try {
      const answer = await this.#client.stream({
        method: 'POST',
        path,
        body: this.#lines(),
        leaveMs: LEAVE_MS,
        answerMs: LEAVE_MS,
        signal: this.#over.signal,
      });
      answer.setTimeout(SILENCE_MS, () => answer.destroy());
      for await (const word of words(answer)) this.#heard(word);
    } catch {
      // Said to each of them below: it is lost.
    } finally {
      clearInterval(beats);
      this.end();
    }
  }

  async *#lines(): AsyncIterable<Buffer> {
    while (!this.isOver) {
      const said = this.#outgoing;
      this.#outgoing = [];
      if (said.length > 0) yield Buffer.from(said.join(''));
      else {
        this.#wake = Promise.withResolvers();
        await this.#wake.promise;
      }
    }
  }

  #heard(word: FollowWord): void {
    if ('beat' in word) return;
    if ('following' in word) {
      const pending = this.#followings.get(word.following);
      pending?.begun?.resolve(word.states);
      if (pending !== undefined) pending.begun = null;
    } else if ('changed' in word) this.#followings.get(word.changed)?.call.changed(word.states);
    else if ('ended' in word) {
      const pending = this.#followings.get(word.ended);
      this.#followings.delete(word.ended);
      pending?.call.ended();
    } else {
      const pending = this.#followings.get(word.refused);
      this.#followings.delete(word.refused);
      pending?.begun?.reject(
        word.owner === null ? new Failure(codeOf(word.code), word.text) : new OwnedElsewhere(word.owner),
      );
    }
  }

  #lost(): Failure {
    return new Failure('UNAVAILABLE', `Server ${this.#client.server.name} does not tell of changes now.`);
  }
}

const CODES: readonly FailureCode[] = ['AUTHORIZATIONFAILED', 'CONTACTADMIN', 'INUSE', 'LIMIT', 'NONEXISTENT'];
const codeOf = (code: string): FailureCode => CODES.find((one) => one === code) ?? 'UNAVAILABLE';
