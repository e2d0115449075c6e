/**
 * Accounts, their addresses, verifiers and client access. What a logon and a recipient check need is kept in bounded
 * maps, so that neither costs a query after the first time; a change anywhere empties what it touches.
 */
import { Failure } from '../../../observe/failure.ts';
import { mailboxId } from '../../../store/model.ts';
import type { AccountPatch, DirectoryChange, NewAccount, Page } from '../../api.ts';
import { type Account, type AccountId, accountId, type ClientAccessSettings, type Credentials } from '../../model.ts';
import {
  ADDRESSES_PER_MAILBOX,
  addressKey,
  checkedAddress,
  checkedAlias,
  checkedDisplayName,
  checkedPrincipalName,
  logonCandidates,
} from '../../names.ts';
import { clientAccessSchema } from '../../settings/client-access.ts';
import { checkClientAccess } from '../../settings/rules.ts';
import type { DirectoryFile, Note } from './file.ts';
import { LruMap } from './lru.ts';
import { orderedId } from './ordered-id.ts';
import { ACCOUNT_KINDS, accountOf, credentialsOf, jsonOf, type Row, textOf } from './rows.ts';
import type { Topology } from './topology.ts';

/** Accounts kept in memory, about 1 KiB each with verifiers. */
export const ACCOUNTS_CACHED = 20_000;
/** Names → account; an account is asked for by two or three. */
const NAMES_CACHED = 50_000;
const PAGE_LIMIT = 10_000;
/** More accounts than this in one transaction are announced as "any". */
const ANNOUNCED_ONE_BY_ONE = 16;
/** Client access settings depend on no server. */
const NO_SERVER = { fqdn: 'localhost' };

const WITHOUT_PASSWORD: ReadonlySet<Account['kind']> = new Set(['shared', 'room', 'equipment', 'guest', 'anonymous']);

export class Accounts {
  readonly #file: DirectoryFile;
  readonly #topology: Topology;
  readonly #onRefused: (name: string) => void;
  readonly #byId = new LruMap<AccountId, Account>(ACCOUNTS_CACHED);
  readonly #byLogonName = new LruMap<string, AccountId>(NAMES_CACHED);
  readonly #byAddress = new LruMap<string, AccountId>(NAMES_CACHED);
  readonly #credentials = new LruMap<AccountId, Credentials>(ACCOUNTS_CACHED);
  readonly #clientAccess = new LruMap<AccountId, ClientAccessSettings>(ACCOUNTS_CACHED);
  readonly #defaultClientAccess = clientAccessSchema.defaults(NO_SERVER);

  /** `onRefused` hears of stored settings that are no longer acceptable. */
  constructor(file: DirectoryFile, topology: Topology, onRefused: (name: string) => void) {
    this.#file = file;
    this.#topology = topology;
    this.#onRefused = onRefused;
  }

  forget(change: DirectoryChange): void {
    if (change.kind === 'account') {
      if (change.id === null) {
        this.#byId.clear();
        this.#credentials.clear();
        this.#clientAccess.clear();
      } else {
        const id = accountId(change.id);
        this.#byId.delete(id);
        this.#credentials.delete(id);
        this.#clientAccess.delete(id);
      }
    } else if (change.kind !== 'domain' && change.kind !== 'organization') return;
    this.#byLogonName.clear();
    this.#byAddress.clear();
  }

  byLogonName(name: string): Account | null {
    const known = this.#byLogonName.get(name);
    if (known !== undefined) return this.byId(known);
    const domains = this.#topology.domains();
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
  add(given: readonly NewAccount[]): readonly Account[] {
    const added = this.#file.write((note) => {
      const all = given.map((one) => this.#insert(one));
      announce(note, all);
      return all;
    });
    return added;
  }

