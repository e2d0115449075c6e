/**
 * Puts a running server together: databases, back end, transport, front ends, control door, in this order; takes it
 * apart in the other one. The only place that knows all parts. Used by `penfold serve`, `penfold start` and tests.
 */
import type { LookupFunction } from 'node:net';
import { createAuthenticator } from '../auth/authenticator.ts';
import type { Argon2 } from '../auth/argon2id.ts';
import { Throttle } from '../auth/throttle.ts';
import { UseNotes } from '../auth/use-notes.ts';
import { type BackEnd, createInProcessLink } from '../backend/in-process-link.ts';
import { LiveQuotas } from '../backend/live-quotas.ts';
import { MaintenanceSchedule } from '../backend/maintenance.ts';
import { controlSocketPath, type DataLayout } from '../config/data-directory.ts';
import type { Configuration } from '../config/schema.ts';
import type { Directory } from '../directory/api.ts';
import type { Account, Binding, Server, ServiceName } from '../directory/model.ts';
import { createImapFrontEnd, createPop3FrontEnd, type FrontEndService } from '../frontend/front-end.ts';
import type { Locator } from '../frontend/locate.ts';
import type { RelayTimes } from '../frontend/relay/remote-back-end.ts';
import { CallPlaces } from '../management/api/call-places.ts';
import type {
  ControlServices,
  InstanceStatus,
  ListenerFacts,
  LockOutFacts,
  SessionFacts,
} from '../management/control/api.ts';
import { type ControlDoor, openControlDoor } from '../management/control/server.ts';
import type { HealthEntry } from '../management/health/entry.ts';
import { accountWithMailbox } from '../management/mailboxes.ts';
import type { Log } from '../observe/log.ts';
import { RateLimiter } from '../smtp/server/rate-limit.ts';
import type { MailboxDatabase } from '../store/api.ts';
import type { CertificateStore } from '../tls/certificates.ts';
import type { ServerIdentity } from '../tls/server-identity.ts';
import { SignIns } from '../web/session/sign-ins.ts';
import { openCalendar } from './calendar.ts';
import { Databases, type OpenDatabase } from './databases.ts';
import { purgeMailbox } from './instance.ts';
import { openJmap } from './jmap.ts';
import { type Management, openManagement } from './management.ts';
import { openMetrics } from './metrics.ts';
import { openMoves } from './moves.ts';
import { openProxying, type Proxying } from './proxying.ts';
import { adoptStartupTypes } from './startup.ts';
import { openTraces } from './traces.ts';
import { createSmtpServices, type SmtpServices } from './smtp.ts';
import { openSubmission } from './submission.ts';
import { openTransport } from './transport.ts';
import { createWebHost, webBindings } from './web.ts';
import { webCapabilities } from './web-capabilities.ts';

/** What stopping keeps back of its time for closing databases once the sessions are gone. */
const CLOSE_MS = 1_000;

export interface ServerParts {
  readonly layout: DataLayout;
  readonly configuration: Configuration;
  /** Stays the caller's, to be closed when the server has stopped. */
  readonly directory: Directory;
  readonly server: Server;
  readonly openDatabase: OpenDatabase;
  readonly certificates: CertificateStore;
  /** How it proves itself to other servers of the organization; missing: it is alone. */
  readonly identity?: ServerIdentity;
  /** PEM of the authority behind the certificates; missing: cmdlets cannot tell it. */
  readonly authorityFile?: string;
  /** Where the web service listens; those of the configuration file when missing. */
  readonly webBindings?: readonly Binding[];
  /** Where plain HTTP is sent to HTTPS, beside those; nowhere when missing. */
  readonly redirectBindings?: readonly Binding[];
  readonly saltKey: Uint8Array;
  readonly version: string;
  readonly log: Log;
  /** Counts failed logons; one with the usual limits when missing. */
  readonly throttle?: Throttle;
  /** For tests. */
  readonly hash?: Argon2;
  readonly relayTimes?: Partial<RelayTimes>;
  /** How `Test my settings` resolves the host names that are published. */
  readonly lookup?: LookupFunction;
  /** Called when the databases are open and nobody can connect yet. */
  readonly beforeListening?: (databaseOf: (account: Account) => MailboxDatabase) => Promise<void>;
}

