/**
 * A whole server in one process for tests of the front end: directory, certificates, authenticator, back end on the
 * memory engine, front ends of IMAP and POP3 on ports the system chooses.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { createAuthenticator } from '../../../../src/auth/authenticator.ts';
import { Throttle } from '../../../../src/auth/throttle.ts';
import { makeCredentials } from '../../../../src/auth/verifiers.ts';
import { type BackEnd, createInProcessLink } from '../../../../src/backend/in-process-link.ts';
import type { Directory } from '../../../../src/directory/api.ts';
import { openSqliteDirectory } from '../../../../src/directory/engine/sqlite/directory.ts';
import type { Account, AccountKind, ImapSettings, PopSettings, ServerId } from '../../../../src/directory/model.ts';
import { createImapFrontEnd, createPop3FrontEnd, type FrontEndService } from '../../../../src/frontend/front-end.ts';
import { Locator } from '../../../../src/frontend/locate.ts';
import { type Log, silentLog } from '../../../../src/observe/log.ts';
import type { MailboxDatabase } from '../../../../src/store/api.ts';
import { openMemoryDatabase } from '../../../../src/store/engine/memory/index.ts';
import { createAuthority } from '../../../../src/tls/authority.ts';
import { loadCertificates } from '../../../../src/tls/certificates.ts';
import type { ReadReceipts } from '../../../../src/transport/read-receipts.ts';
import { connected } from '../../../support/dialogue.ts';

export const PASSWORD = 'correct horse';
export const DOMAIN = 'example.test';
const ANY_PORT = [{ address: '127.0.0.1', port: 0 }];

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface TestServer {
  readonly directory: Directory;
  readonly server: ServerId;
  readonly database: MailboxDatabase;
  readonly backEnd: BackEnd;
  readonly imap: FrontEndService;
  readonly pop3: FrontEndService;
  readonly throttle: Throttle;
  readonly log: LogLine[];
  account(name: string): Promise<Account>;
  port(protocol: 'imap' | 'pop3', implicitTls: boolean): number;
  connect(protocol: 'imap' | 'pop3', implicitTls: boolean): Promise<Socket>;
  /** TLS over a connection that has negotiated it. */
  upgrade(socket: Socket): Promise<Socket>;
  close(): Promise<void>;
}

export interface TestServerOptions {
  readonly imap?: Partial<ImapSettings>;
  readonly pop3?: Partial<PopSettings>;
  /** PreAuthenticatedConnectionTimeout in seconds, below what the directory allows. */
  readonly preAuthenticatedSeconds?: number;
  readonly receipts?: ReadReceipts;
  /** Services that do not run; all others do. */
  readonly stopped?: ReadonlyArray<'imap4' | 'imap4-backend' | 'pop3' | 'pop3-backend'>;
}

/** One for all tests: the cost of a password is not what they are about. */
const credentials = makeCredentials(PASSWORD, { iterations: 4096 });

