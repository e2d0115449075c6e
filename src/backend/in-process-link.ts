/**
 * The back end of this server as front ends in the same process reach it: opens the mailbox, starts the protocol's
 * session, keeps the list of sessions, ends them when an admin turns something off (design.md §6, ADR on the link).
 * Refuses while the back-end service is stopped: front end and back end are two services (exchange-behaviour.md §4).
 */
import { setTimeout } from 'node:timers/promises';
import { refusalNow } from '../auth/still-allowed.ts';
import type { Directory } from '../directory/api.ts';
import type { Account, ClientAccessSettings, DatabaseId, ServerId, ServiceName } from '../directory/model.ts';
import { serviceFacts } from '../directory/services.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import { traces } from '../observe/traces/spans.ts';
import type { MailboxDatabase } from '../store/api.ts';
import type { ReadReceipts } from '../transport/read-receipts.ts';
import type { Connection } from '../wire/connection.ts';
import type { BackendLink, BackendSession, HandOver } from './link.ts';
import type { LiveQuotas } from './live-quotas.ts';
import { LiveThrottling } from './live-throttling.ts';
import { BackEndProtocolLogs } from './protocol-logs.ts';
import { ImapSessionMeter, type Paying, Pop3SessionMeter } from './session-meter.ts';
import { LiveSettings } from './live-settings.ts';
import { type EndableSession, type SessionFactories, sessionFactories, type SessionHost } from './session-factories.ts';
import { SessionLog } from './session-log.ts';
import { type Listed, type LiveSession, SessionRegistry } from './sessions.ts';

/** How long a session that was told to end may take for the answer it is writing. */
const FAREWELL_MS = 5_000;

export interface BackEndOptions {
  readonly directory: Directory;
  readonly server: ServerId;
  /** The open mailbox databases of this server. */
  readonly databases: ReadonlyMap<DatabaseId, MailboxDatabase>;
  readonly log: Log;
  /** Absolute: where a relative LogFileLocation of the protocol log begins. Missing: none is written. */
  readonly logRoot?: string;
  readonly version?: string;
  /** What mailboxes may hold; loaded before one is opened. */
  readonly quotas?: LiveQuotas;
  /** Read receipts for downloads; none are sent when missing. */
  readonly receipts?: ReadReceipts;
  /** The sessions of src/imap and src/pop3 when missing. */
  readonly factories?: SessionFactories;
}

export interface BackEnd extends BackendLink {
  readonly sessions: SessionRegistry;
  /** Changes announced before this call are in effect when it resolves. */
  settled(): Promise<void>;
  /** Takes no session any more, ends those there are, waits at most `ms` for them. Leaves the databases open. */
  drain(ms: number): Promise<void>;
}

const SERVICES: Readonly<Record<HandOver['protocol'], ServiceName>> = {
  imap: 'imap4-backend',
  pop3: 'pop3-backend',
};

/** A back end follows mailboxes for web clients as long as it runs: `web` is a service of front ends. */
const isServed = ({ protocol }: LiveSession, settings: LiveSettings): boolean =>
  protocol === 'web' || settings.isRunning(SERVICES[protocol]);

const METERS = { imap: ImapSessionMeter, pop3: Pop3SessionMeter } as const;

export async function createInProcessLink(options: BackEndOptions): Promise<BackEnd> {
  const sessions = new SessionRegistry();
  const settings: LiveSettings = await LiveSettings.of(options.directory, options.server, options.log, () => {
    const ended = sessions.end((session) => !isServed(session, settings));
    if (ended > 0) options.log.info({ ended }, 'sessions of a stopped back-end service end');
  });
  return new InProcessBackEnd(options, settings, sessions);
}

class InProcessBackEnd implements BackEnd {
  readonly sessions: SessionRegistry;
  readonly #options: BackEndOptions;
  readonly #settings: LiveSettings;
  readonly #factories: SessionFactories;
  readonly #throttling: LiveThrottling;
  readonly #protocolLogs: BackEndProtocolLogs;
  readonly #unwatch: () => void;
  #draining = false;

