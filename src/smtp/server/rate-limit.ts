/**
 * MessageRateLimit of a receive connector (exchange-behaviour.md §3.4): so many messages in a minute by one user or
 * one address. The minute begins with the first message of a burst, so the wait that is named is exact.
 */
const MINUTE_MS = 60_000;
/** Sources remembered; the oldest minutes are dropped first, which can only be generous. */
const SOURCES = 50_000;

interface Minute {
  readonly began: number;
  count: number;
}

export class RateLimiter {
  readonly #minutes = new Map<string, Minute>();

  /** Seconds until the source may send again; 0: this message is allowed and has been counted. */
  take(source: string, limit: number, now: number): number {
    const minute = this.#minutes.get(source);
    if (minute === undefined || now - minute.began >= MINUTE_MS) {
      this.#minutes.delete(source);
      this.#minutes.set(source, { began: now, count: 1 });
      this.#prune(now);
      return 0;
    }
    if (minute.count < limit) {
      minute.count += 1;
      return 0;
    }
    return Math.max(1, Math.ceil((minute.began + MINUTE_MS - now) / 1000));
  }

  #prune(now: number): void {
    for (const [source, minute] of this.#minutes) {
      if (now - minute.began < MINUTE_MS && this.#minutes.size <= SOURCES) return;
      this.#minutes.delete(source);
    }
  }
}
