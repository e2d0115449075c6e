/** Limits of JMAP over HTTP that are not told to clients in the session object, and what counts against limits. */

/** Octets of request bodies in memory at a time, of all clients. */
export const REQUEST_BODIES_BYTES = 256 * 1024 * 1024;
/** Event streams and WebSockets open at a time, of one person: each tab of a browser has one. */
export const STREAMS_OF_ONE = 32;
/** Accounts followed by one stream, his own included. */
export const ACCOUNTS_OF_STREAM = 100;
/** An upload without a byte for so long is given up. */
export const UPLOAD_SILENCE_MS = 30_000;
/** Uploads of one person in one account, in octets: older than an hour, the oldest make room. */
export const UPLOADS_BYTES = 1024 * 1024 * 1024;
/** The same in number. */
export const UPLOADS_NUMBER = 2000;
/** An uploaded blob that nobody has used for so long goes (RFC 8620 §6: an hour at least). */
export const UPLOAD_KEPT_MS = 6 * 60 * 60_000;
export const UPLOAD_KEPT_AT_LEAST_MS = 60 * 60_000;
/** Changes that come within this are told as one. */
export const COALESCE_MS = 3;
/** Columns of a followed mailbox stay in memory so long behind its last change. */
export const WARM_MS = 60_000;
/** A client that takes nothing for so long, while there is something to be told, is cut off. */
export const STREAM_STALLED_MS = 60_000;
/** Seconds between pings of an event stream: what a client may ask for (RFC 8620 §7.3). */
export const PING_SECONDS = { least: 5, most: 300 } as const;
/** Nothing was sent for so long: a comment, or a ping of the WebSocket. Below what home routers forget connections after. */
export const KEEP_ALIVE_MS = 120_000;
/** A message on a WebSocket from its first octet to its last. */
export const SOCKET_MESSAGE_MS = 30_000;
/** Messages of one WebSocket that are not answered yet: with more, nothing is read until one is. */
export const SOCKET_MESSAGES = 32;
/** Octets waiting for a WebSocket's client: above it, nothing more is read from him. */
export const SOCKET_WAITING_BYTES = 1024 * 1024;

/** Places of which each key has so many. */
export class Slots {
  readonly #most: number;
  readonly #taken = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Null: all are taken. Else the way to give the place back, once. */
  take(key: string): (() => void) | null {
    const taken = this.#taken.get(key) ?? 0;
    if (taken >= this.#most) return null;
    this.#taken.set(key, taken + 1);
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      const left = (this.#taken.get(key) ?? 1) - 1;
      if (left > 0) this.#taken.set(key, left);
      else this.#taken.delete(key);
    };
  }
}

/** Octets that all requests together may hold in memory. */
export class Budget {
  readonly #most: number;
  #used = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** False: there is no room for them now. */
  take(octets: number): boolean {
    if (this.#used + octets > this.#most) return false;
    this.#used += octets;
    return true;
  }

  give(octets: number): void {
    this.#used -= octets;
  }
}
