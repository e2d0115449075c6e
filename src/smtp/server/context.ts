/**
 * The state of one SMTP session (RFC 5321 §4.1.4) as its commands see it: who is there, which transaction is open,
 * how often it went wrong. Commands change it; session.ts drives it. Knows no command.
 */
import type { TLSSocketOptions } from 'node:tls';
import type { Authenticator, Logon, LogonContext } from '../../auth/api.ts';
import type { Directory } from '../../directory/api.ts';
import type { PermissionGroup, ReceiveConnector } from '../../directory/model.ts';
import type { Log } from '../../observe/log.ts';
import type { Recipient, Transport } from '../../transport/api.ts';
import type { Connection, Endpoint, TlsFacts } from '../../wire/connection.ts';
import { MESSAGE_BYTES } from '../../wire/limits.ts';
import type { DsnOfMail } from '../grammar/dsn-parameters.ts';
import { formatReply, type Reply, reply } from '../grammar/reply.ts';
import type { Clock, OnwardSession, SubmissionProxy } from './dependencies.ts';
import type { MessageIntake } from './intake.ts';
import type { ProxiedClient } from './proxied.ts';
import type { RateLimiter } from './rate-limit.ts';
import type { SmtpSessionLog } from './session-log.ts';
import { maxSendSize } from './submission-limits.ts';

export interface Client {
  readonly greeting: 'HELO' | 'EHLO';
  readonly name: string;
}

/** What MAIL began (RFC 5321 §3.3). */
export interface MailTransaction {
  /** Empty: the null reverse-path. */
  readonly reversePath: string;
  readonly smtpUtf8: boolean;
  readonly recipients: Recipient[];
  /** RFC 3461; null: nothing was said. */
  readonly dsn: DsnOfMail | null;
  /** SIZE of MAIL (RFC 1870); null: not given. */
  readonly declaredSize: number | null;
  /** The message while it comes in pieces by BDAT; null before the first. */
  chunks: MessageIntake | null;
}

export interface SmtpContextOptions {
  readonly session: string;
  readonly connection: Connection;
  /** Whom a front end of another server has brought; null: the client itself is at the other end. */
  readonly proxied: Pick<ProxiedClient, 'facts' | 'logon'> | null;
  readonly proxy: SubmissionProxy | null;
  readonly connector: ReceiveConnector;
  /** As it is set now, for settings that count in open sessions. */
  readonly asSetNow: () => ReceiveConnector;
  readonly directory: Directory;
  readonly authenticator: Authenticator;
  readonly transport: Transport;
  readonly handshake: () => TLSSocketOptions;
  /** By connector, and address or user. */
  readonly rates: RateLimiter;
  /** Of throttling policies. */
  readonly ratesOfPeople: RateLimiter;
  readonly clock: Clock;
  readonly drain: AbortSignal | null;
  readonly log: Log;
  readonly protocolLog: SmtpSessionLog;
}

/** How long a client may take for the rest of its message while the server drains (ms). */
const DRAIN_GRACE_MS = 10_000;

export class SmtpContext {
  readonly session: string;
  readonly connection: Connection;
  /** The client's own address, wherever it came in. */
  readonly remote: Endpoint;
  /** As it was when the client came. */
  readonly connector: ReceiveConnector;
  readonly asSetNow: () => ReceiveConnector;
  readonly directory: Directory;
  readonly authenticator: Authenticator;
  readonly transport: Transport;
  readonly handshake: () => TLSSocketOptions;
  /** By connector, and address or user. */
  readonly rates: RateLimiter;
  /** Of throttling policies. */
  readonly ratesOfPeople: RateLimiter;
  readonly clock: Clock;
  readonly drain: AbortSignal | null;
  readonly log: Log;
  readonly protocolLog: SmtpSessionLog;

  client: Client | null = null;
  logon: Logon | null = null;
  /** Another server goes on with the client, as soon as it has heard the last reply. */
  onward: OnwardSession | null = null;
  transaction: MailTransaction | null = null;
  /** Messages begun: the second half of their ids. */
  messages = 0;
  protocolErrors = 0;
  logonFailures = 0;
  refusedRecipients = 0;
  discardedBytes = 0;
  /** Between two commands: the client has the word. */
  waiting = false;
  /** Set by whoever said the last word: the session ends. */
  over = false;
  readonly #endsAt: number;
  readonly #proxied: SmtpContextOptions['proxied'];
  readonly #proxy: SubmissionProxy | null;

