/** Tells every session of a mailbox what a commit did: synchronously, in commit order (design.md §2). */
import type { Log } from '../../observe/log.ts';
import type { MailboxEvent } from '../api.ts';

export type Watcher = (event: MailboxEvent) => void;

/** One watcher in the feed: the same function may watch twice, and each has its own way to stop. */
export class Watch {
  readonly tell: Watcher;
  readonly #watches: Set<Watch>;

  constructor(watches: Set<Watch>, tell: Watcher) {
    this.#watches = watches;
    this.tell = tell;
    watches.add(this);
  }

  stop(): void {
    this.#watches.delete(this);
  }
}

export class ChangeFeed {
  readonly #watches = new Set<Watch>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  watch(watcher: Watcher): Watch {
    return new Watch(this.#watches, watcher);
  }

  /** A watcher that throws is logged and does not keep the others, or the commit, from going on. */
  publish(event: MailboxEvent): void {
    for (const watch of this.#watches) {
      try {
        watch.tell(event);
      } catch (reason) {
        this.#log.error({ err: reason }, 'a watcher of the change feed failed');
      }
    }
  }
}
