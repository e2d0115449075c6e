/** Accounts with their addresses and verifiers: reading them by every name they have, and the rules of a change. */
import { Failure } from '../../../observe/failure.ts';
import type { AccountPatch, NewAccount, Page } from '../../api.ts';
import { accountObjectKind, accountValues, type AuditValues, SECRET } from '../../audit.ts';
import {
  type AcceptedDomain,
  type Account,
  type AccountId,
  accountId,
  type Credentials,
  type Organization,
} from '../../model.ts';
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
import { endWebSessionsOf, removeAppPasswordsOf } from './ended-sign-ins.ts';
import { accountOf, credentialsOf, textOf } from './rows.ts';
import type { Reader, Row, Transaction } from './seam.ts';
import { databaseName, readDatabases } from './topology.ts';

const PAGE_LIMIT = 10_000;
/** More accounts than this in one transaction are announced as "any". */
const ANNOUNCED_ONE_BY_ONE = 16;

const BUILT_IN: ReadonlySet<Account['kind']> = new Set(['administrator', 'guest', 'anonymous']);

/** Rights go with what they were on; what they were, for the audit log. */
export type RemoveRights = (transaction: Transaction, id: AccountId) => Promise<AuditValues>;

export async function readAccount(reader: Reader, id: AccountId): Promise<Account | null> {
  // One question: between two, the mailbox could go and leave an account with a mailbox and no address.
  const rows = await reader.all(
    `SELECT account.*, address.address FROM account LEFT JOIN address ON address.account = account.id
     WHERE account.id = ? ORDER BY address.position`,
    id,
  );
  return accountsOf(rows)[0] ?? null;
}

/** @throws Failure NONEXISTENT */
export async function existingAccount(reader: Reader, id: AccountId): Promise<Account> {
  const account = await readAccount(reader, id);
  if (account === null) throw noAccount();
  return account;
}

export const noAccount = (): Failure => new Failure('NONEXISTENT', 'there is no such account');

export async function findByLogonName(
  reader: Reader,
  name: string,
  domains: readonly AcceptedDomain[],
  organization: Organization,
): Promise<AccountId | null> {
  const candidates = logonCandidates(name, {
    default: domains.find((domain) => domain.isDefault)?.name ?? null,
    accepted: domains.map((domain) => domain.name),
    organization: organization.name,
  });
  for (const { by, key } of candidates) {
    const row =
      by === 'alias'
        ? await reader.get('SELECT id FROM account WHERE alias = ?', key)
        : await reader.get(
            'SELECT id FROM account WHERE upn_key = ?1 UNION ALL SELECT account FROM address WHERE key = ?1 LIMIT 1',
            key,
          );
    if (row !== null) return accountId(textOf(row, 'id'));
  }
  return null;
}

export async function findByAlias(reader: Reader, alias: string): Promise<AccountId | null> {
  const row = await reader.get('SELECT id FROM account WHERE alias = ?', nameKey(alias.trim()));
  return row === null ? null : accountId(textOf(row, 'id'));
}

/** `key`: addressKey of an address. */
export async function findByAddress(reader: Reader, key: string): Promise<AccountId | null> {
  const row = await reader.get('SELECT account FROM address WHERE key = ?', key);
  return row === null ? null : accountId(textOf(row, 'account'));
}

export async function readCredentials(reader: Reader, id: AccountId): Promise<Credentials | null> {
  const row = await reader.get('SELECT * FROM credentials WHERE account = ?', id);
  return row === null ? null : credentialsOf(row);
}

export async function readPage(reader: Reader, page: Page): Promise<readonly Account[]> {
  if (!Number.isInteger(page.limit) || page.limit < 1 || page.limit > PAGE_LIMIT)
    throw new Failure('CANNOT', `ResultSize must be 1–${PAGE_LIMIT}`);
  const rows = await reader.all(
    `SELECT page.*, address.address
     FROM (SELECT * FROM account WHERE alias > ? ORDER BY alias LIMIT ?) AS page
     LEFT JOIN address ON address.account = page.id ORDER BY page.alias, address.position`,
    page.after ?? '',
    page.limit,
  );
  return accountsOf(rows);
}

/** All or none. */
export async function addAccounts(transaction: Transaction, given: readonly NewAccount[]): Promise<readonly Account[]> {
  const databases = new Map((await readDatabases(transaction)).map((one) => [one.id, one.name]));
  const added: Account[] = [];
  for (const one of given) {
    const account = await insertAccount(transaction, one, databases);
    const after = accountValues(account, nameOf(databases, account));
    transaction.audit(
      accountObjectKind(account),
      account.alias,
      null,
      one.credentials === null ? after : { ...after, Password: SECRET },
    );
    added.push(account);
  }
  if (added.length > ANNOUNCED_ONE_BY_ONE) transaction.note('account', null);
  else for (const account of added) transaction.note('account', account.id);
  return added;
}

