/**
 * The mailbox databases that this server serves, each on the engine that the directory names: SQLite databases of this
 * server, PostgreSQL databases of its site (ADR 9 §4). Follows the directory: a database that is new, or comes from
 * another server, is opened as soon as that is possible; one that goes to another server is closed.
 */
import path from 'node:path';
import type { Directory } from '../directory/api.ts';
import { withoutPassword } from '../directory/audit.ts';
import type { Account, DatabaseId, DatabaseRecord, Server, ServerId } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import type { MailboxDatabase, MailboxQuota } from '../store/api.ts';
import type { MailboxId } from '../store/model.ts';
import type { Residence } from '../store/moving.ts';

/** @throws Failure UNAVAILABLE */
export type OpenDatabase = (
  record: DatabaseRecord,
  quotaOf: QuotaOf,
  residence: Residence,
  host: DatabaseHost,
) => Promise<MailboxDatabase>;
/** What a mailbox may hold now; asked at every append. */
export type QuotaOf = (mailbox: MailboxId) => MailboxQuota;

/** What an engine is told of the process it runs in. */
export interface DatabaseHost {
  readonly server: ServerId;
  /** Whoever has the mailbox open has to open it again, perhaps elsewhere (StoreOptions.lost). */
  lost(mailbox: MailboxId): void;
}

/** For work on mailboxes without a server: whoever imports or checks is not held up. */
export const noQuota: QuotaOf = () => ({ prohibitSendReceive: Infinity, recoverableItems: Infinity });

/** Until a database that could not be opened is tried again; twice as long after each failure. */
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;

interface Open {
  readonly record: DatabaseRecord;
  readonly database: MailboxDatabase;
}

export class Databases {
  readonly #directory: Directory;
  readonly #server: Server;
  readonly #openDatabase: OpenDatabase;
  readonly #quotaOf: QuotaOf;
  readonly #log: Log;
  readonly #served = new Map<DatabaseId, Open>();
  readonly #open = new Map<DatabaseId, MailboxDatabase>();
  #following: Promise<void> = Promise.resolve();
  #retry: NodeJS.Timeout | null = null;
  #retryMs = FIRST_RETRY_MS;
  #isClosed = false;
  #lost: (mailbox: MailboxId) => void = () => {};
  readonly #unwatch: () => void;

