/**
 * From the change table to caches and watchers, in the order of its numbers and each change once, whether this server
 * wrote it, was told of it or found it. Numbers become visible in their order, because only one transaction writes at
 * a time; a number that is missing was of a transaction that failed.
 */
import type { Log } from '../../../observe/log.ts';
import type { DirectoryChange } from '../../api.ts';
import { numberOf, textOf } from './rows.ts';
import type { Reader, Row, Statements } from './seam.ts';

/** Changes kept for servers that look; who missed more than these re-reads everything. */
export const CHANGES_KEPT = 10_000;
const CHANGES_PRUNED_EVERY = 1000;

const CHANGE_KINDS = [
  'organization',
  'site',
  'server',
  'database',
  'account',
  'domain',
  'connector',
  'service',
  'pop-settings',
  'imap-settings',
  'client-access-server',
  'throttling-policy',
  'permission',
  'component',
  'role',
  'move-request',
  'web-session',
  'app-password',
  'preferences',
] as const satisfies ReadonlyArray<DirectoryChange['kind']>;

/** What was read of the change table and not applied yet. */
export interface Unseen {
  readonly rows: readonly Row[];
  /** The oldest of them are gone from the table: anything may have changed. */
  readonly missed: boolean;
}

export class ChangeFeed {
  readonly #log: Log;
  readonly #forget: (change: DirectoryChange) => void;
  readonly #listeners = new Set<(change: DirectoryChange) => void>();
  #seen = 0;

  /** `forget` lets caches go of what changed; all of them have before the first listener hears. */
  constructor(log: Log, forget: (change: DirectoryChange) => void) {
    this.#log = log;
    this.#forget = forget;
  }

  /** What is there now is known to nobody yet, so nobody has to be told. */
  async begin(reader: Reader): Promise<void> {
    this.#seen = await lastChange(reader);
  }

  listen(listener: (change: DirectoryChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#listeners.clear();
  }

  async unseen(reader: Reader): Promise<Unseen> {
    const seen = this.#seen;
    const rows = await reader.all('SELECT seq, kind, id FROM change WHERE seq > ? ORDER BY seq', seen);
    const [first] = rows;
    if (first === undefined || numberOf(first, 'seq') === seen + 1) return { rows, missed: false };
    const oldest = await reader.get('SELECT min(seq) AS seq FROM change');
    return { rows, missed: oldest !== null && numberOf(oldest, 'seq') > seen + 1 };
  }

  /** In the transaction that wrote the newest of `unseen`: lets go of rows that nobody will ask for. */
  async prune(statements: Statements, unseen: Unseen): Promise<void> {
    const newest = unseen.rows.at(-1);
    if (newest === undefined) return;
    const last = numberOf(newest, 'seq');
    if (Math.floor(last / CHANGES_PRUNED_EVERY) === Math.floor(this.#seen / CHANGES_PRUNED_EVERY)) return;
    await statements.run('DELETE FROM change WHERE seq <= ?', last - CHANGES_KEPT);
  }

  apply({ rows, missed }: Unseen): void {
    const news = rows.filter((row) => numberOf(row, 'seq') > this.#seen);
    const last = news.at(-1);
    if (last === undefined) return;
    this.#seen = numberOf(last, 'seq');
    if (missed) return this.#announce(CHANGE_KINDS.map((kind) => ({ kind, id: null })));
    const changes: DirectoryChange[] = [];
    for (const row of news) {
      const kind = CHANGE_KINDS.find((one) => one === row['kind']);
      if (kind !== undefined) changes.push({ kind, id: row['id'] === null ? null : textOf(row, 'id') });
    }
    this.#announce(changes);
  }

  /** The table is another one than before: anything may have changed. */
  async restart(reader: Reader): Promise<void> {
    this.#seen = await lastChange(reader);
    this.#announce(CHANGE_KINDS.map((kind) => ({ kind, id: null })));
  }

  #announce(changes: readonly DirectoryChange[]): void {
    for (const change of changes) this.#forget(change);
    for (const change of changes) {
      for (const listener of this.#listeners) {
        try {
          listener(change);
        } catch (error) {
          this.#log.error({ error, change }, 'directory: a listener failed');
        }
      }
    }
  }
}

async function lastChange(reader: Reader): Promise<number> {
  const row = await reader.get('SELECT coalesce(max(seq), 0) AS last FROM change');
  return row === null ? 0 : numberOf(row, 'last');
}
