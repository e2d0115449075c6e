/**
 * A loopback SMTP server on one receive connector, with a directory in memory, mailboxes, a clock that tests turn, and
 * an authenticator that knows one password. Accounts: ann (also anna@), bob, gone (disabled), the administrator.
 */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import type { Authenticator, Logon, SaslExchange } from '../../../src/auth/api.ts';
import { defaultConnectors } from '../../../src/directory/connectors.ts';
import type { Directory } from '../../../src/directory/api.ts';
import { openSqliteDirectory } from '../../../src/directory/engine/sqlite/directory.ts';
import { connectorId, type ReceiveConnector } from '../../../src/directory/model.ts';
import { Failure, ProtocolViolation } from '../../../src/observe/failure.ts';
import { type Log, silentLog } from '../../../src/observe/log.ts';
import type { SmtpProtocolLog } from '../../../src/observe/protocol-log/smtp.ts';
import { createSmtpSessions } from '../../../src/smtp/server/session.ts';
import type { MailboxDatabase } from '../../../src/store/api.ts';
import { createDelivery } from '../../../src/transport/deliver.ts';
import { Connection } from '../../../src/wire/connection.ts';
import { connected, type Stage } from '../../support/dialogue.ts';
import { testCertificate } from './certificate.ts';

export const PASSWORD = 'correct horse';

export interface SmtpStage extends Stage {
  readonly directory: Directory;
  readonly connector: ReceiveConnector;
  readonly drain: AbortController;
  /** Seconds each tarpit asked for; none is really waited. */
  readonly sleeps: number[];
  /** Errors that were logged: faults of ours. */
  readonly errors: object[];
  /** Moves the clock of sessions begun later and earlier (ms). */
  advance(ms: number): void;
  /** Complete messages in an Inbox, oldest first. */
  inbox(alias: string): Promise<readonly string[]>;
}

export type Role = 'inbound' | 'submission';

