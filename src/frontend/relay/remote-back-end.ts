/**
 * The back end of another server, one protocol of it, behind the interface of backend/link.ts: logs a user's session on
 * over mutual TLS and relays its bytes. The client hears OK only when the back end has said it. Refusals come back as
 * the Failures they were there; a server that does not answer is `Unreachable`, for others to be asked instead.
 */
import type { BackendLink, BackendSession, HandOver } from '../../backend/link.ts';
import type { Listed, LiveSession, SessionRegistry } from '../../backend/sessions.ts';
import { writeFacts } from '../../backend/proxy/client-facts.ts';
import {
  capabilitiesOf,
  failureOf,
  LEAVE_AT_ONCE,
  leaveLine,
  logonLines,
  type ProxyProtocol,
  pulseLine,
} from '../../backend/proxy/dialect.ts';
import type { Server } from '../../directory/model.ts';
import { Failure } from '../../observe/failure.ts';
import type { Log } from '../../observe/log.ts';
import { tally } from '../../observe/metrics/tally.ts';
import { traces } from '../../observe/traces/spans.ts';
import type { ServerIdentity } from '../../tls/server-identity.ts';
import type { Connection } from '../../wire/connection.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { Departures } from './departures.ts';
import { CONNECT_MS, dial, readAnswer, type Target, Unreachable } from './dial.ts';
import { Relay, type RelayHost } from './relay.ts';
import { WarmConnections } from './warm-connections.ts';

/** A back end says at once that it has read the facts; it opens the mailbox afterwards. */
export const FACTS_MS = 2_000;
/** The longest that opening a mailbox may take: a large one, on a disk that is busy. */
export const OPEN_MS = 30_000;
/** A back end whose relayed sessions are all silent is asked so often whether it is there. */
export const PULSE_MS = 5_000;
/** Nothing heard for so long, of any session and of the question: the back end is lost, and its sessions end. */
export const LOST_MS = 15_000;

export interface RelayTimes {
  readonly connectMs: number;
  readonly factsMs: number;
  readonly openMs: number;
  readonly pulseMs: number;
  readonly lostMs: number;
}

export const RELAY_TIMES: RelayTimes = {
  connectMs: CONNECT_MS,
  factsMs: FACTS_MS,
  openMs: OPEN_MS,
  pulseMs: PULSE_MS,
  lostMs: LOST_MS,
};

export interface RemoteBackEndOptions {
  readonly protocol: ProxyProtocol;
  readonly identity: ServerIdentity;
  /** Asked for each connection: name and port may change. @throws Failure */
  readonly where: () => Promise<{ readonly server: Server; readonly port: number }>;
  /** Of all sessions that this front end relays. */
  readonly sessions: SessionRegistry;
  readonly log: Log;
  readonly times: RelayTimes;
}

/** How a back end is doing, for health and metrics. */
export interface BackEndState {
  readonly protocol: ProxyProtocol;
  readonly isDown: boolean;
  readonly why: string;
  readonly warm: number;
  readonly sessions: number;
}

export class RemoteBackEnd implements BackendLink {
  readonly #options: RemoteBackEndOptions;
  readonly #breaker: CircuitBreaker;
  readonly #warm: WarmConnections;
  readonly #departures = new Departures();
  readonly #relayed = new Set<Relayed>();
  #why = '';
  #leaving: string[] = [];
  /** Since the last look something came from there. */
  #heard = true;
  #silentMs = 0;
  #pulse: NodeJS.Timeout | null = null;

