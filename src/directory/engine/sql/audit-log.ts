/**
 * Reading and purging the audit log; entries are written by the transactions they belong to (journal.ts). There may be a
 * million of them and no index but their number: reading goes back window by window and lets others run in between.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Failure } from '../../../observe/failure.ts';
import type { Log } from '../../../observe/log.ts';
import type { AuditQuery } from '../../api.ts';
import { SERVER_ACTOR } from '../../audit.ts';
import type { Actor, AuditEntry } from '../../model.ts';
import { jsonOf, numberOf, textOf, wordOf } from './rows.ts';
import { type Row, type SqlDatabase, type SqlValue, withoutCase } from './seam.ts';

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
  readonly #database: SqlDatabase;
  readonly #log: Log;
  readonly #retention: AuditRetention;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;

  /** Purges at once and daily until `close`. */
  constructor(database: SqlDatabase, log: Log, retention: AuditRetention, now: () => number) {
    this.#database = database;
    this.#log = log;
    this.#retention = retention;
    this.#now = now;
    const purge = (): void => {
      this.purge().catch((error: unknown) => {
        // Closed while it was at it: the next opening goes on.
        if (database.isOpen) log.error({ error }, 'directory: the audit log could not be purged');
      });
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
    const wanted = conditionsOf(query);
    const { first, last } = await this.#bounds();
    for (let to = last; to >= first && found.length < query.limit; ) {
      if (to !== last) await nextTurn();
      const most = Math.min(query.limit - found.length, UNPACKED);
      const rows = await this.#database.all(
        `SELECT * FROM audit WHERE id <= ? AND id > ?${wanted.sql} ORDER BY id DESC LIMIT ?`,
        to,
        to - WINDOW,
        ...wanted.values,
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
    const oldest = Math.floor(this.#now() - this.#retention.days * DAY_MS);
    let purged = 0;
    while (this.#database.isOpen) {
      const { first, last } = await this.#bounds();
      const gone = 'FROM audit WHERE id >= ? AND id < ? AND (at < ? OR id <= ?)';
      const values = [first, first + WINDOW, oldest, last - this.#retention.entries];
      // Most of the time nothing has to go; then no write lock is taken either.
      if ((await this.#database.get(`SELECT 1 ${gone} LIMIT 1`, ...values)) === null) break;
      purged += await this.#database.write(SERVER_ACTOR, (transaction) => transaction.run(`DELETE ${gone}`, ...values));
      await nextTurn();
    }
    if (purged > 0) this.#log.info({ entries: purged }, 'directory: old entries of the audit log purged');
    return purged;
  }

  async #bounds(): Promise<{ readonly first: number; readonly last: number }> {
    // Two look-ups: min and max in one SELECT would read every row.
    const row = await this.#database.get(
      `SELECT coalesce((SELECT min(id) FROM audit), 1) AS first, coalesce((SELECT max(id) FROM audit), 0) AS last`,
    );
    return row === null ? { first: 1, last: 0 } : { first: numberOf(row, 'first'), last: numberOf(row, 'last') };
  }
}

/** Only what was asked for: PostgreSQL cannot tell the type of a value that is compared with nothing. */
function conditionsOf(query: AuditQuery): { readonly sql: string; readonly values: readonly SqlValue[] } {
  const asked: ReadonlyArray<readonly [condition: string, value: SqlValue | undefined]> = [
    ['at >= ?', query.from],
    ['at < ?', query.until],
    ['lower("user") = ?', query.user && withoutCase(query.user)],
    ['lower(command) = ?', query.command && withoutCase(query.command)],
    ['lower(object) = ?', query.object && withoutCase(query.object)],
  ];
  let sql = '';
  const values: SqlValue[] = [];
  for (const [condition, value] of asked) {
    if (value === undefined) continue;
    sql += ` AND ${condition}`;
    values.push(value);
  }
  return { sql, values };
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
