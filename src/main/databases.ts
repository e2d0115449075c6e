/** The mailbox databases of this server, opened by the engine that the directory names; new ones follow by watch. */
import path from 'node:path';
import type { Directory } from '../directory/api.ts';
import type { Account, DatabaseId, DatabaseRecord, Server } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import type { MailboxDatabase, MailboxQuota } from '../store/api.ts';
import type { MailboxId } from '../store/model.ts';
import type { Residence } from '../store/moving.ts';

/** @throws Failure UNAVAILABLE */
export type OpenDatabase = (record: DatabaseRecord, quotaOf: QuotaOf, residence: Residence) => Promise<MailboxDatabase>;
/** What a mailbox may hold now; asked at every append. */
export type QuotaOf = (mailbox: MailboxId) => MailboxQuota;

/** For work on mailboxes without a server: whoever imports or checks is not held up. */
export const noQuota: QuotaOf = () => ({ prohibitSendReceive: Infinity, recoverableItems: Infinity });

export class Databases {
  readonly #directory: Directory;
  readonly #server: Server;
  readonly #openDatabase: OpenDatabase;
  readonly #quotaOf: QuotaOf;
  readonly #log: Log;
  readonly #open = new Map<DatabaseId, MailboxDatabase>();
  #opening: Promise<void> = Promise.resolve();
  readonly #unwatch: () => void;

  private constructor(directory: Directory, server: Server, openDatabase: OpenDatabase, log: Log, quotaOf: QuotaOf) {
    this.#directory = directory;
    this.#server = server;
    this.#openDatabase = openDatabase;
    this.#log = log;
    this.#quotaOf = quotaOf;
    this.#unwatch = directory.watch((change) => {
      if (change.kind !== 'database') return;
      this.#opening = this.#opening
        .then(() => this.#openMissing())
        .catch((error: unknown) => log.error({ err: error }, 'a new mailbox database could not be opened'));
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
      await databases.#openMissing();
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

  async close(): Promise<void> {
    this.#unwatch();
    await this.#opening;
    for (const database of this.#open.values()) await database.close();
    this.#open.clear();
  }

  /**
   * MountAtStartup false keeps a database closed until it is true. One that cannot be opened keeps no other one closed.
   * @throws what kept the first one closed when none is open
   */
  async #openMissing(): Promise<void> {
    const failures: unknown[] = [];
    for (const record of await this.#directory.databases()) {
      if (record.server !== this.#server.id || this.#open.has(record.id)) continue;
      if (!(await this.#directory.databaseSettings(record.id)).mountAtStartup) continue;
      try {
        this.#open.set(
          record.id,
          await this.#openDatabase(record, this.#quotaOf, residenceIn(this.#directory, record.id)),
        );
        this.#log.info({ database: record.name }, 'mailbox database opened');
      } catch (error) {
        failures.push(error);
        const fields = { database: record.name, location: record.location, err: error };
        this.#log.error(fields, 'a mailbox database cannot be opened; its mailboxes are not served');
      }
    }
    if (this.#open.size === 0 && failures.length > 0) throw failures[0];
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
