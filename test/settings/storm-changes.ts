/**
 * Changes for the storm: every kind of setting, with values that disturb nobody who works. Four lanes run side by
 * side, each with objects of its own, so that the last value of every setting is known.
 */
import type { RawArguments } from '../../src/management/binding.ts';
import type { RawScalar } from '../../src/management/cmdlet.ts';
import { OTHER_NAME, type SettingsStage } from './stage.ts';

export const INBOUND = 'Default Frontend TEST';
const SUBMISSION = 'Client Frontend TEST';
const EXTRA = 'Storm';
export const POLICY = 'Storm policy';

type Random = () => number;

/** Numbers that look random and are the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What one setting may become. */
type Choice = (random: Random, round: number) => RawScalar;
const among =
  (...values: readonly RawScalar[]): Choice =>
  (random) =>
    values[Math.floor(random() * values.length)] ?? '';
const between =
  (from: number, to: number): Choice =>
  (random) =>
    from + Math.floor(random() * (to - from));

type Choices = Readonly<Record<string, Choice>>;

/** Nobody who works comes near these limits, whatever is chosen. */
const MAIL_PROTOCOL: Choices = {
  Banner: (_, round) => `Greeting number ${round}.`,
  AuthenticatedConnectionTimeout: between(600, 86_400),
  PreAuthenticatedConnectionTimeout: between(30, 3600),
  MaxConnections: between(1000, 100_000),
  MaxConnectionFromSingleIP: between(1000, 100_000),
  MaxConnectionsPerUser: between(100, 1000),
  LoginType: among('PlainTextLogin', 'PlainTextAuthentication', 'SecureLogin'),
  X509CertificateName: among('localhost', OTHER_NAME),
  MessageRetrievalMimeFormat: among('TextOnly', 'BestBodyFormat'),
  SuppressReadReceipt: among(true, false),
  ProtocolLogEnabled: among(true, false),
  LogFileLocation: among('logs/storm-1', 'logs/storm-2', 'logs/storm-3'),
  LogFileRollOverSettings: among('Hourly', 'Daily', 'Weekly', 'Monthly'),
  LogPerFileSizeQuota: among('0', '10KB', '1MB'),
  LogFormat: among('Csv', 'Json'),
  ExternalConnectionSettings: among('mail.example.test:1:SSL', 'mail.example.test:2:SSL'),
};
const POP: Choices = {
  ...MAIL_PROTOCOL,
  MaxCommandSize: between(64, 1024),
  MessageRetrievalSortOrder: among('Ascending', 'Descending'),
};
const IMAP: Choices = {
  ...MAIL_PROTOCOL,
  MaxCommandSize: between(1024, 16_384),
  ShowHiddenFoldersEnabled: among(true, false),
};
const CONNECTOR: Choices = {
  Banner: (_, round) => `220 greeting number ${round}`,
  MaxMessageSize: between(100_000, 9_000_000),
  MaxRecipientsPerMessage: between(10, 5000),
  MessageRateLimit: between(1_000_000, 2_000_000),
  ConnectionTimeout: between(3600, 86_400),
  ConnectionInactivityTimeout: between(60, 590),
  MaxInboundConnection: between(1000, 5000),
  MaxProtocolErrors: between(5, 100),
  MaxHopCount: between(30, 500),
  MaxHeaderSize: between(10_000, 1_000_000),
  ProtocolLoggingLevel: among('None', 'Verbose'),
  PipeliningEnabled: among(true, false),
  DeliveryStatusNotificationEnabled: among(true, false),
  AdvertiseClientSettings: among(true, false),
  Comment: (_, round) => `number ${round}`,
};
const CLIENT_ACCESS: Choices = {
  PopEnabled: among(true, false),
  ImapEnabled: among(true, false),
  PopKeepMessagesOnServer: among(true, false),
  SmtpClientAuthenticationDisabled: among(true, false),
};
const TRANSPORT: Choices = { MaxReceiveSize: between(100_000, 9_000_000), MaxSendSize: between(100_000, 9_000_000) };
/** The first must not let a message of SMALL_QUOTA_MESSAGE in, the second must. */
const QUOTAS: ReadonlyArray<readonly [warning: string, send: string, receive: string]> = [
  ['10KB', '20KB', '30KB'],
  ['1GB', '2GB', '3GB'],
];
export const BEYOND_SMALL_QUOTA = 50_000;

export class Storm {
  /** What was set last: `PopSettings Banner` → text. */
  readonly last = new Map<string, string>();
  /** Further ports that are open now. */
  readonly open = new Set<number>();
  changes = 0;
  readonly #stage: SettingsStage;
  readonly #random: Random;
  readonly #ports: ReadonlyMap<string, readonly number[]>;
  readonly #switched: readonly string[];
  readonly #guarded: string;

