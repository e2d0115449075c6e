/** Tells every session of a mailbox what a commit did: synchronously, in commit order (design.md §2). */
import type { Log } from '../../observe/log.ts';
import type { MailboxEvent } from '../api.ts';

export type Watcher = (event: MailboxEvent) => void;

export class ChangeFeed {
  readonly #watchers = new Set<Watcher>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  watch(watcher: Watcher): () => void {
    // The same function may watch twice; each gets its own way to stop.
    const own: Watcher = (event) => watcher(event);
    this.#watchers.add(own);
    return () => this.#watchers.delete(own);
  }

  /** A watcher that throws is logged and does not keep the others, or the commit, from going on. */
  publish(event: MailboxEvent): void {
    for (const watcher of this.#watchers) {
      try {
        watcher(event);
      } catch (reason) {
        this.#log.error({ err: reason }, 'a watcher of the change feed failed');
      }
    }
  }
}
