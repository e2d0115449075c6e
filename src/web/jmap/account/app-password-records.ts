/** AppPassword: a password for one program (auth/app-passwords.ts). The password itself is in the answer that makes it, and nowhere else. */
import { createAppPassword } from '../../../auth/app-passwords.ts';
import type { CredentialsOptions } from '../../../auth/verifiers.ts';
import type { Directory } from '../../../directory/api.ts';
import { APP_PASSWORD_PROTOCOLS, type AppPassword } from '../../../directory/app-password.ts';
import type { Actor } from '../../../directory/model.ts';
import { RateLimiter } from '../../../smtp/server/rate-limit.ts';
import type { JmapContext } from '../capability.ts';
import { isStrings, type JsonObject, property } from '../json.ts';
import { MethodError, SetError } from '../method-error.ts';
import { checkKnown, checkOwner, type OwnRecord, type OwnType } from './own-records.ts';

/** Each one costs what a logon costs. */
export const APP_PASSWORDS_MADE_IN_AN_HOUR = 30;
const HOUR_MS = 3_600_000;

export function appPasswordRecords(directory: Directory, options: CredentialsOptions = {}): OwnType {
  const rates = new RateLimiter();
  return {
    type: 'AppPassword',
    properties: ['id', 'name', 'protocols', 'createdAt', 'lastUsedAt'],
    change: 'app-password',
    records: async (user) => (await directory.appPasswords(user.id)).map(recordOf),
    create: async (context, record) => {
      checkOwner(context);
      const wanted = readWanted(record);
      const wait = rates.take(context.user.id, APP_PASSWORDS_MADE_IN_AN_HOUR, performance.now(), HOUR_MS);
      if (wait > 0)
        throw new MethodError('rateLimit', `at most ${APP_PASSWORDS_MADE_IN_AN_HOUR} app passwords an hour`);
      const { appPassword, password } = await createAppPassword(
        directory.as(actorOf(context)),
        context.user.id,
        wanted,
        options,
      );
      return { ...recordOf(appPassword), password };
    },
    update: async (context, id, patch) => {
      checkOwner(context);
      checkKnown(patch, ['name']);
      const name = property(patch, 'name');
      if (name === undefined) return;
      if (typeof name !== 'string') throw new SetError('invalidProperties', 'name is a text', { properties: ['name'] });
      await directory.as(actorOf(context)).changeAppPassword(context.user.id, id, { name });
    },
    destroy: async (context, id) => {
      checkOwner(context);
      await directory.as(actorOf(context)).removeAppPassword(context.user.id, id);
    },
  };
}

const actorOf = ({ user }: JmapContext): Actor => ({
  user: user.userPrincipalName,
  via: 'web',
  command: 'AppPassword/set',
});

const recordOf = ({ id, name, protocols, createdAt, lastUsedAt }: AppPassword): OwnRecord => ({
  id,
  name,
  protocols: [...protocols],
  createdAt: new Date(createdAt).toISOString(),
  lastUsedAt: lastUsedAt === null ? null : new Date(lastUsedAt).toISOString(),
});

/** @throws SetError invalidProperties */
function readWanted(record: JsonObject): Pick<AppPassword, 'name' | 'protocols'> {
  checkKnown(record, ['name', 'protocols']);
  const [name, given] = [property(record, 'name'), property(record, 'protocols')];
  if (typeof name !== 'string')
    throw new SetError('invalidProperties', 'an app password needs a name', { properties: ['name'] });
  const protocols = APP_PASSWORD_PROTOCOLS.filter((one) => isStrings(given) && given.includes(one));
  if (!isStrings(given) || protocols.length === 0 || protocols.length !== new Set(given).size) {
    const choices = APP_PASSWORD_PROTOCOLS.join(', ');
    throw new SetError('invalidProperties', `protocols is a list of ${choices}`, { properties: ['protocols'] });
  }
  return { name, protocols };
}
