/**
 * What every front-end service has in common: it runs when the directory says so, applies changes one after the other,
 * knows its living connections and ends them on stop and drain. Knows no protocol.
 */
import { setTimeout } from 'node:timers/promises';
import type { Directory, DirectoryChange } from '../directory/api.ts';
import type { ServerId, ServiceName } from '../directory/model.ts';
import type { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import type { ConnectionTally } from '../observe/metrics/tally.ts';
import type { Connection } from '../wire/connection.ts';
import type { Release } from './limits.ts';
import type { Admitted } from './reception.ts';

/** How long clients of a stopped service have for their last command. */
const STOP_MS = 5_000;
/** A binding that could not be opened is tried again this often: the port may become free. */
const RETRY_MS = 15_000;

export interface RunningServiceOptions {
  readonly directory: Directory;
  readonly server: ServerId;
  /** Any of them running opens its part. */
  readonly services: readonly ServiceName[];
  /** Changes that lead to `apply`. */
  readonly concerns: ReadonlyArray<DirectoryChange['kind']>;
  readonly log: Log;
  /** Where its connections are counted. */
  readonly connections: ConnectionTally;
  /** Reads the settings anew and makes the listeners follow; returns what could not be opened. */
  readonly apply: (running: ReadonlySet<ServiceName>) => Promise<readonly Failure[]>;
}

/** From one start of the service to its stop. */
class Run {
  readonly stop = new AbortController();
  readonly #active = new Set<Connection>();
  #gone: PromiseWithResolvers<void> | null = null;

  get clients(): readonly Connection[] {
    return [...this.#active];
  }

  /** Resolves when no client is left. */
  get gone(): Promise<void> {
    if (this.#active.size === 0) return Promise.resolve();
    this.#gone ??= Promise.withResolvers<void>();
    return this.#gone.promise;
  }

  enter(connection: Connection): void {
    this.#active.add(connection);
  }

  leave(connection: Connection): void {
    this.#active.delete(connection);
    if (this.#active.size === 0) this.#gone?.resolve();
  }
}

export class RunningService {
  readonly #options: RunningServiceOptions;
  #run = new Run();
  #running: ReadonlySet<ServiceName> = new Set();
  #applying: Promise<void> = Promise.resolve();
  #leaving: Promise<unknown> = Promise.resolve();
  #retry: NodeJS.Timeout | null = null;
  #unwatch: (() => void) | null = null;
  #draining = false;
  #problems: readonly Failure[] = [];

  constructor(options: RunningServiceOptions) {
    this.#options = options;
  }

  /** What the latest application of the settings could not do. */
  get problems(): readonly Failure[] {
    return this.#problems;
  }

  async start(): Promise<void> {
    this.#unwatch = this.#options.directory.watch((change) => {
      if (this.#options.concerns.includes(change.kind)) this.#changed();
    });
    // In the same queue as changes: one that is told of meanwhile must not open the same bindings beside this.
    const first = this.#applying.then(() => this.#apply());
    this.#applying = first.then(
      () => undefined,
      () => undefined,
    );
    const [failure] = await first;
    if (failure === undefined) return;
    await this.drain(0);
    throw failure;
  }

  /** What was announced before this call has been applied when it resolves. */
  async settled(): Promise<void> {
    await this.#applying;
  }

  /**
   * Serves one client: `greet` resolves to the session that goes on behind its logon, null when there is none. Afterwards
   * its place is given back and the connection ended, whatever happened.
   */
  run(connection: Connection, release: Release, greet: (stop: AbortSignal) => Promise<Admitted | null>): void {
    this.#run.enter(connection);
    this.#options.connections.accepted += 1;
    this.#options.connections.open += 1;
    void this.#live(this.#run, connection, release, greet(this.#run.stop.signal));
  }

  /** The one frame that waits with a client, for hours perhaps: it holds nothing of the logon. Never rejects. */
  async #live(run: Run, connection: Connection, release: Release, greeted: Promise<Admitted | null>): Promise<void> {
    let admitted: Admitted | null = null;
    try {
      admitted = await greeted;
      if (admitted !== null) await admitted.backend.run(connection);
    } catch (error) {
      const stack = error instanceof Error ? error.stack : '';
      this.#options.log.error({ client: connection.remote.address, error: String(error), stack }, 'session failed');
    } finally {
      admitted?.release();
      release();
      run.leave(connection);
      this.#options.connections.open -= 1;
      connection.end();
    }
  }

  async drain(ms: number): Promise<void> {
    this.#draining = true;
    this.#unwatch?.();
    if (this.#retry !== null) clearTimeout(this.#retry);
    await this.#applying;
    await this.#options.apply(new Set());
    await Promise.all([endAll(this.#run, ms), this.#leaving]);
  }

  #changed(): void {
    this.#applying = this.#applying
      .then(async () => {
        if (this.#draining) return;
        const failures = await this.#apply();
        for (const failure of failures) this.#options.log.error({ code: failure.code }, failure.message);
        if (failures.length > 0) this.#retryLater();
      })
      .catch((error: unknown) => {
        this.#options.log.error({ error: String(error) }, 'settings could not be applied');
        this.#retryLater();
      });
  }

  #retryLater(): void {
    if (this.#retry !== null || this.#draining) return;
    this.#retry = globalThis.setTimeout(() => {
      this.#retry = null;
      this.#changed();
    }, RETRY_MS);
    this.#retry.unref();
  }

  async #apply(): Promise<readonly Failure[]> {
    const { directory, server, services } = this.#options;
    const states = await directory.services(server);
    const running = new Set(
      states.filter((state) => state.running && services.includes(state.service)).map((state) => state.service),
    );
    const stopped = [...this.#running].some((service) => !running.has(service));
    this.#running = running;
    const failures = await this.#options.apply(running);
    this.#problems = failures;
    if (stopped && running.size === 0) {
      this.#options.log.info({ services }, 'service stopped');
      // Not waited for: a service started again meanwhile listens at once, and its clients belong to the new run.
      const leaving = endAll(this.#run, STOP_MS);
      this.#run = new Run();
      this.#leaving = Promise.all([this.#leaving, leaving]);
    }
    return failures;
  }
}

async function endAll(run: Run, ms: number): Promise<void> {
  run.stop.abort();
  if (run.clients.length === 0) return;
  const { gone } = run;
  const timer = new AbortController();
  await Promise.race([gone, setTimeout(ms, undefined, { signal: timer.signal, ref: false }).catch(() => {})]);
  timer.abort();
  for (const connection of run.clients) connection.destroy();
  await gone;
}
