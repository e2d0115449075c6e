/**
 * A whole server in the test's own process, on free ports of 127.0.0.1, with two mailboxes and its own authority:
 * front ends, back end, store, SMTP, control door, put together by the same code as `penfold serve`. Passwords are
 * hashed cheaply. Nothing outlives `stop()`.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { LookupFunction } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Argon2Parameters } from '../../src/auth/argon2id.ts';
import { THROTTLE_LIMITS, Throttle } from '../../src/auth/throttle.ts';
import { makeCredentials } from '../../src/auth/verifiers.ts';
import { type DataLayout, dataLayout } from '../../src/config/data-directory.ts';
import { defaultConfiguration } from '../../src/config/read.ts';
import type { Configuration } from '../../src/config/schema.ts';
import type { Directory } from '../../src/directory/api.ts';
import { openSqliteDirectory } from '../../src/directory/engine/sqlite/directory.ts';
import type { Account, Credentials, Server } from '../../src/directory/model.ts';
import { openCertificates } from '../../src/main/certificates.ts';
import { type RunningServer, startServer } from '../../src/main/compose.ts';
import { locationOf, type OpenDatabase } from '../../src/main/databases.ts';
import { freePorts } from '../../src/main/free-ports.ts';
import { applyPorts, createOrganization } from '../../src/main/organization.ts';
import { createMailboxes } from '../../src/management/mailboxes.ts';
import { actOnServices, servicesNamed } from '../../src/management/services.ts';
import type { Log } from '../../src/observe/log.ts';
import type { MailboxDatabase } from '../../src/store/api.ts';
import { openMemoryDatabase } from '../../src/store/engine/memory/index.ts';
import { openSqliteDatabase } from '../../src/store/engine/sqlite/index.ts';
import { createAuthority } from '../../src/tls/authority.ts';

export const TEST_DOMAIN = 'example.test';
/** Milliseconds less for each logon of a test; the production cost has tests of its own. */
export const CHEAP_ARGON2: Argon2Parameters = { memory: 64, passes: 1, parallelism: 1 };
const CHEAP_ITERATIONS = 4096;

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface TestUser {
  readonly address: string;
  readonly password: string;
  readonly account: Account;
}

export interface OrganizationOptions {
  readonly engine: 'memory' | 'sqlite';
  /** Names before @example.test; alice and bob when missing. */
  readonly users?: readonly string[];
  /** Services turned on; both protocols when missing. */
  readonly enable?: ReadonlyArray<'imap4' | 'pop3'>;
  /** After so many failed logons a client is locked out; 10 when missing. No answer is held back in tests. */
  readonly lockAfter?: number;
  /** Names of a second certificate, by the same authority, beside the one for localhost. */
  readonly furtherCertificate?: readonly string[];
  /** How `Test my settings` resolves published host names. */
  readonly lookup?: LookupFunction;
  /** What penfold.toml says besides its defaults. */
  readonly configuration?: Partial<Configuration>;
  /** Before anything listens: settings, connectors, further accounts. */
  readonly prepare?: (directory: Directory, server: Server) => Promise<void>;
}

export interface TestOrganization {
  readonly directory: Directory;
  readonly server: Server;
  readonly running: RunningServer;
  readonly layout: DataLayout;
  readonly users: readonly TestUser[];
  readonly administrator: { readonly address: string; readonly password: string };
  /** Writes the second certificate anew, with these names: what an admin does who renews it. */
  renewCertificate(names: readonly string[]): Promise<void>;
  /** PEM. */
  readonly ca: string;
  readonly caFile: string;
  readonly host: '127.0.0.1';
  readonly web: number;
  readonly imap: { readonly plain: number; readonly tls: number };
  readonly pop3: { readonly plain: number; readonly tls: number };
  /** `inbound`: Default Frontend; the others are Client Frontend, with STARTTLS and with TLS from the first byte. */
  readonly smtp: { readonly inbound: number; readonly submission: number; readonly submissions: number };
  /** What the server has logged, debug lines included. */
  readonly log: readonly LogLine[];
  user(index: number): TestUser;
  databaseOf(account: Account): MailboxDatabase;
  stop(): Promise<void>;
}

