/**
 * Settings of one account in a table of their own (client access, mailbox settings): JSON of what was set, kept in a
 * bounded map once read.
 */
import type { DirectoryChange } from '../../api.ts';
import { settingsValues } from '../../audit.ts';
import { type Account, type AccountId, accountId, type Actor } from '../../model.ts';
import { NO_SERVER, type SettingsSchema } from '../../settings/schema.ts';
import { type Accounts, ACCOUNTS_CACHED } from './accounts.ts';
import type { DirectoryFile } from './file.ts';
import { LruMap } from './lru.ts';
import { jsonOf } from './rows.ts';

export interface AccountSettingsKind<S extends object> {
  readonly table: 'client_access' | 'mailbox_settings';
  readonly schema: SettingsSchema<S>;
  /** Rules between settings, after each was checked by itself. @throws Failure */
  check(patch: Partial<S>, merged: S, account: Account): void;
}

export class AccountSettings<S extends object> {
  readonly #file: DirectoryFile;
  readonly #accounts: Accounts;
  readonly #kind: AccountSettingsKind<S>;
  readonly #onRefused: (name: string) => void;
  readonly #defaults: S;
  readonly #known = new LruMap<AccountId, S>(ACCOUNTS_CACHED);

  /** `onRefused` hears of stored settings that are no longer acceptable. */
  constructor(
    file: DirectoryFile,
    accounts: Accounts,
    kind: AccountSettingsKind<S>,
    onRefused: (name: string) => void,
  ) {
    this.#file = file;
    this.#accounts = accounts;
    this.#kind = kind;
    this.#onRefused = onRefused;
    this.#defaults = kind.schema.defaults(NO_SERVER);
  }

  forget(change: DirectoryChange): void {
    if (change.kind !== 'account') return;
    if (change.id === null) this.#known.clear();
    else this.#known.delete(accountId(change.id));
  }

  /** @throws Failure NONEXISTENT */
  get(id: AccountId): S {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    this.#accounts.existing(id);
    const stored = this.#stored(id);
    const settings = stored === null ? this.#defaults : this.#kind.schema.load(stored, NO_SERVER, this.#onRefused);
    this.#known.set(id, settings);
    return settings;
  }

  set(actor: Actor, id: AccountId, patch: Partial<S>): S {
    const { schema, table } = this.#kind;
    const checked = schema.check(patch);
    this.#file.write(actor, (transaction) => {
      const account = this.#accounts.existing(id);
      const now = this.get(id);
      const next = schema.merge(now, checked);
      this.#kind.check(checked, next, account);
      this.#file.run(
        `INSERT INTO ${table} (account, settings) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET settings = ?2`,
        id,
        JSON.stringify({ ...this.#stored(id), ...schema.store(checked) }),
      );
      transaction.note('account', id);
      transaction.audit(schema.title, account.alias, settingsValues(schema, now), settingsValues(schema, next));
    });
    return this.get(id);
  }

  #stored(id: AccountId): object | null {
    const row = this.#file.get(`SELECT settings FROM ${this.#kind.table} WHERE account = ?`, id);
    const stored = row === null ? null : jsonOf(row, 'settings');
    return typeof stored === 'object' ? stored : null;
  }
}
