/**
 * AccountSettings: what a person has chosen (directory/preferences.ts), whose account it is, and when it was last used
 * by which protocol. One record, `singleton`. Of the last uses the state says nothing: they are noted minutes late.
 */
import type { Directory } from '../../../directory/api.ts';
import type { LastUse } from '../../../directory/last-use.ts';
import type { Account } from '../../../directory/model.ts';
import { DEFAULT_PREFERENCES, PREFERENCE_NAMES, type Preferences } from '../../../directory/preferences.ts';
import type { JmapContext } from '../capability.ts';
import type { Json, JsonObject } from '../json.ts';
import { SetError } from '../method-error.ts';
import { type OwnRecord, type OwnType } from './own-records.ts';

const ID = 'singleton';
const READ_ONLY = ['id', 'userName', 'displayName', 'addresses', 'lastUses'];

export function accountSettings(directory: Directory): OwnType {
  return {
    type: 'AccountSettings',
    properties: [...READ_ONLY, ...PREFERENCE_NAMES],
    change: 'preferences',
    records: async (user) => [await recordOf(directory, user)],
    stateFacts: async (user) => preferencesJson(await directory.preferences(user.id)),
    create: () => Promise.reject(singleton()),
    destroy: () => Promise.reject(singleton()),
    update: async (context, id, patch) => {
      if (id !== ID) throw new SetError('notFound', `the one record is "${ID}"`);
      await change(directory, context, patch);
    },
  };
}

const singleton = (): SetError => new SetError('singleton', `there is one record, "${ID}", and it stays`);

async function recordOf(directory: Directory, user: Account): Promise<OwnRecord> {
  const [preferences, uses] = [await directory.preferences(user.id), await directory.lastUses(user.id)];
  return {
    id: ID,
    userName: user.userPrincipalName,
    displayName: user.displayName,
    addresses: user.mailbox?.addresses ?? [],
    lastUses: uses.map(useJson),
    ...preferencesJson(preferences),
  };
}

const useJson = ({ protocol, at, clientAddress, program }: LastUse): JsonObject => ({
  protocol,
  at: new Date(at).toISOString(),
  clientAddress,
  program,
});

const preferencesJson = (preferences: Preferences): JsonObject => ({
  ...preferences,
  signatures: preferences.signatures.map((one) => ({ ...one })),
});

/** Whole values by name (RFC 8620 §5.3: no patch goes into a list); null: the default. */
async function change(directory: Directory, { user }: JmapContext, patch: JsonObject): Promise<void> {
  const unknown = Object.keys(patch).filter((name) => !PREFERENCE_NAMES.includes(name));
  if (unknown.length > 0) {
    const isPath = unknown.some((name) => name.includes('/'));
    const type = isPath ? 'invalidPatch' : 'invalidProperties';
    throw new SetError(type, `only ${PREFERENCE_NAMES.join(', ')} can be set, each as a whole`, {
      properties: unknown,
    });
  }
  const values = Object.fromEntries(
    Object.entries(patch).map(([name, value]): [string, Json] => [name, value ?? defaultOf(name)]),
  );
  const actor = { user: user.userPrincipalName, via: 'web', command: 'AccountSettings/set' } as const;
  // The directory checks it as a whole.
  await directory.as(actor).setPreferences(user.id, values);
}

function defaultOf(name: string): Json {
  const defaults = preferencesJson(DEFAULT_PREFERENCES);
  return defaults[name] ?? null;
}
