/**
 * What every front-end service has in common: it runs when the directory says so, applies changes one after the other,
 * knows its living connections and ends them on stop and drain. Knows no protocol.
 */
import { setTimeout } from 'node:timers/promises';
import type { Directory, DirectoryChange } from '../directory/api.ts';
import type { ServerId, ServiceName } from '../directory/model.ts';
import type { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import type { Connection } from '../wire/connection.ts';

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
  /** Reads the settings anew and makes the listeners follow; returns what could not be opened. */
  readonly apply: (running: ReadonlySet<ServiceName>) => Promise<readonly Failure[]>;
}

export class RunningService {
  readonly #options: RunningServiceOptions;
  readonly #active = new Map<Connection, Promise<void>>();
  #stop = new AbortController();
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

  /** Serves one client; its connection is ended afterwards, whatever happened. */
  run(connection: Connection, serve: (stop: AbortSignal) => Promise<void>): void {
    const life = serve(this.#stop.signal)
      .catch((error: unknown) => {
        const stack = error instanceof Error ? error.stack : '';
        this.#options.log.error({ client: connection.remote.address, error: String(error), stack }, 'session failed');
      })
      .finally(() => {
        this.#active.delete(connection);
        connection.end();
      });
    this.#active.set(connection, life);
  }

  async drain(ms: number): Promise<void> {
    this.#draining = true;
    this.#unwatch?.();
    if (this.#retry !== null) clearTimeout(this.#retry);
    await this.#applying;
    await this.#options.apply(new Set());
    await Promise.all([this.#endAll(ms), this.#leaving]);
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
      const leaving = this.#endAll(STOP_MS);
      this.#stop = new AbortController();
      this.#leaving = Promise.all([this.#leaving, leaving]);
    }
    return failures;
  }

  async #endAll(ms: number): Promise<void> {
    const leaving = [...this.#active];
    this.#stop.abort();
    if (leaving.length === 0) return;
    const gone = Promise.all(leaving.map(([, life]) => life));
    const timer = new AbortController();
    await Promise.race([gone, setTimeout(ms, undefined, { signal: timer.signal, ref: false }).catch(() => {})]);
    timer.abort();
    for (const [connection] of leaving) if (this.#active.has(connection)) connection.destroy();
    await gone;
  }
}