  constructor(options: SmtpContextOptions) {
    const { proxied } = options;
    this.session = options.session;
    this.connection = options.connection;
    this.#proxied = proxied;
    this.#proxy = options.proxy;
    this.remote = proxied === null ? options.connection.remote : proxied.facts;
    if (proxied !== null) {
      this.client = { greeting: 'EHLO', name: proxied.facts.helo };
      this.logon = proxied.logon;
    }
    this.connector = options.connector;
    this.asSetNow = options.asSetNow;
    this.directory = options.directory;
    this.authenticator = options.authenticator;
    this.transport = options.transport;
    this.handshake = options.handshake;
    this.rates = options.rates;
    this.ratesOfPeople = options.ratesOfPeople;
    this.clock = options.clock;
    this.drain = options.drain;
    this.log = options.log;
    this.protocolLog = options.protocolLog;
    this.#endsAt = options.clock.now() + options.connector.connectionTimeout * 1000;
  }

  get encrypted(): boolean {
    return this.connection.tls !== null;
  }

  /** How the client itself came in; null: in the clear. */
  get clientTls(): TlsFacts | null {
    return this.#proxied === null ? this.connection.tls : this.#proxied.facts.tls;
  }

  /** Who serves this person's submission; null: this session. @throws Failure UNAVAILABLE */
  async goOn(logon: Logon): Promise<OnwardSession | null> {
    if (this.#proxy === null || this.connector.transportRole !== 'FrontendTransport') return null;
    const { address, port } = this.remote;
    return this.#proxy(logon, {
      session: this.session,
      address,
      port,
      helo: this.client?.name ?? '',
      tls: this.clientTls,
      connector: this.connector.id,
    });
  }

  allows(group: PermissionGroup): boolean {
    return this.connector.permissionGroups.includes(group);
  }

  /** A person who logged on sends mail (RFC 6409); otherwise mail comes in from another server. */
  get isSubmission(): boolean {
    return this.logon !== null;
  }

  respond(answer: Reply): void {
    const text = formatReply(answer, this.connector.enhancedStatusCodesEnabled);
    this.protocolLog.sent(text);
    this.connection.out.ascii(text);
  }

  /** A command the client should not have sent: counted against MaxProtocolErrors. */
  protocolError(answer: Reply): void {
    this.protocolErrors += 1;
    this.respond(answer);
    if (this.protocolErrors > this.connector.maxProtocolErrors) {
      this.finish(reply(421, '4.7.0', `${this.connector.fqdn} too many errors, closing connection`));
    }
  }

  /** Says the last word. */
  finish(answer: Reply): void {
    if (this.over) return;
    this.respond(answer);
    this.over = true;
  }

  /** TarpitInterval: strangers wait for bad news (exchange-behaviour.md §3.4). */
  async refuseSlowly(answer: Reply): Promise<void> {
    if (this.logon === null) await this.delay(this.connector.tarpitInterval);
    this.respond(answer);
  }

  async delay(seconds: number): Promise<void> {
    if (seconds <= 0) return;
    this.connection.flush();
    await Promise.race([this.clock.sleep(seconds * 1000), this.connection.closed]);
  }

  /** Before each wait for the client: ConnectionInactivityTimeout, and the absolute ConnectionTimeout. */
  awaitClient(): void {
    const left = this.#endsAt - this.clock.now();
    const silence = this.isDraining ? this.#drainGrace : this.connector.connectionInactivityTimeout * 1000;
    this.connection.idleLimit(Math.max(0, Math.min(left, silence)));
  }

  get isDraining(): boolean {
    return this.drain?.aborted === true;
  }

  /** A message under way may be finished, a new one goes to the next server. */
  get #drainGrace(): number {
    return this.transaction === null ? 0 : DRAIN_GRACE_MS;
  }

  get lifetimeIsOver(): boolean {
    return this.clock.now() >= this.#endsAt;
  }

  /** RSET, EHLO, the end of a message: the transaction is gone, who is there stays. */
  async reset(): Promise<void> {
    const chunks = this.transaction?.chunks ?? null;
    this.transaction = null;
    if (chunks !== null) await chunks.abort();
  }

  /** RFC 3207 §4.2: after the handshake nothing is known of the client. */
  async forget(): Promise<void> {
    await this.reset();
    this.client = null;
    this.logon = null;
  }

  logonContext(): LogonContext {
    return {
      protocol: 'smtp',
      remoteAddress: this.remote.address,
      encrypted: this.encrypted,
      session: this.session,
      channelBinding: this.connection.tlsExporter,
    };
  }

  /** Octets: the most restrictive of connector, mailbox or organization, and implementation (exchange-behaviour.md §9.1). */
  async maxMessageSize(): Promise<number> {
    const { maxReceiveSize, maxSendSize: organizationSend } = await this.directory.organization();
    const { logon } = this;
    const limit =
      logon !== null
        ? await maxSendSize(this.directory, logon.account)
        : this.allows('AnonymousUsers')
          ? maxReceiveSize
          : organizationSend;
    return Math.min(this.connector.maxMessageSize, limit, MESSAGE_BYTES);
  }
}