export interface RunningServer {
  /** Where metrics are told; null: nowhere. */
  readonly metrics: Binding | null;
  /** How the probes last went. */
  health(): readonly HealthEntry[];
  /** Runs one now; null: there is none of this name. */
  probe(name: string): Promise<HealthEntry | null>;
  /** Those served here and those relayed to other servers. */
  sessions(): readonly SessionFacts[];
  /** False: there is no such session. */
  endSession(id: string): boolean;
  /** As they are now. */
  listeners(): readonly ListenerFacts[];
  status(): Promise<InstanceStatus>;
  readonly backEnd: BackEnd;
  databaseOf(account: Account): MailboxDatabase;
  /** Changes of the directory announced before this call are in effect when it resolves. */
  settled(): Promise<void>;
  /** Refuses new sessions, tells those there are, waits at most so long, closes everything. Once. */
  drain(ms: number): Promise<void>;
}

/** @throws Failure when a port cannot be opened (the text names it), a database or certificate cannot be used */
export async function startServer(parts: ServerParts): Promise<RunningServer> {
  const undo: Array<() => Promise<void>> = [];
  try {
    return await assemble(parts, undo);
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}

async function assemble(parts: ServerParts, undo: Array<() => Promise<void>>): Promise<RunningServer> {
  const { directory, server, log, configuration } = parts;
  undo.push(await openTraces(parts));
  await adoptStartupTypes(directory, server);
  const quotas = new LiveQuotas(directory, log);
  undo.push(async () => quotas.close());
  const databases = await Databases.open(directory, server, parts.openDatabase, log, quotas.quotaOf);
  undo.push(() => databases.close());
  await parts.beforeListening?.((account) => databases.of(account));

  const databaseOf = (account: Account): MailboxDatabase => databases.of(account);
  const mail = openTransport({ ...parts, databaseOf, quotas });
  undo.push(() => mail.close());
  const receipts = mail.readReceipts;
  const backEnd = await createInProcessLink({
    directory,
    server: server.id,
    databases: databases.open,
    quotas,
    receipts,
    logRoot: parts.layout.root,
    version: parts.version,
    log,
  });
  undo.push(() => backEnd.drain(0));
  const moves = openMoves({ ...parts, databases: databases.open, sessions: backEnd.sessions });
  undo.push(() => moves.close());
  databases.onLost((mailbox) => void backEnd.sessions.end((session) => session.mailbox === mailbox));
  const maintenance = new MaintenanceSchedule({
    directory,
    databases: () => databases.open,
    isInUse: (mailbox) => backEnd.sessions.openSessions(mailbox) > 0,
    log,
  });
  const proxying = openProxying(parts, backEnd);
  undo.push(async () => proxying.close());
  const { locator } = proxying;
  const throttle = parts.throttle ?? new Throttle();
  const uses = new UseNotes({ directory, log });
  undo.push(() => uses.close());
  const authenticator = createAuthenticator({
    directory,
    log,
    throttle,
    uses,
    saltKey: parts.saltKey,
    ...(parts.hash === undefined ? {} : { hash: parts.hash }),
  });
  const rates = new RateLimiter();
  const submission = await openSubmission({ ...parts, mail, rates });
  undo.push(() => submission.close());
  const smtp = createSmtpServices({ ...parts, authenticator, mail, rates });
  undo.push(async () => smtp.close());
  const frontEnds = [...(await createFrontEnds(parts, { authenticator, locator, smtp }))];
  const running = new Running(parts, backEnd, databases, frontEnds, proxying, throttle, undo, () => mail.settled());
  const management = await openManagement({
    directory,
    server,
    certificates: parts.certificates,
    authorityFile: parts.authorityFile,
    log,
    controls: running,
    backEnd,
    proxyTroubles: proxying.troubles,
    listeners: () => running.listeners(),
    tracking: mail.tracking,
    transferFolder: parts.layout.transfer,
  });
  running.management = management;
  undo.push(() => management.close());
  const bindings =
    parts.webBindings === undefined
      ? webBindings(configuration)
      : { https: parts.webBindings, redirect: parts.redirectBindings ?? [] };
  const { door } = management;
  const places = new CallPlaces();
  const signIns = new SignIns({ directory, authenticator, uses, log });
  const jmap = await openJmap({
    ...parts,
    signIns,
    capabilities: webCapabilities({
      ...parts,
      authenticator,
      door,
      running: management.services,
      places,
      submission: submission.parts,
      calendar: openCalendar({ directory, server, mail, rates, log }),
    }),
    databases: databases.open,
    quotas,
    sessions: backEnd.sessions,
    uploadsFolder: parts.layout.uploads,
    port: moves.port,
  });
  undo.push(async () => jmap.close());
  const { handlers } = jmap;
  const web = await createWebHost({ ...parts, authenticator, signIns, bindings, door, places, handlers });
  frontEnds.push({ names: ['web'], service: web });
  for (const port of proxying.ports) {
    await port.start();
    undo.push(() => port.drain(0));
  }
  for (const { service } of frontEnds) {
    await service.start();
    undo.push(() => service.drain(0));
  }
  submission.start();
  await moves.start();
  undo.push(() => moves.stop());
  maintenance.start();
  undo.push(() => maintenance.stop());
  const metrics = await openMetrics({
    ...parts,
    sessions: () => backEnd.sessions.list(),
    mailboxesInUse: () => backEnd.sessions.mailboxes,
    databasesOpen: () => databases.open.size,
    lockedOut: () => throttle.list().length,
    health: () => running.health(),
    draining: () => running.draining,
    settled: () => running.settled(),
  });
  if (metrics !== null) {
    running.metrics = metrics.binding;
    undo.push(() => metrics.close());
  }
  const socket = controlSocketPath(parts.layout, configuration.control.socket);
  running.door = await openControlDoor(socket, running, management.door, log);
  log.info({ pid: process.pid, server: server.name, listeners: running.listeners() }, 'the server runs');
  return running;
}

type ListeningService = Pick<FrontEndService, 'listening' | 'problems' | 'settled' | 'drain'>;

interface NamedFrontEnd {
  /** Services whose state this front end follows. */
  readonly names: readonly ServiceName[];
  readonly service: FrontEndService;
}

async function createFrontEnds(
  parts: ServerParts,
  inner: {
    readonly authenticator: ReturnType<typeof createAuthenticator>;
    readonly locator: Locator;
    readonly smtp: SmtpServices;
  },
): Promise<readonly NamedFrontEnd[]> {
  const { directory, server, log } = parts;
  const { authenticator, locator, smtp } = inner;
  const { certificates } = parts;
  const { root: logRoot } = parts.layout;
  const shared = {
    directory,
    server: server.id,
    authenticator,
    locator,
    certificates,
    log,
    logRoot,
    version: parts.version,
  };
  return [
    { names: ['imap4'], service: await createImapFrontEnd(shared) },
    { names: ['pop3'], service: await createPop3FrontEnd(shared) },
    ...smtp.services,
  ];
}

class Running implements RunningServer, ControlServices {
  readonly backEnd: BackEnd;
  door: ControlDoor | null = null;
  management: Management | null = null;
  metrics: Binding | null = null;
  readonly #parts: ServerParts;
  readonly #databases: Databases;
  readonly #frontEnds: readonly NamedFrontEnd[];
  readonly #proxying: Proxying;
  readonly #throttle: Throttle;
  readonly #undo: Array<() => Promise<void>>;
  readonly #noticesSettled: () => Promise<void>;
  readonly #since = Date.now();
  #drained: Promise<void> | null = null;

  constructor(
    parts: ServerParts,
    backEnd: BackEnd,
    databases: Databases,
    frontEnds: readonly NamedFrontEnd[],
    proxying: Proxying,
    throttle: Throttle,
    undo: Array<() => Promise<void>>,
    noticesSettled: () => Promise<void>,
  ) {
    this.#noticesSettled = noticesSettled;
    this.#parts = parts;
    this.backEnd = backEnd;
    this.#databases = databases;
    this.#frontEnds = frontEnds;
    this.#proxying = proxying;
    this.#throttle = throttle;
    this.#undo = undo;
  }

  listeners(): readonly ListenerFacts[] {
    return this.#listening().flatMap(({ names, service }) =>
      service.listening.map((one) => ({
        service: names[0] ?? '',
        host: one.address,
        port: one.port,
        security: one.implicitTls ? ('ssl' as const) : ('starttls' as const),
      })),
    );
  }

  #listening(): ReadonlyArray<{ readonly names: readonly ServiceName[]; readonly service: ListeningService }> {
    return [...this.#frontEnds, ...this.#proxying.ports.map((port) => ({ names: [port.service], service: port }))];
  }

  get draining(): boolean {
    return this.#drained !== null;
  }

  async status(): Promise<InstanceStatus> {
    const { directory, server, version } = this.#parts;
    const states = await directory.services(server.id);
    return {
      pid: process.pid,
      version,
      server: server.name,
      since: this.#since,
      draining: this.draining,
      services: states.map((state) => ({ ...state, running: this.#runs(state.service, state.running) })),
      listeners: [...this.listeners()],
      problems: this.#listening().flatMap(({ names, service }) =>
        service.problems.map(({ message }) => ({ service: names[0] ?? '', text: message })),
      ),
      sessions: this.sessions().length,
    };
  }

  /** Whether a service does what the directory wants: one with listeners runs when any of them listens. */
  #runs(service: ServiceName, wanted: boolean): boolean {
    const those = this.#frontEnds.filter(({ names }) => names.includes(service));
    return wanted && (those.length === 0 || those.some((one) => one.service.listening.length > 0));
  }

  databaseOf(account: Account): MailboxDatabase {
    return this.#databases.of(account);
  }

  accountWithMailbox(address: string): Promise<Account> {
    return accountWithMailbox(this.#parts.directory, address);
  }

  purgeMailbox(account: Account): Promise<void> {
    return purgeMailbox(this.#databases, account);
  }

  health(): readonly HealthEntry[] {
    return this.management?.services.health() ?? [];
  }

  probe(name: string): Promise<HealthEntry | null> {
    return this.management?.services.probe(name) ?? Promise.resolve(null);
  }

  sessions(): readonly SessionFacts[] {
    return this.#proxying.sessions();
  }

  lockOuts(): readonly LockOutFacts[] {
    return this.#throttle.list();
  }

  liftLockOuts(address: string, user: string | null): number {
    return this.#throttle.lift(address, user ?? undefined);
  }

  endSession(id: string): boolean {
    return this.#proxying.endSession(id);
  }

  async settled(): Promise<void> {
    await Promise.all([
      this.backEnd.settled(),
      this.#noticesSettled(),
      ...this.#listening().map(({ service }) => service.settled()),
    ]);
  }

  drain(ms: number): Promise<void> {
    this.#drained ??= this.#stop(ms);
    return this.#drained;
  }

  async #stop(ms: number): Promise<void> {
    const forClients = Math.max(0, ms - CLOSE_MS);
    // Front ends tell their clients themselves; the back end takes nobody new meanwhile.
    await Promise.all(this.#listening().map(({ service }) => service.drain(forClients)));
    await this.door?.close();
    for (const step of this.#undo.reverse()) await step();
    this.#parts.log.info({}, 'the server has stopped');
  }
}
