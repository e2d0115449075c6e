/**
 * Lock-outs after failed logons, keyed by client address AND user, so that nobody can lock a user out from elsewhere
 * and one bad client behind a shared address locks nobody else out. Counts failures only; every lock-out expires, can
 * be listed and lifted; memory is bounded. Front ends of ours are clients like any other: a front end authenticates
 * for the client's own address, so nothing is special about loopback.
 */
import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

export interface ThrottleLimits {
  /** Failures before answers to further failures are delayed. */
  readonly freeFailures: number;
  /** Failures after which logons are refused without looking at the password. */
  readonly lockAfter: number;
  /** Failures older than this are forgotten, ms. */
  readonly windowMs: number;
  /** Delay of the first delayed answer, ms; doubles with every further failure up to `delayMaxMs`. */
  readonly delayMs: number;
  readonly delayMaxMs: number;
  /** How long a lock-out lasts, ms. */
  readonly lockMs: number;
  /** Keys remembered; beyond it the least recent is forgotten. */
  readonly keys: number;
}

export const THROTTLE_LIMITS: ThrottleLimits = {
  freeFailures: 3,
  lockAfter: 10,
  windowMs: 10 * 60_000,
  delayMs: 500,
  delayMaxMs: 4000,
  lockMs: 15 * 60_000,
  keys: 50_000,
};

/** One (address, user) that is locked out, for the admin's list. */
export interface LockOut {
  readonly address: string;
  readonly user: string;
  readonly failures: number;
  /** Milliseconds from now. */
  readonly remainingMs: number;
}

interface Entry {
  readonly address: string;
  readonly user: string;
  failures: number;
  /** When the counting began, then when the lock-out ends. */
  since: number;
  lockedUntil: number;
}

export class Throttle {
  readonly #limits: ThrottleLimits;
  readonly #now: () => number;
  /** Least recent failure first. */
  readonly #entries = new Map<string, Entry>();

  /** `now` in ms, never going back. */
  constructor(limits: ThrottleLimits = THROTTLE_LIMITS, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Milliseconds this client still has to wait for this user; 0: go on. */
  remaining(address: string, user: string): number {
    const entry = this.#current(address, user);
    return entry === null ? 0 : Math.max(0, entry.lockedUntil - this.#now());
  }

  /** Counts a failure; how long its answer is to be held back, ms, and whether it was the one that locked. */
  failed(address: string, user: string): { readonly delayMs: number; readonly locked: boolean } {
    const key = keyOf(address, user);
    const entry = this.#current(address, user) ?? {
      address: network(address),
      user,
      failures: 0,
      since: this.#now(),
      lockedUntil: 0,
    };
    entry.failures += 1;
    const locked = entry.failures >= this.#limits.lockAfter;
    if (locked) entry.lockedUntil = this.#now() + this.#limits.lockMs;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size > this.#limits.keys) this.#forgetOne();
    const over = entry.failures - this.#limits.freeFailures;
    const delayMs = over <= 0 ? 0 : Math.min(this.#limits.delayMaxMs, this.#limits.delayMs * 2 ** (over - 1));
    return { delayMs, locked };
  }

  /** A success shows that the person behind the address knows the password. */
  succeeded(address: string, user: string): void {
    this.#entries.delete(keyOf(address, user));
  }

  /** Those locked out now, longest remaining first. */
  list(): readonly LockOut[] {
    const now = this.#now();
    const locked: LockOut[] = [];
    for (const { address, user, failures, lockedUntil } of this.#entries.values())
      if (lockedUntil > now) locked.push({ address, user, failures, remainingMs: lockedUntil - now });
    return locked.sort((a, b) => b.remainingMs - a.remainingMs);
  }

  /** Without `user`: everything of the address. How many were lifted. */
  lift(address: string, user?: string): number {
    const from = network(address);
    let lifted = 0;
    for (const [key, entry] of this.#entries) {
      if (entry.address !== from || (user !== undefined && entry.user !== user)) continue;
      this.#entries.delete(key);
      lifted += 1;
    }
    return lifted;
  }

  get size(): number {
    return this.#entries.size;
  }

  #current(address: string, user: string): Entry | null {
    const key = keyOf(address, user);
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    const now = this.#now();
    const over = entry.lockedUntil > 0 ? now >= entry.lockedUntil : now - entry.since >= this.#limits.windowMs;
    if (!over) return entry;
    this.#entries.delete(key);
    return null;
  }

  /** A flood of made-up names must not push out lock-outs that hold: the oldest unlocked of a few goes first. */
  #forgetOne(): void {
    let tried = 0;
    const now = this.#now();
    let oldest: string | null = null;
    for (const [key, entry] of this.#entries) {
      oldest ??= key;
      if (entry.lockedUntil <= now) {
        this.#entries.delete(key);
        return;
      }
      tried += 1;
      if (tried === 64) break;
    }
    if (oldest !== null) this.#entries.delete(oldest);
  }
}

/** One IPv6 customer has a whole /64: addresses within it are one client. */
function network(address: string): string {
  if (!isIPv6(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  const bytes = parsed.toByteArray();
  return `${ipaddr.fromByteArray([...bytes.slice(0, 8), 0, 0, 0, 0, 0, 0, 0, 0]).toString()}/64`;
}

const keyOf = (address: string, user: string): string => `${network(address)} ${user}`;
