/** App passwords (directory/app-password.ts): rows with verifiers of their own, beside the account's. */
import { randomUUID } from 'node:crypto';
import { Failure } from '../../../observe/failure.ts';
import {
  APP_PASSWORD_NAME_CHARACTERS,
  APP_PASSWORD_PROTOCOLS,
  APP_PASSWORDS_PER_ACCOUNT,
  type AppPassword,
  type AppPasswords,
  type AppPasswordVerifier,
  type NewAppPassword,
} from '../../app-password.ts';
import { type AuditValues, SECRET } from '../../audit.ts';
import { type AccountId, accountId } from '../../model.ts';
import { existingAccount, readCredentials } from './accounts.ts';
import { credentialsOf, jsonOf, numberOf, textOf } from './rows.ts';
import type { Reader, Row, Transaction } from './seam.ts';

type Write = <T>(work: (transaction: Transaction) => Promise<T>) => Promise<T>;
type Known = Pick<AppPasswords, 'appPasswordVerifiers'>;

/** The part of the directory that is about app passwords. */
export function appPasswordsOf(reader: Reader, known: Known, write: Write): AppPasswords {
  return {
    appPasswords: (account) => read(reader, account),
    appPasswordVerifiers: (account) => known.appPasswordVerifiers(account),
    addAppPassword: (given) => write((to) => add(to, given)),
    changeAppPassword: (account, id, { name }) => write((to) => rename(to, account, id, name)),
    removeAppPassword: (account, id) => write((to) => remove(to, account, id)),
  };
}

const read = async (reader: Reader, account: AccountId): Promise<readonly AppPassword[]> =>
  (await readRows(reader, account)).map(appPasswordOf);

export async function readAppPasswordVerifiers(
  reader: Reader,
  account: AccountId,
): Promise<ReadonlyArray<AppPassword & AppPasswordVerifier>> {
  return (await readRows(reader, account)).map((row) => ({
    ...appPasswordOf(row),
    selector: textOf(row, 'selector'),
    credentials: credentialsOf(row),
  }));
}

const readRows = (reader: Reader, account: AccountId): Promise<readonly Row[]> =>
  reader.all('SELECT * FROM app_password WHERE account = ? ORDER BY created_at, id', account);

async function add(transaction: Transaction, given: NewAppPassword): Promise<AppPassword> {
  const account = await existingAccount(transaction, given.account);
  if ((await readCredentials(transaction, account.id)) === null)
    throw new Failure('CANNOT', `${account.alias} has no password of its own, so no app passwords either`);
  const present = await read(transaction, account.id);
  if (present.length >= APP_PASSWORDS_PER_ACCOUNT)
    throw new Failure('CANNOT', `An account has ${APP_PASSWORDS_PER_ACCOUNT} app passwords at most. Remove one first.`);
  const protocols = APP_PASSWORD_PROTOCOLS.filter((one) => given.protocols.includes(one));
  if (protocols.length === 0 || protocols.length !== new Set(given.protocols).size)
    throw new Failure('CANNOT', `An app password is for one or more of ${APP_PASSWORD_PROTOCOLS.join(', ')}.`);
  const made: AppPassword = {
    id: randomUUID(),
    account: account.id,
    name: freeName(given.name, present),
    protocols,
    createdAt: transaction.at,
    lastUsedAt: null,
  };
  const { argon2id, scramSha256 } = given.credentials;
  await transaction.run(
    `INSERT INTO app_password (id, account, name, protocols, selector, created_at, last_used_at, argon2id,
       scram_sha256_iterations, scram_sha256_salt, scram_sha256_stored_key, scram_sha256_server_key)
     VALUES (?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?)`,
    made.id,
    made.account,
    made.name,
    JSON.stringify(made.protocols),
    given.selector,
    made.createdAt,
    argon2id,
    scramSha256.iterations,
    scramSha256.salt,
    scramSha256.storedKey,
    scramSha256.serverKey,
  );
  transaction.note('app-password', account.id);
  transaction.audit('AppPassword', account.alias, null, { ...valuesOf(made), Password: SECRET });
  return made;
}

async function rename(transaction: Transaction, id: AccountId, which: string, name: string): Promise<AppPassword> {
  const account = await existingAccount(transaction, id);
  const present = await read(transaction, id);
  const now = named(present, which);
  const next = {
    ...now,
    name: freeName(
      name,
      present.filter((one) => one.id !== which),
    ),
  };
  await transaction.run('UPDATE app_password SET name = ? WHERE id = ?', next.name, which);
  transaction.note('app-password', id);
  transaction.audit('AppPassword', account.alias, valuesOf(now), valuesOf(next));
  return next;
}

async function remove(transaction: Transaction, id: AccountId, which: string): Promise<void> {
  const account = await existingAccount(transaction, id);
  const gone = named(await read(transaction, id), which);
  await transaction.run('DELETE FROM app_password WHERE id = ?', gone.id);
  transaction.note('app-password', id);
  transaction.audit('AppPassword', account.alias, valuesOf(gone), null);
}

/** @throws Failure NONEXISTENT */
function named(present: readonly AppPassword[], id: string): AppPassword {
  const found = present.find((one) => one.id === id);
  if (found === undefined) throw new Failure('NONEXISTENT', 'There is no such app password.');
  return found;
}

/** @throws Failure CANNOT, ALREADYEXISTS */
function freeName(typed: string, others: readonly AppPassword[]): string {
  const name = typed.trim();
  if (name === '' || name.length > APP_PASSWORD_NAME_CHARACTERS || /[\u0000-\u001f\u007f]/.test(name))
    throw new Failure('CANNOT', `The name of an app password is 1–${APP_PASSWORD_NAME_CHARACTERS} characters.`);
  if (others.some((one) => one.name.toLowerCase() === name.toLowerCase()))
    throw new Failure('ALREADYEXISTS', `There is an app password called ${name} already.`);
  return name;
}

const valuesOf = ({ name, protocols }: AppPassword): AuditValues => ({ Name: name, Protocols: protocols.join(', ') });

function appPasswordOf(row: Row): AppPassword {
  const stored = jsonOf(row, 'protocols');
  const lastUsedAt = row['last_used_at'];
  return {
    id: textOf(row, 'id'),
    account: accountId(textOf(row, 'account')),
    name: textOf(row, 'name'),
    protocols: Array.isArray(stored) ? APP_PASSWORD_PROTOCOLS.filter((one) => stored.includes(one)) : [],
    createdAt: numberOf(row, 'created_at'),
    lastUsedAt: lastUsedAt === null ? null : numberOf(row, 'last_used_at'),
  };
}
