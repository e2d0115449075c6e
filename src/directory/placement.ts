/**
 * Which back ends may serve a mailbox, the best first (ADR 9 §4): the server of a SQLite database and no other; any
 * back end of the site of a PostgreSQL database, in an order that every server works out alike from the mailbox
 * (rendezvous hash), so that all ask the same one first and a server that comes or goes moves only its own share.
 * Front ends and transport choose by this. Knows no connection and no health of its own.
 */
import { hash } from 'node:crypto';
import type { Directory } from './api.ts';
import type { DatabaseId, DatabaseRecord, MailboxRecord, Server, ServerId } from './model.ts';

export type PlacedMailbox = Pick<MailboxRecord, 'id' | 'database'>;

export interface Topology {
  readonly servers: ReadonlyMap<ServerId, Server>;
  readonly databases: ReadonlyMap<DatabaseId, DatabaseRecord>;
}

/** Empty: the database, its server or any back end for it is not known. */
export function eligibleServers(mailbox: PlacedMailbox, { servers, databases }: Topology): readonly Server[] {
  const database = databases.get(mailbox.database);
  const home = database === undefined ? undefined : servers.get(database.server);
  if (database === undefined || home === undefined) return [];
  if (database.engine === 'sqlite') return home.backEnd ? [home] : [];
  const inSite = [...servers.values()].filter((server) => server.backEnd && server.site === home.site);
  return byRendezvous(mailbox.id, inSite);
}

/** Highest weight first; equal weights cannot be: ids differ. */
function byRendezvous(mailbox: string, servers: readonly Server[]): readonly Server[] {
  if (servers.length < 2) return servers;
  return servers
    .map((server) => ({ server, weight: hash('sha256', `${mailbox} ${server.id}`, 'hex') }))
    .sort((one, other) => (one.weight < other.weight ? 1 : -1))
    .map(({ server }) => server);
}

/** Those that are said to be down come last: when nobody else is left, they are worth a try. */
export function downLast(order: readonly Server[], isDown: (server: ServerId) => boolean): readonly Server[] {
  const down = order.filter(({ id }) => isDown(id));
  return down.length === 0 ? order : [...order.filter(({ id }) => !isDown(id)), ...down];
}

/** Servers and databases are few and kept; directory changes throw them away. */
export class Placement {
  readonly #directory: Directory;
  readonly #unwatch: () => void;
  #topology: Promise<Topology> | null = null;

  constructor(directory: Directory) {
    this.#directory = directory;
    this.#unwatch = directory.watch((change) => {
      if (change.kind === 'database' || change.kind === 'server') this.#topology = null;
    });
  }

  close(): void {
    this.#unwatch();
  }

  /** The best first; empty: its mailbox database is not known. @throws Failure UNAVAILABLE */
  async of(mailbox: PlacedMailbox): Promise<readonly Server[]> {
    return eligibleServers(mailbox, await this.topology());
  }

  /** @throws Failure UNAVAILABLE */
  async topology(): Promise<Topology> {
    const topology = (this.#topology ??= this.#read());
    try {
      return await topology;
    } catch (error) {
      // A failure is not kept, what was read anew meanwhile is.
      if (this.#topology === topology) this.#topology = null;
      throw error;
    }
  }

  async #read(): Promise<Topology> {
    const [databases, servers] = await Promise.all([this.#directory.databases(), this.#directory.servers()]);
    return {
      servers: new Map(servers.map((server) => [server.id, server])),
      databases: new Map(databases.map((database) => [database.id, database])),
    };
  }
}
