/**
 * Notes who was here last, by which protocol, app password or web session, at no cost to the logon: a use is put into
 * a map, at most one in minutes for each of them, and all of them are written together once a minute.
 */
import type { Directory } from '../directory/api.ts';
import type { Use } from '../directory/last-use.ts';
import { Failure } from '../observe/failure.ts';
import { type Log, silentLog } from '../observe/log.ts';

/** One use is as good as another within so many ms. */
export const USE_COARSENESS_MS = 5 * 60_000;
export const USES_WRITTEN_EVERY_MS = 60_000;
/** Of one transaction: a few ms on the event loop. */
const AT_ONCE = 250;
/** Noted and not written yet, or written a moment ago; beyond these the oldest are forgotten. */
export const USES_KEPT = 50_000;

export interface UseNotesOptions {
  readonly directory: Pick<Directory, 'noteUses'>;
  readonly log?: Log;
  /** ms since 1970. */
  readonly now?: () => number;
}

export class UseNotes {
  readonly #directory: Pick<Directory, 'noteUses'>;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  /** Oldest first. */
  readonly #pending = new Map<string, Use>();
  readonly #noted = new Map<string, number>();
  #writing: Promise<void> = Promise.resolve();

  constructor({ directory, log, now }: UseNotesOptions) {
    this.#directory = directory;
    this.#log = log ?? silentLog;
    this.#now = now ?? Date.now;
    this.#timer = setInterval(() => void this.flush(), USES_WRITTEN_EVERY_MS);
    this.#timer.unref();
  }

  note(use: Omit<Use, 'at'>): void {
    const key = `${use.account} ${use.protocol} ${use.appPassword ?? ''} ${use.webSession ?? ''}`;
    const now = this.#now();
    if (now - (this.#noted.get(key) ?? 0) < USE_COARSENESS_MS) return;
    bounded(this.#noted, key, now);
    bounded(this.#pending, key, { ...use, at: now });
  }

  /** Writes what was noted; resolves when it is written, or was kept for the next time. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  async #write(): Promise<void> {
    const due = this.#now() - USE_COARSENESS_MS;
    for (const [key, at] of this.#noted) {
      if (at > due) break;
      this.#noted.delete(key);
    }
    while (this.#pending.size > 0) {
      const batch: Array<readonly [string, Use]> = [];
      for (const entry of this.#pending) {
        if (batch.length === AT_ONCE) break;
        batch.push(entry);
      }
      try {
        await this.#directory.noteUses(batch.map(([, use]) => use));
      } catch (error) {
        // The directory is away: the notes wait for it. Anything else would come back with every try.
        if (error instanceof Failure && error.code === 'UNAVAILABLE') return;
        this.#log.error({ err: error }, 'last uses could not be written');
      }
      for (const [key, use] of batch) if (this.#pending.get(key) === use) this.#pending.delete(key);
    }
  }
}

function bounded<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= USES_KEPT) return;
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
}
