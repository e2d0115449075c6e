/**
 * One connection to PostgreSQL on which every question has a time limit: an answer that does not come ends the
 * connection, so that a server that hangs is a connection that is lost. Knows no SQL but its own settings.
 */
import { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import pg from 'pg';
import type { Row, SqlValue } from '../sql/seam.ts';
import type { Place } from './places.ts';
import { preparedSql } from './placeholders.ts';

/** Name look-up, TCP, TLS and authentication together. */
export const CONNECT_MS = 1500;
/** The schema that holds the directory's tables: a database may hold other things besides. */
export const SCHEMA = 'penfold_directory';
/** The server ends what takes longer, also when this process is no longer there to say so. */
const STATEMENT_MS = 5000;
const LOCK_MS = 3000;
const IDLE_IN_TRANSACTION_MS = 10_000;
const KEEP_ALIVE_MS = 10_000;

/** The connection ended, or never came about. What was asked last may have been done or not. */
export class ConnectionLost extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'ConnectionLost';
  }
}

export interface Answer {
  readonly rows: readonly Row[];
  readonly changed: number;
  /** What was done, as the server says: a COMMIT of a failed transaction is a ROLLBACK. */
  readonly command: string;
}

export interface ConnectionEvents {
  notified?(): void;
  /** Once, of a connection that was open, however it ended, unless by `end` or `destroy`. */
  lost?(reason: ConnectionLost): void;
}

/** Numbers as numbers (counts, times in ms and row numbers are far below 2^53), JSON as its text. */
const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, Number);
types.setTypeParser(pg.types.builtins.JSON, String);

export class Connection {
  readonly #client: pg.Client;
  readonly #socket: Socket;
  #lost: ConnectionLost | null = null;
  #opened = false;
  #ended = false;
  /** performance.now() of the last answer. */
  lastUsed = performance.now();

  /** @throws ConnectionLost */
  static async open(place: Place, events: ConnectionEvents = {}): Promise<Connection> {
    const connection = new Connection(place, events);
    await connection.#connect();
    connection.#opened = true;
    return connection;
  }

  private constructor(place: Place, events: ConnectionEvents) {
    // The driver gives up a connection politely, which takes an answer; the socket is held here to end it at once.
    this.#socket = new Socket();
    try {
      this.#client = new pg.Client({
        connectionString: place.url,
        application_name: 'penfold directory',
        keepAlive: true,
        keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
        stream: () => this.#socket,
        types,
      });
    } catch (error) {
      // Such as a certificate file of the URL that is not there.
      throw new ConnectionLost(`${place.name}: ${textOf(error)}`);
    }
    this.#client.on('notification', () => events.notified?.());
    const lost = (error?: Error): void => {
      if (this.#ended || this.#lost !== null) return;
      this.#lost = new ConnectionLost(`${place.name}: ${error === undefined ? 'connection ended' : textOf(error)}`);
      this.#socket.destroy();
      if (this.#opened) events.lost?.(this.#lost);
    };
    this.#client.on('error', lost);
    this.#client.on('end', () => lost());
  }

  get isUsable(): boolean {
    return this.#lost === null && !this.#ended;
  }

  /** @throws ConnectionLost, pg.DatabaseError */
  async query(sql: string, values: readonly SqlValue[], limitMs: number): Promise<Answer> {
    const { name, text } = preparedSql(sql);
    return this.#ask({ name, text, values: [...values] }, limitMs);
  }

  /** Several statements without parameters, in one question. */
  async command(sql: string, limitMs: number): Promise<Answer> {
    return this.#ask({ text: sql }, limitMs);
  }

  async end(): Promise<void> {
    if (!this.isUsable) return;
    this.#ended = true;
    const late = setTimeout(() => this.#socket.destroy(), CONNECT_MS);
    try {
      await this.#client.end();
    } finally {
      clearTimeout(late);
    }
  }

  destroy(): void {
    this.#ended = true;
    this.#socket.destroy();
  }

  async #connect(): Promise<void> {
    try {
      await this.#limited(this.#client.connect(), CONNECT_MS);
      await this.command(
        `SET search_path TO ${SCHEMA}; SET statement_timeout = ${STATEMENT_MS}; SET lock_timeout = ${LOCK_MS};
         SET idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS}`,
        CONNECT_MS,
      );
    } catch (error) {
      this.destroy();
      throw error instanceof ConnectionLost ? error : new ConnectionLost(textOf(error));
    }
  }

  async #ask(question: pg.QueryConfig, limitMs: number): Promise<Answer> {
    if (this.#lost !== null) throw this.#lost;
    try {
      const answer: pg.QueryResult | readonly pg.QueryResult[] = await this.#limited(
        this.#client.query(question),
        limitMs,
      );
      this.lastUsed = performance.now();
      const last = Array.isArray(answer) ? answer.at(-1) : answer;
      return { rows: last.rows, changed: last.rowCount ?? 0, command: last.command };
    } catch (error) {
      if (error instanceof pg.DatabaseError && this.isUsable) throw error;
      throw this.#lost ?? (error instanceof ConnectionLost ? error : new ConnectionLost(textOf(error)));
    }
  }

  async #limited<T>(answer: Promise<T>, limitMs: number): Promise<T> {
    let isLate = false;
    const timer = setTimeout(() => {
      void (async () => {
        // If this process itself was busy, the answer may have come and wait to be read.
        for (let turn = 0; turn < 2; turn += 1) await nextTurn();
        isLate = true;
        this.#socket.destroy();
      })();
    }, limitMs);
    try {
      return await answer;
    } catch (error) {
      throw isLate ? new ConnectionLost(`no answer within ${limitMs} ms`) : error;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The driver's texts name hosts and users, never passwords; its objects do, so they are not passed on. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError) return error.errors.map(textOf).join('; ');
  return error.message;
}
