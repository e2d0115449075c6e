/**
 * MessageRateLimit of a receive connector (exchange-behaviour.md §3.4) and rates of throttling policies (§9.3): so many
 * in a period by one user or one address. The period begins with the first of a burst, so the wait that is named is
 * exact.
 */
const MINUTE_MS = 60_000;
/** Sources remembered; the oldest are dropped first, which can only be generous. */
const SOURCES = 50_000;

interface Period {
  readonly began: number;
  readonly length: number;
  count: number;
}

export class RateLimiter {
  readonly #periods = new Map<string, Period>();

  /** Seconds until the source may send again; 0: this one is allowed and has been counted. `length`: milliseconds. */
  take(source: string, limit: number, now: number, length: number = MINUTE_MS): number {
    const period = this.#periods.get(source);
    if (period === undefined || now - period.began >= length) {
      this.#periods.delete(source);
      this.#periods.set(source, { began: now, length, count: 1 });
      this.#prune(now);
      return 0;
    }
    if (period.count < limit) {
      period.count += 1;
      return 0;
    }
    return Math.max(1, Math.ceil((period.began + length - now) / 1000));
  }

  #prune(now: number): void {
    // Days stand among minutes: the front is swept only as far as it is over, or as there is no room.
    for (const [source, period] of this.#periods) {
      if (now - period.began < period.length && this.#periods.size <= SOURCES) return;
      this.#periods.delete(source);
    }
  }
}
