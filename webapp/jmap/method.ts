/** A JMAP method as the app knows it: its name, the capability it belongs to, and what its answer looks like. */
import * as v from 'valibot';
import type { CapabilityName } from './session.ts';

export interface Method<Answer> {
  readonly name: string;
  readonly capability: CapabilityName;
  readonly read: (answer: unknown) => Answer;
}

/** Arguments of a call. An object in place of `name` under `#name` is a reference to an earlier answer (§3.7). */
export type MethodArguments = Readonly<Record<string, unknown>> & { readonly accountId?: string };

export function method<Schema extends v.GenericSchema>(
  name: string,
  capability: CapabilityName,
  answer: Schema,
): Method<v.InferOutput<Schema>> {
  return { name, capability, read: (json) => v.parse(answer, json) };
}

/** Answer of a /get (§5.1). */
export const getAnswer = <Schema extends v.GenericSchema>(record: Schema) =>
  v.object({ accountId: v.string(), state: v.string(), list: v.array(record), notFound: v.array(v.string()) });

/** Answer of a /changes (§5.2). */
export const changesAnswer = v.object({
  accountId: v.string(),
  oldState: v.string(),
  newState: v.string(),
  hasMoreChanges: v.boolean(),
  created: v.array(v.string()),
  updated: v.array(v.string()),
  destroyed: v.array(v.string()),
});

const setError = v.looseObject({
  type: v.string(),
  description: v.optional(v.nullable(v.string())),
  properties: v.optional(v.nullable(v.array(v.string()))),
});
export type SetError = v.InferOutput<typeof setError>;

/** Answer of a /set (§5.3). `created` holds what the server added to each record. */
export const setAnswer = v.object({
  accountId: v.string(),
  oldState: v.optional(v.nullable(v.string())),
  newState: v.string(),
  created: v.optional(v.nullable(v.record(v.string(), v.looseObject({ id: v.string() })))),
  updated: v.optional(v.nullable(v.record(v.string(), v.nullable(v.looseObject({}))))),
  destroyed: v.optional(v.nullable(v.array(v.string()))),
  notCreated: v.optional(v.nullable(v.record(v.string(), setError))),
  notUpdated: v.optional(v.nullable(v.record(v.string(), setError))),
  notDestroyed: v.optional(v.nullable(v.record(v.string(), setError))),
});
export type SetAnswer = v.InferOutput<typeof setAnswer>;

/** Answer of a /query (§5.5). */
export const queryAnswer = v.object({
  accountId: v.string(),
  queryState: v.string(),
  canCalculateChanges: v.boolean(),
  position: v.number(),
  ids: v.array(v.string()),
  total: v.optional(v.number()),
  limit: v.optional(v.number()),
});
