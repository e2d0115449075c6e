/**
 * The whole: namespaces, three PostgreSQL servers, an organization of eight servers in two sites as an admin would make
 * it by commands, mailbox databases on SQLite and PostgreSQL, people. Everything is gone with the process.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { ServerHost } from './hosts.ts';
import { commandOn, makeDisk, Network } from './namespaces.ts';
import {
  type DataName,
  DOMAIN,
  FRONT_ENDS,
  HOSTS,
  SERVER_NAMES,
  SERVERS,
  type ServerName,
  type SiteName,
} from './topology.ts';

/** The disk of this back end is small enough to be filled. */
export const SMALL_DISK: ServerName = 'BE-E2';
const SMALL_DISK_MB = 96;
/** The clock of this one can be moved. */
export const MOVABLE_CLOCK: ServerName = 'BE-W2';
const POSTGRES_PORT = 5432;

export interface Person {
  readonly address: string;
  readonly password: string;
  readonly database: MailboxDatabaseName;
}

export type MailboxDatabaseName = 'East 1' | 'East 2' | 'East PG' | 'West 1' | 'West 2' | 'West PG';
interface DatabasePlace {
  readonly server: ServerName;
  readonly engine: 'sqlite' | 'postgres';
  readonly site: SiteName;
}
export const DATABASES: Readonly<Record<MailboxDatabaseName, DatabasePlace>> = {
  'East 1': { server: 'BE-E1', engine: 'sqlite', site: 'East' },
  'East 2': { server: 'BE-E2', engine: 'sqlite', site: 'East' },
  'East PG': { server: 'BE-E1', engine: 'postgres', site: 'East' },
  'West 1': { server: 'BE-W1', engine: 'sqlite', site: 'West' },
  'West 2': { server: 'BE-W2', engine: 'sqlite', site: 'West' },
  'West PG': { server: 'BE-W1', engine: 'postgres', site: 'West' },
};
const isDatabase = (text: string): text is MailboxDatabaseName => text in DATABASES;
export const DATABASE_NAMES: readonly MailboxDatabaseName[] = Object.keys(DATABASES).filter(isDatabase);

const PASSWORD = 'correct horse battery staple';
const ADMIN_PASSWORD = 'the administrator of a cluster';

export class Cluster {
  readonly scratch: string;
  readonly network: Network;
  readonly people: readonly Person[];
  readonly #servers: Map<ServerName, ServerHost>;
  readonly #data: Map<DataName, PostgresServer>;
  /** PEM file: whom clients trust. */
  readonly trusted: string;

  private constructor(
    parts: Machines & { readonly scratch: string; readonly people: readonly Person[]; readonly trusted: string },
  ) {
    this.scratch = parts.scratch;
    this.network = parts.network;
    this.people = parts.people;
    this.#servers = parts.servers;
    this.#data = parts.data;
    this.trusted = parts.trusted;
  }

  static async open(scratch: string, peopleOfDatabase: number): Promise<Cluster> {
    const network = await Network.create(scratch);
    const data = new Map<DataName, PostgresServer>();
    const servers = new Map<ServerName, ServerHost>();
    try {
      return await Cluster.#build({ scratch, network, data, servers }, peopleOfDatabase);
    } catch (error) {
      await end({ network, data, servers });
      throw error;
    }
  }

