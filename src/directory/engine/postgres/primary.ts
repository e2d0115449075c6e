/**
 * The way to the PostgreSQL server that takes writes: found among the places there are, kept under watch by a
 * connection that listens and is asked twice a second, and found again when it is lost. While it is lost nobody waits
 * for it: questions fail at once.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../../observe/log.ts';
import { tally } from '../../../observe/metrics/tally.ts';
import { Connection, ConnectionLost } from './connection.ts';
import type { Place } from './places.ts';
import { Pool } from './pool.ts';

/** What hangs is noticed, and what other servers wrote is found without being told, this often at the least. */
export const HEARTBEAT_MS = 500;
/** A heartbeat without an answer: the server hangs, or the way to it is cut. */
const HEARTBEAT_LATE_MS = 1200;
/** Between two attempts to find it again; servers of an organization do not come back all at once. */
const RETRY_FIRST_MS = 50;
const RETRY_LAST_MS = 500;
const CHANNEL = 'penfold_directory';

/** For the end of a transaction: the listeners of all servers hear once it is committed. */
export const NOTIFY = `NOTIFY ${CHANNEL}`;

export interface PrimaryEvents {
  /** On the listening connection, one at a time: others may have written. @throws what the connection throws */
  changed(connection: Connection): Promise<void>;
  /** Found again. `isSame`: it goes on where the one before ended; otherwise some of what was there may be gone. */
  found(connection: Connection, isSame: boolean): Promise<void>;
}

interface Link {
  readonly listening: Connection;
  readonly pool: Pool<Connection>;
  readonly timeline: string;
}

