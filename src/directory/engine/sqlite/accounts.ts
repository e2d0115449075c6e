/**
 * Accounts, their addresses and verifiers. What a logon and a recipient check need is kept in bounded maps, so that
 * neither costs a query after the first time; a change anywhere empties what it touches.
 */
import { Failure } from '../../../observe/failure.ts';
import type { AccountPatch, DirectoryChange, NewAccount, Page } from '../../api.ts';
import { accountObjectKind, accountValues, type AuditValues, SECRET } from '../../audit.ts';
import { type Account, type AccountId, accountId, type Actor, type Credentials } from '../../model.ts';
import {
  addressKey,
  checkedAlias,
  checkedDisplayName,
  checkedPrincipalName,
  logonCandidates,
  nameKey,
} from '../../names.ts';
import {
  checkFree,
  giveMailbox,
  insertAccount,
  replaceAddresses,
  setCredentials,
  takeMailbox,
} from './account-rows.ts';
import { keepDisconnected } from './disconnected-mailboxes.ts';
import type { Domains } from './domains.ts';
import type { DirectoryFile, Transaction } from './file.ts';
import { LruMap } from './lru.ts';
import { accountOf, credentialsOf, type Row, textOf } from './rows.ts';
import type { Topology } from './topology.ts';

/** Accounts kept in memory, about 1 KiB each with verifiers. */
export const ACCOUNTS_CACHED = 20_000;
/** Names → account; an account is asked for by two or three. */
const NAMES_CACHED = 50_000;
const PAGE_LIMIT = 10_000;
/** More accounts than this in one transaction are announced as "any". */
const ANNOUNCED_ONE_BY_ONE = 16;

const BUILT_IN: ReadonlySet<Account['kind']> = new Set(['administrator', 'guest', 'anonymous']);

/** @throws Failure CANNOT: built-in accounts stay what they are, and none is made of another */
function checkKind(now: Account, kind: Account['kind']): void {
  if (BUILT_IN.has(now.kind)) throw new Failure('CANNOT', `${now.alias} is a built-in account; its kind stays`);
  if (BUILT_IN.has(kind)) throw new Failure('CANNOT', `no account becomes ${kind}: that one is built in`);
}

/** A kind without a password: nobody could log on with it, and it would come back with the old kind. */
const loses = (now: Account, kind: Account['kind']): boolean => now.kind === 'user' && kind !== 'user';

/** Rights go with what they were on; what they were, for the audit log. */
export type RemoveRights = (transaction: Transaction) => AuditValues;

export class Accounts {
  readonly #file: DirectoryFile;
  readonly #topology: Topology;
  readonly #domains: Domains;
  readonly #byId = new LruMap<AccountId, Account>(ACCOUNTS_CACHED);
  readonly #byLogonName = new LruMap<string, AccountId>(NAMES_CACHED);
  readonly #byAddress = new LruMap<string, AccountId>(NAMES_CACHED);
  readonly #credentials = new LruMap<AccountId, Credentials>(ACCOUNTS_CACHED);

  constructor(file: DirectoryFile, topology: Topology, domains: Domains) {
    this.#file = file;
    this.#topology = topology;
    this.#domains = domains;
  }

  forget(change: DirectoryChange): void {
    if (change.kind === 'account') {
      if (change.id === null) {
        this.#byId.clear();
        this.#credentials.clear();
      } else {
        const id = accountId(change.id);
        this.#byId.delete(id);
        this.#credentials.delete(id);
      }
    } else if (change.kind !== 'domain' && change.kind !== 'organization') return;
    this.#byLogonName.clear();
    this.#byAddress.clear();
  }

