/**
 * Remembers who already has a message that reached only some of its recipients. The client hears 451 and sends the
 * whole message again, for all (RFC 5321 §4.2.5 leaves duplicates to the receiver): only who is missing gets it then.
 * Bounded in number and time; after a restart a duplicate is possible, a loss is not.
 */
import type { MailboxId } from '../store/model.ts';
import { PARTIAL_DELIVERIES } from '../wire/limits.ts';

/** Senders retry for days, but at short intervals in the first hours (RFC 5321 §4.5.4.1). */
const REMEMBERED_MS = 6 * 60 * 60 * 1000;

interface Partial {
  readonly until: number;
  readonly mailboxes: ReadonlySet<MailboxId>;
}

export class RetryMemory {
  readonly #partials = new Map<string, Partial>();
  readonly #now: () => number;
  readonly #capacity: number;

  constructor(now: () => number, capacity = PARTIAL_DELIVERIES) {
    this.#now = now;
    this.#capacity = capacity;
  }

  /** With nothing to remember, no message needs a digest. */
  get isEmpty(): boolean {
    return this.#partials.size === 0;
  }

  /** Mailboxes that have the message with this digest already. */
  delivered(digest: string): ReadonlySet<MailboxId> {
    const partial = this.#partials.get(digest);
    if (partial === undefined) return NOBODY;
    if (partial.until > this.#now()) return partial.mailboxes;
    this.#partials.delete(digest);
    return NOBODY;
  }

  remember(digest: string, mailboxes: ReadonlySet<MailboxId>): void {
    this.#partials.delete(digest);
    this.#partials.set(digest, { until: this.#now() + REMEMBERED_MS, mailboxes });
    for (const [oldest, partial] of this.#partials) {
      if (this.#partials.size <= this.#capacity && partial.until > this.#now()) break;
      this.#partials.delete(oldest);
    }
  }

  forget(digest: string): void {
    this.#partials.delete(digest);
  }
}

const NOBODY: ReadonlySet<MailboxId> = new Set();