  static async #build(parts: Machines & { readonly scratch: string }, peopleOfDatabase: number): Promise<Cluster> {
    const { scratch, servers, data } = parts;
    await Promise.all(
      (['DIRECTORY', 'MAIL-E', 'MAIL-W'] as const).map(async (name) => {
        const settings = { host: HOSTS[name].address, port: POSTGRES_PORT, durable: true };
        data.set(name, await startPostgres({ ...settings, prefix: commandOn(name) }));
      }),
    );
    for (const name of SERVER_NAMES)
      servers.set(name, await ServerHost.make(name, scratch, { movableClock: name === MOVABLE_CLOCK }));
    const setup = new Setup(scratch, servers, data);
    const people = await setup.organization(peopleOfDatabase);
    await Promise.all([...servers.values()].map((server) => server.start()));
    return new Cluster({ ...parts, people, trusted: await setup.trusted() });
  }

  server(name: ServerName): ServerHost {
    return known(this.#servers, name);
  }

  postgres(name: DataName): PostgresServer {
    return known(this.#data, name);
  }

  /** What servers said that ended by themselves. */
  get falls(): readonly string[] {
    return [...this.#servers.values()].flatMap(({ falls }) => falls);
  }

  /** Those whose mailbox lies in this database. */
  peopleOf(database: MailboxDatabaseName): readonly Person[] {
    return this.people.filter((person) => person.database === database);
  }

  /** Ends the servers as an admin would; what they have said by then is all there is. */
  async stopServers(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.end('SIGTERM')));
  }

  close(): Promise<void> {
    return end({ network: this.network, servers: this.#servers, data: this.#data });
  }
}

interface Machines {
  readonly network: Network;
  readonly servers: Map<ServerName, ServerHost>;
  readonly data: Map<DataName, PostgresServer>;
}

async function end({ network, servers, data }: Machines): Promise<void> {
  await Promise.all([...servers.values()].map((server) => server.end('SIGKILL')));
  await Promise.all([...data.values()].map((server) => server.stop()));
  network.close();
}

function known<K, V>(map: ReadonlyMap<K, V>, name: K): V {
  const found = map.get(name);
  if (found === undefined) throw new Error(`there is no ${String(name)}`);
  return found;
}

/** What an admin types. */
class Setup {
  readonly #scratch: string;
  readonly #servers: ReadonlyMap<ServerName, ServerHost>;
  readonly #data: ReadonlyMap<DataName, PostgresServer>;

  constructor(
    scratch: string,
    servers: ReadonlyMap<ServerName, ServerHost>,
    data: ReadonlyMap<DataName, PostgresServer>,
  ) {
    this.#scratch = scratch;
    this.#servers = servers;
    this.#data = data;
  }

  async organization(peopleOfDatabase: number): Promise<readonly Person[]> {
    const [first, ...others] = [...this.#servers.values()];
    if (first === undefined) throw new Error('a cluster without servers');
    await mkdir(known(this.#servers, SMALL_DISK).data, { recursive: true });
    makeDisk(known(this.#servers, SMALL_DISK).data, SMALL_DISK_MB);
    const password = ['--admin-password-file', await this.#file('admin', ADMIN_PASSWORD)];
    const directory = ['--domain', DOMAIN, '--directory-url', known(this.#data, 'DIRECTORY').url];
    await first.penfold(['setup', ...this.#facts(first), ...directory, ...password]);
    for (const server of others) {
      const token = path.join(this.#scratch, `${server.name}.token`);
      await first.penfold(['server', 'join-token', '--file', token]);
      await server.penfold(['setup', '--join', token, ...this.#facts(server), '--create-site']);
    }
    await this.#configure(first);
    const same = await this.#file('password', PASSWORD);
    const people = await Promise.all(
      DATABASE_NAMES.map(async (database) => {
        const prefix = database.toLowerCase().replace(' ', '-');
        const many = ['--count', String(peopleOfDatabase), '--database', database, '--password-file', same];
        await first.penfold(['mailbox', 'create', `${prefix}-%d@${DOMAIN}`, ...many]);
        return Array.from({ length: peopleOfDatabase }, (_, at): Person => {
          return { address: `${prefix}-${at + 1}@${DOMAIN}`, password: PASSWORD, database };
        });
      }),
    );
    return people.flat();
  }

  /** The authorities of all front ends, each its own or all the organization's. */
  async trusted(): Promise<string> {
    const pems = await Promise.all(
      FRONT_ENDS.map((name) => readFile(path.join(known(this.#servers, name).data, 'tls', 'ca.pem'), 'utf8')),
    );
    return this.#file('trusted.pem', [...new Set(pems)].join('\n'));
  }

  #facts(server: ServerHost): readonly string[] {
    const { site, backEnd } = server.place;
    const database = DATABASE_NAMES.find((name) => DATABASES[name].server === server.name);
    const role = backEnd ? ['--role', 'back-end', '--database', database ?? ''] : ['--role', 'front-end'];
    return ['--fqdn', server.fqdn, '--server', server.name, '--site', site, ...role];
  }

  /** Databases on PostgreSQL, and limits of a lone client: all of ours come from one address. */
  async #configure(first: ServerHost): Promise<void> {
    await first.cmdlets(
      `New-MailboxDatabase "East PG" -Server BE-E1 -PostgresUrl ${known(this.#data, 'MAIL-E').url}`,
      `New-MailboxDatabase "West PG" -Server BE-W1 -PostgresUrl ${known(this.#data, 'MAIL-W').url}`,
      'Get-ReceiveConnector | Set-ReceiveConnector -MessageRateLimit Unlimited -MaxInboundConnectionPerSource Unlimited -MaxInboundConnectionPercentagePerSource 100 -TarpitInterval 0 -AuthTarpitInterval 0',
      ...FRONT_ENDS.flatMap((name) => [
        `Set-ImapSettings -Server ${name} -MaxConnectionsPerUser 200`,
        `Set-PopSettings -Server ${name} -MaxConnectionsPerUser 200`,
      ]),
      ...SERVER_NAMES.flatMap((name) => {
        const services = SERVERS[name].frontEnd ? ['imap4', 'pop3'] : ['imap4-backend', 'pop3-backend'];
        return services.map((one) => `Set-Service ${one} -Server ${name} -StartupType Automatic -Status Running`);
      }),
    );
  }

  async #file(name: string, text: string): Promise<string> {
    const file = path.join(this.#scratch, name);
    await writeFile(file, text, { mode: 0o600 });
    return file;
  }
}
