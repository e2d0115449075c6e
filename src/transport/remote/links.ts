/**
 * Connections to the hub transport of other servers: LMTP over mutual TLS, kept open between messages, so many a server
 * and no more. A server that cannot be reached is not tried again for a while that grows: a dead one costs the first
 * message its time-out, not each.
 */
import type { Server, ServerId } from '../../directory/model.ts';
import { RemoteTrouble } from '../../smtp/client/failure.ts';
import type { Log } from '../../observe/log.ts';
import type { SmtpClient } from '../../smtp/client/session.ts';
import { Slots } from '../slots.ts';

/** As MaxConcurrentMailboxDeliveries (exchange-behaviour.md §9.3). */
export const CONNECTIONS_PER_SERVER = 20;
/** Below the inactivity time-out of the other side (ConnectionInactivityTimeout, 5 minutes). */
export const IDLE_MS = 60_000;
/** After the first failure, doubled with each further one. */
export const FIRST_PAUSE_MS = 1_000;
export const LONGEST_PAUSE_MS = 30_000;

/** A link in use. Exactly one of the two is called at its end. */
export interface Link {
  readonly client: SmtpClient;
  /** It lay idle before: what goes wrong at once may be a connection that the other side has given up meanwhile. */
  readonly reused: boolean;
  /** A session that is of no more use is not kept. */
  release(): void;
  /** The server did not speak: counted as if it could not be reached. */
  fail(error: unknown): void;
}

export interface ServerLinksOptions {
  /** @throws Failure */
  readonly open: (server: Server) => Promise<SmtpClient>;
  readonly log: Log;
  /** Milliseconds of a clock that is never set. */
  readonly now?: () => number;
  readonly idleMs?: number;
}

interface Idle {
  readonly client: SmtpClient;
  readonly timer: NodeJS.Timeout;
}

interface Health {
  failures: number;
  /** Not tried before. */
  until: number;
}

export class ServerLinks {
  readonly #options: ServerLinksOptions;
  readonly #now: () => number;
  readonly #slots = new Slots<ServerId>(CONNECTIONS_PER_SERVER);
  readonly #idle = new Map<ServerId, Idle[]>();
  readonly #health = new Map<ServerId, Health>();
  #closed = false;

  constructor(options: ServerLinksOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  isDown(server: ServerId): boolean {
    return (this.#health.get(server)?.until ?? 0) > this.#now();
  }

  /** `fresh`: none that lay idle. @throws Failure UNAVAILABLE naming the server */
  async take(server: Server, options: { readonly fresh?: boolean } = {}): Promise<Link> {
    const entered = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    // The slot is held until the link is released.
    void this.#slots.run(server.id, () => {
      entered.resolve();
      return left.promise;
    });
    await entered.promise;
    try {
      const idle = options.fresh === true ? null : this.#takeIdle(server.id);
      const client = idle ?? (await this.#open(server));
      return {
        client,
        reused: idle !== null,
        release: () => this.#release(server.id, client, left.resolve),
        fail: (error) => {
          this.#failed(server, error);
          client.destroy();
          left.resolve();
        },
      };
    } catch (error) {
      left.resolve();
      throw error;
    }
  }

  /** Says goodbye on all that are idle. */
  async close(): Promise<void> {
    this.#closed = true;
    const idle = [...this.#idle.values()].flat();
    this.#idle.clear();
    for (const { timer } of idle) clearTimeout(timer);
    await Promise.all(idle.map(({ client }) => client.quit()));
  }

  async #open(server: Server): Promise<SmtpClient> {
    const health = this.#health.get(server.id);
    const now = this.#now();
    if (health !== undefined && health.until > now) throw unreachable(server, null);
    // Others do not try while this one does.
    if (health !== undefined) health.until = now + LONGEST_PAUSE_MS;
    try {
      const client = await this.#options.open(server);
      this.#health.delete(server.id);
      return client;
    } catch (error) {
      this.#failed(server, error);
      throw unreachable(server, error);
    }
  }

  #failed(server: Server, error: unknown): void {
    const failures = (this.#health.get(server.id)?.failures ?? 0) + 1;
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
    this.#health.set(server.id, { failures, until: this.#now() + pause });
    this.#options.log.warn({ server: server.name, failures, error: String(error) }, 'a server cannot be reached');
  }

  #takeIdle(server: ServerId): SmtpClient | null {
    const idle = this.#idle.get(server) ?? [];
    for (let last = idle.pop(); last !== undefined; last = idle.pop()) {
      clearTimeout(last.timer);
      if (last.client.isUsable) return last.client;
      last.client.destroy();
    }
    return null;
  }

  #release(server: ServerId, client: SmtpClient, leave: () => void): void {
    if (!client.isUsable || this.#closed) void client.quit();
    else {
      const idle = this.#idle.get(server) ?? [];
      this.#idle.set(server, idle);
      const timer = setTimeout(() => this.#expire(server, client), this.#options.idleMs ?? IDLE_MS);
      timer.unref();
      idle.push({ client, timer });
    }
    leave();
  }

  #expire(server: ServerId, client: SmtpClient): void {
    const idle = this.#idle.get(server) ?? [];
    const at = idle.findIndex((one) => one.client === client);
    if (at >= 0) idle.splice(at, 1);
    void client.quit();
  }
}

function unreachable(server: Server, cause: unknown): RemoteTrouble {
  return new RemoteTrouble(`the server ${server.name}, which has the mailbox, cannot be reached now`, { cause });
}
