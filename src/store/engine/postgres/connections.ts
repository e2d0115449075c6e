/**
 * Connections to one PostgreSQL: a pool with a bound (who finds none free waits, then hears UNAVAILABLE), time-outs on
 * everything, and errors told apart: refused for certain, or nobody knows. Knows no tables.
 */
import pg from 'pg';
import { Failure } from '../../../observe/failure.ts';
import type { Log } from '../../../observe/log.ts';
import { StorageLost } from '../../mailbox/storage.ts';
import { CopyOut, type OnRow } from './copy-out.ts';
import type { Row } from './rows.ts';

/** Connections of one process to one database. */
export const POOL_CONNECTIONS = 16;
/** To get a connection: a new one, or one that is free again. */
const CONNECT_MS = 3_000;
/** The server gives a statement up. */
const STATEMENT_MS = 30_000;
/** We give the server up: it should have answered, if only that it gave up. */
const ANSWER_MS = STATEMENT_MS + 5_000;
const IDLE_MS = 30_000;
const UNREACHABLE = 'The mailbox database cannot be reached at the moment.';

/** Whatever runs a statement: a connection within a transaction, or any of the pool. */
export interface Session {
  query(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

export class Connections implements Session {
  readonly #pool: pg.Pool;

  constructor(url: string, log: Log, most = POOL_CONNECTIONS) {
    this.#pool = new pg.Pool({
      connectionString: url,
      max: most,
      connectionTimeoutMillis: CONNECT_MS,
      idleTimeoutMillis: IDLE_MS,
      statement_timeout: STATEMENT_MS,
      query_timeout: ANSWER_MS,
      idle_in_transaction_session_timeout: ANSWER_MS,
      keepAlive: true,
      application_name: 'penfold mailboxes',
    });
    // One that breaks while it is in use tells of it itself, and who uses it hears it from the query under way.
    this.#pool.on('connect', (client) => client.on('error', () => {}));
    // Of connections nobody uses at the moment; the pool forgets them.
    this.#pool.on('error', (reason) => log.warn({ err: reason }, 'a connection to the mailbox database was lost'));
  }

  query(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return this.#with((client) => run(client, text, values));
  }

  /** Rows with bytes in them (copy-out.ts). */
  copyOut(text: string, onRow: OnRow): Promise<void> {
    return this.#with(async (client) => {
      const copy = new CopyOut(text, onRow);
      client.query(copy);
      try {
        await copy.done;
      } catch (reason) {
        throw asFailure(reason);
      }
    });
  }

  /**
   * One statement that changes something by itself.
   * @throws StorageLost when the connection broke before the answer came
   */
  change(name: string, text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    return this.#with((client) => decided(run(client, text, values, name)));
  }

  /** @throws StorageLost when the connection broke while the transaction was being committed */
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#with(async (client) => {
      await run(client, 'BEGIN');
      let result: T;
      try {
        result = await work({ query: (text, values) => run(client, text, values) });
      } catch (reason) {
        if (!(reason instanceof Broken)) await run(client, 'ROLLBACK');
        throw reason;
      }
      await decided(run(client, 'COMMIT'));
      return result;
    });
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  async #with<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    let client: pg.PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (reason) {
      throw unreachableDatabase(reason);
    }
    let broken = false;
    try {
      return await work(client);
    } catch (reason) {
      broken = reason instanceof Broken || reason instanceof StorageLost;
      throw reason;
    } finally {
      client.release(broken);
    }
  }
}

/** The connection cannot be used any more. What the server was asked last, it has done or not. */
class Broken extends Failure {
  constructor(cause: unknown) {
    super('UNAVAILABLE', UNREACHABLE, { cause });
  }
}

async function run(
  client: pg.ClientBase,
  text: string,
  values: readonly unknown[] = [],
  name?: string,
): Promise<readonly Row[]> {
  try {
    return (await client.query<Row>({ ...(name === undefined ? {} : { name }), text, values: [...values] })).rows;
  } catch (reason) {
    throw asFailure(reason);
  }
}

/** A change that nobody knows the end of is another failure than one that was refused. */
async function decided<T>(change: Promise<T>): Promise<T> {
  try {
    return await change;
  } catch (reason) {
    if (!(reason instanceof Broken)) throw reason;
    throw new StorageLost('The mailbox database went away while a change was being made.', { cause: reason });
  }
}

/** A connection of its own, outside the pool: for what must not wait behind others. */
export async function connectAlone(url: string, answerMs: number): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: answerMs,
    query_timeout: answerMs,
    keepAlive: true,
    application_name: 'penfold lease',
  });
  // Until somebody else listens, an error must not end the process; `end` tells of it, too.
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (reason) {
    await client.end().catch(() => {});
    throw unreachableDatabase(reason);
  }
}

function unreachableDatabase(cause: unknown): Failure {
  return new Failure('UNAVAILABLE', UNREACHABLE, { cause });
}

/** Classes 08 (connection), 57P (operator intervention) and everything FATAL: the server ends the connection. */
function endsConnection({ code = '', severity }: pg.DatabaseError): boolean {
  return code.startsWith('08') || code.startsWith('57P') || severity === 'FATAL' || severity === 'PANIC';
}

function asFailure(reason: unknown): unknown {
  if (!(reason instanceof pg.DatabaseError)) return new Broken(reason);
  if (endsConnection(reason)) return new Broken(reason);
  const { code = '' } = reason;
  if (code.startsWith('53')) {
    return new Failure('UNAVAILABLE', 'The mailbox database has no room left at the moment.', { cause: reason });
  }
  // Given up after its time-out, chosen among dead-locked ones: it may go well the next time.
  if (code === '57014' || code.startsWith('40')) {
    return new Failure('UNAVAILABLE', 'The mailbox database is too busy at the moment.', { cause: reason });
  }
  return reason;
}
