/**
 * What every /set has in common (RFC 8620 §5.3): bounds, `ifInState`, the order create, update, destroy, creation ids,
 * and one error for each record that could not be. Knows no data type.
 */
import type { MethodArguments } from './arguments.ts';
import type { Json, JsonObject } from './json.ts';
import { MethodError, SetError, setErrorOf } from './method-error.ts';
import { JMAP_LIMITS } from './request.ts';

export const SET_ARGUMENTS = ['accountId', 'ifInState', 'create', 'update', 'destroy'] as const;

/** Replaces a creation id (`#x`) by the id of the record; anything else stays. */
export type IdOf = (id: string) => string;

export interface SetRecords {
  /** Of the data type in this account. */
  state(): Promise<string>;
  /** What the server has set: `id` and more. @throws SetError, Failure */
  create(record: Json, idOf: IdOf): Promise<JsonObject>;
  /** Each id with its patch, at most JMAP_LIMITS.maxObjectsInSet; what is missing in the answer went well. */
  update(patches: ReadonlyMap<string, Json>, idOf: IdOf): Promise<Outcome>;
  destroy(ids: readonly string[]): Promise<Outcome>;
}

/** By id: a SetError as JSON, or what the server changed beyond the patch; missing or null: done. */
export interface Outcome {
  readonly failed: ReadonlyMap<string, JsonObject>;
  readonly changed?: ReadonlyMap<string, JsonObject>;
}

export interface SetAnswer {
  readonly oldState: string;
  readonly newState: string;
  readonly created: Readonly<Record<string, JsonObject>>;
  readonly updated: Readonly<Record<string, Json>>;
  readonly destroyed: readonly string[];
  readonly notCreated: Readonly<Record<string, JsonObject>>;
  readonly notUpdated: Readonly<Record<string, JsonObject>>;
  readonly notDestroyed: Readonly<Record<string, JsonObject>>;
}

/** @throws MethodError requestTooLarge, stateMismatch, invalidArguments */
export async function carryOutSet(
  args: MethodArguments,
  createdIds: Map<string, string>,
  records: SetRecords,
): Promise<SetAnswer> {
  const create = args.object('create') ?? {};
  const update = args.object('update') ?? {};
  const destroy = args.ids('destroy') ?? [];
  const objects = Object.keys(create).length + Object.keys(update).length + destroy.length;
  if (objects > JMAP_LIMITS.maxObjectsInSet)
    throw new MethodError('requestTooLarge', `at most ${JMAP_LIMITS.maxObjectsInSet} records a call`);
  const oldState = await records.state();
  const ifInState = args.optionalText('ifInState');
  if (ifInState !== null && ifInState !== oldState)
    throw new MethodError('stateMismatch', 'the account has changed since that state');
  const idOf: IdOf = (id) => (id.startsWith('#') ? (createdIds.get(id.slice(1)) ?? id) : id);

  const created = new Map<string, JsonObject>();
  const notCreated = new Map<string, JsonObject>();
  for (const [creation, record] of Object.entries(create)) {
    const outcome = await attempted(() => records.create(record ?? null, idOf));
    if ('failed' in outcome) {
      notCreated.set(creation, outcome.failed);
      continue;
    }
    created.set(creation, outcome.value);
    const id = outcome.value['id'];
    if (typeof id === 'string') createdIds.set(creation, id);
  }

  const leaving = new Set(destroy.map(idOf));
  const notUpdated = new Map<string, JsonObject>();
  const patches = new Map<string, Json>();
  for (const [id, patch] of Object.entries(update)) {
    if (leaving.has(idOf(id))) notUpdated.set(id, { type: 'willDestroy', description: 'the same call destroys it' });
    else patches.set(id, patch ?? null);
  }
  const changes = patches.size === 0 ? NOTHING : await records.update(patches, idOf);
  const updated = new Map<string, Json>();
  for (const id of patches.keys()) {
    const failed = changes.failed.get(id);
    if (failed === undefined) updated.set(id, changes.changed?.get(id) ?? null);
    else notUpdated.set(id, failed);
  }

  const removal = leaving.size === 0 ? NOTHING : await records.destroy([...leaving]);
  return {
    oldState,
    newState: await records.state(),
    created: Object.fromEntries(created),
    updated: Object.fromEntries(updated),
    destroyed: [...leaving].filter((id) => !removal.failed.has(id)),
    notCreated: Object.fromEntries(notCreated),
    notUpdated: Object.fromEntries(notUpdated),
    notDestroyed: Object.fromEntries(removal.failed),
  };
}

const NOTHING: Outcome = { failed: new Map() };

/** What one record came to. @throws what is no matter of the record */
export async function attempted<T>(
  work: () => Promise<T>,
): Promise<{ readonly value: T } | { readonly failed: JsonObject }> {
  try {
    return { value: await work() };
  } catch (error) {
    const facts = setErrorOf(error);
    if (facts === null) throw error;
    return { failed: facts };
  }
}

/** One after the other, for records that are changed each for itself. */
export async function eachOf<Item>(
  items: Iterable<readonly [string, Item]>,
  work: (id: string, item: Item) => Promise<void>,
): Promise<Outcome> {
  const failed = new Map<string, JsonObject>();
  for (const [id, item] of items) {
    const outcome = await attempted(() => work(id, item));
    if ('failed' in outcome) failed.set(id, outcome.failed);
  }
  return { failed };
}

/** For data types whose records nobody can make, change or remove. */
export const refused = (type: 'forbidden' | 'singleton', description: string): SetError =>
  new SetError(type, description);
