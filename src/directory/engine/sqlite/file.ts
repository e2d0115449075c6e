/**
 * One SQLite file with the directory in it: pragmas, statements, write transactions, and the change table by which
 * every process that has the file open learns what another one wrote, and the audit entries of each transaction.
 * Knows no tables but `change` and `audit`.
 *
 * All calls are synchronous and short (10 µs to look up, a few ms to commit). A commit is on disk before it returns.
 */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { Failure } from '../../../observe/failure.ts';
import type { Log } from '../../../observe/log.ts';
import type { DirectoryChange } from '../../api.ts';
import { auditDifference, type AuditValues } from '../../audit.ts';
import type { Actor, AuditEntry } from '../../model.ts';
import { migrate, pragmaNumber } from './migrations.ts';
import { numberOf, type Row, textOf } from './rows.ts';

/** How often another process's changes are looked for; api.ts promises them within a second. */
export const POLL_MS = 100;
/** Another process may hold the write lock for a commit; longer than this is a fault. */
const BUSY_TIMEOUT_MS = 2000;
/** Changes kept for processes that look; who missed more than these re-reads everything. */
export const CHANGES_KEPT = 10_000;
const CHANGES_PRUNED_EVERY = 1000;

const SQLITE_BUSY = 5;
const SQLITE_CONSTRAINT = 19;
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
] as const satisfies ReadonlyArray<DirectoryChange['kind']>;

/** A write under way. Everything said to it is in the same transaction. */
export interface Transaction {
  /** When it began, ms since 1970. */
  readonly at: number;
  /** Announced to watchers of every process after the commit. */
  note(kind: DirectoryChange['kind'], id: string | null): void;
  /** One entry of the audit log; none when nothing changed. Null: the object was or is not there. */
  audit(objectKind: string, object: string, before: AuditValues | null, after: AuditValues | null): void;
  /** An entry in words of its own. */
  record(entry: Omit<AuditEntry, 'id' | 'at' | 'actor'>): void;
}

export class DirectoryFile {
  readonly #db: DatabaseSync;
  readonly #log: Log;
  readonly #forget: (change: DirectoryChange) => void;
  readonly #now: () => number;
  readonly #statements = new Map<string, StatementSync>();
  readonly #listeners = new Set<(change: DirectoryChange) => void>();
  #timer: NodeJS.Timeout | null = null;
  #dataVersion = 0;
  #seen = 0;

  /**
   * `forget` empties the caches of what changed; it is called before any listener, also within a transaction.
   * `now` in ms since 1970 dates the audit log.
   * @throws Failure UNAVAILABLE when the file cannot be opened or is not for this version
   */
  constructor(file: string, log: Log, forget: (change: DirectoryChange) => void, now: () => number) {
    this.#log = log;
    this.#forget = forget;
    this.#now = now;
    const isShared = file !== ':memory:';
    try {
      if (isShared) {
        mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
        // Verifiers of passwords are inside: the file is made unreadable to others before SQLite writes into it.
        closeSync(openSync(file, 'a', 0o600));
      }
      this.#db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
    } catch (cause) {
      throw new Failure('UNAVAILABLE', `the directory ${file} cannot be opened`, { cause });
    }
    try {
      this.#db.exec(
        'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384; PRAGMA trusted_schema = OFF',
      );
      migrate(this.#db, file);
    } catch (error) {
      this.#db.close();
      throw error instanceof Failure ? error : new Failure('UNAVAILABLE', `${file} cannot be read`, { cause: error });
    }
    this.#seen = this.#lastChange();
    if (!isShared) return;
    this.#dataVersion = pragmaNumber(this.#db, 'data_version');
    this.#timer = setInterval(() => this.#poll(), POLL_MS);
    this.#timer.unref();
  }

  /** First row or null. */
  get(sql: string, ...parameters: SQLInputValue[]): Row | null {
    return this.#guard(() => this.#prepared(sql).get(...parameters) ?? null);
  }

  all(sql: string, ...parameters: SQLInputValue[]): readonly Row[] {
    return this.#guard(() => this.#prepared(sql).all(...parameters));
  }

