/**
 * A few connections to one back end that are open, proved and greeted before a user needs them: his logon then costs
 * one round trip. As many as were taken lately, within a bound; old ones are given up, so that a port nobody asks for
 * is left alone. One that the back end has closed is not given out; one that turns out dead in the hand is for the
 * caller to notice.
 */
import type { Connection } from '../../wire/connection.ts';
import { idleWheel } from '../../wire/timer-wheel.ts';

/** Ready at one time for one back end and protocol. */
export const WARM_CONNECTIONS = 4;
/** Unused for so long, a ready connection is closed: long before the back end would (READY_MS), and before a firewall. */
export const WARM_MS = 60_000;

/** Later than the answer to the logon that took one, and than the first commands behind it: handshakes cost both sides. */
export const REFILL_MS = 10;

interface Warm {
  readonly connection: Connection;
  readonly age: { clear(): void };
}

export class WarmConnections {
  readonly #dial: () => Promise<Connection>;
  readonly #warm: Warm[] = [];
  #dialling = 0;
  #refilling: NodeJS.Timeout | null = null;
  #closed = false;

  /** `dial` throws when there is no connection to be had. */
  constructor(dial: () => Promise<Connection>) {
    this.#dial = dial;
  }

  get size(): number {
    return this.#warm.length;
  }

  /** The newest, which is the least likely to have been lost; null: there is none. */
  take(): Connection | null {
    for (;;) {
      const warm = this.#warm.pop();
      if (warm === undefined) return null;
      warm.age.clear();
      if (warm.connection.isOpen && warm.connection.buffered === 0) return warm.connection;
      warm.connection.destroy();
    }
  }

  /** Somebody was served: makes up for it in the background. Failures are for the next user to meet. */
  refill(): void {
    if (this.#refilling !== null || this.#closed) return;
    this.#refilling = setTimeout(() => {
      this.#refilling = null;
      this.#refill();
    }, REFILL_MS);
    this.#refilling.unref();
  }

  #refill(): void {
    while (!this.#closed && this.#warm.length + this.#dialling < WARM_CONNECTIONS) {
      this.#dialling += 1;
      this.#dial().then(
        (connection) => {
          this.#dialling -= 1;
          this.add(connection);
        },
        () => {
          this.#dialling -= 1;
        },
      );
    }
  }

  add(connection: Connection): void {
    if (this.#closed || this.#warm.length >= WARM_CONNECTIONS) {
      connection.end();
      return;
    }
    const age = idleWheel.deadline(() => this.#drop(connection));
    age.set(WARM_MS);
    this.#warm.push({ connection, age });
  }

  /** None of them is to be trusted any more. */
  clear(): void {
    for (const { connection, age } of this.#warm.splice(0)) {
      age.clear();
      connection.destroy();
    }
  }

  close(): void {
    this.#closed = true;
    if (this.#refilling !== null) clearTimeout(this.#refilling);
    this.clear();
  }

  #drop(connection: Connection): void {
    const at = this.#warm.findIndex((one) => one.connection === connection);
    if (at < 0) return;
    const [warm] = this.#warm.splice(at, 1);
    warm?.age.clear();
    connection.end();
  }
}
