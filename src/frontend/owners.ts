/**
 * Which back end turned out to own a mailbox: learned from referrals, where several back ends may serve it. Bounded in
 * number and time; a memory that is wrong costs one more referral.
 */
import type { ServerId } from '../directory/model.ts';
import type { MailboxId } from '../store/model.ts';

export const OWNERS = 50_000;
export const OWNER_MS = 10 * 60_000;

export class Owners {
  readonly #known = new Map<MailboxId, { readonly server: ServerId; readonly until: number }>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  of(mailbox: MailboxId): ServerId | null {
    const known = this.#known.get(mailbox);
    if (known === undefined) return null;
    if (known.until > this.#now()) return known.server;
    this.#known.delete(mailbox);
    return null;
  }

  learn(mailbox: MailboxId, server: ServerId): void {
    this.#known.delete(mailbox);
    this.#known.set(mailbox, { server, until: this.#now() + OWNER_MS });
    if (this.#known.size <= OWNERS) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }

  forget(mailbox: MailboxId): void {
    this.#known.delete(mailbox);
  }
}
