/**
 * PostgreSQL for the directory's tables. Every write holds one advisory lock from its first statement to its commit,
 * so writes of all servers happen one after the other: what a transaction checked stays true until it ends, and
 * numbers of the change table become visible in their order. Directory writes are rare; being right costs nothing here.
 */
import { Failure } from '../../../observe/failure.ts';
import type { Log } from '../../../observe/log.ts';
import type { DirectoryChange } from '../../api.ts';
import type { Actor } from '../../model.ts';
import { ChangeFeed } from '../sql/change-feed.ts';
import { Journal } from '../sql/journal.ts';
import type { Reader, Row, SqlDatabase, SqlValue, Statements, Transaction } from '../sql/seam.ts';
import { type Answer, type Connection, ConnectionLost } from './connection.ts';
import { away, failureOf, isAgain, isLost } from './failures.ts';
import { migrate, WRITE_LOCK } from './migrations.ts';
import type { Place } from './places.ts';
import { isUnstorable } from './placeholders.ts';
import { EVENT_ANSWER_MS, NOTIFY, Primary } from './primary.ts';

/** A logon does not wait longer than this for one answer; after it nobody waits at all (primary.ts). */
export const ANSWER_MS = 2000;
/** Longer than the server's own limits of a statement and of waiting for the lock, which name the reason. */
const WRITE_ANSWER_MS = 6000;
/** Attempts at a transaction that PostgreSQL asks to repeat. */
const ATTEMPTS = 3;

export interface PostgresDatabaseOptions {
  readonly log: Log;
  /** ms since 1970. */
  readonly now: () => number;
  readonly forget: (change: DirectoryChange) => void;
}

export class PostgresDatabase implements SqlDatabase {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #feed: ChangeFeed;
  readonly #primary: Primary;
  /** Ends with the last write that was begun here: they would only wait for each other's lock. */
  #writing: Promise<unknown> = Promise.resolve();
  #isOpen = true;

  /** @throws Failure UNAVAILABLE when none of the places takes writes or the tables are of a newer version */
  static async open(places: readonly Place[], options: PostgresDatabaseOptions): Promise<PostgresDatabase> {
    const database = new PostgresDatabase(places, options);
    try {
      await database.#primary.open((connection, place) => migrate(connection, place.name));
    } catch (error) {
      if (error instanceof ConnectionLost)
        throw new Failure('UNAVAILABLE', `the directory cannot be reached: ${error.message}`, { cause: error });
      throw failureOf(error);
    }
    return database;
  }

  private constructor(places: readonly Place[], { log, now, forget }: PostgresDatabaseOptions) {
    this.#log = log;
    this.#now = now;
    this.#feed = new ChangeFeed(log, forget);
    let isFirst = true;
    this.#primary = new Primary(places, log, {
      changed: async (connection) =>
        this.#feed.apply(await this.#feed.unseen(statementsOn(connection, EVENT_ANSWER_MS))),
      found: async (connection, isSame) => {
        const reader = statementsOn(connection, EVENT_ANSWER_MS);
        if (isFirst) await this.#feed.begin(reader);
        else if (isSame) this.#feed.apply(await this.#feed.unseen(reader));
        else await this.#feed.restart(reader);
        isFirst = false;
      },
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get isReachable(): boolean {
    return this.#primary.pool !== null;
  }

  async get(sql: string, ...parameters: readonly SqlValue[]): Promise<Row | null> {
    return this.#read((reader) => reader.get(sql, ...parameters));
  }

  async all(sql: string, ...parameters: readonly SqlValue[]): Promise<readonly Row[]> {
    return this.#read((reader) => reader.all(sql, ...parameters));
  }

  async write<T>(actor: Actor, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const written = this.#writing.then(() => this.#attempts(actor, work));
    this.#writing = written.catch(() => undefined);
    return written;
  }

  listen(listener: (change: DirectoryChange) => void): () => void {
    return this.#feed.listen(listener);
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#writing;
    this.#feed.close();
    await this.#primary.close();
  }

  /** Once more when a connection broke: the server may have ended just that one. */
  async #read<T>(question: (reader: Reader) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const { pool } = this.#primary;
      if (pool === null) throw away();
      const begun = performance.now();
      try {
        return await pool.use((connection) => question(statementsOn(connection, ANSWER_MS)));
      } catch (error) {
        if (!isLost(error)) throw this.#logged(failureOf(error));
        this.#primary.suspect();
        if (attempt > 1 || performance.now() - begun > ANSWER_MS / 2) throw failureOf(error);
      }
    }
  }

  async #attempts<T>(actor: Actor, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const { pool } = this.#primary;
      if (pool === null) throw away();
      try {
        return await pool.use((connection) => this.#transact(connection, new Journal(actor, this.#now()), work));
      } catch (error) {
        if (isAgain(error) && attempt < ATTEMPTS) continue;
        if (isLost(error)) this.#lostWith(error);
        throw this.#logged(failureOf(error));
      }
    }
  }

  async #transact<T>(
    connection: Connection,
    journal: Journal,
    work: (transaction: Transaction) => Promise<T>,
  ): Promise<T> {
    const statements = statementsOn(connection, WRITE_ANSWER_MS);
    try {
      await connection.command(`BEGIN; SELECT pg_advisory_xact_lock(${WRITE_LOCK})`, WRITE_ANSWER_MS);
      const value = await work(journal.transaction(statements));
      await journal.writeOn(statements);
      const unseen = await this.#feed.unseen(statements);
      await this.#feed.prune(statements, unseen);
      if (journal.hasChanges) await connection.command(NOTIFY, WRITE_ANSWER_MS);
      await commit(connection);
      this.#feed.apply(unseen);
      return value;
    } catch (error) {
      // A connection that was lost takes its transaction with it.
      if (connection.isUsable) await connection.command('ROLLBACK', WRITE_ANSWER_MS).catch(() => connection.destroy());
      throw error;
    }
  }

  /** A server that became a standby says so only to writers; it has to be left. */
  #lostWith(error: unknown): void {
    if (error instanceof ConnectionLost) this.#primary.suspect();
    else this.#primary.lose(new ConnectionLost(error instanceof Error ? error.message : String(error)));
  }

  #logged(error: unknown): unknown {
    if (
      error instanceof Failure &&
      error.code === 'UNAVAILABLE' &&
      error.cause instanceof Error &&
      !isLost(error.cause)
    )
      this.#log.error({ reason: error.cause.message }, 'directory: PostgreSQL refused');
    return error;
  }
}

async function commit(connection: Connection): Promise<void> {
  let answer: Answer;
  try {
    answer = await connection.command('COMMIT', WRITE_ANSWER_MS);
  } catch (error) {
    if (!isLost(error)) throw error;
    throw new Failure(
      'UNAVAILABLE',
      'the directory went away while the change was being made; see whether it was, before trying again',
      { cause: error },
    );
  }
  if (answer.command !== 'COMMIT') throw new Error('a statement of the transaction failed and nobody noticed');
}

function statementsOn(connection: Connection, limitMs: number): Statements {
  const rows = async (sql: string, parameters: readonly SqlValue[]): Promise<readonly Row[]> =>
    parameters.some(isUnstorable) ? [] : (await connection.query(sql, parameters, limitMs)).rows;
  return {
    get: async (sql, ...parameters) => (await rows(sql, parameters))[0] ?? null,
    all: (sql, ...parameters) => rows(sql, parameters),
    run: async (sql, ...parameters) => (await connection.query(sql, parameters, limitMs)).changed,
  };
}