  byLogonName(name: string): Account | null {
    const known = this.#byLogonName.get(name);
    if (known !== undefined) return this.byId(known);
    const domains = this.#domains.all();
    const candidates = logonCandidates(name, {
      default: domains.find((domain) => domain.isDefault)?.name ?? null,
      accepted: domains.map((domain) => domain.name),
      organization: this.#topology.organization().name,
    });
    for (const { by, key } of candidates) {
      const row =
        by === 'alias'
          ? this.#file.get('SELECT id FROM account WHERE alias = ?', key)
          : this.#file.get(
              'SELECT id FROM account WHERE upn_key = ?1 UNION ALL SELECT account FROM address WHERE key = ?1 LIMIT 1',
              key,
            );
      if (row === null) continue;
      const id = accountId(textOf(row, 'id'));
      this.#byLogonName.set(name, id);
      return this.byId(id);
    }
    return null;
  }

  byAlias(alias: string): Account | null {
    const row = this.#file.get('SELECT id FROM account WHERE alias = ?', nameKey(alias.trim()));
    return row === null ? null : this.byId(accountId(textOf(row, 'id')));
  }

  byAddress(address: string): Account | null {
    const key = addressKey(address);
    let id = this.#byAddress.get(key);
    if (id === undefined) {
      const row = this.#file.get('SELECT account FROM address WHERE key = ?', key);
      if (row === null) return null;
      id = accountId(textOf(row, 'account'));
      this.#byAddress.set(key, id);
    }
    return this.byId(id);
  }

  byId(id: AccountId): Account | null {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const row = this.#file.get('SELECT * FROM account WHERE id = ?', id);
    if (row === null) return null;
    const addresses = this.#file.all('SELECT address FROM address WHERE account = ? ORDER BY position', id);
    const account = accountOf(
      row,
      addresses.map((one) => textOf(one, 'address')),
    );
    this.#byId.set(id, account);
    return account;
  }

  page(page: Page): readonly Account[] {
    if (!Number.isInteger(page.limit) || page.limit < 1 || page.limit > PAGE_LIMIT)
      throw new Failure('CANNOT', `ResultSize must be 1–${PAGE_LIMIT}`);
    const after = page.after ?? '';
    const rows = this.#file.all('SELECT * FROM account WHERE alias > ? ORDER BY alias LIMIT ?', after, page.limit);
    const addresses = new Map<string, string[]>();
    for (const row of this.#file.all(
      `SELECT account, address FROM address
       WHERE account IN (SELECT id FROM account WHERE alias > ? ORDER BY alias LIMIT ?) ORDER BY account, position`,
      after,
      page.limit,
    )) {
      const account = textOf(row, 'account');
      const list = addresses.get(account);
      if (list === undefined) addresses.set(account, [textOf(row, 'address')]);
      else list.push(textOf(row, 'address'));
    }
    return rows.map((row: Row) => accountOf(row, addresses.get(textOf(row, 'id')) ?? []));
  }

  /** All or none. */
  add(actor: Actor, given: readonly NewAccount[]): readonly Account[] {
    return this.#file.write(actor, (transaction) => {
      const added = given.map((one) => {
        const account = insertAccount(this.#file, one);
        transaction.audit(
          accountObjectKind(account),
          account.alias,
          null,
          one.credentials === null ? this.#values(account) : { ...this.#values(account), Password: SECRET },
        );
        return account;
      });
      if (added.length > ANNOUNCED_ONE_BY_ONE) transaction.note('account', null);
      else for (const account of added) transaction.note('account', account.id);
      return added;
    });
  }

  /** `removeRights` takes away what others held on the mailbox, when that goes. */
  change(actor: Actor, id: AccountId, patch: AccountPatch, removeRights: RemoveRights): Account {
    if (patch.mailbox !== undefined && patch.addresses !== undefined)
      throw new Failure('CANNOT', 'a mailbox brings its addresses with it; set one or the other');
    this.#file.write(actor, (transaction) => {
      const now = this.existing(id);
      const kind = patch.kind ?? now.kind;
      if (kind !== now.kind) checkKind(now, kind);
      const named = {
        ...now,
        kind,
        enabled: patch.enabled ?? now.enabled,
        displayName: patch.displayName === undefined ? now.displayName : checkedDisplayName(patch.displayName),
        alias: patch.alias === undefined ? now.alias : checkedAlias(patch.alias),
        userPrincipalName:
          patch.userPrincipalName === undefined ? now.userPrincipalName : checkedPrincipalName(patch.userPrincipalName),
      };
      checkFree(this.#file, id, named.alias, named.userPrincipalName);
      this.#file.run(
        'UPDATE account SET kind = ?, enabled = ?, display_name = ?, alias = ?, upn = ?, upn_key = ? WHERE id = ?',
        named.kind,
        Number(named.enabled),
        named.displayName,
        named.alias,
        named.userPrincipalName,
        addressKey(named.userPrincipalName),
        id,
      );
      let next: Account = named;
      if (patch.addresses !== undefined) next = replaceAddresses(this.#file, named, patch.addresses);
      if (patch.mailbox) next = giveMailbox(this.#file, named, patch.mailbox);
      if (patch.mailbox === null) next = takeMailbox(this.#file, named, transaction.at);
      const rights = now.mailbox !== null && next.mailbox === null ? removeRights(transaction) : {};
      const credentials = patch.credentials === undefined && loses(now, kind) ? null : patch.credentials;
      const had = credentials === undefined ? null : this.credentials(id);
      if (credentials !== undefined) setCredentials(this.#file, named, credentials);
      transaction.note('account', id);
      // A new password counts as a change whatever stood there before; neither is ever shown.
      const password = { Password: SECRET };
      transaction.audit(
        now.mailbox === null && next.mailbox === null ? 'User' : 'Mailbox',
        now.alias,
        { ...this.#values(now), ...rights, ...(credentials === null && had !== null ? password : {}) },
        { ...this.#values(next), ...(credentials ? password : {}) },
      );
    });
    return this.existing(id);
  }

  /** `removeRights` takes away what the account held and what others held on it. */
  remove(actor: Actor, id: AccountId, removeRights: RemoveRights): void {
    this.#file.write(actor, (transaction) => {
      const now = this.existing(id);
      if (BUILT_IN.has(now.kind))
        throw new Failure('CANNOT', `the built-in account ${now.alias} stays; disable it instead`);
      const rights = removeRights(transaction);
      if (now.mailbox !== null) keepDisconnected(this.#file, now, now.mailbox, transaction.at);
      this.#file.run('DELETE FROM account WHERE id = ?', id);
      transaction.note('account', id);
      transaction.audit(accountObjectKind(now), now.alias, { ...this.#values(now), ...rights }, null);
    });
  }

  credentials(id: AccountId): Credentials | null {
    const known = this.#credentials.get(id);
    if (known !== undefined) return known;
    const row = this.#file.get('SELECT * FROM credentials WHERE account = ?', id);
    if (row === null) return null;
    const credentials = credentialsOf(row);
    this.#credentials.set(id, credentials);
    return credentials;
  }

  /** @throws Failure NONEXISTENT */
  existing(id: AccountId): Account {
    const account = this.byId(id);
    if (account === null) throw new Failure('NONEXISTENT', 'there is no such account');
    return account;
  }

  #values(account: Account): AuditValues {
    return accountValues(
      account,
      account.mailbox === null ? '' : this.#topology.databaseName(account.mailbox.database),
    );
  }
}