  /** `switched`: addresses that are turned on and off; `guarded`: one under a policy and a quota; none of them works. */
  constructor(options: {
    readonly stage: SettingsStage;
    readonly seed: number;
    /** Free ports, six at least. */
    readonly ports: readonly number[];
    readonly switched: readonly string[];
    readonly guarded: string;
  }) {
    const { ports } = options;
    this.#stage = options.stage;
    this.#random = randomNumbers(options.seed);
    this.#switched = options.switched;
    this.#guarded = options.guarded;
    this.#ports = new Map([
      ['PopSettings', ports.slice(0, 2)],
      ['ImapSettings', ports.slice(2, 4)],
      ['ReceiveConnector', ports.slice(4, 5)],
      [EXTRA, ports.slice(5, 6)],
    ]);
  }

  /** So many changes in all, by four lanes. */
  async run(changes: number): Promise<void> {
    const until = this.changes + changes;
    const lane = async (step: (round: number) => Promise<void>): Promise<void> => {
      while (this.changes < until) {
        this.changes += 1;
        await step(this.changes);
      }
    };
    await Promise.all([
      lane((round) => this.#protocol('PopSettings', POP, round)),
      lane((round) => this.#protocol('ImapSettings', IMAP, round)),
      lane((round) => this.#connector(round)),
      lane((round) => this.#people(round)),
    ]);
  }

  /** Leaves only the ports of the beginning. */
  async closeFurtherPorts(): Promise<void> {
    for (const noun of ['PopSettings', 'ImapSettings'])
      for (const port of this.#ports.get(noun) ?? []) if (this.open.has(port)) await this.#turn(noun, {}, port);
    for (const port of this.#ports.get('ReceiveConnector') ?? [])
      if (this.open.has(port)) await this.#turn('ReceiveConnector', { Identity: INBOUND }, port);
    if (this.open.size > 0) await this.#turnExtra();
  }

  async #protocol(noun: 'PopSettings' | 'ImapSettings', choices: Choices, round: number): Promise<void> {
    if (this.#random() < 0.15) await this.#turn(noun, {}, this.#oneOf(this.#ports.get(noun) ?? []));
    else await this.#one(noun, {}, choices, round);
  }

  async #connector(round: number): Promise<void> {
    const dice = this.#random();
    const [port = 0] = this.#ports.get('ReceiveConnector') ?? [];
    if (dice < 0.1) await this.#turn('ReceiveConnector', { Identity: INBOUND }, port);
    else if (dice < 0.2) await this.#turnExtra();
    else await this.#one('ReceiveConnector', { Identity: dice < 0.7 ? INBOUND : SUBMISSION }, CONNECTOR, round);
  }

  async #people(round: number): Promise<void> {
    const dice = this.#random();
    if (dice < 0.6) {
      await this.#one('CASMailbox', { Identity: this.#oneOf(this.#switched) }, CLIENT_ACCESS, round);
    } else if (dice < 0.7) {
      await this.#one('TransportConfig', {}, TRANSPORT, round);
    } else if (dice < 0.85) {
      const choices: Choices = { ImapMaxConcurrency: among(1, 5), PopMaxConcurrency: among(1, 5) };
      await this.#one('ThrottlingPolicy', { Identity: POLICY }, choices, round);
    } else {
      const [warning, send, receive] = this.#oneOf(QUOTAS);
      await this.#stage.run('Set-Mailbox', {
        Identity: this.#guarded,
        UseDatabaseQuotaDefaults: false,
        IssueWarningQuota: warning,
        ProhibitSendQuota: send,
        ProhibitSendReceiveQuota: receive,
      });
      this.last.set('Mailbox ProhibitSendReceiveQuota', receive);
    }
  }

  async #one(noun: string, identity: RawArguments, choices: Choices, round: number): Promise<void> {
    const [name, choose] = this.#oneOf(Object.entries(choices));
    const value = choose(this.#random, round);
    await this.#stage.run(`Set-${noun}`, { ...identity, [name]: value });
    const whose = identity['Identity'];
    this.last.set(typeof whose === 'string' ? `${noun} ${whose} ${name}` : `${noun} ${name}`, String(value));
  }

  /** Opens a port, or closes it. */
  async #turn(noun: string, identity: RawArguments, port: number): Promise<void> {
    const name = noun === 'ReceiveConnector' ? 'Bindings' : 'UnencryptedOrTLSBindings';
    const binding = [`127.0.0.1:${port}`];
    const isOpen = this.open.has(port);
    const edit = isOpen ? { add: [], remove: binding } : { add: binding, remove: [] };
    await this.#stage.run(`Set-${noun}`, { ...identity, [name]: edit });
    if (isOpen) this.open.delete(port);
    else this.open.add(port);
  }

  /** A connector comes, or goes. */
  async #turnExtra(): Promise<void> {
    const [port = 0] = this.#ports.get(EXTRA) ?? [];
    if (this.open.delete(port)) {
      await this.#stage.run('Remove-ReceiveConnector', { Identity: EXTRA });
      return;
    }
    await this.#stage.run('New-ReceiveConnector', {
      Name: EXTRA,
      Custom: true,
      Bindings: `127.0.0.1:${port}`,
      RemoteIPRanges: '127.0.0.0/8',
      PermissionGroups: 'AnonymousUsers',
    });
    this.open.add(port);
  }

  #oneOf<T>(values: readonly T[]): T {
    const value = values[Math.floor(this.#random() * values.length)];
    if (value === undefined) throw new Error('nothing to choose from');
    return value;
  }
}
