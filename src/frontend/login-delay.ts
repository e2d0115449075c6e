/**
 * LOGIN-DELAY (RFC 2449 §6.5): who has just logged on to a mailbox has to wait before the next logon. Counted for
 * each mailbox from the +OK on; asked only when the password was right, so that it tells nobody which names exist.
 */
import type { AccountId } from '../directory/model.ts';

/** Mailboxes remembered at most; beyond it the ones that logged on longest ago may come again early. */
export const DELAYED_MAILBOXES = 100_000;

export class LoginDelay {
  readonly #seconds: () => number;
  readonly #now: () => number;
  /** Milliseconds of the last logon, longest ago first. */
  readonly #last = new Map<AccountId, number>();

  /**
   * @param seconds the delay in force, 0: none
   * @param now in milliseconds, never going back
   */
  constructor(seconds: () => number, now: () => number = () => performance.now()) {
    this.#seconds = seconds;
    this.#now = now;
  }

  get seconds(): number {
    return this.#seconds();
  }

  /** Whole seconds still to wait, 0: go on. */
  remaining(mailbox: AccountId): number {
    const last = this.#last.get(mailbox);
    const seconds = this.#seconds();
    if (seconds <= 0 || last === undefined) return 0;
    return Math.max(0, Math.ceil((last + seconds * 1000 - this.#now()) / 1000));
  }

  loggedOn(mailbox: AccountId): void {
    const ms = this.#seconds() * 1000;
    if (ms <= 0) {
      this.#last.clear();
      return;
    }
    const now = this.#now();
    this.#last.delete(mailbox);
    this.#last.set(mailbox, now);
    for (const [oldest, at] of this.#last) {
      if (now - at < ms && this.#last.size <= DELAYED_MAILBOXES) break;
      this.#last.delete(oldest);
    }
  }
}
