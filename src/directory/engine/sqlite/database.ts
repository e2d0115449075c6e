/**
 * One SQLite file for the directory's tables: pragmas, statements, transactions, and the look at what other processes
 * that have the file open wrote meanwhile. Knows no tables.
 *
 * SQLite runs on the event loop, each statement a few µs, a commit a few ms; it is on disk before it returns. There is
 * one connection, so whoever reads while a transaction is open waits until it ends, or would see what may be undone.
 */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../../../observe/failure.ts';
import type { Log } from '../../../observe/log.ts';
import type { DirectoryChange } from '../../api.ts';
import type { Actor } from '../../model.ts';
import { ChangeFeed } from '../sql/change-feed.ts';
import { Journal } from '../sql/journal.ts';
import type { Row, SqlDatabase, SqlValue, Statements, Transaction } from '../sql/seam.ts';
import { migrate, pragmaNumber } from './migrations.ts';

/** How often another process's changes are looked for; api.ts promises them within a second. */
export const POLL_MS = 100;
/** Another opening of the file may hold the write lock for a commit; longer than this is a fault. */
const BUSY_TIMEOUT_MS = 2000;
const BUSY_RETRY_MS = 5;

const SQLITE_BUSY = 5;
const SQLITE_CONSTRAINT = 19;

export interface SqliteDatabaseOptions {
  readonly log: Log;
  /** ms since 1970. */
  readonly now: () => number;
  readonly forget: (change: DirectoryChange) => void;
}

export class SqliteDatabase implements SqlDatabase {
  readonly isReachable = true;
  readonly #db: DatabaseSync;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #feed: ChangeFeed;
  readonly #prepared = new Map<string, StatementSync>();
  /** What is said to the connection now, whether a transaction is open or not. */
  readonly #statements: Statements = {
    get: async (sql, ...parameters) => this.#guard(() => this.#prepare(sql).get(...parameters) ?? null),
    all: async (sql, ...parameters) => this.#guard(() => this.#prepare(sql).all(...parameters)),
    run: async (sql, ...parameters) => this.#guard(() => Number(this.#prepare(sql).run(...parameters).changes)),
  };
  /** Ends when the transaction that is open and everybody who waits behind it are done. Null: nobody is. */
  #busy: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #dataVersion = 0;

  /** @throws Failure UNAVAILABLE when the file cannot be opened or is not for this version */
  static async open(file: string, options: SqliteDatabaseOptions): Promise<SqliteDatabase> {
    const database = new SqliteDatabase(file, options);
    await database.#feed.begin(database.#statements);
    if (file !== ':memory:') database.#pollOthers();
    return database;
  }

  private constructor(file: string, { log, now, forget }: SqliteDatabaseOptions) {
    this.#log = log;
    this.#now = now;
    this.#feed = new ChangeFeed(log, forget);
    try {
      if (file !== ':memory:') {
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
  }

  get(sql: string, ...parameters: readonly SqlValue[]): Promise<Row | null> {
    return this.#inTurn(() => this.#statements.get(sql, ...parameters));
  }

  all(sql: string, ...parameters: readonly SqlValue[]): Promise<readonly Row[]> {
    return this.#inTurn(() => this.#statements.all(sql, ...parameters));
  }

  get isOpen(): boolean {
    return this.#db.isOpen;
  }

  write<T>(actor: Actor, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#queue(() => this.#transact(new Journal(actor, this.#now()), work));
  }

  listen(listener: (change: DirectoryChange) => void): () => void {
    return this.#feed.listen(listener);
  }

  async close(): Promise<void> {
    while (this.#busy !== null) await this.#busy;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#feed.close();
    this.#prepared.clear();
    if (this.#db.isOpen) this.#db.close();
  }

  /** Nearly always nobody writes, and a read is answered at once. */
  #inTurn<T>(read: () => Promise<T>): Promise<T> {
    return this.#busy === null ? read() : this.#queue(read);
  }

  #queue<T>(job: () => Promise<T>): Promise<T> {
    const done = this.#busy === null ? job() : this.#busy.then(job);
    // Whoever waits for the connection waits for its end, not for its outcome.
    const ended = done.then(nothing, nothing);
    this.#busy = ended;
    void ended.then(() => {
      if (this.#busy === ended) this.#busy = null;
    });
    return done;
  }

  async #transact<T>(journal: Journal, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const statements = this.#statements;
    await this.#begin();
    try {
      const value = await work(journal.transaction(statements));
      await journal.writeOn(statements);
      const unseen = await this.#feed.unseen(statements);
      await this.#feed.prune(statements, unseen);
      this.#guard(() => this.#db.exec('COMMIT'));
      this.#feed.apply(unseen);
      return value;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /** SQLite's own waiting would stop the event loop, and with it another opening of the file in this process. */
  async #begin(): Promise<void> {
    if (!this.#db.isOpen) throw closed();
    const until = performance.now() + BUSY_TIMEOUT_MS;
    this.#db.exec('PRAGMA busy_timeout = 0');
    try {
      for (;;) {
        try {
          return this.#db.exec('BEGIN IMMEDIATE');
        } catch (error) {
          if (!isBusy(error) || performance.now() >= until) throw this.#failure(error);
        }
        await delay(BUSY_RETRY_MS * Math.random());
      }
    } finally {
      this.#db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    }
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }

  #pollOthers(): void {
    this.#dataVersion = pragmaNumber(this.#db, 'data_version');
    this.#timer = setInterval(() => {
      this.#poll().catch((error: unknown) =>
        this.#log.error({ error }, 'directory: changes of other processes could not be read'),
      );
    }, POLL_MS);
    this.#timer.unref();
  }

  async #poll(): Promise<void> {
    const version = pragmaNumber(this.#db, 'data_version');
    if (version === this.#dataVersion) return;
    this.#dataVersion = version;
    await this.#queue(async () => this.#feed.apply(await this.#feed.unseen(this.#statements)));
  }

  #guard<T>(work: () => T): T {
    if (!this.#db.isOpen) throw closed();
    try {
      return work();
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** SQLite's errors become the directory's. */
  #failure(error: unknown): unknown {
    const code = sqliteCode(error);
    if (code === null) return error;
    this.#log.error({ error, code }, 'directory: SQLite refused');
    if ((code & 0xff) === SQLITE_CONSTRAINT)
      return new Failure('ALREADYEXISTS', 'the name is taken, or something it refers to is missing', { cause: error });
    if ((code & 0xff) === SQLITE_BUSY)
      return new Failure('UNAVAILABLE', 'the directory is busy; try again', { cause: error });
    return new Failure('UNAVAILABLE', 'the directory cannot be used now', { cause: error });
  }
}

const closed = (): Failure => new Failure('UNAVAILABLE', 'the directory is closed');

const nothing = (): void => undefined;

function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code !== null && (code & 0xff) === SQLITE_BUSY;
}

/** SQLite's extended result code, null for any other error. */
function sqliteCode(error: unknown): number | null {
  if (!(error instanceof Error) || Reflect.get(error, 'code') !== 'ERR_SQLITE_ERROR') return null;
  const code: unknown = Reflect.get(error, 'errcode');
  return typeof code === 'number' ? code : 1;
}
