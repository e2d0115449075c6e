/**
 * The POP3 and IMAP4 front-end services: listeners that follow settings and service state within a second, admission
 * by the connection limits, one logon session a client, drain (design.md §2, exchange-behaviour.md §1, §4).
 * Authenticates and locates; never opens a mailbox.
 */
import type { Socket } from 'node:net';
import type { TLSSocketOptions } from 'node:tls';
import type { Authenticator } from '../auth/api.ts';
import type { Directory } from '../directory/api.ts';
import { protocolLogSettings } from '../directory/protocol-log-settings.ts';
import type { ComponentName, MailProtocolSettings, PopSettings, ServerId } from '../directory/model.ts';
import { plainText } from '../imap/grammar/write-response.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import { tally } from '../observe/metrics/tally.ts';
import { MailProtocolLog } from '../observe/protocol-log/mail-protocol.ts';
import { traces } from '../observe/traces/spans.ts';
import { errReply } from '../pop3/grammar.ts';
import type { CertificateStore } from '../tls/certificates.ts';
import { Connection } from '../wire/connection.ts';
import { Listeners, type Listening, type WantedBinding } from './accept.ts';
import type { Arrival } from './load-balancers.ts';
import { inactivity } from './component-state.ts';
import { secure } from './handshake.ts';
import { serveImap } from './imap-session.ts';
import { ConnectionLimits } from './limits.ts';
import type { Locator } from './locate.ts';
import { LoginDelay } from './login-delay.ts';
import { servePop3 } from './pop3-session.ts';
import { type Admitted, type MailProtocol, Reception } from './reception.ts';
import { RunningService } from './running-service.ts';
import { nextSessionId } from './session-id.ts';

export interface FrontEndOptions {
  readonly directory: Directory;
  /** Whose settings, services and bindings these are. */
  readonly server: ServerId;
  readonly authenticator: Authenticator;
  readonly locator: Locator;
  readonly certificates: CertificateStore;
  readonly log: Log;
  /** Absolute: where a relative LogFileLocation begins. */
  readonly logRoot: string;
  /** For the head of protocol log files. */
  readonly version: string;
}

/** A service of the front end, whatever its protocol. */
export interface FrontEndService {
  /** What it listens on now; nothing while it is stopped. */
  readonly listening: readonly Listening[];
  /** Bindings that could not be opened, each named in its text; tried again from time to time. */
  readonly problems: readonly Failure[];
  /**
   * Reads settings and service state, listens if it should run, follows both from now on.
   * @throws Failure when a binding cannot be opened; the text names the port
   */
  start(): Promise<void>;
  /** Changes announced before this call are in effect when it resolves. */
  settled(): Promise<void>;
  /** Stops accepting, tells the clients, waits at most `ms` for them, then cuts the rest off. Final. */
  drain(ms: number): Promise<void>;
}

interface Face {
  readonly logPrefix: 'IMAP4' | 'POP3';
  readonly component: ComponentName;
  read(directory: Directory, server: ServerId): Promise<MailProtocolSettings>;
  serve(reception: Reception): Promise<Admitted | null>;
  refusal(failure: Failure): string;
}

const FACES: Readonly<Record<MailProtocol, Face>> = {
  imap: {
    logPrefix: 'IMAP4',
    component: 'ImapProxy',
    read: (directory, server) => directory.imapSettings(server),
    serve: serveImap,
    refusal: (failure) => `* BYE [${failure.code}] ${plainText(failure.message)}\r\n`,
  },
  pop3: {
    logPrefix: 'POP3',
    component: 'PopProxy',
    read: (directory, server) => directory.popSettings(server),
    serve: servePop3,
    refusal: (failure) => errReply(failure.message, 'SYS/TEMP'),
  },
};

/** Seconds; IMAP4 has none (RFC 2449 §6.5 is about POP3). */
const loginDelayOf = (settings: MailProtocolSettings | PopSettings): number =>
  'loginDelay' in settings ? settings.loginDelay : 0;

export const createImapFrontEnd = (options: FrontEndOptions): Promise<FrontEndService> =>
  createFrontEnd('imap', options);
export const createPop3FrontEnd = (options: FrontEndOptions): Promise<FrontEndService> =>
  createFrontEnd('pop3', options);

async function createFrontEnd(protocol: MailProtocol, options: FrontEndOptions): Promise<FrontEndService> {
  const settings = await FACES[protocol].read(options.directory, options.server);
  return new MailFrontEnd(protocol, options, settings);
}

class MailFrontEnd implements FrontEndService {
  readonly #protocol: MailProtocol;
  readonly #face: Face;
  readonly #options: FrontEndOptions;
  readonly #limits: ConnectionLimits;
  readonly #loginDelay: LoginDelay;
  readonly #listeners: Listeners;
  readonly #service: RunningService;
  readonly #protocolLog: MailProtocolLog;
  #settings: MailProtocolSettings;
  #inactive: Failure | null = null;

