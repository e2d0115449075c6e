/**
 * Writing the rows of one account: checked names, addresses, verifiers. Inside a transaction of file.ts only.
 *
 * A thousand accounts are one transaction on the event loop, so an insert asks nothing first that a UNIQUE rule of the
 * table answers anyway; only when one is broken is it found out which, for the words of the refusal.
 */
import { Failure } from '../../../observe/failure.ts';
import { mailboxId } from '../../../store/model.ts';
import type { NewAccount, NewMailbox } from '../../api.ts';
import { type Account, type AccountId, accountId, type Credentials } from '../../model.ts';
import {
  ADDRESSES_PER_MAILBOX,
  addressKey,
  checkedAddress,
  checkedAlias,
  checkedDisplayName,
  checkedPrincipalName,
} from '../../names.ts';
import { keepDisconnected, takeDisconnected } from './disconnected-mailboxes.ts';
import { type DirectoryFile, isConstraintError } from './file.ts';
import { orderedId } from './ordered-id.ts';
import { ACCOUNT_KINDS } from './rows.ts';

const WITHOUT_PASSWORD: ReadonlySet<Account['kind']> = new Set(['shared', 'room', 'equipment', 'guest', 'anonymous']);

/** @throws Failure ALREADYEXISTS, NONEXISTENT (database), CANNOT */
export function insertAccount(file: DirectoryFile, given: NewAccount): Account {
  if (!ACCOUNT_KINDS.includes(given.kind)) throw new Failure('CANNOT', `there is no account kind ${given.kind}`);
  const id = accountId(orderedId());
  const displayName = checkedDisplayName(given.displayName);
  const alias = checkedAlias(given.alias);
  const userPrincipalName = checkedPrincipalName(given.userPrincipalName);
  const principalKey = addressKey(userPrincipalName);
  const addresses = given.mailbox === null ? null : checkedAddresses(given.mailbox.addresses);
  const mailbox = given.mailbox === null ? null : (given.mailbox.id ?? mailboxId(orderedId()));
  if (given.mailbox?.id !== undefined) takeDisconnected(file, given.mailbox.id, given.mailbox.database);
  try {
    file.run(
      `INSERT INTO account (id, kind, enabled, display_name, alias, upn, upn_key, mailbox, database)
       VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?)`,
      id,
      given.kind,
      displayName,
      alias,
      userPrincipalName,
      principalKey,
      mailbox,
      given.mailbox?.database ?? null,
    );
  } catch (error) {
    if (isConstraintError(error)) {
      checkFree(file, id, alias, userPrincipalName);
      if (given.mailbox !== null) checkDatabase(file, given.mailbox.database);
    }
    throw error;
  }
  // When it is an own address, the address table's UNIQUE rule finds the other owner.
  if (addresses === null || !addresses.has(principalKey)) checkNoAddress(file, id, principalKey, userPrincipalName);
  if (addresses !== null) insertAddresses(file, id, addresses, principalKey);
  if (given.credentials !== null) insertCredentials(file, id, given.kind, given.credentials);
  const all = addresses === null ? [] : [...addresses.values()];
  const [primaryAddress] = all;
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
        : { id: mailbox, database: given.mailbox.database, primaryAddress, addresses: all },
  };
}

/** A name that leads to two accounts would let one answer for the other: UPN and addresses share one name space. */
export function checkFree(file: DirectoryFile, id: AccountId, alias: string, userPrincipalName: string): void {
  if (file.get('SELECT 1 FROM account WHERE alias = ? AND id <> ?', alias, id) !== null)
    throw new Failure('ALREADYEXISTS', `the alias ${alias} is taken`);
  const key = addressKey(userPrincipalName);
  if (file.get('SELECT 1 FROM account WHERE upn_key = ? AND id <> ?', key, id) !== null)
    throw new Failure('ALREADYEXISTS', `the name ${userPrincipalName} is taken`);
  checkNoAddress(file, id, key, userPrincipalName);
}

/** The account as it is with the new addresses. @throws Failure ALREADYEXISTS, CANNOT */
export function replaceAddresses(file: DirectoryFile, account: Account, given: readonly string[]): Account {
  if (account.mailbox === null) throw new Failure('CANNOT', `${account.alias} has no mailbox and so no addresses`);
  const addresses = checkedAddresses(given);
  file.run('DELETE FROM address WHERE account = ?', account.id);
  insertAddresses(file, account.id, addresses, addressKey(account.userPrincipalName));
  const all = [...addresses.values()];
  return {
    ...account,
    mailbox: { ...account.mailbox, primaryAddress: all[0] ?? account.mailbox.primaryAddress, addresses: all },
  };
}

