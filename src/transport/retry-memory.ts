/**
 * Remembers who already has a message that reached only some of its recipients. The client hears 451 and sends the
 * whole message again, for all (RFC 5321 §4.2.5 leaves duplicates to the receiver): only who is missing gets it then.
 * It lies where the mailboxes are, not where the message came in: the retry may come through any front end, and after
 * a lost answer only this side knows that there was a delivery.
 * Bounded in number and time; after a restart a duplicate is possible, a loss is not.
 */
import type { MailboxId } from '../store/model.ts';
import { PARTIAL_DELIVERIES } from '../wire/limits.ts';

/** Senders retry for days, but at short intervals in the first hours (RFC 5321 §4.5.4.1). */
const REMEMBERED_MS = 6 * 60 * 60 * 1000;
/** So long a delivered message waits to hear whether it will be sent again; then it is taken for one that will. */
export const DECISION_MS = 10_000;

interface Partial {
  readonly until: number;
  readonly mailboxes: ReadonlySet<MailboxId>;
}

/** One delivery of a message with this digest; a second one waits until it is settled. */
export interface Attempt {
  /** Mailboxes that have the message from an earlier attempt. */
  readonly earlier: ReadonlySet<MailboxId>;
  /** These have it now. What becomes of the message is not known yet. */
  delivered(mailboxes: ReadonlySet<MailboxId>): void;
  /** `retried`: it will be sent again, or nobody knows. */
  settle(retried: boolean): void;
}

export class RetryMemory {
  readonly #partials = new Map<string, Partial>();
  readonly #open = new Map<string, Promise<void>>();
  readonly #now: () => number;
  readonly #capacity: number;
  readonly #decisionMs: number;

  constructor(now: () => number, capacity = PARTIAL_DELIVERIES, decisionMs = DECISION_MS) {
    this.#now = now;
    this.#capacity = capacity;
    this.#decisionMs = decisionMs;
  }

  /** With nothing to remember, no message needs a digest. */
  get isEmpty(): boolean {
    return this.#partials.size === 0 && this.#open.size === 0;
  }

  /** Mailboxes that have the message with this digest already. */
  delivered(digest: string): ReadonlySet<MailboxId> {
    const partial = this.#partials.get(digest);
    if (partial === undefined) return NOBODY;
    if (partial.until > this.#now()) return partial.mailboxes;
    this.#partials.delete(digest);
    return NOBODY;
  }

  /** Begins to deliver. Waits for an attempt with the same digest: what it delivers counts. */
  async enter(digest: string): Promise<Attempt> {
    for (let open = this.#open.get(digest); open !== undefined; open = this.#open.get(digest)) await open;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#open.set(digest, promise);
    const earlier = this.delivered(digest);
    let having = earlier;
    let timer: NodeJS.Timeout | null = null;
    let settled = false;
    const settle = (retried: boolean): void => {
      if (timer !== null) clearTimeout(timer);
      if (retried && having.size > 0) this.remember(digest, having);
      else if (!retried) this.forget(digest);
      if (settled) return;
      settled = true;
      this.#open.delete(digest);
      resolve();
    };
    return {
      earlier,
      delivered: (mailboxes) => {
        having = new Set([...earlier, ...mailboxes]);
        timer = setTimeout(() => settle(true), this.#decisionMs);
        timer.unref();
      },
      settle,
    };
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