  change(id: AccountId, patch: AccountPatch): Account {
    this.#file.write((note) => {
      const now = this.#existing(id);
      const next = {
        enabled: patch.enabled ?? now.enabled,
        displayName: patch.displayName === undefined ? now.displayName : checkedDisplayName(patch.displayName),
        alias: patch.alias === undefined ? now.alias : checkedAlias(patch.alias),
        userPrincipalName:
          patch.userPrincipalName === undefined ? now.userPrincipalName : checkedPrincipalName(patch.userPrincipalName),
      };
      this.#checkFree(id, next.alias, next.userPrincipalName);
      this.#file.run(
        'UPDATE account SET enabled = ?, display_name = ?, alias = ?, upn = ?, upn_key = ? WHERE id = ?',
        Number(next.enabled),
        next.displayName,
        next.alias,
        next.userPrincipalName,
        addressKey(next.userPrincipalName),
        id,
      );
      if (patch.addresses !== undefined) {
        if (now.mailbox === null) throw new Failure('CANNOT', `${now.alias} has no mailbox and so no addresses`);
        this.#file.run('DELETE FROM address WHERE account = ?', id);
        this.#insertAddresses(id, patch.addresses);
      }
      if (patch.credentials !== undefined) this.#setCredentials(id, now.kind, patch.credentials);
      note('account', id);
    });
    return this.#existing(id);
  }

  remove(id: AccountId): void {
    this.#file.write((note) => {
      if (this.#file.run('DELETE FROM account WHERE id = ?', id) === 0) throw noAccount();
      note('account', id);
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

  clientAccess(id: AccountId): ClientAccessSettings {
    const known = this.#clientAccess.get(id);
    if (known !== undefined) return known;
    this.#existing(id);
    const row = this.#file.get('SELECT settings FROM client_access WHERE account = ?', id);
    const settings =
      row === null
        ? this.#defaultClientAccess
        : clientAccessSchema.load(jsonOf(row, 'settings'), NO_SERVER, this.#onRefused);
    this.#clientAccess.set(id, settings);
    return settings;
  }

  setClientAccess(id: AccountId, patch: Partial<ClientAccessSettings>): ClientAccessSettings {
    const checked = clientAccessSchema.check(patch);
    this.#file.write((note) => {
      this.#existing(id);
      const row = this.#file.get('SELECT settings FROM client_access WHERE account = ?', id);
      const stored = row === null ? {} : jsonOf(row, 'settings');
      const now = clientAccessSchema.load(stored, NO_SERVER, this.#onRefused);
      checkClientAccess(clientAccessSchema, checked, clientAccessSchema.merge(now, checked));
      this.#file.run(
        'INSERT INTO client_access (account, settings) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET settings = ?2',
        id,
        JSON.stringify(Object.assign({}, stored, clientAccessSchema.store(checked))),
      );
      note('account', id);
    });
    return this.clientAccess(id);
  }

  #existing(id: AccountId): Account {
    const account = this.byId(id);
    if (account === null) throw noAccount();
    return account;
  }

  #insert(given: NewAccount): Account {
    if (!ACCOUNT_KINDS.includes(given.kind)) throw new Failure('CANNOT', `there is no account kind ${given.kind}`);
    const id = accountId(orderedId());
    const alias = checkedAlias(given.alias);
    const userPrincipalName = checkedPrincipalName(given.userPrincipalName);
    const displayName = checkedDisplayName(given.displayName);
    this.#checkFree(id, alias, userPrincipalName);
    const mailbox = given.mailbox === null ? null : mailboxId(orderedId());
    if (
      given.mailbox !== null &&
      !this.#topology.databases().some((database) => database.id === given.mailbox?.database)
    )
      throw new Failure('NONEXISTENT', 'there is no such mailbox database');
    this.#file.run(
      `INSERT INTO account (id, kind, enabled, display_name, alias, upn, upn_key, mailbox, database)
       VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?)`,
      id,
      given.kind,
      displayName,
      alias,
      userPrincipalName,
      addressKey(userPrincipalName),
      mailbox,
      given.mailbox?.database ?? null,
    );
    const addresses = given.mailbox === null ? [] : this.#insertAddresses(id, given.mailbox.addresses);
    if (given.credentials !== null) this.#setCredentials(id, given.kind, given.credentials);
    const [primaryAddress] = addresses;
    return {
      id,
      kind: given.kind,
      enabled: true,
      displayName,
      alias,
      userPrincipalName,
      mailbox:
        mailbox === null || given.mailbox === null || primaryAddress === undefined
          ? null
          : { id: mailbox, database: given.mailbox.database, primaryAddress, addresses },
    };
  }

  /** A name that leads to two accounts would let one answer for the other: UPN and addresses share one name space. */
  #checkFree(id: AccountId, alias: string, userPrincipalName: string): void {
    if (this.#file.get('SELECT 1 FROM account WHERE alias = ? AND id <> ?', alias, id) !== null)
      throw new Failure('ALREADYEXISTS', `the alias ${alias} is taken`);
    const key = addressKey(userPrincipalName);
    if (
      this.#file.get('SELECT 1 FROM account WHERE upn_key = ? AND id <> ?', key, id) !== null ||
      this.#file.get('SELECT 1 FROM address WHERE key = ? AND account <> ?', key, id) !== null
    )
      throw new Failure('ALREADYEXISTS', `the name ${userPrincipalName} is taken`);
  }

  #insertAddresses(id: AccountId, given: readonly string[]): readonly string[] {
    const byKey = new Map<string, string>();
    for (const one of given) {
      const address = checkedAddress(one);
      const key = addressKey(address);
      if (!byKey.has(key)) byKey.set(key, address);
    }
    if (byKey.size < 1 || byKey.size > ADDRESSES_PER_MAILBOX)
      throw new Failure('CANNOT', `EmailAddresses must be 1–${ADDRESSES_PER_MAILBOX} addresses`);
    let position = 0;
    for (const [key, address] of byKey) {
      if (
        this.#file.get('SELECT 1 FROM address WHERE key = ?', key) !== null ||
        this.#file.get('SELECT 1 FROM account WHERE upn_key = ? AND id <> ?', key, id) !== null
      )
        throw new Failure('ALREADYEXISTS', `the address ${address} is taken`);
      this.#file.run(
        'INSERT INTO address (key, address, account, position) VALUES (?, ?, ?, ?)',
        key,
        address,
        id,
        position,
      );
      position += 1;
    }
    return [...byKey.values()];
  }

  #setCredentials(id: AccountId, kind: Account['kind'], credentials: Credentials | null): void {
    this.#file.run('DELETE FROM credentials WHERE account = ?', id);
    if (credentials === null) return;
    if (WITHOUT_PASSWORD.has(kind)) throw new Failure('CANNOT', `an account of kind ${kind} has no password`);
    this.#file.run(
      'INSERT INTO credentials VALUES (?, ?, ?, ?, ?, ?)',
      id,
      credentials.argon2id,
      credentials.scramSha256.iterations,
      credentials.scramSha256.salt,
      credentials.scramSha256.storedKey,
      credentials.scramSha256.serverKey,
    );
  }
}

const noAccount = (): Failure => new Failure('NONEXISTENT', 'there is no such account');

function announce(note: Note, accounts: readonly Account[]): void {
  if (accounts.length > ANNOUNCED_ONE_BY_ONE) note('account', null);
  else for (const account of accounts) note('account', account.id);
}
