/**
 * Tracing with OpenTelemetry's SDK over OTLP/HTTP. The SDK is an optional part of the installation and is loaded here
 * alone, when `[traces] endpoint` is set: a server without traces has not read one file of it.
 */
import type { Span, Tracer } from '@opentelemetry/api';
import type { TracerProviderOptions } from '@opentelemetry/sdk-trace';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../failure.ts';
import type { Log } from '../log.ts';
import type { OpenSpan, SpanAttributes, Tracing } from './spans.ts';

/** Traced sessions that run at one time; those beyond it are not traced. A span in memory takes about 1 KiB. */
export const TRACED_SESSIONS = 10_000;
/** Spans wait so long for company before they are sent. */
const BATCH_MS = 2_000;
const EXPORT_MS = 10_000;
/** A collector that does not answer holds up the stop of the server no longer than this. */
export const LAST_EXPORT_MS = 2_000;

const INSTALL = 'npm install @opentelemetry/sdk-trace @opentelemetry/exporter-trace-otlp-http';

export interface OtlpOptions {
  /** URL of the collector's OTLP/HTTP door, such as http://127.0.0.1:4318/v1/traces. */
  readonly endpoint: string;
  /** 0–1: share of sessions and cmdlets that are traced. */
  readonly sample: number;
  readonly version: string;
  readonly server: string;
  readonly log: Log;
  /** For tests: an installation without the optional part. */
  readonly load?: typeof loadSdk;
}

export interface OtlpTracing {
  readonly tracing: Tracing;
  /** Sends what is finished, in LAST_EXPORT_MS; spans of sessions that still run are ended first. Never rejects. */
  close(): Promise<void>;
}

async function loadSdk() {
  const [api, sdk, exporter] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ]);
  return { api, sdk, exporter };
}

/** @throws Failure UNAVAILABLE with the command that installs what is missing */
export async function startOtlpTracing(options: OtlpOptions): Promise<OtlpTracing> {
  const { endpoint, sample, version, server, log } = options;
  const { api, sdk, exporter } = await (options.load ?? loadSdk)().catch((cause: unknown) => {
    throw new Failure(
      'UNAVAILABLE',
      `penfold.toml: \`traces.endpoint\` is set, and the parts that send traces are not installed. In Penfold's folder: ${INSTALL}`,
      { cause },
    );
  });
  const complain =
    (level: 'error' | 'warn') =>
    (text: string): void =>
      log[level]({ part: 'traces', text: text.slice(0, 500) }, 'traces cannot be sent');
  const quiet = (): void => {};
  api.diag.setLogger(
    { error: complain('error'), warn: complain('warn'), info: quiet, debug: quiet, verbose: quiet },
    { logLevel: api.DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const provider = new sdk.TracerProvider({
    resource: resourceOf({ 'service.name': 'penfold', 'service.version': version, 'service.instance.id': server }),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(sample) }),
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter: new exporter.OTLPTraceExporter({ url: endpoint, timeoutMillis: EXPORT_MS }),
        scheduledDelayMillis: BATCH_MS,
      }),
    ],
  });
  const tracing = new OtelTracing(api, provider.getTracer('penfold', version));
  return {
    tracing,
    close: async () => {
      tracing.endAll();
      const timer = new AbortController();
      const late = delay(LAST_EXPORT_MS, 'late' as const, { signal: timer.signal, ref: false });
      const sent = provider.shutdown().then(
        () => 'sent' as const,
        (error: unknown) => String(error),
      );
      const outcome = await Promise.race([sent, late]);
      timer.abort();
      late.catch(() => {});
      if (outcome !== 'sent') log.warn({ part: 'traces', error: outcome }, 'the last traces could not be sent');
      api.diag.disable();
    },
  };
}

type Resource = NonNullable<TracerProviderOptions['resource']>;

/** Who sends. The SDK's own maker stands in a package that is no dependency of ours; exporters read what is here. */
function resourceOf(attributes: SpanAttributes): Resource {
  const resource: Resource = {
    attributes,
    merge: () => resource,
    getRawAttributes: () => Object.entries(attributes),
  };
  return resource;
}

type Api = Awaited<ReturnType<typeof loadSdk>>['api'];

class OtelTracing implements Tracing {
  readonly #api: Api;
  readonly #tracer: Tracer;
  readonly #sessions = new Map<string, Span>();

  constructor(api: Api, tracer: Tracer) {
    this.#api = api;
    this.#tracer = tracer;
  }

  sessionBegan(session: string, protocol: string, attributes: SpanAttributes): void {
    if (this.#sessions.size >= TRACED_SESSIONS) return;
    const { ROOT_CONTEXT, SpanKind } = this.#api;
    const own = { ...attributes, 'penfold.session': session, 'network.protocol.name': protocol };
    const span = this.#tracer.startSpan(
      `${protocol} session`,
      { kind: SpanKind.SERVER, attributes: own },
      ROOT_CONTEXT,
    );
    if (span.isRecording()) this.#sessions.set(session, span);
  }

  sessionEnded(session: string): void {
    const span = this.#sessions.get(session);
    if (span === undefined) return;
    this.#sessions.delete(session);
    span.end();
  }

  within(session: string, name: string, attributes: SpanAttributes = {}): OpenSpan | null {
    const parent = this.#sessions.get(session);
    if (parent === undefined) return null;
    const { ROOT_CONTEXT, trace } = this.#api;
    const own = { ...attributes, 'penfold.session': session };
    return this.#open(this.#tracer.startSpan(name, { attributes: own }, trace.setSpan(ROOT_CONTEXT, parent)));
  }

  alone(name: string, attributes: SpanAttributes): OpenSpan | null {
    const span = this.#tracer.startSpan(name, { attributes }, this.#api.ROOT_CONTEXT);
    return span.isRecording() ? this.#open(span) : null;
  }

  endAll(): void {
    for (const session of this.#sessions.keys()) this.sessionEnded(session);
  }

  #open(span: Span): OpenSpan {
    const { SpanStatusCode } = this.#api;
    return {
      end: (error) => {
        if (!span.isRecording()) return;
        if (error !== undefined) {
          span.setStatus({ code: SpanStatusCode.ERROR });
          span.setAttribute('error.type', error);
        }
        span.end();
      },
    };
  }
}
