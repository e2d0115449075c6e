/** Mailboxes whose account was removed or whose mailbox was disabled: their mail is kept until retention ends. */
import { Failure } from '../../../observe/failure.ts';
import { type MailboxId, mailboxId } from '../../../store/model.ts';
import { type Account, databaseId, type DisconnectedMailbox, type MailboxRecord } from '../../model.ts';
import { jsonOf, numberOf, textOf } from './rows.ts';
import type { Reader, Row, Transaction } from './seam.ts';
import { databaseName } from './topology.ts';

/** Newest first. */
export async function readDisconnected(reader: Reader): Promise<readonly DisconnectedMailbox[]> {
  return (await reader.all('SELECT * FROM disconnected_mailbox ORDER BY at DESC, id DESC')).map(disconnectedOf);
}

export async function forgetDisconnected(transaction: Transaction, id: MailboxId): Promise<void> {
  const row = await transaction.get('SELECT * FROM disconnected_mailbox WHERE id = ?', id);
  if (row === null) throw notDisconnected(id);
  const mailbox = disconnectedOf(row);
  await transaction.run('DELETE FROM disconnected_mailbox WHERE id = ?', id);
  const before = {
    DisplayName: mailbox.displayName,
    Database: await databaseName(transaction, mailbox.database),
    EmailAddresses: mailbox.addresses.join(', '),
    MailboxGuid: mailbox.id,
  };
  transaction.audit('DisconnectedMailbox', mailbox.alias, before, null);
}

export async function keepDisconnected(
  transaction: Transaction,
  account: Account,
  mailbox: MailboxRecord,
): Promise<void> {
  await transaction.run(
    'INSERT INTO disconnected_mailbox (id, database, alias, display_name, addresses, at) VALUES (?, ?, ?, ?, ?, ?)',
    mailbox.id,
    mailbox.database,
    account.alias,
    account.displayName,
    JSON.stringify(mailbox.addresses),
    transaction.at,
  );
}

/** It gets an account again. @throws Failure NONEXISTENT */
export async function takeDisconnected(transaction: Transaction, id: MailboxId, database: string): Promise<void> {
  const sql = 'DELETE FROM disconnected_mailbox WHERE id = ? AND database = ?';
  if ((await transaction.run(sql, id, database)) === 0) throw notDisconnected(id);
}

const notDisconnected = (id: MailboxId): Failure =>
  new Failure('NONEXISTENT', `there is no disconnected mailbox ${id} in this database`);

function disconnectedOf(row: Row): DisconnectedMailbox {
  const addresses = jsonOf(row, 'addresses');
  return {
    id: mailboxId(textOf(row, 'id')),
    database: databaseId(textOf(row, 'database')),
    alias: textOf(row, 'alias'),
    displayName: textOf(row, 'display_name'),
    addresses: Array.isArray(addresses) ? addresses.map(String) : [],
    at: numberOf(row, 'at'),
  };
}
