/**
 * The lease of one process on what it has claimed in a database: one row for all its mailboxes, renewed every few
 * seconds with one statement, however many there are. Time is the database's alone; a server's clock decides nothing.
 *
 * Servers speak to each other by NOTIFY, ids only; the facts are in the tables and are looked up there:
 *   ask MAILBOX LEASE       to the holder of the lease: let go of the mailbox if nobody uses it
 *   released | kept         the answer
 *   claimed MAILBOX LEASE   to a holder whose lease had run out: somebody else has the mailbox now
 *
 * When the database is away the lease runs out and nothing happens: nobody else can claim anything either. Once it is
 * back, whoever asks first owns a mailbox; what we hold is asked for again and what was claimed meanwhile is lost.
 */
import type pg from 'pg';
import type { Log } from '../../../observe/log.ts';
import { connectAlone, type Connections } from './connections.ts';
import { booleanIn, numberIn } from './rows.ts';

/** From the last renewal until others may claim what we hold. */
export const LEASE_SECONDS = 12;
/** Between renewals, half of it at random: servers that started together do not renew together. */
const RENEW_MS = 3_000;
/** After a renewal that failed. */
const RETRY_MS = 1_000;
/** A renewal that takes longer is given up and tried again on a new connection. */
const ANSWER_MS = 3_000;
/** How long the holder of a mailbox may take to let go of it. */
export const ASK_MS = 800;
/** Leases that ran out so long ago are removed. */
const FORGET = "interval '1 day'";

export const CHANNEL = 'penfold_mail';
const WORDS = /^(ask|kept|released|claimed) (\S+) (\d+)$/;

export type Answer = 'released' | 'kept' | 'silent';

/** What the engine does when others speak. */
export interface LeaseOwner {
  /** Closes and releases the mailbox unless somebody uses it. */
  letGo(mailbox: string): Promise<boolean>;
  /** The mailbox was claimed by somebody else. */
  claimed(mailbox: string): void;
  /** Our lease had run out: what was claimed meanwhile has to be found out. */
  ranOut(): Promise<void>;
}

export class Lease {
  readonly id: number;
  readonly #connections: Connections;
  readonly #url: string;
  readonly #server: string;
  readonly #owner: LeaseOwner;
  readonly #log: Log;
  #client: pg.Client | null = null;
  #timer: NodeJS.Timeout | null = null;
  #renewing: Promise<void> = Promise.resolve();
  #isAway = false;
  #isClosed = false;
  readonly #questions = new Map<string, (answer: Answer) => void>();

  private constructor(
    id: number,
    parts: { connections: Connections; url: string; server: string; owner: LeaseOwner; log: Log },
  ) {
    this.id = id;
    this.#connections = parts.connections;
    this.#url = parts.url;
    this.#server = parts.server;
    this.#owner = parts.owner;
    this.#log = parts.log;
  }

  /** A server has one process: leases that an earlier one left run out now. */
  static async take(parts: {
    connections: Connections;
    url: string;
    server: string;
    owner: LeaseOwner;
    log: Log;
  }): Promise<Lease> {
    const { connections, server } = parts;
    const id = await connections.transaction(async (session) => {
      await session.query(`DELETE FROM penfold_mail.lease WHERE expires_at < clock_timestamp() - ${FORGET}`);
      await session.query('DELETE FROM penfold_mail.lease WHERE server = $1', [server]);
      const [row] = await session.query(
        `INSERT INTO penfold_mail.lease (server, expires_at) VALUES ($1, clock_timestamp() + ${TERM}) RETURNING id`,
        [server],
      );
      if (row === undefined) throw new Error('the lease was not inserted');
      return numberIn(row, 'id');
    });
    const lease = new Lease(id, parts);
    lease.#client = await lease.#listen();
    lease.#renewLater();
    return lease;
  }

