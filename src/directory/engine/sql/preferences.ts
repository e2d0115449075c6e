/** What people have chosen for themselves (directory/preferences.ts): one JSON document an account. */
import type { AccountId } from '../../model.ts';
import {
  checkedPreferences,
  DEFAULT_PREFERENCES,
  PREFERENCE_NAMES,
  type Preferences,
  type PreferencesOfAccounts,
  storedPreferences,
} from '../../preferences.ts';
import { existingAccount } from './accounts.ts';
import { jsonOf } from './rows.ts';
import type { Reader, Transaction } from './seam.ts';

type Write = <T>(work: (transaction: Transaction) => Promise<T>) => Promise<T>;

export function preferencesOf(reader: Reader, write: Write): PreferencesOfAccounts {
  return {
    preferences: (account) => read(reader, account),
    setPreferences: (account, patch) => write((to) => set(to, account, patch)),
  };
}

async function read(reader: Reader, account: AccountId): Promise<Preferences> {
  const row = await reader.get('SELECT settings FROM preferences WHERE account = ?', account);
  return row === null ? DEFAULT_PREFERENCES : storedPreferences(jsonOf(row, 'settings'));
}

async function set(transaction: Transaction, id: AccountId, patch: Partial<Preferences>): Promise<Preferences> {
  const { alias } = await existingAccount(transaction, id);
  const now = await read(transaction, id);
  const next = checkedPreferences({ ...now, ...patch });
  await transaction.run(
    `INSERT INTO preferences (account, settings) VALUES (?, ?)
     ON CONFLICT (account) DO UPDATE SET settings = excluded.settings`,
    id,
    JSON.stringify(next),
  );
  transaction.note('preferences', id);
  transaction.audit('Preferences', alias, shown(now), shown(next));
  return next;
}

/** Lengths of signatures, not their words: they may hold pictures, and are nobody's business. */
const shown = (preferences: Preferences): Record<string, string> =>
  Object.fromEntries(
    PREFERENCE_NAMES.map((name) => {
      const value: unknown = Reflect.get(preferences, name);
      if (name === 'identities') return [name, preferences.identities.map(({ email }) => email).join(', ')];
      if (name !== 'signatures') return [name, value === null ? '' : JSON.stringify(value)];
      const texts = preferences.signatures.map(
        (one) => `${one.name} (${one.html.length + one.text.length} characters)`,
      );
      return [name, texts.join(', ')];
    }),
  );
