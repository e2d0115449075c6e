/**
 * Sort and thread keys outlive the sessions that asked for them: a mail program sorts the same folder whenever it
 * connects. All folders of the process share one allowance, the one used longest ago goes first, and what nobody has
 * asked for in a few minutes goes too. Knows no folder and no mailbox, only how to let go.
 */
import { idleWheel } from '../../wire/timer-wheel.ts';

/** Messages whose keys may be kept at a time; one takes about 100 octets for each key that was sorted by. */
export const WARM_MESSAGES = 1_000_000;
/** Keys nobody has used for this time are dropped. */
export const WARM_MS = 5 * 60_000;

interface Warm {
  messages: number;
  /** Milliseconds of the process clock. */
  usedAt: number;
  readonly drop: () => void;
}

export class WarmSearches<Search extends object> {
  readonly #now: () => number;
  /** Used longest ago first. */
  readonly #entries = new Map<Search, Warm>();
  readonly #deadline = idleWheel.deadline(() => this.age());
  #messages = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** This one was used just now; `drop` is called once when it has to go. */
  use(search: Search, messages: number, drop: () => void): void {
    this.forget(search);
    this.#entries.set(search, { messages, usedAt: this.#now(), drop });
    this.#messages += messages;
    if (this.#entries.size === 1) this.#deadline.set(WARM_MS);
    for (const [oldest, entry] of this.#entries) {
      if (this.#messages <= WARM_MESSAGES || oldest === search) break;
      this.#drop(oldest, entry);
    }
  }

  /** Its owner has let go of it. */
  forget(search: Search): void {
    const entry = this.#entries.get(search);
    if (entry === undefined) return;
    this.#entries.delete(search);
    this.#messages -= entry.messages;
    if (this.#entries.size === 0) this.#deadline.clear();
  }

  /** Called by the clock: drops what was not used for WARM_MS. */
  age(): void {
    const now = this.#now();
    for (const [search, entry] of this.#entries) {
      const left = entry.usedAt + WARM_MS - now;
      if (left > 0) {
        this.#deadline.set(left);
        return;
      }
      this.#drop(search, entry);
    }
  }

  #drop(search: Search, entry: Warm): void {
    this.forget(search);
    entry.drop();
  }
}