  /** Rows changed. Inside `write` only. */
  run(sql: string, ...parameters: SQLInputValue[]): number {
    return Number(this.#prepared(sql).run(...parameters).changes);
  }

  get isOpen(): boolean {
    return this.#db.isOpen;
  }

  /**
   * One transaction in the name of `actor`; `work` says to the transaction what changed. What others wrote meanwhile is taken in first, so that `work` reads no
   * stale cache. Listeners hear of the change before this returns, outside the transaction.
   */
  write<T>(actor: Actor, work: (transaction: Transaction) => T): T {
    let foreign: readonly DirectoryChange[] = [];
    try {
      return this.#guard(() => {
        this.#db.exec('BEGIN IMMEDIATE');
        try {
          foreign = this.#takeChanges();
          const value = work(this.#transaction(actor));
          const last = this.#lastChange();
          if (Math.floor(last / CHANGES_PRUNED_EVERY) !== Math.floor(this.#seen / CHANGES_PRUNED_EVERY))
            this.run('DELETE FROM change WHERE seq <= ?', last - CHANGES_KEPT);
          this.#db.exec('COMMIT');
          return value;
        } catch (error) {
          if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
          throw error;
        }
      });
    } finally {
      this.#announce([...foreign, ...this.#takeChanges()]);
    }
  }

  listen(listener: (change: DirectoryChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#listeners.clear();
    this.#statements.clear();
    if (this.#db.isOpen) this.#db.close();
  }

  #transaction(actor: Actor): Transaction {
    const at = this.#now();
    const record: Transaction['record'] = (entry) => {
      this.run(
        `INSERT INTO audit (at, user, via, command, action, object_kind, object, before_values, after_values)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        at,
        actor.user,
        actor.via,
        actor.command,
        entry.action,
        entry.objectKind,
        entry.object,
        entry.before === null ? null : JSON.stringify(entry.before),
        entry.after === null ? null : JSON.stringify(entry.after),
      );
    };
    return {
      at,
      note: (kind, id) => {
        this.run('INSERT INTO change (kind, id) VALUES (?, ?)', kind, id);
      },
      audit: (objectKind, object, before, after) => {
        const difference = auditDifference(before, after);
        if (difference !== null) record({ ...difference, objectKind, object });
      },
      record,
    };
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #lastChange(): number {
    const row = this.get('SELECT coalesce(max(seq), 0) AS last FROM change');
    return row === null ? 0 : numberOf(row, 'last');
  }

  #poll(): void {
    try {
      const version = pragmaNumber(this.#db, 'data_version');
      if (version === this.#dataVersion) return;
      this.#dataVersion = version;
      this.#announce(this.#takeChanges());
    } catch (error) {
      this.#log.error({ error }, 'directory: changes of other processes could not be read');
    }
  }

  /** Everything written since the last time, by this process or another; caches let go of it at once. */
  #takeChanges(): readonly DirectoryChange[] {
    const rows = this.all('SELECT seq, kind, id FROM change WHERE seq > ? ORDER BY seq', this.#seen);
    const [first] = rows;
    const last = rows.at(-1);
    if (first === undefined || last === undefined) return [];
    const missed = numberOf(first, 'seq') > this.#seen + 1;
    this.#seen = numberOf(last, 'seq');
    const changes: DirectoryChange[] = [];
    if (missed) for (const kind of CHANGE_KINDS) changes.push({ kind, id: null });
    else
      for (const row of rows) {
        const kind = CHANGE_KINDS.find((one) => one === row['kind']);
        if (kind !== undefined) changes.push({ kind, id: row['id'] === null ? null : textOf(row, 'id') });
      }
    for (const change of changes) this.#forget(change);
    return changes;
  }

  #announce(changes: readonly DirectoryChange[]): void {
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

  /** SQLite's errors become the directory's. */
  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const code = sqliteCode(error);
      if (code === null) throw error;
      this.#log.error({ error, code }, 'directory: SQLite refused');
      if ((code & 0xff) === SQLITE_CONSTRAINT)
        throw new Failure('ALREADYEXISTS', 'the name is taken, or something it refers to is missing', { cause: error });
      if ((code & 0xff) === SQLITE_BUSY)
        throw new Failure('UNAVAILABLE', 'the directory is busy; try again', { cause: error });
      throw new Failure('UNAVAILABLE', 'the directory cannot be used now', { cause: error });
    }
  }
}

/** A UNIQUE, CHECK or foreign key rule was broken. */
export function isConstraintError(error: unknown): boolean {
  const code = sqliteCode(error);
  return code !== null && (code & 0xff) === SQLITE_CONSTRAINT;
}

/** SQLite's extended result code, null for any other error. */
function sqliteCode(error: unknown): number | null {
  if (!(error instanceof Error) || Reflect.get(error, 'code') !== 'ERR_SQLITE_ERROR') return null;
  const code: unknown = Reflect.get(error, 'errcode');
  return typeof code === 'number' ? code : 1;
}
