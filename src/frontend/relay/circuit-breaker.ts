/**
 * Whether it is worth asking a back end at all. Closed: it answers. Open: it did not, several times in a row or once
 * for so long that a user must not wait for it again; then nobody is sent there, and a probe in the background asks
 * now and then, at random times that grow further apart, until it answers. Knows no connection: the probe is given.
 */

/** Refused connections and the like: quickly known, so they may be chance. */
export const FAILURES_TO_OPEN = 3;
/** Before the first probe, then twice as long each time up to the longest; half of it is chance. */
export const PROBE_FIRST_MS = 500;
export const PROBE_LONGEST_MS = 10_000;

export interface CircuitBreakerOptions {
  /** @throws while the back end does not answer */
  readonly probe: () => Promise<void>;
  readonly changed: (isOpen: boolean) => void;
  /** Runs `then` once, later; returns the way to forget it. */
  readonly later?: (then: () => void, ms: number) => () => void;
}

export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  readonly #later: NonNullable<CircuitBreakerOptions['later']>;
  #failures = 0;
  #open = false;
  #delay = PROBE_FIRST_MS;
  #forget: (() => void) | null = null;
  #closed = false;

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
    this.#later = options.later ?? timer;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#delay = PROBE_FIRST_MS;
    this.#forget?.();
    this.#forget = null;
    if (!this.#open) return;
    this.#open = false;
    this.#options.changed(false);
  }

  /** `slow`: it cost a time-out. */
  failed(slow: boolean): void {
    this.#failures += 1;
    if (this.#open || (!slow && this.#failures < FAILURES_TO_OPEN)) return;
    this.#open = true;
    this.#options.changed(true);
    this.#probeLater();
  }

  /** Probes no more. */
  close(): void {
    this.#closed = true;
    this.#forget?.();
    this.#forget = null;
  }

  #probeLater(): void {
    if (this.#closed || this.#forget !== null) return;
    const ms = this.#delay * (0.5 + Math.random() / 2);
    this.#delay = Math.min(PROBE_LONGEST_MS, this.#delay * 2);
    this.#forget = this.#later(() => {
      this.#forget = null;
      this.#options.probe().then(
        () => this.succeeded(),
        () => {
          if (this.#open) this.#probeLater();
        },
      );
    }, ms);
  }
}

function timer(then: () => void, ms: number): () => void {
  const handle = setTimeout(then, ms);
  handle.unref();
  return () => clearTimeout(handle);
}