  private constructor(directory: Directory, server: Server, openDatabase: OpenDatabase, log: Log, quotaOf: QuotaOf) {
    this.#directory = directory;
    this.#server = server;
    this.#openDatabase = openDatabase;
    this.#log = log;
    this.#quotaOf = quotaOf;
    this.#unwatch = directory.watch((change) => {
      if (change.kind === 'database' || change.kind === 'server') this.#followSoon();
    });
  }

  static async open(
    directory: Directory,
    server: Server,
    openDatabase: OpenDatabase,
    log: Log,
    quotaOf: QuotaOf = noQuota,
  ): Promise<Databases> {
    const databases = new Databases(directory, server, openDatabase, log, quotaOf);
    try {
      const failures = await databases.#follow();
      if (databases.#open.size === 0 && failures.length > 0) throw failures[0];
    } catch (error) {
      await databases.close();
      throw error;
    }
    return databases;
  }

  /** @throws Failure UNAVAILABLE when the account's database is not of this server, CONTACTADMIN without mailbox */
  of(account: Account): MailboxDatabase {
    if (account.mailbox === null) throw new Failure('CONTACTADMIN', 'This account has no mailbox.');
    const database = this.#open.get(account.mailbox.database);
    if (database === undefined)
      throw new Failure('UNAVAILABLE', 'The mailbox database of this account is not available.');
    return database;
  }

  /** Those open now; the map lives on. */
  get open(): ReadonlyMap<DatabaseId, MailboxDatabase> {
    return this.#open;
  }

  /** Sessions of such a mailbox have to end. */
  onLost(listener: (mailbox: MailboxId) => void): void {
    this.#lost = listener;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unwatch();
    if (this.#retry !== null) clearTimeout(this.#retry);
    await this.#following;
    for (const id of this.#open.keys()) await this.#shut(id);
  }

  #followSoon(): void {
    this.#following = this.#following
      .then(async () => void (await this.#follow()))
      .catch((error: unknown) => {
        this.#log.error({ err: error }, 'the mailbox databases of the directory could not be followed');
        this.#retryLater();
      });
  }

  /** Returns what kept databases closed. */
  async #follow(): Promise<readonly unknown[]> {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    const failures: unknown[] = [];
    if (this.#isClosed) return failures;
    const wanted = new Map((await this.#wanted()).map((record) => [record.id, record]));
    for (const [id, { record }] of this.#served) {
      const now = wanted.get(id);
      if (now?.engine === record.engine && now.location === record.location) continue;
      this.#log.info({ database: record.name }, 'mailbox database is closed: it is not served here any more');
      await this.#shut(id);
    }
    for (const record of wanted.values()) {
      const failure = this.#served.has(record.id) ? null : await this.#tryOpen(record);
      if (failure !== null) failures.push(failure);
    }
    if (failures.length > 0) this.#retryLater();
    else this.#retryMs = FIRST_RETRY_MS;
    return failures;
  }

  async #wanted(): Promise<readonly DatabaseRecord[]> {
    const servers = await this.#directory.servers();
    const siteOf = (id: ServerId): string | undefined => servers.find((one) => one.id === id)?.site;
    const site = siteOf(this.#server.id);
    return (await this.#directory.databases()).filter((record) =>
      record.engine === 'postgres' ? siteOf(record.server) === site : record.server === this.#server.id,
    );
  }

  /** MountAtStartup false keeps a database closed until it is true; one that is open stays. */
  async #tryOpen(record: DatabaseRecord): Promise<unknown> {
    if (!(await this.#directory.databaseSettings(record.id)).mountAtStartup) return null;
    const host: DatabaseHost = { server: this.#server.id, lost: (mailbox) => this.#lost(mailbox) };
    try {
      const database = await this.#openDatabase(record, this.#quotaOf, residenceIn(this.#directory, record.id), host);
      this.#served.set(record.id, { record, database });
      this.#open.set(record.id, database);
      this.#log.info({ database: record.name }, 'mailbox database opened');
      return null;
    } catch (error) {
      const fields = { database: record.name, location: withoutPassword(record.location), err: error };
      this.#log.error(fields, 'a mailbox database cannot be opened; its mailboxes are not served');
      return error ?? new Error('no reason was given');
    }
  }

  /** Nobody finds it any more before it is closed; its sessions end by `lost`. */
  async #shut(id: DatabaseId): Promise<void> {
    const served = this.#served.get(id);
    this.#served.delete(id);
    this.#open.delete(id);
    try {
      await served?.database.close();
    } catch (error) {
      this.#log.error({ database: served?.record.name, err: error }, 'a mailbox database could not be closed cleanly');
    }
  }

  #retryLater(): void {
    if (this.#isClosed || this.#retry !== null) return;
    this.#retry = setTimeout(() => this.#followSoon(), this.#retryMs * (0.5 + Math.random() / 2));
    this.#retry.unref();
    this.#retryMs = Math.min(LAST_RETRY_MS, this.#retryMs * 2);
  }
}

/** What the directory says of mailboxes in one database. */
export function residenceIn(directory: Directory, database: DatabaseId): Residence {
  return {
    isHere: async (mailbox) => (await directory.placeOfMailbox(mailbox)) === database,
    keepHere: (mailbox) => directory.keepMailbox(mailbox, database),
  };
}

/** Where a database of the SQLite engine lies: below the data directory unless its location is absolute. */
export function locationOf(root: string, record: DatabaseRecord): string {
  return path.resolve(root, record.location);
}