export async function startOrganization(options: OrganizationOptions): Promise<TestOrganization> {
  const root = await mkdtemp(path.join(tmpdir(), 'penfold-organization-'));
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
  options: OrganizationOptions,
  undo: Array<() => Promise<unknown>>,
): Promise<TestOrganization> {
  const layout = dataLayout(path.join(root, 'data'));
  const { log, lines } = recordingLog();
  const directory = await openSqliteDirectory({ file: ':memory:', log });
  undo.push(() => directory.close());
  const administrator = { address: `administrator@${TEST_DOMAIN}`, password: 'the administrator’s own' };
  const { server } = await createOrganization(directory, {
    organization: 'Test',
    site: 'Site',
    server: 'TEST',
    fqdn: 'localhost',
    domain: TEST_DOMAIN,
    database: 'Database',
    administrator: await cheapCredentials(administrator.password),
  });
  const users = await addUsers(directory, options.users ?? ['alice', 'bob']);
  await easeConnectors(directory, server);
  const ports = await freePorts('127.0.0.1');
  await applyPorts(directory, server, ports);
  for (const service of options.enable ?? ['imap4', 'pop3']) {
    await actOnServices(directory, server, servicesNamed(server, service), 'enable');
  }
  await options.prepare?.(directory, server);

  const further = options.furtherCertificate === undefined ? null : await issue(layout, options.furtherCertificate);
  const certificates = await openCertificates(layout, directory, server, log, {
    configuration: further === null ? defaultConfiguration() : { ...defaultConfiguration(), tls: further },
  });
  undo.push(async () => certificates.close());
  const running = await startServer({
    layout,
    configuration: { ...defaultConfiguration(), ...options.configuration },
    directory,
    server,
    openDatabase: storeEngine(options.engine, layout, log),
    certificates: certificates.store,
    authorityFile: certificates.authorityFile,
    webBindings: [{ address: '127.0.0.1', port: ports.web }],
    saltKey: Buffer.alloc(32, 1),
    version: 'test',
    ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
    throttle: new Throttle({
      ...THROTTLE_LIMITS,
      delayMs: 0,
      lockAfter: options.lockAfter ?? THROTTLE_LIMITS.lockAfter,
    }),
    log,
  });
  undo.push(() => running.drain(0));
  let stopped: Promise<void> | null = null;
  return {
    directory,
    server,
    running,
    layout,
    users,
    administrator,
    renewCertificate: async (names) => void (await issue(layout, names)),
    ca: await readFile(certificates.authorityFile, 'utf8'),
    caFile: certificates.authorityFile,
    host: '127.0.0.1',
    web: ports.web,
    imap: ports.imap,
    pop3: ports.pop3,
    smtp: {
      inbound: ports.connectors.smtp,
      submission: ports.connectors.submission,
      submissions: ports.connectors.submissions,
    },
    log: lines,
    user: (index) => {
      const user = users[index];
      if (user === undefined) throw new Error(`there is no test user ${index}`);
      return user;
    },
    databaseOf: (account) => running.databaseOf(account),
    stop: () => {
      stopped ??= (async () => {
        for (const step of undo.reverse()) await step();
      })();
      return stopped;
    },
  };
}

async function issue(layout: DataLayout, names: readonly string[]): Promise<{ certificate: string; key: string }> {
  const domains = [TEST_DOMAIN, 'localhost'];
  const authority = await createAuthority({ directory: layout.tls, organization: 'Test', domains });
  const issued = await authority.issue({ names, days: 1 });
  const file = path.join(layout.tls, 'further.pem');
  await writeFile(file, issued.chainPem + issued.keyPem, { mode: 0o600 });
  return { certificate: file, key: file };
}

export function cheapCredentials(password: string): Promise<Credentials> {
  return makeCredentials(password, { parameters: CHEAP_ARGON2, iterations: CHEAP_ITERATIONS });
}

/** Tests fail logons on purpose, send in volleys and come from one address. */
export async function easeConnectors(directory: Directory, server: Server): Promise<void> {
  for (const connector of await directory.connectors(server.id)) {
    await directory.changeConnector(connector.id, {
      enabled: connector.name.includes('Frontend') && !connector.name.startsWith('Outbound'),
      tarpitInterval: 0,
      authTarpitInterval: 0,
      messageRateLimit: Number.POSITIVE_INFINITY,
      maxInboundConnectionPerSource: Number.POSITIVE_INFINITY,
      maxInboundConnectionPercentagePerSource: 100,
    });
  }
}

async function addUsers(directory: Directory, names: readonly string[]): Promise<readonly TestUser[]> {
  const users: TestUser[] = [];
  for (const name of names) {
    const password = `${name}'s secret`;
    const address = `${name}@${TEST_DOMAIN}`;
    const [account] = await createMailboxes(directory, {
      address,
      count: null,
      displayName: null,
      database: null,
      credentials: await cheapCredentials(password),
    });
    if (account === undefined) throw new Error('no account was made');
    users.push({ address, password, account });
  }
  return users;
}

export function storeEngine(name: OrganizationOptions['engine'], layout: DataLayout, log: Log): OpenDatabase {
  return async (record, quotaOf, residence) =>
    name === 'memory'
      ? openMemoryDatabase({ log, quotaOf, residence })
      : openSqliteDatabase({ directory: locationOf(layout.root, record), log, quotaOf, residence });
}

export function recordingLog(): { log: Log; lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const make = (bound: object): Log => {
    const write =
      (level: LogLine['level']) =>
      (fields: object, text: string): void => {
        lines.push({ level, text, fields: { ...bound, ...fields } });
      };
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: (fields) => make({ ...bound, ...fields }),
    };
  };
  return { log: make({}), lines };
}