export async function openTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'penfold-front-end-'));
  const log: LogLine[] = [];
  const logger = collect(log, {});
  const directory = await openSqliteDirectory({ file: ':memory:' });
  const { server, database: databaseId } = await organization(directory);
  await directory.setImapSettings(server, {
    unencryptedOrTlsBindings: ANY_PORT,
    sslBindings: ANY_PORT,
    banner: 'IMAP ready',
    ...options.imap,
  });
  await directory.setPopSettings(server, {
    unencryptedOrTlsBindings: ANY_PORT,
    sslBindings: ANY_PORT,
    banner: 'POP ready',
    ...options.pop3,
  });
  for (const service of ['imap4', 'imap4-backend', 'pop3', 'pop3-backend'] as const) {
    await directory.setService(server, service, { running: options.stopped?.includes(service) !== true });
  }

  const authority = await createAuthority({ directory: folder, organization: 'Test', domains: [DOMAIN] });
  const issued = await authority.issue({ names: ['localhost', '127.0.0.1'], days: 2 });
  const certificateFile = path.join(folder, 'server.pem');
  await writeFile(certificateFile, issued.chainPem + issued.keyPem);
  const certificates = await loadCertificates({
    sources: [{ certificateFile, keyFile: certificateFile }],
    log: silentLog,
    watch: false,
  });

  const database = openMemoryDatabase();
  const backEnd = await createInProcessLink({
    directory,
    server,
    databases: new Map([[databaseId, database]]),
    ...(options.receipts === undefined ? {} : { receipts: options.receipts }),
    log: logger,
  });
  const locator = new Locator(directory, (each) => (each.id === server ? backEnd : null));
  const throttle = new Throttle();
  const authenticator = createAuthenticator({ directory, throttle, log: logger, delay: () => Promise.resolve() });
  const hasty = hastyDirectory(directory, options.preAuthenticatedSeconds ?? null);
  const front = {
    directory: hasty,
    server,
    authenticator,
    locator,
    certificates,
    log: logger,
    logRoot: tmpdir(),
    version: 'test',
  };
  const imap = await createImapFrontEnd(front);
  const pop3 = await createPop3FrontEnd(front);
  await imap.start();
  await pop3.start();

  const port = (protocol: 'imap' | 'pop3', implicitTls: boolean): number => {
    const found = (protocol === 'imap' ? imap : pop3).listening.find((each) => each.implicitTls === implicitTls);
    if (found === undefined) throw new Error(`${protocol} is not listening`);
    return found.port;
  };
  const trusting = { ca: authority.certificatePem, servername: 'localhost' };
  const secured = async (socket: Socket): Promise<Socket> => {
    const secure = tlsConnect({ socket, ...trusting });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    secure.once('secureConnect', resolve);
    secure.once('error', reject);
    await promise;
    secure.on('error', () => {});
    return secure;
  };
  return {
    directory,
    server,
    database,
    backEnd,
    imap,
    pop3,
    throttle,
    log,
    account: async (name) => {
      const account = await directory.accountByLogonName(`${name}@${DOMAIN}`);
      if (account === null) throw new Error(`no account ${name}`);
      return account;
    },
    port,
    connect: async (protocol, implicitTls) => {
      const socket = await connected(connect(port(protocol, implicitTls), '127.0.0.1'));
      return implicitTls ? secured(socket) : socket;
    },
    upgrade: secured,
    close: async () => {
      await Promise.all([imap.drain(1000), pop3.drain(1000)]);
      await backEnd.drain(1000);
      locator.close();
      certificates.close();
      await database.close();
      await directory.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function hastyDirectory(directory: Directory, seconds: number | null): Directory {
  if (seconds === null) return directory;
  return new Proxy(directory, {
    get: (target, name) => {
      if (name === 'imapSettings' || name === 'popSettings') {
        return async (server: ServerId) => ({
          ...(await target[name](server)),
          preAuthenticatedConnectionTimeout: seconds,
        });
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function organization(directory: Directory) {
  const site = await directory.addSite('Main');
  const server = await directory.addServer({
    name: 'mail1',
    fqdn: `mail1.${DOMAIN}`,
    site: site.id,
    frontEnd: true,
    backEnd: true,
  });
  const database = await directory.addDatabase({ name: 'DB1', server: server.id, engine: 'sqlite', location: 'db1' });
  await directory.addDomain({ name: DOMAIN, type: 'Authoritative', isDefault: true });
  const add = async (name: string, kind: AccountKind = 'user', hasMailbox = true): Promise<Account> =>
    directory.addAccount({
      kind,
      displayName: name,
      alias: name,
      userPrincipalName: `${name}@${DOMAIN}`,
      mailbox: hasMailbox ? { database: database.id, addresses: [`${name}@${DOMAIN}`] } : null,
      credentials: kind === 'guest' || kind === 'anonymous' ? null : await credentials,
    });
  await add('ann');
  await add('bob');
  await add('administrator', 'administrator');
  await add('guest', 'guest', false);
  await add('anonymous', 'anonymous', false);
  await add('nomailbox', 'user', false);
  const gone = await add('disabled');
  await directory.changeAccount(gone.id, { enabled: false });
  const closed = await add('noprotocol');
  await directory.setClientAccess(closed.id, { imapEnabled: false, popEnabled: false });
  return { server: server.id, database: database.id };
}

function collect(lines: LogLine[], always: object): Log {
  const at =
    (level: LogLine['level']) =>
    (fields: object, text: string): void =>
      void lines.push({ level, text, fields: { ...always, ...fields } });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => collect(lines, { ...always, ...fields }),
  };
}

/** Lines of a socket, for what a dialogue script cannot say. */
export class LineClient {
  readonly socket: Socket;
  #text = '';
  #ended = false;
  #wake: (() => void) | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', this.#onData);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#text += chunk.toString('utf8');
    this.#wake?.();
  };

  send(...lines: readonly string[]): void {
    this.socket.write(lines.map((line) => `${line}\r\n`).join(''));
  }

  /** The next line without CRLF; null when the server has closed. */
  async line(): Promise<string | null> {
    for (;;) {
      const end = this.#text.indexOf('\r\n');
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return line;
      }
      if (this.#ended) return null;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
      this.#wake = null;
    }
  }

  /** Sends one IMAP command and skips to its tagged answer. */
  async imap(command: string): Promise<string> {
    const tag = command.slice(0, command.indexOf(' ') + 1);
    this.send(command);
    for (;;) {
      const line = await this.line();
      if (line === null) throw new Error(`closed behind ${command}`);
      if (line.startsWith(tag)) return line;
    }
  }

  /** Gives the socket to someone else (TLS). */
  release(): Socket {
    this.socket.off('data', this.#onData);
    return this.socket;
  }

  async closed(): Promise<void> {
    while ((await this.line()) !== null);
  }
}
