/**
 * The instruments as a prom-client registry, and so as Prometheus text (exposition format 0.0.4), with prom-client's
 * own metrics of process and Node beside them. Loaded only when metrics are served.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { type Instrument, INSTRUMENTS, type MetricSources, type Sample } from './instruments.ts';
import { DURATION_BOUNDS, type Durations } from './tally.ts';

/** Milliseconds between two looks at the event loop: wakes an idle process 50 times a second. */
const EVENT_LOOP_RESOLUTION_MS = 20;

export interface Exposition {
  readonly contentType: string;
  text(): Promise<string>;
}

export function createExposition(sources: MetricSources): Exposition {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_RESOLUTION_MS });
  for (const instrument of INSTRUMENTS) register(registry, instrument, sources);
  return { contentType: registry.contentType, text: () => registry.metrics() };
}

function register(registry: Registry, instrument: Instrument, sources: MetricSources): void {
  const { name, help, labels } = instrument;
  const described = { name, help, labelNames: labels, registers: [] };
  switch (instrument.type) {
    case 'counter':
      registry.registerMetric(
        new Counter({
          ...described,
          async collect() {
            const samples = await instrument.read(sources);
            this.reset();
            for (const sample of samples) this.inc(named(labels, sample), sample.value);
          },
        }),
      );
      return;
    case 'gauge':
      registry.registerMetric(
        new Gauge({
          ...described,
          async collect() {
            const samples = await instrument.read(sources);
            this.reset();
            for (const sample of samples) this.set(named(labels, sample), sample.value);
          },
        }),
      );
      return;
    case 'histogram':
      registry.registerMetric(new ReadHistogram(described, instrument.read));
  }
}

const named = (labels: readonly string[], sample: Pick<Sample, 'labels'>): Record<string, string> =>
  Object.fromEntries(labels.map((label, i) => [label, sample.labels[i] ?? '']));

/** prom-client's histogram with values that were counted elsewhere. */
class ReadHistogram extends Histogram {
  readonly #read: () => ReadonlyArray<{ readonly labels: readonly string[]; readonly durations: Durations }>;
  readonly #labels: readonly string[];
  /** Describes itself as this one does; `get` of the base class would ask `getForPromString` of this one. */
  readonly #empty: Histogram;
  readonly #name: string;

  constructor(
    described: {
      readonly name: string;
      readonly help: string;
      readonly labelNames: readonly string[];
      readonly registers: never[];
    },
    read: () => ReadonlyArray<{ readonly labels: readonly string[]; readonly durations: Durations }>,
  ) {
    super({ ...described, buckets: [...DURATION_BOUNDS] });
    this.#empty = new Histogram(described);
    this.#read = read;
    this.#labels = described.labelNames;
    this.#name = described.name;
  }

  override async get(): ReturnType<Histogram['get']> {
    const described = await this.#empty.get();
    const values = this.#read().flatMap((each) => this.#lines(named(this.#labels, each), each.durations));
    return { ...described, values };
  }

  /** What the registry asks first when it writes text. */
  getForPromString(): ReturnType<Histogram['get']> {
    return this.get();
  }

  #lines(labels: Record<string, string>, { buckets, sum, count }: Durations): Array<Line> {
    let upTo = 0;
    const lines = [...DURATION_BOUNDS, '+Inf'].map((bound, i): Line => {
      upTo += buckets[i] ?? 0;
      return { metricName: `${this.#name}_bucket`, labels: { ...labels, le: bound }, value: upTo };
    });
    lines.push({ metricName: `${this.#name}_sum`, labels, value: sum });
    lines.push({ metricName: `${this.#name}_count`, labels, value: count });
    return lines;
  }
}

interface Line {
  readonly metricName: string;
  readonly labels: Record<string, string | number>;
  readonly value: number;
}
