/**
 * Runs the probes again and again and remembers how they went: what Get-ServerHealth shows and what alerts read from
 * the log and the metrics. It reports; it takes nothing out of service by itself: an automatic recovery that switches
 * a healthy proxy off because of its own probe is what Exchange's admins complain of (exchange-behaviour.md §4, §13).
 */
import type { ServiceName } from '../../directory/model.ts';
import { Failure } from '../../observe/failure.ts';
import type { Log } from '../../observe/log.ts';
import { ProbeError } from '../connectivity/probe-error.ts';
import type { HealthEntry } from './entry.ts';
import { type Probe, PROBES, type ProbeServices } from './probes.ts';

export const PROBE_INTERVAL_MS = 60_000;
/** The first round comes when the server has had time to warm up. */
const FIRST_ROUND_MS = 10_000;

export interface HealthMonitorOptions {
  readonly services: ProbeServices;
  /** What an admin wants to run. */
  readonly running: () => Promise<ReadonlySet<ServiceName>>;
  readonly log: Log;
  readonly probes?: readonly Probe[];
  readonly intervalMs?: number;
}

export class HealthMonitor {
  readonly #options: HealthMonitorOptions;
  readonly #probes: readonly Probe[];
  readonly #entries = new Map<string, HealthEntry>();
  readonly #pending = new Map<string, Promise<HealthEntry>>();
  #timer: NodeJS.Timeout | null = null;
  #round: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: HealthMonitorOptions) {
    this.#options = options;
    this.#probes = options.probes ?? PROBES;
    for (const probe of this.#probes) {
      const { name, healthSet, says } = probe;
      const entry: HealthEntry = {
        probe: name,
        healthSet,
        says,
        state: 'Unknown',
        at: null,
        latencyMs: null,
        error: '',
        since: Date.now(),
      };
      this.#entries.set(name, entry);
    }
  }

  get entries(): readonly HealthEntry[] {
    return [...this.#entries.values()];
  }

  start(): void {
    this.#next(Math.min(FIRST_ROUND_MS, this.#options.intervalMs ?? PROBE_INTERVAL_MS));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#round;
  }

  /** Runs one probe now. Null: there is none of this name. */
  async run(name: string): Promise<HealthEntry | null> {
    const probe = this.#probes.find((one) => one.name.toLowerCase() === name.toLowerCase());
    return probe === undefined ? null : this.#run(probe, await this.#options.running());
  }

  /** All of them, one after the other: a server in trouble is not helped by a volley. */
  async runAll(): Promise<readonly HealthEntry[]> {
    const running = await this.#options.running();
    for (const probe of this.#probes) if (!this.#stopped) await this.#run(probe, running);
    return this.entries;
  }

  #next(ms: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#round = this.runAll().then(
        () => this.#next(this.#options.intervalMs ?? PROBE_INTERVAL_MS),
        (error: unknown) => {
          this.#options.log.error({ error: String(error) }, 'health probes could not run');
          this.#next(this.#options.intervalMs ?? PROBE_INTERVAL_MS);
        },
      );
    }, ms);
    this.#timer.unref();
  }

  /** Whoever asks for a probe that is running gets its result: each one is a client, and many would be a load. */
  #run(probe: Probe, running: ReadonlySet<ServiceName>): Promise<HealthEntry> {
    const pending = this.#pending.get(probe.name);
    if (pending !== undefined) return pending;
    const run = this.#carryOut(probe, running).finally(() => this.#pending.delete(probe.name));
    this.#pending.set(probe.name, run);
    return run;
  }

  async #carryOut(probe: Probe, running: ReadonlySet<ServiceName>): Promise<HealthEntry> {
    if (!probe.needs.every((service) => running.has(service))) return this.#note(probe, 'Disabled', null, '');
    const started = performance.now();
    try {
      await probe.run(this.#options.services);
      return this.#note(probe, 'Healthy', performance.now() - started, '');
    } catch (error) {
      if (!(error instanceof ProbeError || error instanceof Failure)) {
        this.#options.log.error({ probe: probe.name, err: error }, 'health probe failed inside the server');
      }
      const text = error instanceof Error ? error.message : String(error);
      return this.#note(probe, 'Unhealthy', performance.now() - started, text);
    }
  }

  #note(probe: Probe, state: HealthEntry['state'], latencyMs: number | null, error: string): HealthEntry {
    const before = this.#entries.get(probe.name);
    const now = Date.now();
    const entry: HealthEntry = {
      probe: probe.name,
      healthSet: probe.healthSet,
      says: probe.says,
      state,
      at: now,
      latencyMs,
      error,
      since: before?.state === state ? before.since : now,
    };
    this.#entries.set(probe.name, entry);
    // Once for each change: an alert that repeats itself is not read.
    if (before?.state !== state) {
      const fields = { probe: probe.name, healthSet: probe.healthSet, error };
      if (state === 'Unhealthy') this.#options.log.error(fields, 'health: a probe fails');
      else if (before?.state === 'Unhealthy') this.#options.log.info(fields, 'health: a probe works again');
    }
    return entry;
  }
}
