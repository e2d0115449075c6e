/** Waiting for a client: what happens to those who wait, with a promise or without. Knows no socket. */

/** The idle deadline passed: the session says so to the client (BYE, -ERR, 421) and ends. */
export class IdleTimeout extends Error {
  override readonly name = 'IdleTimeout';
}

/**
 * Waits for a client without a promise: a session spends nearly all of its life waiting, and a suspended frame with
 * its promise is memory that ten thousand idle sessions pay for. Exactly one of the two is called, once for each wait.
 */
export interface Reader {
  /** More bytes have come; false: the stream has ended. Called out of the socket's event: must not throw. */
  readable(hasMore: boolean): void;
  /** The idle deadline passed. */
  silent(reason: IdleTimeout): void;
}

/** The same for those who await. */
export class PromisedReader implements Reader {
  readonly #settle: PromiseWithResolvers<boolean>;

  constructor(settle: PromiseWithResolvers<boolean>) {
    this.#settle = settle;
  }

  readable(hasMore: boolean): void {
    this.#settle.resolve(hasMore);
  }

  silent(reason: IdleTimeout): void {
    this.#settle.reject(reason);
  }
}