/** `database` is closed with the stage. Tarpits are 0 and logons need no TLS unless `change` says otherwise. */
export async function openSmtpStage(
  database: MailboxDatabase,
  role: Role,
  change: Partial<ReceiveConnector> = {},
  protocolLog?: SmtpProtocolLog,
): Promise<SmtpStage> {
  const directory = await openSqliteDirectory({ file: ':memory:' });
  const server = await fill(directory);
  const defaults = defaultConnectors(server).find((each) =>
    each.permissionGroups.includes(role === 'inbound' ? 'AnonymousUsers' : 'ExchangeUsers'),
  );
  if (defaults === undefined) throw new Error('there is no such default connector');
  const connector: ReceiveConnector = {
    ...defaults,
    id: connectorId('connector'),
    authMechanism: ['Tls', 'BasicAuth'],
    tarpitInterval: 0,
    authTarpitInterval: 0,
    messageRateLimit: Number.POSITIVE_INFINITY,
    ...change,
  };
  const sleeps: number[] = [];
  const errors: object[] = [];
  const log: Log = { ...silentLog, error: (fields) => void errors.push(fields), child: () => log };
  const drain = new AbortController();
  const certificate = await testCertificate(connector.fqdn);
  let offset = 0;
  const now = (): number => Date.now() + offset;
  const { serve } = createSmtpSessions({
    directory,
    authenticator: authenticator(directory),
    transport: createDelivery({ directory, databaseOf: () => database, log, now }),
    tls: () => certificate,
    log,
    ...(protocolLog === undefined ? {} : { protocolLog }),
    clock: {
      now,
      sleep: (ms) => {
        sleeps.push(ms / 1000);
        return Promise.resolve();
      },
    },
  });
  const sessions = new Set<Promise<void>>();
  const listener = net.createServer((socket) => {
    const served = serve(new Connection(socket), connector, false, drain.signal).finally(() => sessions.delete(served));
    sessions.add(served);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const { port } = address;
  return {
    directory,
    connector,
    drain,
    sleeps,
    errors,
    advance: (ms) => {
      offset += ms;
    },
    connect: () => connected(net.connect(port, '127.0.0.1')),
    setUp: () => Promise.resolve(),
    inbox: (alias) => readInbox(directory, database, alias),
    close: async () => {
      await Promise.all(sessions);
      listener.close();
      await database.close();
      await directory.close();
    },
  };
}

async function fill(directory: Directory) {
  const site = await directory.addSite('Default');
  const server = await directory.addServer({
    name: 'MAIL',
    fqdn: 'mail.example.org',
    site: site.id,
    frontEnd: true,
    backEnd: true,
  });
  const database = await directory.addDatabase({ name: 'DB1', server: server.id, engine: 'sqlite', location: 'db1' });
  await directory.addDomain({ name: 'example.org', type: 'Authoritative', isDefault: true });
  await directory.addDomain({ name: 'bücher.example', type: 'Authoritative', isDefault: false });
  const add = (alias: string, addresses: readonly string[], kind: 'user' | 'administrator' = 'user') =>
    directory.addAccount({
      kind,
      displayName: alias,
      alias,
      userPrincipalName: `${alias}@example.org`,
      mailbox: { database: database.id, addresses },
      credentials: null,
    });
  await add('administrator', ['administrator@example.org'], 'administrator');
  await add('ann', ['ann@example.org', 'anna@example.org', 'jürgen@bücher.example']);
  await add('bob', ['bob@example.org']);
  const gone = await add('gone', ['gone@example.org']);
  await directory.changeAccount(gone.id, { enabled: false });
  return server;
}

async function readInbox(directory: Directory, database: MailboxDatabase, alias: string): Promise<readonly string[]> {
  const account = await directory.accountByLogonName(alias);
  if (account === null || account.mailbox === null) throw new Error(`${alias} has no mailbox`);
  const mailbox = await database.open(account.mailbox.id);
  const inbox = mailbox.folderByName('INBOX');
  if (inbox === null) throw new Error('there is no INBOX');
  const view = await mailbox.view(inbox.id);
  const messages: string[] = [];
  for (const uid of view.columns.uid.slice(0, view.columns.length)) {
    const chunks: Buffer[] = [];
    for await (const chunk of mailbox.read(inbox.id, uid, 0, Number.MAX_SAFE_INTEGER)) chunks.push(chunk);
    messages.push(Buffer.concat(chunks).toString('latin1'));
  }
  view.close();
  mailbox.close();
  return messages;
}

/** PLAIN, LOGIN, and X-SERVER-LAST that sends data with its success as SCRAM does (RFC 4954 §4). */
function authenticator(directory: Directory): Authenticator {
  const check = async (name: string, password: string): Promise<Logon> => {
    if (name === 'locked') throw new Failure('LIMIT', 'too many wrong passwords, try again later');
    if (name === 'off') throw new Failure('AUTHORIZATIONFAILED', 'submission is turned off for this mailbox');
    if (name === '') throw new ProtocolViolation('a user name is missing');
    const account = await directory.accountByLogonName(name);
    if (account === null || password !== PASSWORD) {
      throw new Failure('AUTHENTICATIONFAILED', 'unknown user name or wrong password');
    }
    return { account, mailbox: account };
  };
  const plain = (final: Uint8Array | null): SaslExchange => ({
    step: async (response) => {
      if (response === null) return { done: false, challenge: Buffer.alloc(0) };
      const [, name = '', password = ''] = Buffer.from(response).toString('utf8').split('\0');
      return { done: true, logon: await check(name, password), final };
    },
  });
  const login = (): SaslExchange => {
    let name: string | null = null;
    return {
      step: async (response) => {
        if (response === null) return { done: false, challenge: Buffer.from('Username:') };
        const text = Buffer.from(response).toString('utf8');
        if (name !== null) return { done: true, logon: await check(name, text), final: null };
        name = text;
        return { done: false, challenge: Buffer.from('Password:') };
      },
    };
  };
  const mechanisms = new Map([
    ['X-SERVER-LAST', () => plain(Buffer.from('v=signature'))],
    ['PLAIN', () => plain(null)],
    ['LOGIN', login],
  ]);
  return {
    mechanisms: () => [...mechanisms.keys()],
    begin: (mechanism) => mechanisms.get(mechanism)?.() ?? null,
    password: check,
  };
}

/** The client's side of STARTTLS. */
export async function upgraded(socket: net.Socket): Promise<tls.TLSSocket> {
  socket.removeAllListeners('data');
  const secure = tls.connect({ socket, rejectUnauthorized: false, servername: 'mail.example.org' });
  await once(secure, 'secureConnect');
  return secure;
}