  /** Asks the holder of a lease to let go of a mailbox. Its answer says only that it is worth looking again. */
  async ask(mailbox: string, holder: number): Promise<Answer> {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const question = `${mailbox} ${holder}`;
    const late = setTimeout(() => resolve('silent'), ASK_MS);
    const before = this.#questions.get(question);
    this.#questions.set(question, (answer) => {
      before?.(answer);
      resolve(answer);
    });
    try {
      await this.#say('ask', mailbox, holder);
      return await promise;
    } finally {
      clearTimeout(late);
      this.#questions.delete(question);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#renewing;
    await this.#client?.end().catch(() => {});
    try {
      await this.#connections.query('DELETE FROM penfold_mail.lease WHERE id = $1', [this.id]);
    } catch (reason) {
      this.#log.warn({ err: reason }, 'the lease on mailboxes could not be given back; it runs out by itself');
    }
  }

  async #say(verb: string, mailbox: string, lease: number): Promise<void> {
    await this.#connections.query('SELECT pg_notify($1, $2)', [CHANNEL, `${verb} ${mailbox} ${lease}`]);
  }

  async #listen(): Promise<pg.Client> {
    const client = await connectAlone(this.#url, ANSWER_MS);
    client.on('notification', ({ payload }) => this.#hear(payload ?? ''));
    client.on('error', () => this.#lostConnection(client));
    client.on('end', () => this.#lostConnection(client));
    try {
      await client.query(`LISTEN ${CHANNEL}`);
      return client;
    } catch (reason) {
      await client.end().catch(() => {});
      throw reason;
    }
  }

  #lostConnection(client: pg.Client): void {
    if (this.#client !== client || this.#isClosed) return;
    this.#client = null;
    this.#renewLater(RETRY_MS * Math.random());
  }

  #hear(payload: string): void {
    const [, verb, mailbox = '', lease] = WORDS.exec(payload) ?? [];
    if (verb === 'kept' || verb === 'released') {
      this.#questions.get(`${mailbox} ${lease}`)?.(verb);
      return;
    }
    if (verb === undefined || Number(lease) !== this.id || this.#isClosed) return;
    if (verb === 'claimed') this.#owner.claimed(mailbox);
    else
      this.#answer(mailbox).catch((reason: unknown) => this.#log.warn({ err: reason, mailbox }, 'no answer was given'));
  }

  async #answer(mailbox: string): Promise<void> {
    const free = await this.#owner.letGo(mailbox);
    this.#log.info({ mailbox, free }, 'another server asked for a mailbox');
    await this.#say(free ? 'released' : 'kept', mailbox, this.id);
  }

  #renewLater(ms = RENEW_MS * (0.5 + Math.random() / 2)): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#renewing = this.#renew();
    }, ms);
    this.#timer.unref();
  }

  async #renew(): Promise<void> {
    let next: number | undefined;
    try {
      // A connection of our own: under load the pool's are all waited for.
      this.#client ??= await this.#listen();
      const renewed = await this.#client.query<Record<string, unknown>>(RENEW, [this.id]);
      const [row] = renewed.rows;
      if (row === undefined) await this.#client.query(RETURN, [this.id, this.#server]);
      if (this.#isAway) this.#log.info({}, 'the mailbox database can be reached again');
      if (this.#isAway || row === undefined || booleanIn(row, 'late')) await this.#owner.ranOut();
      this.#isAway = false;
    } catch (reason) {
      if (!this.#isAway) this.#log.warn({ err: reason }, 'the lease on mailboxes could not be renewed');
      this.#isAway = true;
      next = RETRY_MS * (0.5 + Math.random());
      const client = this.#client;
      this.#client = null;
      await client?.end().catch(() => {});
    }
    this.#renewLater(next);
  }
}

const TERM = `make_interval(secs => ${LEASE_SECONDS})`;
const RENEW = `WITH before AS (
    SELECT id, expires_at <= clock_timestamp() AS late FROM penfold_mail.lease WHERE id = $1 FOR UPDATE)
  UPDATE penfold_mail.lease l SET expires_at = clock_timestamp() + ${TERM} FROM before WHERE l.id = before.id
  RETURNING before.late`;
/** Somebody removed it: it ran out long ago. */
const RETURN = `INSERT INTO penfold_mail.lease (id, server, expires_at) OVERRIDING SYSTEM VALUE
  VALUES ($1, $2, clock_timestamp() + ${TERM}) ON CONFLICT DO NOTHING`;
