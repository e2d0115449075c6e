/**
 * Writing the rows of one account: checked names, addresses, verifiers.
 *
 * A thousand accounts are one transaction, so an insert asks nothing first that a UNIQUE rule of the table answers
 * anyway; only when nothing was inserted is it found out which rule it was, for the words of the refusal.
 */
import { Failure } from '../../../observe/failure.ts';
import { mailboxId } from '../../../store/model.ts';
import type { NewAccount, NewMailbox } from '../../api.ts';
import { type Account, type AccountId, accountId, type Credentials, type DatabaseId } from '../../model.ts';
import {
  ADDRESSES_PER_MAILBOX,
  addressKey,
  checkedAddress,
  checkedAlias,
  checkedDisplayName,
  checkedPrincipalName,
} from '../../names.ts';
import { keepDisconnected, takeDisconnected } from './disconnected-mailboxes.ts';
import { orderedId } from './ordered-id.ts';
import { ACCOUNT_KINDS } from './rows.ts';
import type { Reader, Transaction } from './seam.ts';
import { noDatabase } from './topology.ts';

const WITHOUT_PASSWORD: ReadonlySet<Account['kind']> = new Set(['shared', 'room', 'equipment', 'guest', 'anonymous']);

/** `databases`: those there are. @throws Failure ALREADYEXISTS, NONEXISTENT (database), CANNOT */
export async function insertAccount(
  transaction: Transaction,
  given: NewAccount,
  databases: ReadonlyMap<DatabaseId, string>,
): Promise<Account> {
  if (!ACCOUNT_KINDS.includes(given.kind)) throw new Failure('CANNOT', `there is no account kind ${given.kind}`);
  const id = accountId(orderedId());
  const displayName = checkedDisplayName(given.displayName);
  const alias = checkedAlias(given.alias);
  const userPrincipalName = checkedPrincipalName(given.userPrincipalName);
  const principalKey = addressKey(userPrincipalName);
  const addresses = given.mailbox === null ? null : checkedAddresses(given.mailbox.addresses);
  const mailbox = given.mailbox === null ? null : (given.mailbox.id ?? mailboxId(orderedId()));
  if (given.mailbox !== null && !databases.has(given.mailbox.database)) throw noDatabase();
  if (given.mailbox?.id !== undefined) await takeDisconnected(transaction, given.mailbox.id, given.mailbox.database);
  const inserted = await transaction.run(
    `INSERT INTO account (id, kind, enabled, display_name, alias, upn, upn_key, mailbox, database)
     VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    id,
    given.kind,
    displayName,
    alias,
    userPrincipalName,
    principalKey,
    mailbox,
    given.mailbox?.database ?? null,
  );
  if (inserted === 0) {
    await checkFree(transaction, id, alias, userPrincipalName);
    throw new Failure('ALREADYEXISTS', `the mailbox ${mailbox} belongs to another account`);
  }
  // When it is an own address, the address table's UNIQUE rule finds the other owner.
  if (addresses === null || !addresses.has(principalKey))
    await checkNoAddress(transaction, id, principalKey, userPrincipalName);
  if (addresses !== null) await insertAddresses(transaction, id, addresses, principalKey);
  if (given.credentials !== null) await insertCredentials(transaction, id, given.kind, given.credentials);
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
export async function checkFree(
  reader: Reader,
  id: AccountId,
  alias: string,
  userPrincipalName: string,
): Promise<void> {
  if ((await reader.get('SELECT 1 FROM account WHERE alias = ? AND id <> ?', alias, id)) !== null)
    throw new Failure('ALREADYEXISTS', `the alias ${alias} is taken`);
  const key = addressKey(userPrincipalName);
  if ((await reader.get('SELECT 1 FROM account WHERE upn_key = ? AND id <> ?', key, id)) !== null)
    throw new Failure('ALREADYEXISTS', `the name ${userPrincipalName} is taken`);
  await checkNoAddress(reader, id, key, userPrincipalName);
}

/** The account as it is with the new addresses. @throws Failure ALREADYEXISTS, CANNOT */
export async function replaceAddresses(
  transaction: Transaction,
  account: Account,
  given: readonly string[],
): Promise<Account> {
  if (account.mailbox === null) throw new Failure('CANNOT', `${account.alias} has no mailbox and so no addresses`);
  const addresses = checkedAddresses(given);
  await transaction.run('DELETE FROM address WHERE account = ?', account.id);
  await insertAddresses(transaction, account.id, addresses, addressKey(account.userPrincipalName));
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
export async function giveMailbox(transaction: Transaction, account: Account, given: NewMailbox): Promise<Account> {
  if (account.mailbox !== null) throw new Failure('ALREADYEXISTS', `${account.alias} has a mailbox already`);
  if (account.kind === 'guest' || account.kind === 'anonymous')
    throw new Failure('CANNOT', `the built-in account ${account.alias} has no mailbox`);
  await checkDatabase(transaction, given.database);
  const addresses = checkedAddresses(given.addresses);
  const id = given.id ?? mailboxId(orderedId());
  if (given.id !== undefined) await takeDisconnected(transaction, given.id, given.database);
  await transaction.run('UPDATE account SET mailbox = ?, database = ? WHERE id = ?', id, given.database, account.id);
  await insertAddresses(transaction, account.id, addresses, addressKey(account.userPrincipalName));
  const all = [...addresses.values()];
  return { ...account, mailbox: { id, database: given.database, primaryAddress: all[0] ?? '', addresses: all } };
}

/** The account as it is without: addresses and settings go, the mail is kept as a disconnected mailbox. */
export async function takeMailbox(transaction: Transaction, account: Account): Promise<Account> {
  if (account.mailbox === null) return account;
  await keepDisconnected(transaction, account, account.mailbox);
  await transaction.run('DELETE FROM address WHERE account = ?', account.id);
  await transaction.run('DELETE FROM mailbox_settings WHERE account = ?', account.id);
  await transaction.run('UPDATE account SET mailbox = NULL, database = NULL WHERE id = ?', account.id);
  return { ...account, mailbox: null };
}

/** @throws Failure CANNOT for kinds that have no password */
export async function setCredentials(
  transaction: Transaction,
  account: Account,
  credentials: Credentials | null,
): Promise<void> {
  await transaction.run('DELETE FROM credentials WHERE account = ?', account.id);
  if (credentials !== null) await insertCredentials(transaction, account.id, account.kind, credentials);
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

async function insertAddresses(
  transaction: Transaction,
  id: AccountId,
  addresses: ReadonlyMap<string, string>,
  principalKey: string,
): Promise<void> {
  let position = 0;
  for (const [key, address] of addresses) {
    const taken = (): Failure => new Failure('ALREADYEXISTS', `the address ${address} is taken`);
    const sql = 'SELECT 1 FROM account WHERE upn_key = ? AND id <> ?';
    if (key !== principalKey && (await transaction.get(sql, key, id)) !== null) throw taken();
    const inserted = await transaction.run(
      'INSERT INTO address (key, address, account, position) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
      key,
      address,
      id,
      position,
    );
    if (inserted === 0) throw taken();
    position += 1;
  }
}

async function insertCredentials(
  transaction: Transaction,
  id: AccountId,
  kind: Account['kind'],
  credentials: Credentials,
): Promise<void> {
  if (WITHOUT_PASSWORD.has(kind)) throw new Failure('CANNOT', `an account of kind ${kind} has no password`);
  await transaction.run(
    'INSERT INTO credentials VALUES (?, ?, ?, ?, ?, ?)',
    id,
    credentials.argon2id,
    credentials.scramSha256.iterations,
    credentials.scramSha256.salt,
    credentials.scramSha256.storedKey,
    credentials.scramSha256.serverKey,
  );
}

async function checkNoAddress(reader: Reader, id: AccountId, key: string, name: string): Promise<void> {
  if ((await reader.get('SELECT 1 FROM address WHERE key = ? AND account <> ?', key, id)) !== null)
    throw new Failure('ALREADYEXISTS', `the name ${name} is taken`);
}

async function checkDatabase(reader: Reader, database: string): Promise<void> {
  if ((await reader.get('SELECT 1 FROM mailbox_database WHERE id = ?', database)) === null) throw noDatabase();
}