/** `removeRights` takes away what others held on the mailbox, when that goes. */
export async function changeAccount(
  transaction: Transaction,
  id: AccountId,
  patch: AccountPatch,
  removeRights: RemoveRights,
): Promise<Account> {
  if (patch.mailbox !== undefined && patch.addresses !== undefined)
    throw new Failure('CANNOT', 'a mailbox brings its addresses with it; set one or the other');
  const now = await existingAccount(transaction, id);
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
  await checkFree(transaction, id, named.alias, named.userPrincipalName);
  await transaction.run(
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
  if (patch.addresses !== undefined) next = await replaceAddresses(transaction, named, patch.addresses);
  if (patch.mailbox) next = await giveMailbox(transaction, named, patch.mailbox);
  if (patch.mailbox === null) next = await takeMailbox(transaction, named);
  const rights = now.mailbox !== null && next.mailbox === null ? await removeRights(transaction, id) : {};
  const credentials = patch.credentials === undefined && loses(now, kind) ? null : patch.credentials;
  const had = credentials === undefined ? null : await readCredentials(transaction, id);
  if (credentials !== undefined) await setCredentials(transaction, named, credentials);
  if (credentials === null) await removeAppPasswordsOf(transaction, id);
  if (credentials !== undefined || !named.enabled)
    await endWebSessionsOf(transaction, id, patch.keepWebSession ?? null);
  transaction.note('account', id);
  // A new password counts as a change whatever stood there before; neither is ever shown.
  const password = { Password: SECRET };
  transaction.audit(
    now.mailbox === null && next.mailbox === null ? 'User' : 'Mailbox',
    now.alias,
    { ...(await valuesOf(transaction, now)), ...rights, ...(credentials === null && had !== null ? password : {}) },
    { ...(await valuesOf(transaction, next)), ...(credentials ? password : {}) },
  );
  return next;
}

/** `removeRights` takes away what the account held and what others held on it. */
export async function removeAccount(
  transaction: Transaction,
  id: AccountId,
  removeRights: RemoveRights,
): Promise<void> {
  const now = await existingAccount(transaction, id);
  if (BUILT_IN.has(now.kind))
    throw new Failure('CANNOT', `the built-in account ${now.alias} stays; disable it instead`);
  const rights = await removeRights(transaction, id);
  if (now.mailbox !== null) await keepDisconnected(transaction, now, now.mailbox);
  await transaction.run('DELETE FROM account WHERE id = ?', id);
  transaction.note('account', id);
  transaction.audit(accountObjectKind(now), now.alias, { ...(await valuesOf(transaction, now)), ...rights }, null);
}

/** @throws Failure CANNOT: built-in accounts stay what they are, and none is made of another */
function checkKind(now: Account, kind: Account['kind']): void {
  if (BUILT_IN.has(now.kind)) throw new Failure('CANNOT', `${now.alias} is a built-in account; its kind stays`);
  if (BUILT_IN.has(kind)) throw new Failure('CANNOT', `no account becomes ${kind}: that one is built in`);
}

/** A kind without a password: nobody could log on with it, and it would come back with the old kind. */
const loses = (now: Account, kind: Account['kind']): boolean => now.kind === 'user' && kind !== 'user';

const nameOf = (databases: ReadonlyMap<string, string>, { mailbox }: Account): string =>
  mailbox === null ? '' : (databases.get(mailbox.database) ?? mailbox.database);

const valuesOf = async (reader: Reader, account: Account): Promise<AuditValues> =>
  accountValues(account, account.mailbox === null ? '' : await databaseName(reader, account.mailbox.database));

/** Rows of a join with their addresses: those of one account stand together, addresses in their order. */
function accountsOf(rows: readonly Row[]): readonly Account[] {
  const accounts: Account[] = [];
  for (let at = 0; at < rows.length; ) {
    const row = rows[at];
    if (row === undefined) break;
    const addresses: string[] = [];
    for (; at < rows.length && rows[at]?.['id'] === row['id']; at += 1) {
      const address = rows[at]?.['address'];
      if (typeof address === 'string') addresses.push(address);
    }
    accounts.push(accountOf(row, addresses));
  }
  return accounts;
}
