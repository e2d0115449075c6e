/**
 * One client before its mailbox is open: what the greeters of IMAP and POP3 (imap-session.ts, pop3-session.ts) share.
 * They speak their protocol; this says who may log on and hands over to the back end. Opens no mailbox itself.
 */
import type { TLSSocketOptions } from 'node:tls';
import type { Authenticator, Logon, LogonContext, SaslExchange } from '../auth/api.ts';
import type { BackendSession, SessionId } from '../backend/link.ts';
import type { MailProtocolSettings } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import { tally } from '../observe/metrics/tally.ts';
import { errorName, traces } from '../observe/traces/spans.ts';
import type { Pop3Negotiated } from '../pop3/grammar.ts';
import type { SessionProtocolLog } from '../observe/protocol-log/mail-protocol.ts';
import type { Connection } from '../wire/connection.ts';
import { secure } from './handshake.ts';
import type { ConnectionLimits, Release } from './limits.ts';
import type { Locator } from './locate.ts';
import type { LoginDelay } from './login-delay.ts';
import { logonContext, mechanismsFor, passwordAllowed, privacyRequired } from './login-type.ts';

export type MailProtocol = 'imap' | 'pop3';

export interface ReceptionOptions {
  readonly protocol: MailProtocol;
  readonly connection: Connection;
  readonly session: SessionId;
  /** Read again for each command: settings apply to living sessions. */
  readonly settings: () => MailProtocolSettings;
  readonly authenticator: Authenticator;
  readonly locator: Locator;
  readonly limits: ConnectionLimits;
  readonly loginDelay: LoginDelay;
  readonly handshake: () => TLSSocketOptions;
  /** With the session id in its fields. */
  readonly log: Log;
  readonly protocolLog: SessionProtocolLog;
  /** Aborted when the service stops or the server drains. */
  readonly stop: AbortSignal;
}

export interface Admitted {
  readonly backend: BackendSession;
  readonly release: Release;
}

export class Reception {
  readonly connection: Connection;
  readonly log: Log;
  readonly stop: AbortSignal;
  readonly #options: ReceptionOptions;
  /** For the protocol log; a SASL exchange keeps its name to itself. */
  #typedName = '';
  #began = performance.now();
  /** What it has said it is; empty: nothing. */
  #program = '';

  constructor(options: ReceptionOptions) {
    this.connection = options.connection;
    this.log = options.log;
    this.stop = options.stop;
    this.#options = options;
  }

  get settings(): MailProtocolSettings {
    return this.#options.settings();
  }

  get encrypted(): boolean {
    return this.connection.tls !== null;
  }

