/** A few connections to one place, handed out one question or one transaction at a time. */
import { ConnectionLost } from './connection.ts';

/** Nearly everything is answered from memory; twenty servers fit PostgreSQL's 100 connections. */
export const POOL_SIZE = 4;
/** Whoever comes when so many wait is refused. */
export const WAITING_LIMIT = 10_000;
/** Beyond one, connections that nobody used for so long are given up. */
const IDLE_MS = 30_000;

/** What the pool sees of a connection. */
export interface Pooled {
  readonly isUsable: boolean;
  /** performance.now() of the last answer. */
  readonly lastUsed: number;
  end(): Promise<void>;
  destroy(): void;
}

interface Waiting<C> {
  readonly resolve: (connection: C) => void;
  readonly reject: (reason: ConnectionLost) => void;
}

export class Pool<C extends Pooled> {
  readonly #open: () => Promise<C>;
  readonly #all = new Set<C>();
  readonly #idle: C[] = [];
  readonly #waiting: Array<Waiting<C>> = [];
  /** Being opened. */
  #opening = 0;
  #closed: ConnectionLost | null = null;

  constructor(open: () => Promise<C>) {
    this.#open = open;
  }

  /** @throws ConnectionLost, and what `work` throws */
  async use<T>(work: (connection: C) => Promise<T>): Promise<T> {
    const connection = await this.#take();
    try {
      return await work(connection);
    } finally {
      this.#give(connection);
    }
  }

  /** Once in a while. */
  trim(): void {
    const before = performance.now() - IDLE_MS;
    while (this.#all.size > 1) {
      const [oldest] = this.#idle;
      if (oldest === undefined || oldest.lastUsed > before) return;
      this.#idle.shift();
      this.#all.delete(oldest);
      void oldest.end().catch(() => oldest.destroy());
    }
  }

  /** Ends every connection, in use or not, and whoever waits hears why. */
  destroy(reason: ConnectionLost): void {
    this.#closed ??= reason;
    for (const connection of this.#all) connection.destroy();
    this.#all.clear();
    this.#idle.length = 0;
    for (const one of this.#waiting.splice(0)) one.reject(reason);
  }

  async #take(): Promise<C> {
    if (this.#closed !== null) throw this.#closed;
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.isUsable) return idle;
      this.#all.delete(idle);
    }
    if (this.#all.size + this.#opening < POOL_SIZE) {
      try {
        return await this.#add();
      } catch (error) {
        if (error instanceof ConnectionLost) this.#refuse(error);
        throw error;
      }
    }
    if (this.#waiting.length >= WAITING_LIMIT) throw new ConnectionLost('too many questions wait for an answer');
    const { promise, resolve, reject } = Promise.withResolvers<C>();
    this.#waiting.push({ resolve, reject });
    return promise;
  }

  async #add(): Promise<C> {
    this.#opening += 1;
    try {
      const connection = await this.#open();
      if (this.#closed !== null) {
        connection.destroy();
        throw this.#closed;
      }
      this.#all.add(connection);
      return connection;
    } finally {
      this.#opening -= 1;
    }
  }

  /** Nobody is left who could give a connection back to those that wait: they hear why, or they would wait for ever. */
  #refuse(reason: ConnectionLost): void {
    if (this.#all.size + this.#opening > 0) return;
    for (const one of this.#waiting.splice(0)) one.reject(reason);
  }

  #give(connection: C): void {
    if (this.#closed !== null) return;
    if (connection.isUsable) {
      const next = this.#waiting.shift();
      if (next === undefined) this.#idle.push(connection);
      else next.resolve(connection);
      return;
    }
    this.#all.delete(connection);
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#add().then(next.resolve, (error: unknown) => {
      const reason = error instanceof ConnectionLost ? error : new ConnectionLost(String(error));
      next.reject(reason);
      this.#refuse(reason);
    });
  }
}