  constructor(options: RemoteBackEndOptions) {
    this.#options = options;
    this.#warm = new WarmConnections(() => this.#dial());
    this.#breaker = new CircuitBreaker({
      probe: async () => this.#warm.add(await this.#dial()),
      changed: (isOpen) => {
        const fields = { protocol: options.protocol, why: this.#why };
        if (isOpen) {
          this.#warm.clear();
          options.log.error(fields, 'a back end does not answer: nobody is sent there until it does');
        } else options.log.info(fields, 'a back end answers again');
      },
    });
  }

  get state(): BackEndState {
    const { protocol } = this.#options;
    const isDown = this.#breaker.isOpen;
    return { protocol, isDown, why: isDown ? this.#why : '', warm: this.#warm.size, sessions: this.#relayed.size };
  }

  get isDown(): boolean {
    return this.#breaker.isOpen;
  }

  async open(handOver: HandOver): Promise<BackendSession> {
    const began = performance.now();
    const count = tally.proxied[this.#options.protocol];
    try {
      const session = await this.#open(handOver);
      count.opened.add(['OK']);
      return session;
    } catch (error) {
      count.opened.add([error instanceof Failure ? error.code : 'SERVERBUG']);
      throw error;
    } finally {
      count.durations.observe(performance.now() - began);
    }
  }

  /** Its sessions are told that this front end stops; ends what is left. */
  close(): void {
    this.#breaker.close();
    this.#warm.close();
    if (this.#pulse !== null) clearInterval(this.#pulse);
    this.#pulse = null;
    for (const relayed of this.#relayed) relayed.cut();
  }

  async #open(handOver: HandOver): Promise<BackendSession> {
    const target = await this.#target();
    if (this.#breaker.isOpen) throw new Unreachable(target.server, false, 'cannot be reached');
    const warm = this.#warm.take();
    try {
      return await this.#logOn(handOver, warm ?? (await this.#dial()), target);
    } catch (error) {
      // It may have been lost while it waited; nothing has been said to the client yet.
      if (warm === null || !(error instanceof Unreachable) || error.slow) throw this.#counted(error);
    }
    try {
      return await this.#logOn(handOver, await this.#dial(), target);
    } catch (error) {
      throw this.#counted(error);
    }
  }

  #counted(error: unknown): unknown {
    if (error instanceof Unreachable) {
      this.#why = error.message;
      this.#breaker.failed(error.slow);
    }
    return error;
  }

  async #logOn(handOver: HandOver, connection: Connection, target: Target): Promise<BackendSession> {
    const { protocol, sessions, times } = this.#options;
    const { account, mailbox, appPassword } = handOver.logon;
    try {
      const named = { account: account.id, mailbox: mailbox.id, appPassword: appPassword?.id ?? null };
      connection.out.ascii(logonLines(protocol, writeFacts(handOver), named));
      connection.idleLimit(times.factsMs);
      const facts = await readAnswer(connection, target);
      this.#answered();
      if (!facts.ok) throw failureOf(facts);
      connection.idleLimit(times.openMs);
      const answer = await readAnswer(connection, target);
      connection.idleLimit(null);
      this.#warm.refill();
      if (!answer.ok) throw failureOf(answer);
      if (mailbox.mailbox === null) throw new Failure('CONTACTADMIN', 'This account has no mailbox');
      const live: LiveSession = {
        id: handOver.session,
        protocol,
        account: mailbox.id,
        delegate: account.id,
        appPassword: named.appPassword,
        user: mailbox.userPrincipalName,
        mailbox: mailbox.mailbox.id,
        clientAddress: handOver.clientAddress,
        frontEnd: null,
        tls: handOver.tls,
        clientId: handOver.clientId,
        since: Date.now(),
      };
      return new Relayed(live, handOver.stop, capabilitiesOf(answer), connection, sessions, this);
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  // --- what relayed sessions tell ---

  began(session: Relayed): void {
    this.#relayed.add(session);
    tally.proxied[this.#options.protocol].open += 1;
    if (this.#pulse !== null) return;
    this.#heard = true;
    this.#pulse = setInterval(() => void this.#look(), this.#options.times.pulseMs);
    this.#pulse.unref();
  }

  ended(session: Relayed): void {
    if (!this.#relayed.delete(session)) return;
    tally.proxied[this.#options.protocol].open -= 1;
    if (this.#relayed.size > 0 || this.#pulse === null) return;
    clearInterval(this.#pulse);
    this.#pulse = null;
    this.#silentMs = 0;
  }

  heard(): void {
    this.#heard = true;
  }

  departing(leave: () => void): void {
    this.#departures.add(leave);
  }

  /** The back end is asked to end a session: it knows where its answers end. Many in one turn are one question. */
  askToEnd(session: Relayed): void {
    this.#leaving.push(session.facts.id);
    if (this.#leaving.length === 1) setImmediate(() => void this.#askToEnd());
  }

  async #askToEnd(): Promise<void> {
    const ids = this.#leaving;
    this.#leaving = [];
    try {
      for (let from = 0; from < ids.length; from += LEAVE_AT_ONCE)
        await this.#ask(leaveLine(this.#options.protocol, ids.slice(from, from + LEAVE_AT_ONCE)));
    } catch (error) {
      this.#options.log.warn({ sessions: ids.length, error: String(error) }, 'a back end could not be told: cut off');
      const chosen = new Set(ids);
      for (const relayed of this.#relayed) if (chosen.has(relayed.facts.id)) relayed.cut();
    }
  }

  // --- the connection itself ---

  /** One question beside the sessions. @throws Unreachable */
  async #ask(line: string): Promise<void> {
    const target = await this.#target();
    const connection = this.#warm.take() ?? (await this.#dial());
    try {
      connection.out.ascii(line);
      connection.idleLimit(this.#options.times.factsMs);
      await readAnswer(connection, target);
      connection.idleLimit(null);
      this.#warm.add(connection);
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  /**
   * Sessions may be silent for hours, and a machine that has lost its power tells nobody. A back end that is merely
   * slow keeps its sessions: any byte of any of them counts.
   */
  async #look(): Promise<void> {
    const { protocol, times, log } = this.#options;
    if (!this.#heard)
      try {
        await this.#ask(pulseLine(protocol));
        this.#answered();
      } catch (error) {
        this.#counted(error);
      }
    if (this.#heard) {
      this.#heard = false;
      this.#silentMs = 0;
      return;
    }
    this.#silentMs += times.pulseMs;
    if (this.#silentMs < times.lostMs) return;
    this.#silentMs = 0;
    log.error({ protocol, sessions: this.#relayed.size, why: this.#why }, 'a back end is lost: its sessions end');
    for (const relayed of this.#relayed) this.#departures.add(() => relayed.cut());
  }

  #answered(): void {
    this.#heard = true;
    this.#breaker.succeeded();
  }

  async #target(): Promise<Target> {
    return { ...(await this.#options.where()), protocol: this.#options.protocol };
  }

  async #dial(): Promise<Connection> {
    return dial(this.#options.identity, await this.#target(), this.#options.times.connectMs);
  }
}

/** A session that another server serves: in the list of this front end for as long as it lasts. */
class Relayed implements BackendSession, Listed, RelayHost {
  readonly facts: LiveSession;
  readonly stop: AbortSignal;
  /** Asked for once, before it runs. */
  capabilities: readonly string[];
  readonly #registry: SessionRegistry;
  readonly #backEnd: RemoteBackEnd;
  /** Until it runs. */
  #connection: Connection | null;
  #relay: Relay | null = null;
  #gone: (() => void) | null = null;

  constructor(
    facts: LiveSession,
    stop: AbortSignal,
    capabilities: readonly string[],
    connection: Connection,
    registry: SessionRegistry,
    backEnd: RemoteBackEnd,
  ) {
    this.facts = facts;
    this.stop = stop;
    this.capabilities = capabilities;
    this.#connection = connection;
    this.#registry = registry;
    this.#backEnd = backEnd;
    backEnd.began(this);
    registry.add(this);
  }

  run(client: Connection): Promise<void> {
    const connection = this.#connection;
    if (connection === null) throw new Error('a session runs once');
    this.#connection = null;
    this.capabilities = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gone = resolve;
    this.#relay = new Relay(client, connection, this);
    return promise;
  }

  cancel(): void {
    this.#connection?.destroy();
    this.over();
  }

  end(): void {
    this.#backEnd.askToEnd(this);
  }

  cut(): void {
    this.#connection?.destroy();
    this.#relay?.cut();
  }

  heard(): void {
    this.#backEnd.heard();
  }

  departing(leave: () => void): void {
    this.#backEnd.departing(leave);
  }

  over(): void {
    this.#registry.remove(this);
    this.#backEnd.ended(this);
    traces.current?.sessionEnded(this.facts.id);
    this.#gone?.();
  }
}
