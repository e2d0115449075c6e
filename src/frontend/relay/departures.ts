/**
 * Spreads the ends of sessions in time: a back end that is lost takes thousands of sessions with it, and clients that
 * are all told in one millisecond all come back in the next one. Some may leave at once (an ordinary logout waits for
 * nobody), the rest one a millisecond on the average, so that a thousand sessions take a second.
 */
import { setTimeout as wait } from 'node:timers/promises';

/** This many leave without a delay. */
export const DEPARTURES_AT_ONCE = 50;
/** Milliseconds between two departures beyond those. */
export const DEPARTURE_MS = 1;

export class Departures {
  readonly #now: () => number;
  readonly #wait: (ms: number) => Promise<unknown>;
  /** When the last one so far has left, were they to leave evenly. */
  #last = 0;

  constructor(
    now: () => number = () => performance.now(),
    delay: (ms: number) => Promise<unknown> = (ms) => wait(ms, undefined, { ref: false }),
  ) {
    this.#now = now;
    this.#wait = delay;
  }

  add(leave: () => void): void {
    const now = this.#now();
    this.#last = Math.max(now, this.#last) + DEPARTURE_MS;
    const delay = this.#last - now - DEPARTURES_AT_ONCE * DEPARTURE_MS;
    if (delay <= 0) {
      leave();
      return;
    }
    // Front ends that lose the same back end must not keep time with each other.
    void this.#wait(delay * (0.5 + Math.random() / 2)).then(leave);
  }
}