  get mechanisms(): readonly string[] {
    const { loginType } = this.settings;
    return mechanismsFor(this.#options.authenticator, this.#context(), loginType);
  }

  get passwordAllowed(): boolean {
    return passwordAllowed(this.encrypted, this.settings.loginType);
  }

  /** @throws Failure PRIVACYREQUIRED before the password is looked at */
  requirePrivacy(): void {
    if (this.passwordAllowed) return;
    throw privacyRequired(this.#options.protocol === 'imap' ? 'STARTTLS' : 'STLS');
  }

  get loginDelay(): LoginDelay {
    return this.#options.loginDelay;
  }

  /** The client's silence is allowed for PreAuthenticatedConnectionTimeout from now. */
  awaitClient(): void {
    this.connection.idleLimit(this.settings.preAuthenticatedConnectionTimeout * 1000);
  }

  /** Behind the positive answer to STARTTLS or STLS. False: the connection is gone. */
  async startTls(): Promise<boolean> {
    const done = await secure(
      this.connection,
      this.#options.handshake(),
      this.settings.preAuthenticatedConnectionTimeout * 1000,
    );
    if (!done) this.log.debug({}, 'TLS handshake failed');
    return done;
  }

  /** ID before logon (RFC 2971), for the note of last use. */
  clientNamed(fields: ReadonlyMap<string, string>): void {
    this.#program = [fields.get('name'), fields.get('version')].filter((part) => part !== undefined).join(' ');
  }

  /** Null: unknown, or not allowed on this connection. */
  beginSasl(mechanism: string): SaslExchange | null {
    if (!this.mechanisms.includes(mechanism)) return null;
    const exchange = this.#options.authenticator.begin(mechanism, this.#context());
    return exchange === null || traces.current === null ? exchange : this.#traced(exchange, mechanism);
  }

  /** A SASL exchange as one span, the client's thinking included. */
  #traced(exchange: SaslExchange, mechanism: string): SaslExchange {
    const span = traces.current?.within(this.#options.session, 'logon', { mechanism }) ?? null;
    if (span === null) return exchange;
    return {
      step: async (response) => {
        try {
          const step = await exchange.step(response);
          if (step.done) span.end();
          return step;
        } catch (error) {
          span.end(errorName(error));
          throw error;
        }
      },
    };
  }

  /** @throws Failure */
  async password(name: string, password: string): Promise<Logon> {
    this.#typedName = name;
    const span = traces.current?.within(this.#options.session, 'logon', { mechanism: 'password' }) ?? null;
    try {
      const logon = await this.#options.authenticator.password(name, password, this.#context());
      span?.end();
      return logon;
    } catch (error) {
      span?.end(errorName(error));
      throw error;
    }
  }

  /**
   * The password was right and the account may use this protocol (auth/admission.ts): takes one of its places, finds
   * its back end and has the mailbox opened, so that the OK to the client is true (exchange-behaviour.md §13).
   * @throws Failure
   */
  async admit(logon: Logon, clientId: ReadonlyMap<string, string>, pop3?: Pop3Negotiated): Promise<Admitted> {
    const { protocol, session, locator, limits } = this.#options;
    const release = limits.user(logon.account.id);
    const span = traces.current?.within(session, 'back-end open') ?? null;
    try {
      const { connection } = this;
      const backend = await locator.open({
        session,
        protocol,
        logon,
        clientAddress: connection.remote.address,
        clientPort: connection.remote.port,
        tls: connection.tls,
        clientId,
        mechanisms: this.mechanisms,
        ...(pop3 === undefined ? {} : { pop3 }),
        stop: this.stop,
      });
      span?.end();
      return { backend, release };
    } catch (error) {
      span?.end(errorName(error));
      release();
      throw error;
    }
  }

  succeeded(logon: Logon, how: string): void {
    const { account, mailbox } = logon;
    const delegate = account.id === mailbox.id ? {} : { delegate: account.userPrincipalName };
    this.log.info(
      { user: mailbox.userPrincipalName, ...delegate, how, tls: this.connection.tls?.protocol },
      'logged on',
    );
    this.#options.protocolLog.user = mailbox.userPrincipalName;
    this.#protocol(how, account.userPrincipalName, 'R=ok');
  }

  /** The first line of a session in the protocol log. */
  opened(): void {
    this.#write('OpenSession', '', '');
  }

  /** The last one, of a client that never logged on. */
  closed(): void {
    this.#write('CloseSession', '', '');
  }

  /** A logon in the protocol log: the mechanism or the name, never what was sent as its secret. */
  #protocol(how: string, user: string, context: string): void {
    const isPassword = how === 'LOGIN' || how === 'USER' || how === 'PASS';
    this.#write(isPassword ? how.toLowerCase() : 'authenticate', isPassword ? `${user} *****` : how, context);
  }

  #write(command: string, parameters: string, context: string): void {
    const { protocolLog } = this.#options;
    if (!protocolLog.enabled) return;
    const now = performance.now();
    protocolLog.write({ command, parameters, context, requestSize: 0, responseSize: 0, duration: now - this.#began });
    this.#began = now;
  }

  /** The authenticator refused and has logged why, once for all protocols; here only which session it was. */
  refused(error: unknown, how: string): void {
    this.#protocol(how, this.#typedName, errorContext(error));
    if (error instanceof Failure) this.log.debug({ how, code: error.code }, 'logon refused');
    else this.#broken(error, how);
  }

  /** Right password, no session: the one line that says why (LIMIT, UNAVAILABLE …). Never the password. */
  notAdmitted(error: unknown, how: string, logon: Logon): void {
    this.#protocol(how, logon.account.userPrincipalName, errorContext(error));
    const code = error instanceof Failure ? error.code : 'SERVERBUG';
    tally.notAdmitted.add([this.#options.protocol, code]);
    if (!(error instanceof Failure)) {
      this.#broken(error, how);
      return;
    }
    const { userPrincipalName: user } = logon.mailbox;
    const client = this.connection.remote.address;
    this.log.warn({ user, how, client, code: error.code, text: error.message }, 'no session behind a right password');
  }

  #broken(error: unknown, how: string): void {
    const stack = error instanceof Error ? error.stack : '';
    this.log.error({ how, client: this.connection.remote.address, error: String(error), stack }, 'logon failed');
  }

  #context(): LogonContext {
    const { protocol, session } = this.#options;
    const context = logonContext(protocol, this.connection, this.settings.loginType);
    return { ...context, session, program: this.#program };
  }
}

const errorContext = (error: unknown): string =>
  error instanceof Failure ? `R="NO [${error.code}]";ErrMsg=${error.message}` : 'R="NO [SERVERBUG]"';

/**
 * What the client is told. A wrong password and an unknown user are one text, whatever the authenticator says, so that
 * names cannot be probed (RFC 9051 §11.7).
 */
export function tellable(error: unknown): Failure {
  if (!(error instanceof Failure)) {
    return new Failure('UNAVAILABLE', 'Something went wrong inside the server; try again later', { cause: error });
  }
  if (error.code === 'AUTHENTICATIONFAILED') {
    return new Failure('AUTHENTICATIONFAILED', 'Logon failed: unknown user name or wrong password');
  }
  return error;
}
