/**
 * Reading and purging the audit log; entries are written by the transactions they belong to (file.ts). There may be a
 * million of them and no index but their number: reading goes back window by window and lets others run in between.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Failure } from '../../../observe/failure.ts';
import type { Log } from '../../../observe/log.ts';
import type { AuditQuery } from '../../api.ts';
import { SERVER_ACTOR } from '../../audit.ts';
import type { Actor, AuditEntry } from '../../model.ts';
import type { DirectoryFile } from './file.ts';
import { jsonOf, numberOf, type Row, textOf, wordOf } from './rows.ts';

/** Entries looked at, or purged, before others get their turn: a few ms. */
const WINDOW = 4000;
/** Entries unpacked before others get their turn: a few ms, too. */
const UNPACKED = 500;
const QUERY_LIMIT = 10_000;
const DAY_MS = 86_400_000;
const VIA = ['shell', 'command', 'api', 'web', 'server'] as const satisfies ReadonlyArray<Actor['via']>;

export interface AuditRetention {
  readonly days: number;
  readonly entries: number;
}

export class AuditLog {
  readonly #file: DirectoryFile;
  readonly #log: Log;
  readonly #retention: AuditRetention;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;

  /** Purges at once and daily until `close`. */
  constructor(file: DirectoryFile, log: Log, retention: AuditRetention, now: () => number) {
    this.#file = file;
    this.#log = log;
    this.#retention = retention;
    this.#now = now;
    const purge = (): void => {
      this.purge().catch((error: unknown) => log.error({ error }, 'directory: the audit log could not be purged'));
    };
    this.#timer = setInterval(purge, DAY_MS);
    this.#timer.unref();
    purge();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Newest first. */
  async query(query: AuditQuery): Promise<readonly AuditEntry[]> {
    if (!Number.isInteger(query.limit) || query.limit < 1 || query.limit > QUERY_LIMIT)
      throw new Failure('CANNOT', `ResultSize must be 1–${QUERY_LIMIT}`);
    const found: AuditEntry[] = [];
    const { first, last } = this.#bounds();
    for (let to = last; to >= first && found.length < query.limit; ) {
      if (to !== last) await nextTurn();
      const most = Math.min(query.limit - found.length, UNPACKED);
      const rows = this.#file.all(
        `SELECT * FROM audit WHERE id <= ?1 AND id > ?1 - ${WINDOW}
           AND (?2 IS NULL OR at >= ?2) AND (?3 IS NULL OR at < ?3)
           AND (?4 IS NULL OR user = ?4 COLLATE NOCASE) AND (?5 IS NULL OR command = ?5 COLLATE NOCASE)
           AND (?6 IS NULL OR object = ?6 COLLATE NOCASE)
         ORDER BY id DESC LIMIT ?7`,
        to,
        query.from ?? null,
        query.until ?? null,
        query.user ?? null,
        query.command ?? null,
        query.object ?? null,
        most,
      );
      for (const row of rows) found.push(entryOf(row));
      const oldest = rows.at(-1);
      to = oldest !== undefined && rows.length === most ? numberOf(oldest, 'id') - 1 : to - WINDOW;
    }
    return found;
  }

  /** How many went. The oldest stand at the front, so what is too old or too many is a run of numbers. */
  async purge(): Promise<number> {
    const oldest = this.#now() - this.#retention.days * DAY_MS;
    let purged = 0;
    while (this.#file.isOpen) {
      const { first, last } = this.#bounds();
      const tooMany = last - this.#retention.entries;
      const gone = `FROM audit WHERE id >= ?1 AND id < ?1 + ${WINDOW} AND (at < ?2 OR id <= ?3)`;
      // Most of the time nothing has to go; then no write lock is taken either.
      if (this.#file.get(`SELECT 1 ${gone} LIMIT 1`, first, oldest, tooMany) === null) break;
      purged += this.#file.write(SERVER_ACTOR, () => this.#file.run(`DELETE ${gone}`, first, oldest, tooMany));
      await nextTurn();
    }
    if (purged > 0) this.#log.info({ entries: purged }, 'directory: old entries of the audit log purged');
    return purged;
  }

  #bounds(): { readonly first: number; readonly last: number } {
    // Two look-ups: min and max in one SELECT would read every row.
    const row = this.#file.get(
      `SELECT coalesce((SELECT min(id) FROM audit), 1) AS first, coalesce((SELECT max(id) FROM audit), 0) AS last`,
    );
    return row === null ? { first: 1, last: 0 } : { first: numberOf(row, 'first'), last: numberOf(row, 'last') };
  }
}

function entryOf(row: Row): AuditEntry {
  return {
    id: numberOf(row, 'id'),
    at: numberOf(row, 'at'),
    actor: { user: textOf(row, 'user'), via: wordOf(row, 'via', VIA), command: textOf(row, 'command') },
    action: textOf(row, 'action'),
    objectKind: textOf(row, 'object_kind'),
    object: textOf(row, 'object'),
    before: valuesOf(row, 'before_values'),
    after: valuesOf(row, 'after_values'),
  };
}

function valuesOf(row: Row, column: string): AuditEntry['before'] {
  if (row[column] === null) return null;
  const stored = jsonOf(row, column);
  const values: Record<string, string> = {};
  if (typeof stored === 'object' && stored !== null)
    for (const [name, text] of Object.entries(stored)) values[name] = String(text);
  return values;
}
