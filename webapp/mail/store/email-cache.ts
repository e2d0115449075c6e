/** Emails and conversations that have been seen, as many as are kept. Knows no network. Pure state. */
import type { Email, Placed } from '../methods.ts';

/** Emails kept; a person scrolls through 100,000 in one sitting only to see whether he can. */
export const EMAILS_KEPT = 20_000;

export class EmailCache {
  readonly #emails = new Map<string, Email>();
  readonly #threads = new Map<string, readonly string[]>();

  email(id: string): Email | null {
    return this.#emails.get(id) ?? null;
  }

  /** Ids of a conversation, oldest first; null: not known. */
  thread(id: string): readonly string[] | null {
    return this.#threads.get(id) ?? null;
  }

  keep(emails: readonly Email[]): void {
    for (const email of emails) this.#emails.set(email.id, email);
  }

  /** Of those not known nothing is kept: they are asked for when they are looked at. */
  place(all: readonly Placed[]): void {
    for (const placed of all) {
      const known = this.#emails.get(placed.id);
      if (known !== undefined) this.#emails.set(placed.id, { ...known, ...placed });
    }
  }

  keepThreads(threads: ReadonlyArray<{ readonly id: string; readonly emailIds: readonly string[] }>): void {
    for (const { id, emailIds } of threads) this.#threads.set(id, emailIds);
  }

  forget(id: string): void {
    const email = this.#emails.get(id);
    if (email === undefined) return;
    this.#emails.delete(id);
    const ids = this.#threads.get(email.threadId);
    if (ids !== undefined)
      this.#threads.set(
        email.threadId,
        ids.filter((one) => one !== id),
      );
  }

  /** Oldest first, but for what is shown. Whether something had to go. */
  prune(shown: ReadonlySet<string>): boolean {
    if (this.#emails.size <= EMAILS_KEPT) return false;
    for (const id of this.#emails.keys()) {
      if (this.#emails.size <= EMAILS_KEPT / 2) break;
      if (!shown.has(id)) this.#emails.delete(id);
    }
    return true;
  }

  /** Nothing but what is shown is known any more. */
  forgetAllBut(shown: ReadonlySet<string>): void {
    for (const id of this.#emails.keys()) if (!shown.has(id)) this.#emails.delete(id);
    this.#threads.clear();
  }
}
