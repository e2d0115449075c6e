/**
 * Housekeeping of mailboxes: recoverable items go when their retention ends, logs are folded, segments compacted; the
 * mail of removed mailboxes goes when MailboxRetention ends (exchange-behaviour.md §9.2). One mailbox after the other;
 * those in use wait for a quiet time, but not for ever.
 */
import { setTimeout } from 'node:timers/promises';
import type { Directory } from '../directory/api.ts';
import type { DatabaseId, DisconnectedMailbox } from '../directory/model.ts';
import { expiredMailboxes } from '../directory/retention.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import type { MailboxDatabase } from '../store/api.ts';
import type { MailboxId } from '../store/model.ts';
import { loadRetention, type RetentionOf } from './retention.ts';

/** From the end of one round to the next. */
const ROUND_MS = 3_600_000;
/** From start to the first round: a server has better things to do while it comes up. */
const FIRST_ROUND_MS = 300_000;
/** Each mailbox is looked after this often, in milliseconds. */
const EVERY_MS = 86_400_000;
/** A mailbox that is always in use is looked after all the same when it has waited this long. */
const AT_LATEST_MS = 3 * EVERY_MS;
/** Breath between two mailboxes. */
const PAUSE_MS = 20;

export interface MaintenanceOptions {
  readonly directory: Directory;
  /** Those open on this server. */
  readonly databases: () => ReadonlyMap<DatabaseId, MailboxDatabase>;
  /** Sessions are open on it. */
  readonly isInUse: (mailbox: MailboxId) => boolean;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export class MaintenanceSchedule {
  readonly #options: MaintenanceOptions;
  readonly #done = new Map<MailboxId, number>();
  readonly #stop = new AbortController();
  readonly #started: number;
  #running: Promise<void> = Promise.resolve();

  constructor(options: MaintenanceOptions) {
    this.#options = options;
    this.#started = this.#now();
  }

  start(): void {
    this.#running = this.#rounds();
  }

  /** Resolves when the mailbox in hand is done. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /**
   * Deletes the mail whose retention has ended, looks once at every mailbox and maintains those whose turn it is.
   * @returns how many were maintained
   */
  async round(): Promise<number> {
    const { databases, directory } = this.#options;
    if (this.#stop.signal.aborted) return 0;
    await this.#removeExpired();
    const retentionOf = await loadRetention(directory);
    let count = 0;
    for (const [id, database] of databases()) {
      for (const mailbox of await database.mailboxes()) {
        if (this.#stop.signal.aborted) return count;
        if (await this.#isMoving(id, database, mailbox)) continue;
        if (!this.#isDue(mailbox)) continue;
        if (await this.#maintain(database, mailbox, () => retentionOf(mailbox, id))) count += 1;
        await this.#pause(PAUSE_MS);
      }
    }
    return count;
  }

  async #removeExpired(): Promise<void> {
    const { databases, directory, log } = this.#options;
    for (const mailbox of await expiredMailboxes(directory, this.#now())) {
      if (this.#stop.signal.aborted) return;
      const database = databases().get(mailbox.database);
      // Of another server, which does the same there.
      if (database === undefined) continue;
      try {
        await removeForGood(database, mailbox);
        await directory.forgetMailbox(mailbox.id);
        log.info(
          { mailbox: mailbox.id, alias: mailbox.alias },
          'mail of a removed mailbox deleted: its retention has ended',
        );
      } catch (error) {
        log.error({ mailbox: mailbox.id, error: String(error) }, 'mail of a removed mailbox could not be deleted');
      }
    }
  }

  /** A mailbox that is on its way is left alone; what a completed move has left goes when MailboxRetention ends. */
  async #isMoving(id: DatabaseId, database: MailboxDatabase, mailbox: MailboxId): Promise<boolean> {
    const { directory, log } = this.#options;
    try {
      const standing = await database.standing(mailbox);
      if (standing?.kind !== 'moved') return standing !== null;
      const { mailboxRetention } = await directory.databaseSettings(id);
      if (this.#now() < standing.at + mailboxRetention * 1000) return true;
      // Whatever has happened since: the mail is never deleted where the directory says it is.
      if ((await directory.placeOfMailbox(mailbox)) === id) return true;
      await database.remove(mailbox);
      log.info({ mailbox, move: standing.move }, 'the copy of a moved mailbox deleted: its retention has ended');
    } catch (error) {
      log.error({ mailbox, error: String(error) }, 'what a move has left of a mailbox could not be looked after');
    }
    return true;
  }

  /** Nothing is remembered over a restart: then every quiet mailbox is due, the busy ones as if done just now. */
  #isDue(mailbox: MailboxId): boolean {
    const done = this.#done.get(mailbox);
    const waited = this.#now() - (done ?? this.#started);
    if (this.#options.isInUse(mailbox)) return waited >= AT_LATEST_MS;
    return done === undefined || waited >= EVERY_MS;
  }

  async #maintain(
    database: MailboxDatabase,
    mailbox: MailboxId,
    retention: () => ReturnType<RetentionOf>,
  ): Promise<boolean> {
    const { log } = this.#options;
    try {
      const retentionSeconds = await retention();
      const opened = await database.open(mailbox);
      try {
        await opened.maintain({ retentionSeconds });
      } finally {
        opened.close();
      }
      this.#done.set(mailbox, this.#now());
      return true;
    } catch (error) {
      log.error({ mailbox, error: String(error) }, 'mailbox maintenance failed; it is tried again in the next round');
      return false;
    }
  }

  async #rounds(): Promise<void> {
    await this.#pause(FIRST_ROUND_MS);
    while (!this.#stop.signal.aborted) {
      try {
        const count = await this.round();
        if (count > 0) this.#options.log.info({ mailboxes: count }, 'mailbox maintenance done');
      } catch (error) {
        this.#options.log.error({ error: String(error) }, 'mailbox maintenance round failed');
      }
      await this.#pause(ROUND_MS);
    }
  }

  async #pause(ms: number): Promise<void> {
    try {
      await setTimeout(ms, undefined, { signal: this.#stop.signal, ref: false });
    } catch {
      // Stopped: the caller looks at the signal.
    }
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }
}

/** One that nobody has ever opened has nothing to delete. */
async function removeForGood(database: MailboxDatabase, { id }: DisconnectedMailbox): Promise<void> {
  try {
    await database.remove(id);
  } catch (error) {
    if (!(error instanceof Failure && error.code === 'NONEXISTENT')) throw error;
  }
}