export class Primary {
  readonly #places: readonly Place[];
  readonly #log: Log;
  readonly #events: PrimaryEvents;
  readonly #closing = new AbortController();
  #link: Link | null = null;
  /** Of the last link. */
  #timeline = '';
  #lostAt = 0;
  #searching: Promise<void> | null = null;
  #beating: Promise<void> | null = null;
  /** Told of something while a heartbeat was under way. */
  #beatAgain = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(places: readonly Place[], log: Log, events: PrimaryEvents) {
    this.#places = places;
    this.#log = log;
    this.#events = events;
  }

  /** Null while it is away. */
  get pool(): Pool<Connection> | null {
    return this.#link?.pool ?? null;
  }

  /** For the first time. `prepare` brings its tables up to date. @throws ConnectionLost, and what `prepare` throws */
  async open(prepare: (connection: Connection, place: Place) => Promise<void>): Promise<void> {
    const { listening, place, timeline } = await this.#find();
    try {
      await prepare(listening, place);
      await this.#join(listening, place, timeline);
    } catch (error) {
      listening.destroy();
      throw error;
    }
  }

  /** Somebody's connection broke or got no answer: is it the server? */
  suspect(): void {
    if (this.#link !== null) this.#beat(this.#link);
  }

  /** It is certain that it is gone, such as by what it said. */
  lose(reason: ConnectionLost): void {
    const link = this.#link;
    if (link === null) return;
    this.#link = null;
    this.#stopTimer();
    link.listening.destroy();
    link.pool.destroy(reason);
    if (this.#closing.signal.aborted) return;
    this.#lostAt = performance.now();
    tally.directoriesAway += 1;
    tally.directoryOutages += 1;
    this.#log.warn(
      { reason: reason.message },
      'directory: PostgreSQL is away; logons go on with what is known, changes are refused',
    );
    this.#searching = this.#search().finally(() => {
      this.#searching = null;
      tally.directoriesAway -= 1;
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const link = this.#link;
    this.lose(new ConnectionLost('the directory is closed'));
    link?.listening.destroy();
    await this.#searching;
    await this.#beating;
  }

  /** Asks all places at once, so that one that hangs costs nothing when another answers. */
  async #find(): Promise<{ readonly listening: Connection; readonly place: Place; readonly timeline: string }> {
    const attempts = this.#places.map((place) => this.#open(place));
    try {
      const found = await Promise.any(attempts);
      for (const attempt of attempts)
        attempt.then(
          (one) => {
            if (one !== found) one.listening.destroy();
          },
          () => undefined,
        );
      return found;
    } catch (error) {
      const reasons = error instanceof AggregateError ? error.errors : [error];
      throw new ConnectionLost(reasons.map((one: unknown) => (one instanceof Error ? one.message : '')).join('; '));
    }
  }

  async #open(
    place: Place,
  ): Promise<{ readonly listening: Connection; readonly place: Place; readonly timeline: string }> {
    const listening = await Connection.open(place, {
      notified: () => this.suspect(),
      lost: (reason) => {
        if (this.#link?.listening === listening) this.lose(reason);
      },
    });
    try {
      const [row] = (
        await listening.command(
          `SELECT CASE WHEN pg_is_in_recovery() THEN 'standby'
                       WHEN current_setting('transaction_read_only') = 'on' THEN 'read-only'
                       ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END AS timeline`,
          HEARTBEAT_LATE_MS,
        )
      ).rows;
      const timeline = String(row?.['timeline']);
      if (timeline === 'standby' || timeline === 'read-only')
        throw new ConnectionLost(`${place.name} is ${timeline} and takes no changes`);
      return { listening, place, timeline };
    } catch (error) {
      listening.destroy();
      throw error;
    }
  }

  /** Listens first: what is written from then on is heard of, what was written before is read. */
  async #join(listening: Connection, place: Place, timeline: string): Promise<void> {
    await listening.command(`LISTEN ${CHANNEL}`, HEARTBEAT_LATE_MS);
    // A server that was promoted goes on in a new timeline, perhaps without the newest changes of the old one.
    await this.#events.found(listening, timeline === this.#timeline);
    if (!listening.isUsable) throw new ConnectionLost('connection ended');
    this.#timeline = timeline;
    const pool = new Pool(() => Connection.open(place));
    this.#link = { listening, pool, timeline };
    this.#later(this.#link);
  }

  async #search(): Promise<void> {
    const { signal } = this.#closing;
    for (let wait = RETRY_FIRST_MS; !signal.aborted; wait = Math.min(wait * 2, RETRY_LAST_MS)) {
      try {
        await delay(wait * (0.5 + Math.random() / 2), undefined, { signal, ref: false });
        const { listening, place, timeline } = await this.#find();
        try {
          await this.#join(listening, place, timeline);
        } catch (error) {
          listening.destroy();
          throw error;
        }
        if (signal.aborted) return this.lose(new ConnectionLost('the directory is closed'));
        const ms = Math.round(performance.now() - this.#lostAt);
        this.#log.info({ place: place.name, ms }, 'directory: PostgreSQL is back');
        return;
      } catch (error) {
        if (!signal.aborted) this.#log.debug({ reason: messageOf(error) }, 'directory: PostgreSQL is still away');
      }
    }
  }

  #later(link: Link): void {
    this.#stopTimer();
    this.#timer = setTimeout(() => this.#beat(link), HEARTBEAT_MS);
    this.#timer.unref();
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #beat(link: Link): void {
    this.#beatAgain = this.#beating !== null;
    if (this.#beatAgain) return;
    this.#stopTimer();
    this.#beating = this.#heartbeat(link).finally(() => {
      this.#beating = null;
      if (this.#link === null) return;
      if (this.#beatAgain) this.#beat(this.#link);
      else this.#later(this.#link);
    });
  }

  async #heartbeat(link: Link): Promise<void> {
    try {
      await this.#events.changed(link.listening);
      link.pool.trim();
    } catch (error) {
      if (link === this.#link) this.lose(new ConnectionLost(messageOf(error)));
    }
  }
}

/** Limit for what `PrimaryEvents` ask. */
export const EVENT_ANSWER_MS = HEARTBEAT_LATE_MS;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
