/**
 * How many may come in: MaxConnections, MaxConnectionFromSingleIP, MaxConnectionsPerUser (exchange-behaviour.md §1.2).
 * A refusal names the setting and its value, so that an admin knows what to raise (field-study.md B12).
 */
import { Failure } from '../observe/failure.ts';
import { sourceOf } from './source.ts';

export interface ConnectionLimitSettings {
  readonly maxConnections: number;
  readonly maxConnectionFromSingleIp: number;
  readonly maxConnectionsPerUser: number;
}

/** Gives a place back; safe to call twice. */
export type Release = () => void;

/** How many of each key are in. */
class Counter {
  readonly #counts = new Map<string, number>();

  of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  /** `key`: null is counted nowhere. `released` is told once. */
  take(key: string | null, released: () => void = () => {}): Release {
    if (key !== null) this.#counts.set(key, this.of(key) + 1);
    let taken = true;
    return () => {
      if (!taken) return;
      taken = false;
      if (key !== null) this.#giveBack(key);
      released();
    };
  }

  #giveBack(key: string): void {
    const rest = this.of(key) - 1;
    if (rest > 0) this.#counts.set(key, rest);
    else this.#counts.delete(key);
  }
}

export class ConnectionLimits {
  readonly #settings: () => ConnectionLimitSettings;
  readonly #sources = new Counter();
  readonly #users = new Counter();
  #connections = 0;
  /** One for all: each connection holds its release for hours. */
  readonly #released = (): void => {
    this.#connections -= 1;
  };

  constructor(settings: () => ConnectionLimitSettings) {
    this.#settings = settings;
  }

  get connections(): number {
    return this.#connections;
  }

  /** `address`: null for a load balancer itself, which is not counted as one client. @throws Failure LIMIT */
  connection(address: string | null): Release {
    const { maxConnections, maxConnectionFromSingleIp } = this.#settings();
    if (this.#connections >= maxConnections) {
      throw new Failure('LIMIT', `The server serves ${maxConnections} connections already (MaxConnections)`);
    }
    const source = address === null ? null : sourceOf(address);
    if (source !== null && this.#sources.of(source) >= maxConnectionFromSingleIp) {
      throw new Failure(
        'LIMIT',
        `Your address has ${maxConnectionFromSingleIp} connections already (MaxConnectionFromSingleIP)`,
      );
    }
    this.#connections += 1;
    return this.#sources.take(source, this.#released);
  }

  /** @throws Failure LIMIT */
  user(account: string): Release {
    const { maxConnectionsPerUser } = this.#settings();
    if (this.#users.of(account) >= maxConnectionsPerUser) {
      throw new Failure(
        'LIMIT',
        `You have ${maxConnectionsPerUser} sessions open already (MaxConnectionsPerUser); close one first`,
      );
    }
    return this.#users.take(account);
  }
}

export interface InboundLimits {
  /** Infinity: unlimited. */
  readonly maxInboundConnection: number;
  readonly maxInboundConnectionPerSource: number;
  /** 1–100: of the connections that are still free. */
  readonly maxInboundConnectionPercentagePerSource: number;
}

/** The same for one receive connector (exchange-behaviour.md §3.4). */
export class InboundConnections {
  readonly #sources = new Counter();
  #count = 0;
  readonly #released = (): void => {
    this.#count -= 1;
  };

  /** `address` as in ConnectionLimits. @throws Failure LIMIT */
  admit(address: string | null, limits: InboundLimits): Release {
    const free = limits.maxInboundConnection - this.#count;
    if (free <= 0) {
      throw new Failure('LIMIT', `${limits.maxInboundConnection} connections are open already (MaxInboundConnection)`);
    }
    const source = address === null ? null : sourceOf(address);
    const own = source === null ? 0 : this.#sources.of(source);
    if (own >= limits.maxInboundConnectionPerSource) {
      throw new Failure(
        'LIMIT',
        `your address has ${limits.maxInboundConnectionPerSource} connections already (MaxInboundConnectionPerSource)`,
      );
    }
    const share = Math.max(1, Math.floor((free * limits.maxInboundConnectionPercentagePerSource) / 100));
    if (own >= share) {
      throw new Failure(
        'LIMIT',
        `your address has ${limits.maxInboundConnectionPercentagePerSource} percent of the free connections already ` +
          '(MaxInboundConnectionPercentagePerSource)',
      );
    }
    this.#count += 1;
    return this.#sources.take(source, this.#released);
  }
}