/**
 * The account as it is with the mailbox, new or connected again.
 * @throws Failure ALREADYEXISTS (address, mailbox), NONEXISTENT (database, mailbox), CANNOT
 */
export function giveMailbox(file: DirectoryFile, account: Account, given: NewMailbox): Account {
  if (account.mailbox !== null) throw new Failure('ALREADYEXISTS', `${account.alias} has a mailbox already`);
  if (account.kind === 'guest' || account.kind === 'anonymous')
    throw new Failure('CANNOT', `the built-in account ${account.alias} has no mailbox`);
  checkDatabase(file, given.database);
  const addresses = checkedAddresses(given.addresses);
  const id = given.id ?? mailboxId(orderedId());
  if (given.id !== undefined) takeDisconnected(file, given.id, given.database);
  file.run('UPDATE account SET mailbox = ?, database = ? WHERE id = ?', id, given.database, account.id);
  insertAddresses(file, account.id, addresses, addressKey(account.userPrincipalName));
  const all = [...addresses.values()];
  return { ...account, mailbox: { id, database: given.database, primaryAddress: all[0] ?? '', addresses: all } };
}

/** The account as it is without: addresses and settings go, the mail is kept as a disconnected mailbox. */
export function takeMailbox(file: DirectoryFile, account: Account, at: number): Account {
  if (account.mailbox === null) return account;
  keepDisconnected(file, account, account.mailbox, at);
  file.run('DELETE FROM address WHERE account = ?', account.id);
  file.run('DELETE FROM mailbox_settings WHERE account = ?', account.id);
  file.run('UPDATE account SET mailbox = NULL, database = NULL WHERE id = ?', account.id);
  return { ...account, mailbox: null };
}

/** @throws Failure CANNOT for kinds that have no password */
export function setCredentials(file: DirectoryFile, account: Account, credentials: Credentials | null): void {
  file.run('DELETE FROM credentials WHERE account = ?', account.id);
  if (credentials !== null) insertCredentials(file, account.id, account.kind, credentials);
}

/** By key, in their order; twins fall together. @throws Failure CANNOT */
function checkedAddresses(given: readonly string[]): ReadonlyMap<string, string> {
  const byKey = new Map<string, string>();
  for (const one of given) {
    const address = checkedAddress(one);
    const key = addressKey(address);
    if (!byKey.has(key)) byKey.set(key, address);
  }
  if (byKey.size < 1 || byKey.size > ADDRESSES_PER_MAILBOX)
    throw new Failure('CANNOT', `EmailAddresses must be 1–${ADDRESSES_PER_MAILBOX} addresses`);
  return byKey;
}

function insertAddresses(
  file: DirectoryFile,
  id: AccountId,
  addresses: ReadonlyMap<string, string>,
  principalKey: string,
): void {
  let position = 0;
  for (const [key, address] of addresses) {
    const taken = (): Failure => new Failure('ALREADYEXISTS', `the address ${address} is taken`);
    if (key !== principalKey && file.get('SELECT 1 FROM account WHERE upn_key = ? AND id <> ?', key, id) !== null)
      throw taken();
    try {
      file.run('INSERT INTO address (key, address, account, position) VALUES (?, ?, ?, ?)', key, address, id, position);
    } catch (error) {
      throw isConstraintError(error) ? taken() : error;
    }
    position += 1;
  }
}

function insertCredentials(file: DirectoryFile, id: AccountId, kind: Account['kind'], credentials: Credentials): void {
  if (WITHOUT_PASSWORD.has(kind)) throw new Failure('CANNOT', `an account of kind ${kind} has no password`);
  file.run(
    'INSERT INTO credentials VALUES (?, ?, ?, ?, ?, ?)',
    id,
    credentials.argon2id,
    credentials.scramSha256.iterations,
    credentials.scramSha256.salt,
    credentials.scramSha256.storedKey,
    credentials.scramSha256.serverKey,
  );
}

function checkNoAddress(file: DirectoryFile, id: AccountId, key: string, name: string): void {
  if (file.get('SELECT 1 FROM address WHERE key = ? AND account <> ?', key, id) !== null)
    throw new Failure('ALREADYEXISTS', `the name ${name} is taken`);
}

function checkDatabase(file: DirectoryFile, database: string): void {
  if (file.get('SELECT 1 FROM mailbox_database WHERE id = ?', database) === null)
    throw new Failure('NONEXISTENT', 'there is no such mailbox database');
}
