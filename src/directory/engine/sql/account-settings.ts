/** Settings of one account in a table of their own (client access, mailbox settings): JSON of what was set. */
import { settingsValues } from '../../audit.ts';
import type { Account, AccountId } from '../../model.ts';
import { NO_SERVER, type SettingsSchema } from '../../settings/schema.ts';
import { existingAccount } from './accounts.ts';
import { jsonOf } from './rows.ts';
import type { OnRefused, Reader, Transaction } from './seam.ts';

export interface AccountSettingsKind<S extends object> {
  readonly table: 'client_access' | 'mailbox_settings';
  readonly schema: SettingsSchema<S>;
  /** Rules between settings, after each was checked by itself. @throws Failure */
  check(reader: Reader, patch: Partial<S>, merged: S, account: Account): Promise<void>;
}

export class AccountSettings<S extends object> {
  readonly #kind: AccountSettingsKind<S>;
  readonly #onRefused: OnRefused;
  readonly #defaults: S;

  constructor(kind: AccountSettingsKind<S>, onRefused: OnRefused) {
    this.#kind = kind;
    this.#onRefused = onRefused;
    this.#defaults = kind.schema.defaults(NO_SERVER);
  }

  /** Of an account that exists. */
  async read(reader: Reader, id: AccountId): Promise<S> {
    return this.#load(await this.#stored(reader, id));
  }

  /** @throws Failure NONEXISTENT, CANNOT */
  async set(transaction: Transaction, id: AccountId, patch: Partial<S>): Promise<S> {
    const { schema, table } = this.#kind;
    const checked = schema.check(patch);
    const account = await existingAccount(transaction, id);
    const stored = await this.#stored(transaction, id);
    const now = this.#load(stored);
    const next = schema.merge(now, checked);
    await this.#kind.check(transaction, checked, next, account);
    await transaction.run(
      `INSERT INTO ${table} (account, settings) VALUES (?, ?)
       ON CONFLICT (account) DO UPDATE SET settings = excluded.settings`,
      id,
      JSON.stringify({ ...stored, ...schema.store(checked) }),
    );
    transaction.note('account', id);
    transaction.audit(schema.title, account.alias, settingsValues(schema, now), settingsValues(schema, next));
    return next;
  }

  #load(stored: object | null): S {
    return stored === null ? this.#defaults : this.#kind.schema.load(stored, NO_SERVER, this.#onRefused);
  }

  async #stored(reader: Reader, id: AccountId): Promise<object | null> {
    const row = await reader.get(`SELECT settings FROM ${this.#kind.table} WHERE account = ?`, id);
    const stored = row === null ? null : jsonOf(row, 'settings');
    return typeof stored === 'object' ? stored : null;
  }
}