  constructor(options: BackEndOptions, settings: LiveSettings, sessions: SessionRegistry) {
    this.#options = options;
    this.#settings = settings;
    this.sessions = sessions;
    this.#throttling = new LiveThrottling(options.directory, options.log);
    this.#protocolLogs = new BackEndProtocolLogs(settings, options);
    this.#factories = options.factories ?? sessionFactories(settings, options.quotas?.quotaOf);
    this.#unwatch = options.directory.watch((change) => {
      const { kind } = change;
      if (kind === 'account' || kind === 'permission' || kind === 'app-password') this.#reconsider(change.id);
    });
  }

  async open(handOver: HandOver): Promise<BackendSession> {
    const service = SERVICES[handOver.protocol];
    if (this.#draining) throw new Failure('UNAVAILABLE', 'The server is going down; try again in a moment');
    if (!this.#settings.isRunning(service)) {
      const { displayName } = serviceFacts(service);
      throw new Failure('UNAVAILABLE', `The service ${displayName} is not running on the server of this mailbox`);
    }
    const owner = handOver.logon.mailbox;
    if (owner.mailbox === null) throw new Failure('CONTACTADMIN', 'This account has no mailbox');
    const database = this.#options.databases.get(owner.mailbox.database);
    if (database === undefined) throw new Failure('UNAVAILABLE', 'The mailbox database is not mounted');
    const access = await this.#options.directory.clientAccess(owner.id);
    await this.#options.quotas?.load(owner);
    const paying = await this.#throttling.enter(handOver.protocol, handOver.logon.account);
    try {
      return await this.#openMailbox(handOver, owner, database, access, paying);
    } catch (error) {
      paying.leave();
      throw error;
    }
  }

  async #openMailbox(
    handOver: HandOver,
    owner: Account,
    database: MailboxDatabase,
    access: ClientAccessSettings,
    paying: Paying,
  ): Promise<BackendSession> {
    if (owner.mailbox === null) throw new Failure('CONTACTADMIN', 'This account has no mailbox');
    const mailbox = await database.open(owner.mailbox.id);
    const facts: LiveSession = {
      id: handOver.session,
      protocol: handOver.protocol,
      account: owner.id,
      delegate: handOver.logon.account.id,
      appPassword: handOver.logon.appPassword?.id ?? null,
      user: owner.userPrincipalName,
      mailbox: mailbox.id,
      clientAddress: handOver.clientAddress,
      frontEnd: handOver.frontEnd ?? null,
      tls: handOver.tls,
      clientId: handOver.clientId,
      since: Date.now(),
    };
    try {
      const session = await this.#factories[handOver.protocol]({
        handOver,
        mailbox,
        access,
        database,
        language: async () => (await this.#options.directory.mailboxSettings(owner.id)).language,
        receipts: this.#options.receipts ?? null,
        meter: new METERS[handOver.protocol](this.#protocolLogs.session(handOver, owner), paying),
        log: new SessionLog(this.#options.log, facts),
      });
      const served = new Served(facts, handOver.stop, session, this.sessions);
      this.#catchUp(served);
      return served;
    } catch (error) {
      mailbox.close();
      throw error;
    }
  }

  async settled(): Promise<void> {
    await Promise.all([this.#settings.settled(), this.#throttling.settled(), this.#options.quotas?.settled()]);
  }

  async drain(ms: number): Promise<void> {
    this.#draining = true;
    this.#unwatch();
    this.#throttling.close();
    this.#settings.close();
    this.sessions.end(() => true);
    const timer = new AbortController();
    await Promise.race([
      this.sessions.empty(),
      setTimeout(ms, undefined, { signal: timer.signal, ref: false }).catch(() => {}),
    ]);
    timer.abort();
    await this.#protocolLogs.flush();
  }

  /** What was announced while the mailbox was being opened found no session to act on: it is asked for again. */
  #catchUp(served: Served): void {
    const { facts } = served;
    if (this.#draining || !isServed(facts, this.#settings)) served.end();
    else this.#check(facts);
  }

  /** Ends sessions that could not begin any more: switches, rights and accounts act on living ones (auth/still-allowed.ts). */
  #reconsider(id: string | null): void {
    for (const session of this.sessions.list())
      if (id === null || session.account === id || session.delegate === id) this.#check(session);
  }

  #check({ id, account: mailbox, delegate: account, protocol, appPassword, user }: LiveSession): void {
    const { directory, log } = this.#options;
    refusalNow(directory, { account, mailbox, protocol, appPassword }).then(
      (reason) => {
        if (reason === null) return;
        this.sessions.end((one) => one.id === id);
        log.info({ session: id, user, reason }, 'a session ends: not allowed any more');
      },
      (error: unknown) => {
        log.error({ session: id, error: String(error) }, 'a session could not be checked behind a change');
      },
    );
  }
}

/** A session in the registry for as long as it serves. */
class Served implements BackendSession, Listed, SessionHost {
  readonly facts: LiveSession;
  readonly stop: AbortSignal;
  readonly #session: EndableSession;
  readonly #registry: SessionRegistry;
  #connection: Connection | null = null;
  #ended = false;
  #farewell: NodeJS.Timeout | null = null;
  #gone: (() => void) | null = null;

  constructor(facts: LiveSession, stop: AbortSignal, session: EndableSession, registry: SessionRegistry) {
    this.facts = facts;
    this.stop = stop;
    this.#session = session;
    this.#registry = registry;
    registry.add(this);
  }

  get capabilities(): readonly string[] {
    return this.#session.capabilities;
  }

  run(connection: Connection): Promise<void> {
    this.#connection = connection;
    if (this.#ended) this.#cutOffSoon();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gone = resolve;
    this.#session.serve(connection, this);
    return promise;
  }

  cancel(): void {
    this.#session.cancel();
    this.over();
  }

  over(): void {
    if (this.#farewell !== null) clearTimeout(this.#farewell);
    this.#connection = null;
    this.#registry.remove(this);
    traces.current?.sessionEnded(this.facts.id);
    this.#gone?.();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#session.end();
    this.#cutOffSoon();
  }

  /** A session says goodbye by itself; one whose client does not read is cut off. */
  #cutOffSoon(): void {
    const connection = this.#connection;
    if (connection === null || this.#farewell !== null) return;
    this.#farewell = globalThis.setTimeout(() => connection.destroy(), FAREWELL_MS);
    this.#farewell.unref();
  }
}
