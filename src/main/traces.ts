/** Traces of a server process when `[traces] endpoint` is set. Without it not one file of OpenTelemetry is read. */
import type { Configuration } from '../config/schema.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import { traces } from '../observe/traces/spans.ts';

export interface TracesParts {
  readonly configuration: Configuration;
  readonly server: { readonly name: string };
  readonly version: string;
  readonly log: Log;
}

/** Returns how to end it: what is finished is sent. @throws Failure CANNOT for a bad URL, UNAVAILABLE without the SDK */
export async function openTraces(parts: TracesParts): Promise<() => Promise<void>> {
  const { configuration, server, version, log } = parts;
  const { endpoint, sample } = configuration.traces;
  if (endpoint === '') return () => Promise.resolve();
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) {
    throw new Failure(
      'CANNOT',
      `penfold.toml: \`traces.endpoint\` must be a URL such as http://127.0.0.1:4318/v1/traces, not "${endpoint}"`,
    );
  }
  const { startOtlpTracing } = await import('../observe/traces/otlp.ts');
  const started = await startOtlpTracing({ endpoint, sample, version, server: server.name, log });
  traces.current = started.tracing;
  log.info({ endpoint, sample }, 'traces are sent');
  return async () => {
    if (traces.current === started.tracing) traces.current = null;
    await started.close();
  };
}
