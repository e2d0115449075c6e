/**
 * What may be traced, as the layers see it: they ask `traces.current`, which is null unless `[traces] endpoint` is set,
 * and know no OpenTelemetry. Spans of a session find their parent by its id, so that no session holds one: what is not
 * traced costs a null check. Attributes never hold a user name, an address of mail or anything of a message.
 */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

export interface OpenSpan {
  /** `error`: it went wrong; a FailureCode or the name of an error, never its text. Only the first call counts. */
  end(error?: string): void;
}

export interface Tracing {
  /** The span that all others of this session hang on; `sessionEnded` ends it. */
  sessionBegan(session: string, protocol: string, attributes: SpanAttributes): void;
  /** Does nothing for a session that is not traced, or has ended before. */
  sessionEnded(session: string): void;
  /** Within a session; null when that is not traced. */
  within(session: string, name: string, attributes?: SpanAttributes): OpenSpan | null;
  /** A span of its own. */
  alone(name: string, attributes: SpanAttributes): OpenSpan | null;
}

/** One a process, as there is one log. Set by main, before anything listens. */
export const traces: { current: Tracing | null } = { current: null };

/** What to tell `end` of something thrown. */
export function errorName(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  if (typeof code === 'string') return code;
  return error instanceof Error ? error.name : typeof error;
}