  constructor(protocol: MailProtocol, options: FrontEndOptions, settings: MailProtocolSettings) {
    this.#protocol = protocol;
    this.#face = FACES[protocol];
    this.#options = options;
    this.#settings = settings;
    const { logPrefix } = this.#face;
    this.#protocolLog = new MailProtocolLog({
      logType: `${logPrefix} Protocol Log`,
      version: options.version,
      settings: () => protocolLogSettings(this.#settings, logPrefix, options.logRoot),
      onTrouble: (error, dropped) =>
        options.log.error({ error: String(error), dropped }, 'the protocol log cannot be written'),
    });
    this.#limits = new ConnectionLimits(() => this.#settings);
    this.#loginDelay = new LoginDelay(() => loginDelayOf(this.#settings));
    this.#listeners = new Listeners(
      (socket, listening, arrival) => this.#accept(socket, listening, arrival),
      (balancer, { port }, text) => {
        tally.connections[protocol].refused.add(['PROXY']);
        options.log.warn({ protocol, balancer, port, text }, 'connection of a load balancer refused');
      },
    );
    this.#service = new RunningService({
      directory: options.directory,
      server: options.server,
      services: [protocol === 'imap' ? 'imap4' : 'pop3'],
      concerns: [
        protocol === 'imap' ? 'imap-settings' : 'pop-settings',
        'client-access-server',
        'service',
        'component',
      ],
      log: options.log,
      connections: tally.connections[protocol],
      apply: (running) => this.#apply(running.size > 0),
    });
  }

  get listening(): readonly Listening[] {
    return this.#listeners.listening;
  }

  get problems(): readonly Failure[] {
    return this.#service.problems;
  }

  start(): Promise<void> {
    return this.#service.start();
  }

  settled(): Promise<void> {
    return this.#service.settled();
  }

  async drain(ms: number): Promise<void> {
    await this.#service.drain(ms);
    await this.#protocolLog.flush();
  }

  async #apply(running: boolean): Promise<readonly Failure[]> {
    const { directory, server } = this.#options;
    this.#settings = await this.#face.read(directory, server);
    this.#inactive = await inactivity(directory, server, this.#face.component);
    this.#listeners.trustLoadBalancers((await directory.clientAccessServer(server)).proxyProtocolIpRanges);
    const wanted: WantedBinding[] = running
      ? [
          ...this.#settings.unencryptedOrTlsBindings.map((binding) => ({ ...binding, implicitTls: false })),
          ...this.#settings.sslBindings.map((binding) => ({ ...binding, implicitTls: true })),
        ]
      : [];
    return this.#listeners.apply(wanted);
  }

  #accept(socket: Socket, listening: Listening, arrival: Arrival): void {
    const connection = new Connection(socket, arrival.ends);
    const { address } = connection.remote;
    try {
      if (this.#inactive !== null) throw this.#inactive;
      const release = this.#limits.connection(arrival.isBalancer ? null : address);
      this.#service.run(connection, release, (stop) => this.#logon(connection, listening, stop));
    } catch (error) {
      const failure = error instanceof Failure ? error : new Failure('UNAVAILABLE', 'The server cannot serve you now');
      tally.connections[this.#protocol].refused.add([failure.code]);
      this.#options.log.warn(
        { protocol: this.#protocol, client: address, code: failure.code, text: failure.message },
        'connection refused',
      );
      // Whoever floods the SSL port gets no handshake for it.
      if (!listening.implicitTls) connection.out.ascii(this.#face.refusal(failure));
      connection.end();
    }
  }

  async #logon(connection: Connection, listening: Listening, stop: AbortSignal): Promise<Admitted | null> {
    const session = nextSessionId();
    const log = this.#options.log.child({ session, protocol: this.#protocol });
    // Asked for each handshake: a new certificate needs no restart.
    const handshake = (): TLSSocketOptions =>
      this.#options.certificates.socketOptions({
        certificateName: this.#settings.x509CertificateName,
        alpn: this.#protocol,
      });
    const preAuthMs = this.#settings.preAuthenticatedConnectionTimeout * 1000;
    if (listening.implicitTls && !(await secure(connection, handshake(), preAuthMs))) {
      tally.connections[this.#protocol].refused.add(['TLS']);
      log.debug({ client: connection.remote.address }, 'TLS handshake failed');
      return null;
    }
    log.debug({ client: connection.remote.address, port: listening.port }, 'client connected');
    const { authenticator, locator } = this.#options;
    const { local, remote } = connection;
    const protocolLog = this.#protocolLog.session({
      session,
      local: `${local.address}:${local.port}`,
      remote: `${remote.address}:${remote.port}`,
    });
    const reception = new Reception({
      protocol: this.#protocol,
      connection,
      session,
      settings: () => this.#settings,
      authenticator,
      locator,
      limits: this.#limits,
      loginDelay: this.#loginDelay,
      handshake,
      log,
      protocolLog,
      stop,
    });
    reception.opened();
    traces.current?.sessionBegan(session, this.#protocol, {
      'client.address': connection.remote.address,
      'server.port': listening.port,
    });
    let admitted: Admitted | null = null;
    try {
      admitted = await this.#face.serve(reception);
      return admitted;
    } finally {
      // Of a session that has logged on, the back end writes the end.
      if (admitted === null) {
        reception.closed();
        traces.current?.sessionEnded(session);
      }
    }
  }
}
