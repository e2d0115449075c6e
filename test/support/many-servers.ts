/**
 * Several servers of one organization in the test's own process: one directory, an identity each, ports of 127.0.0.1
 * that are free, put together by the same code as `penfold serve`. Users are spread over the mailbox databases.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { THROTTLE_LIMITS, Throttle } from '../../src/auth/throttle.ts';
import { type DataLayout, dataLayout } from '../../src/config/data-directory.ts';
import { defaultConfiguration } from '../../src/config/read.ts';
import type { Directory } from '../../src/directory/api.ts';
import { defaultConnectors } from '../../src/directory/connectors.ts';
import { openSqliteDirectory } from '../../src/directory/engine/sqlite/directory.ts';
import type { Account, DatabaseRecord, Server, Site } from '../../src/directory/model.ts';
import type { RelayTimes } from '../../src/frontend/relay/remote-back-end.ts';
import { openCertificates } from '../../src/main/certificates.ts';
import { type RunningServer, startServer } from '../../src/main/compose.ts';
import type { OpenDatabase } from '../../src/main/databases.ts';
import { freePorts } from '../../src/main/free-ports.ts';
import { applyPorts, createOrganization, type PortPlan } from '../../src/main/organization.ts';
import { createMailboxes } from '../../src/management/mailboxes.ts';
import { actOnServices, servicesNamed } from '../../src/management/services.ts';
import type { AuthorityPem } from '../../src/tls/ecdsa.ts';
import { makeServerAuthority } from '../../src/tls/server-authority.ts';
import type { ServerIdentity } from '../../src/tls/server-identity.ts';
import {
  cheapCredentials,
  easeConnectors,
  type LogLine,
  recordingLog,
  storeEngine,
  TEST_DOMAIN,
  type TestUser,
} from './organization.ts';
import { identityOf, type OpenedIdentity } from './server-identities.ts';

export interface ServerPlan {
  readonly name: string;
  /** Both roles when missing. A back end has a mailbox database of its own. */
  readonly roles?: { readonly frontEnd: boolean; readonly backEnd: boolean };
  /** `Site` when missing. */
  readonly site?: string;
}

export interface ManyServersOptions {
  readonly engine: 'memory' | 'sqlite';
  /** The first one has both roles and a mailbox database. */
  readonly servers: readonly [string, ...ServerPlan[]];
  /** Name before @example.test → name of the server whose mailbox database has the mailbox. */
  readonly users: Readonly<Record<string, string>>;
  readonly relayTimes?: Partial<RelayTimes>;
  /** Before anything listens. */
  readonly prepare?: (organization: {
    readonly directory: Directory;
    readonly servers: readonly Server[];
  }) => Promise<void>;
  /** The directory as that server sees it. */
  readonly directoryOf?: (server: Server, directory: Directory) => Directory;
  /** Mailbox databases that the engine above does not open. */
  readonly openDatabase?: (server: Server, otherwise: OpenDatabase) => OpenDatabase;
  readonly identityOf?: (server: Server, own: ServerIdentity) => ServerIdentity;
}

export interface TestServer {
  readonly server: Server;
  readonly ports: PortPlan;
  readonly layout: DataLayout;
  readonly running: RunningServer;
  /** PEM of the authority behind the certificate that clients see. */
  readonly ca: string;
  readonly log: readonly LogLine[];
  stop(ms?: number): Promise<void>;
  /** Behind `stop`. */
  start(): Promise<void>;
}

export interface ManyServers {
  readonly directory: Directory;
  readonly authority: AuthorityPem;
  readonly users: readonly TestUser[];
  /** By name. */
  server(name: string): TestServer;
  user(name: string): TestUser;
  /** A further identity of the organization: of a server that the test adds to the directory. */
  identity(server: Server): Promise<OpenedIdentity>;
  stop(): Promise<void>;
}

