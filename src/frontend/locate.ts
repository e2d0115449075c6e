/**
 * Where a mailbox lives: account → mailbox database → server → the link to its back end (exchange-behaviour.md §8).
 * Databases and servers are few and kept; directory changes throw them away.
 */
import type { BackendLink } from '../backend/link.ts';
import type { Directory } from '../directory/api.ts';
import type { Account, DatabaseId, Server, ServerId } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';

/** The link to the back end of a server; null: there is none (not a back end, or not reachable from here). */
export type Links = (server: Server) => BackendLink | null;

export class Locator {
  readonly #directory: Directory;
  readonly #links: Links;
  readonly #unwatch: () => void;
  #servers: Promise<ReadonlyMap<DatabaseId, Server>> | null = null;

  constructor(directory: Directory, links: Links) {
    this.#directory = directory;
    this.#links = links;
    this.#unwatch = directory.watch((change) => {
      if (change.kind === 'database' || change.kind === 'server') this.#servers = null;
    });
  }

  close(): void {
    this.#unwatch();
  }

  /** @throws Failure CONTACTADMIN (no mailbox), UNAVAILABLE (its server is not known or not reachable) */
  async locate(account: Account): Promise<BackendLink> {
    if (account.mailbox === null) throw new Failure('CONTACTADMIN', 'This account has no mailbox');
    this.#servers ??= this.#read();
    const servers = await this.#servers.catch((error: unknown) => {
      this.#servers = null;
      throw error;
    });
    const server = servers.get(account.mailbox.database);
    if (server === undefined) throw new Failure('UNAVAILABLE', 'The mailbox database of this account is not known');
    const link = this.#links(server);
    if (link === null) throw new Failure('UNAVAILABLE', `The back end on ${server.name} cannot be reached`);
    return link;
  }

  async #read(): Promise<ReadonlyMap<DatabaseId, Server>> {
    const [databases, servers] = await Promise.all([this.#directory.databases(), this.#directory.servers()]);
    const byId = new Map<ServerId, Server>(servers.map((server) => [server.id, server]));
    const located = new Map<DatabaseId, Server>();
    for (const database of databases) {
      const server = byId.get(database.server);
      if (server !== undefined) located.set(database.id, server);
    }
    return located;
  }
}
