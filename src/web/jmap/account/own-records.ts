/**
 * /get and /set (RFC 8620 §5.1, §5.3) of record types that belong to a person and not to a mailbox: a few small records,
 * all of them read to answer anything. Knows no type.
 */
import { hash } from 'node:crypto';
import type { Account } from '../../../directory/model.ts';
import { MethodArguments } from '../arguments.ts';
import type { DirectoryType, JmapContext } from '../capability.ts';
import type { Method, MethodCall } from '../dispatch.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import { MethodError, SetError, setErrorOf } from '../method-error.ts';
import { JMAP_LIMITS } from '../request.ts';

export const ACCOUNT = 'urn:penfold:params:jmap:account';

export interface OwnRecord extends JsonObject {
  readonly id: string;
}

export interface OwnType {
  readonly type: string;
  readonly properties: readonly string[];
  /** Kind of directory change that may be one of these. */
  readonly change: 'preferences' | 'app-password' | 'web-session';
  /** `webSession`: the one that asks; null: none does. */
  records(user: Account, webSession: string | null): Promise<readonly OwnRecord[]>;
  /** What the state is made of; the records as they are when missing. */
  stateFacts?(user: Account): Promise<Json>;
  /** Properties that the client does not know yet. @throws SetError, Failure */
  create(context: JmapContext, record: JsonObject): Promise<OwnRecord>;
  update(context: JmapContext, id: string, patch: JsonObject): Promise<void>;
  destroy(context: JmapContext, id: string): Promise<void>;
}

/** These records are the caller's own, so the account is his. @throws MethodError accountNotFound */
export function ownAccount(args: MethodArguments, { user }: Pick<JmapContext, 'user'>): string {
  const id = args.id('accountId');
  if (id !== user.id) throw new MethodError('accountNotFound', 'that is possible for your own account only');
  return id;
}

export const ownMethods = (type: OwnType): ReadonlyArray<Method<JmapContext>> => [getMethod(type), setMethod(type)];

export const ownDirectoryType = (type: OwnType): DirectoryType => ({
  type: type.type,
  concerns: ({ kind, id }, { owner }, user) =>
    owner.id === user.id && kind === type.change && (id === null || id === user.id),
  state: (_, user) => stateOf(type, user),
});

/** `webSession` is left out, so that all of a person's sessions see one state. */
async function stateOf(type: OwnType, user: Account): Promise<string> {
  const facts = type.stateFacts === undefined ? await type.records(user, null) : await type.stateFacts(user);
  return hash('sha256', JSON.stringify(facts), 'base64url').slice(0, 22);
}

function getMethod(type: OwnType): Method<JmapContext> {
  return {
    name: `${type.type}/get`,
    capability: ACCOUNT,
    run: async ({ context, args: given }) => {
      const args = new MethodArguments(given, ['accountId', 'ids', 'properties']);
      const accountId = ownAccount(args, context);
      const ids = args.ids('ids');
      if (ids !== null && ids.length > JMAP_LIMITS.maxObjectsInGet)
        throw new MethodError('requestTooLarge', `at most ${JMAP_LIMITS.maxObjectsInGet} ids`);
      const properties = args.strings('properties');
      const unknown = properties?.find((one) => !type.properties.includes(one));
      if (unknown !== undefined)
        throw new MethodError('invalidArguments', `${type.type} has no "${unknown.slice(0, 100)}"`);
      const records = await type.records(context.user, context.webSession);
      const chosen = ids === null ? records : records.filter(({ id }) => ids.includes(id));
      return {
        accountId,
        state: await stateOf(type, context.user),
        list: chosen.map((record) => only(record, properties)),
        notFound: [...new Set(ids ?? [])].filter((id) => !records.some((one) => one.id === id)),
      };
    },
  };
}

const only = (record: OwnRecord, properties: readonly string[] | null): JsonObject =>
  Object.fromEntries(
    Object.entries(record).filter(([name]) => name === 'id' || properties === null || properties.includes(name)),
  );

function setMethod(type: OwnType): Method<JmapContext> {
  return {
    name: `${type.type}/set`,
    capability: ACCOUNT,
    run: (call) => set(type, call),
  };
}

async function set(type: OwnType, { context, args: given, createdIds }: MethodCall<JmapContext>): Promise<JsonObject> {
  const args = new MethodArguments(given, ['accountId', 'ifInState', 'create', 'update', 'destroy']);
  const accountId = ownAccount(args, context);
  const [create, update] = [args.object('create') ?? {}, args.object('update') ?? {}];
  const destroy = [...new Set(args.ids('destroy') ?? [])];
  if (Object.keys(create).length + Object.keys(update).length + destroy.length > JMAP_LIMITS.maxObjectsInSet)
    throw new MethodError('requestTooLarge', `at most ${JMAP_LIMITS.maxObjectsInSet} records a call`);
  const oldState = await stateOf(type, context.user);
  const ifInState = args.optionalText('ifInState');
  if (ifInState !== null && ifInState !== oldState)
    throw new MethodError('stateMismatch', `${type.type} has changed since that state`);
  const idOf = (text: string): string => (text.startsWith('#') ? (createdIds.get(text.slice(1)) ?? text) : text);
  const [created, updated]: [Record<string, Json>, Record<string, Json>] = [{}, {}];
  const destroyed: string[] = [];
  const [notCreated, notUpdated, notDestroyed]: [Record<string, Json>, Record<string, Json>, Record<string, Json>] = [
    {},
    {},
    {},
  ];
  for (const [creation, record] of Object.entries(create))
    await each(notCreated, creation, async () => {
      const made = await type.create(context, objectOf(record ?? null, 'invalidProperties'));
      created[creation] = made;
      createdIds.set(creation, made.id);
    });
  for (const [id, patch] of Object.entries(update))
    await each(notUpdated, id, async () => {
      await type.update(context, idOf(id), objectOf(patch ?? null, 'invalidPatch'));
      updated[id] = null;
    });
  for (const id of destroy)
    await each(notDestroyed, id, async () => {
      await type.destroy(context, idOf(id));
      destroyed.push(id);
    });
  const newState = await stateOf(type, context.user);
  return { accountId, oldState, newState, created, updated, destroyed, notCreated, notUpdated, notDestroyed };
}

async function each(failed: Record<string, Json>, id: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const facts = setErrorOf(error);
    if (facts === null) throw error;
    failed[id] = facts;
  }
}

function objectOf(value: Json, otherwise: 'invalidProperties' | 'invalidPatch'): JsonObject {
  if (isObject(value)) return value;
  throw new SetError(otherwise, 'an object is wanted here');
}

/** @throws SetError invalidProperties naming what is not there or cannot be set */
export function checkKnown(record: JsonObject, settable: readonly string[]): void {
  const unknown = Object.keys(record).filter((name) => !settable.includes(name));
  if (unknown.length > 0)
    throw new SetError('invalidProperties', `only ${settable.join(', ')} can be set`, { properties: unknown });
}

/** A program with an app password may read, and not make itself at home. @throws SetError forbidden */
export function checkOwner({ appPassword }: Pick<JmapContext, 'appPassword'>): void {
  if (appPassword !== null)
    throw new SetError('forbidden', 'An app password cannot do this. Sign in with your own password.');
}
