/**
 * Carries out a request: its calls one after the other, each with the references to earlier answers filled in
 * (RFC 8620 §3.3–3.7). A call that fails answers `error`, the next ones still run. Knows no method by name.
 */
import type { JsonObject } from './json.ts';
import { MethodError, methodErrorOf } from './method-error.ts';
import { resolveReferences } from './references.ts';
import type { Invocation, JmapRequest } from './request.ts';

export interface MethodCall<Context> {
  readonly context: Context;
  readonly args: JsonObject;
  /** Creation ids of this request, of earlier calls and of the client: id of the record (§5.3). */
  readonly createdIds: Map<string, string>;
  /** Aborted when the client has gone away. */
  readonly signal: AbortSignal;
}

export interface Method<Context> {
  readonly name: string;
  /** URI that `using` has to hold. */
  readonly capability: string;
  /** Answers in order; most methods give one, by their own name. @throws MethodError, Failure */
  run(
    call: MethodCall<Context>,
  ): Promise<JsonObject | ReadonlyArray<{ readonly name: string; readonly args: JsonObject }>>;
}

export interface JmapResponse {
  readonly methodResponses: ReadonlyArray<readonly [string, JsonObject, string]>;
  readonly createdIds?: Readonly<Record<string, string>>;
  readonly sessionState: string;
}

export async function carryOut<Context>(
  request: JmapRequest,
  options: {
    readonly methods: ReadonlyMap<string, Method<Context>>;
    readonly context: Context;
    readonly sessionState: string;
    readonly signal: AbortSignal;
    /** Something that is no refusal: a bug, for the log. */
    readonly onFault: (error: unknown, method: string) => void;
    /** Behind each call of a method that there is. */
    readonly onDone?: (method: string, milliseconds: number) => void;
  },
): Promise<JmapResponse> {
  const { methods, context, signal } = options;
  const answers: Invocation[] = [];
  const createdIds = new Map(request.createdIds ?? []);
  for (const { name, args, callId } of request.calls) {
    if (signal.aborted) break;
    try {
      const method = methods.get(name);
      if (method === undefined || !request.using.includes(method.capability))
        throw new MethodError('unknownMethod', `there is no method ${name.slice(0, 100)} in the capabilities in use`);
      const began = performance.now();
      const resolved = resolveReferences(args, answers);
      const result = await method.run({ context, args: resolved, createdIds, signal }).finally(() => {
        options.onDone?.(name, performance.now() - began);
      });
      const several: ReadonlyArray<{ readonly name: string; readonly args: JsonObject }> = isSeveral(result)
        ? result
        : [{ name, args: result }];
      for (const one of several) answers.push({ ...one, callId });
    } catch (error) {
      const facts = methodErrorOf(error);
      if (facts['type'] === 'serverFail') options.onFault(error, name);
      answers.push({ name: 'error', args: facts, callId });
    }
  }
  return {
    methodResponses: answers.map(({ name, args, callId }) => [name, args, callId] as const),
    ...(request.createdIds === null ? {} : { createdIds: Object.fromEntries(createdIds) }),
    sessionState: options.sessionState,
  };
}

type Several = ReadonlyArray<{ readonly name: string; readonly args: JsonObject }>;
const isSeveral = (result: JsonObject | Several): result is Several => Array.isArray(result);
