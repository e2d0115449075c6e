/** Identity/get, /changes, /set (RFC 8621 §6). Addresses are the admin's; what stands with them is the person's. */
import type { IdentityPreferences } from '../../../directory/preferences.ts';
import { MethodArguments } from '../arguments.ts';
import type { JmapContext } from '../capability.ts';
import type { Method } from '../dispatch.ts';
import { carryOutGet, GET_ARGUMENTS } from '../get-call.ts';
import { isArray, isObject, type Json, type JsonObject, property } from '../json.ts';
import { MethodError, SetError } from '../method-error.ts';
import { accountOf, type OpenAccount } from '../mail/context.ts';
import { SUBMISSION } from '../mail/names.ts';
import { carryOutSet, eachOf, SET_ARGUMENTS } from '../set-call.ts';
import { identitiesOf, type Identity, identityObject, stateOfIdentities } from './identities.ts';
import type { SubmissionParts } from './submitting.ts';

const PROPERTIES = ['id', 'name', 'email', 'replyTo', 'bcc', 'textSignature', 'htmlSignature', 'mayDelete'];
export const IDENTITY_NAME_CHARACTERS = 256;
export const IDENTITY_ADDRESSES = 20;
export const IDENTITY_TEXT_CHARACTERS = 8 * 1024;
/** With a small logo as data: URL. */
export const IDENTITY_HTML_CHARACTERS = 64 * 1024;

type Parts = Pick<SubmissionParts, 'directory'>;

export function identityMethods(parts: Parts): readonly Method<JmapContext>[] {
  const all = (context: JmapContext, { owner }: OpenAccount): Promise<readonly Identity[]> =>
    identitiesOf(parts.directory, context.user, owner);
  return [
    {
      name: 'Identity/get',
      capability: SUBMISSION,
      run: async ({ context, args: given }) => {
        const args = new MethodArguments(given, GET_ARGUMENTS);
        const identities = await all(context, await accountOf(context, args));
        const answer = carryOutGet(args, PROPERTIES, new Map(identities.map((one) => [one.id, identityObject(one)])));
        return { accountId: args.id('accountId'), state: stateOfIdentities(identities), ...answer };
      },
    },
    {
      name: 'Identity/changes',
      capability: SUBMISSION,
      run: async ({ context, args: given }) => {
        const args = new MethodArguments(given, ['accountId', 'sinceState', 'maxChanges']);
        const state = stateOfIdentities(await all(context, await accountOf(context, args)));
        if (args.optionalText('sinceState') !== state)
          throw new MethodError('cannotCalculateChanges', 'the identities have changed; get them anew, they are few');
        const nothing = { hasMoreChanges: false, created: [], updated: [], destroyed: [] };
        return { accountId: args.id('accountId'), oldState: state, newState: state, ...nothing };
      },
    },
    {
      name: 'Identity/set',
      capability: SUBMISSION,
      run: async ({ context, args: given, createdIds }) => {
        const args = new MethodArguments(given, SET_ARGUMENTS);
        const account = await accountOf(context, args);
        const answer = await carryOutSet(args, createdIds, {
          state: async () => stateOfIdentities(await all(context, account)),
          create: () => Promise.reject(new SetError('forbidden', 'addresses are given by the administrator')),
          update: async (patches, idOf) => {
            const identities = await all(context, account);
            return eachOf(patches, async (id, patch) => {
              const identity = identities.find((one) => one.id === idOf(id));
              if (identity === undefined) throw new SetError('notFound', 'there is no such Identity');
              await save(parts, context, changed(identity.settings, patch));
            });
          },
          destroy: (ids) =>
            eachOf(
              ids.map((id) => [id, null] as const),
              () => Promise.reject(new SetError('forbidden', 'addresses are taken away by the administrator')),
            ),
        });
        return { accountId: args.id('accountId'), ...answer };
      },
    },
  ];
}

/** Kept with the person, whatever mailbox the address belongs to. */
async function save({ directory }: Parts, { user }: JmapContext, settings: IdentityPreferences): Promise<void> {
  const { identities } = await directory.preferences(user.id);
  const others = identities.filter(({ email }) => email !== settings.email);
  const by = directory.as({ user: user.userPrincipalName, via: 'web', command: 'Identity/set' });
  await by.setPreferences(user.id, { identities: [...others, settings] });
}

/** @throws SetError */
function changed(settings: IdentityPreferences, patch: Json): IdentityPreferences {
  if (!isObject(patch)) throw new SetError('invalidPatch', 'a patch is an object');
  const known = ['name', 'replyTo', 'bcc', 'textSignature', 'htmlSignature'];
  const unknown = Object.keys(patch).find((key) => !known.includes(key));
  if (unknown !== undefined)
    throw new SetError('invalidProperties', `${unknown.slice(0, 100)} cannot be changed`, { properties: [unknown] });
  return {
    email: settings.email,
    name: text(patch, 'name', IDENTITY_NAME_CHARACTERS) ?? settings.name,
    replyTo: Object.hasOwn(patch, 'replyTo') ? addresses(patch, 'replyTo') : settings.replyTo,
    bcc: Object.hasOwn(patch, 'bcc') ? addresses(patch, 'bcc') : settings.bcc,
    textSignature: text(patch, 'textSignature', IDENTITY_TEXT_CHARACTERS) ?? settings.textSignature,
    htmlSignature: text(patch, 'htmlSignature', IDENTITY_HTML_CHARACTERS) ?? settings.htmlSignature,
  };
}

function text(patch: JsonObject, name: string, most: number): string | null {
  if (!Object.hasOwn(patch, name)) return null;
  // Null is the default (RFC 8620 §5.3): an empty text.
  const value = property(patch, name) ?? '';
  if (typeof value !== 'string' || value.length > most)
    throw new SetError('invalidProperties', `${name} has at most ${most} characters`, { properties: [name] });
  return value;
}

function addresses(patch: JsonObject, name: string): IdentityPreferences['replyTo'] {
  const value = property(patch, name) ?? null;
  if (value === null) return null;
  const wrong = new SetError('invalidProperties', `${name} is a list of at most ${IDENTITY_ADDRESSES} addresses`, {
    properties: [name],
  });
  if (!isArray(value) || value.length > IDENTITY_ADDRESSES) throw wrong;
  return value.map((one) => {
    const email = isObject(one) ? property(one, 'email') : undefined;
    const person = isObject(one) ? (property(one, 'name') ?? null) : null;
    if (typeof email !== 'string' || email.length > 320 || (person !== null && typeof person !== 'string')) throw wrong;
    return { name: person === null ? null : person.slice(0, IDENTITY_NAME_CHARACTERS), email };
  });
}