export async function startServers(options: ManyServersOptions): Promise<ManyServers> {
  const root = await mkdtemp(path.join(tmpdir(), 'penfold-servers-'));
  const undo: Array<() => Promise<unknown>> = [() => rm(root, { recursive: true, force: true })];
  try {
    return await start(root, options, undo);
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}

async function start(
  root: string,
  options: ManyServersOptions,
  undo: Array<() => Promise<unknown>>,
): Promise<ManyServers> {
  const directory = await openSqliteDirectory({ file: ':memory:' });
  undo.push(() => directory.close());
  const { servers, databases } = await organization(directory, options.servers);
  const users: TestUser[] = [];
  for (const [name, on] of Object.entries(options.users))
    users.push(await addUser(directory, name, databases.get(on)?.name ?? `no database on ${on}`));
  const ports = new Map<string, PortPlan>();
  for (const server of servers) {
    const plan = await freePorts('127.0.0.1');
    ports.set(server.name, plan);
    await applyPorts(directory, server, plan);
  }
  await options.prepare?.({ directory, servers });

  const authority = await makeServerAuthority('Test');
  const started = new Map<string, StartedServer>();
  for (const server of servers) {
    const opened = await identityOf(authority, server.id);
    undo.push(async () => opened.close());
    // Names of .test resolve nowhere; every server is here.
    const identity: ServerIdentity = {
      ...opened,
      dial: (peer, { port }) => opened.dial(peer, { host: '127.0.0.1', port }),
    };
    const plan = ports.get(server.name);
    if (plan === undefined) throw new Error('a server without ports');
    const one = new StartedServer({ server, ports: plan, root, directory, identity, options });
    started.set(server.name, one);
    undo.push(() => one.stop());
    await one.start();
  }
  let stopped: Promise<void> | null = null;
  return {
    directory,
    authority,
    users,
    server: (name) => known(started, name),
    user: (name) => {
      const user = users.find(({ address }) => address.startsWith(`${name}@`));
      if (user === undefined) throw new Error(`there is no test user ${name}`);
      return user;
    },
    identity: async (server) => {
      const opened = await identityOf(authority, server.id);
      undo.push(async () => opened.close());
      return opened;
    },
    stop: () => {
      stopped ??= (async () => {
        for (const step of undo.reverse()) await step();
      })();
      return stopped;
    },
  };
}

function known<T>(map: ReadonlyMap<string, T>, name: string): T {
  const found = map.get(name);
  if (found === undefined) throw new Error(`there is no server ${name}`);
  return found;
}

class StartedServer implements TestServer {
  readonly server: Server;
  readonly ports: PortPlan;
  readonly layout: DataLayout;
  readonly log: readonly LogLine[];
  readonly #parts: {
    readonly directory: Directory;
    readonly identity: ServerIdentity;
    readonly options: ManyServersOptions;
  };
  readonly #log: ReturnType<typeof recordingLog>['log'];
  #running: RunningServer | null = null;
  #certificates: Awaited<ReturnType<typeof openCertificates>> | null = null;
  #ca = '';

  constructor(parts: {
    readonly server: Server;
    readonly ports: PortPlan;
    readonly root: string;
    readonly directory: Directory;
    readonly identity: ServerIdentity;
    readonly options: ManyServersOptions;
  }) {
    this.server = parts.server;
    this.ports = parts.ports;
    this.layout = dataLayout(path.join(parts.root, parts.server.name));
    this.#parts = parts;
    const { log, lines } = recordingLog();
    this.#log = log;
    this.log = lines;
  }

  get running(): RunningServer {
    if (this.#running === null) throw new Error(`${this.server.name} does not run`);
    return this.#running;
  }

  get ca(): string {
    return this.#ca;
  }

  async start(): Promise<void> {
    const { options, identity } = this.#parts;
    const { server, layout } = this;
    const log = this.#log;
    const directory = options.directoryOf?.(server, this.#parts.directory) ?? this.#parts.directory;
    const configuration = defaultConfiguration();
    const certificates = await openCertificates(layout, directory, server, log, {
      configuration,
      names: ['localhost'],
    });
    this.#certificates = certificates;
    this.#ca = await readFile(certificates.authorityFile, 'utf8');
    const usual = storeEngine(options.engine, layout, log);
    this.#running = await startServer({
      layout,
      configuration,
      directory,
      server,
      identity: options.identityOf?.(server, identity) ?? identity,
      openDatabase: options.openDatabase?.(server, usual) ?? usual,
      certificates: certificates.store,
      authorityFile: certificates.authorityFile,
      webBindings: [{ address: '127.0.0.1', port: this.ports.web }],
      saltKey: Buffer.alloc(32, 1),
      version: 'test',
      throttle: new Throttle({ ...THROTTLE_LIMITS, delayMs: 0 }),
      ...(options.relayTimes === undefined ? {} : { relayTimes: options.relayTimes }),
      log,
    });
  }

  async stop(ms = 0): Promise<void> {
    const running = this.#running;
    this.#running = null;
    await running?.drain(ms);
    this.#certificates?.close();
    this.#certificates = null;
  }
}

async function organization(
  directory: Directory,
  [first, ...others]: ManyServersOptions['servers'],
): Promise<{ servers: readonly Server[]; databases: ReadonlyMap<string, DatabaseRecord> }> {
  const created = await createOrganization(directory, {
    organization: 'Test',
    site: 'Site',
    server: first,
    fqdn: fqdnOf(first),
    domain: TEST_DOMAIN,
    database: `${first} Database`,
    administrator: await cheapCredentials('the administrator’s own'),
  });
  const servers = [created.server];
  const databases = new Map([[first, created.database]]);
  for (const { name, roles = { frontEnd: true, backEnd: true }, site = 'Site' } of others) {
    const place = await siteNamed(directory, site);
    const server = await directory.addServer({ name, fqdn: fqdnOf(name), site: place.id, ...roles });
    servers.push(server);
    for (const connector of defaultConnectors(server)) await directory.addConnector(connector);
    if (!roles.backEnd) continue;
    const location = `databases/${name.toLowerCase()}`;
    databases.set(
      name,
      await directory.addDatabase({ name: `${name} Database`, server: server.id, engine: 'sqlite', location }),
    );
  }
  for (const server of servers) {
    await easeConnectors(directory, server);
    for (const protocol of ['imap4', 'pop3'])
      await actOnServices(directory, server, servicesNamed(server, protocol), 'enable');
  }
  return { servers, databases };
}

const fqdnOf = (name: string): string => `${name.toLowerCase()}.${TEST_DOMAIN}`;

async function siteNamed(directory: Directory, name: string): Promise<Site> {
  return (await directory.sites()).find((one) => one.name === name) ?? directory.addSite(name);
}

async function addUser(directory: Directory, name: string, database: string): Promise<TestUser> {
  const address = `${name}@${TEST_DOMAIN}`;
  const password = `${name}'s secret`;
  const [account]: readonly (Account | undefined)[] = await createMailboxes(directory, {
    address,
    count: null,
    displayName: name,
    database,
    credentials: await cheapCredentials(password),
  });
  if (account === undefined) throw new Error('no account was made');
  return { address, password, account };
}
