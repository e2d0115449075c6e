/** Mailboxes whose account was removed or whose mailbox was disabled: their mail is kept until retention ends. */
import { Failure } from '../../../observe/failure.ts';
import { type MailboxId, mailboxId } from '../../../store/model.ts';
import type { AuditValues } from '../../audit.ts';
import { type Account, type Actor, databaseId, type DisconnectedMailbox, type MailboxRecord } from '../../model.ts';
import type { DirectoryFile } from './file.ts';
import { jsonOf, numberOf, type Row, textOf } from './rows.ts';
import type { Topology } from './topology.ts';

export class DisconnectedMailboxes {
  readonly #file: DirectoryFile;
  readonly #topology: Topology;

  constructor(file: DirectoryFile, topology: Topology) {
    this.#file = file;
    this.#topology = topology;
  }

  /** Newest first. */
  all(): readonly DisconnectedMailbox[] {
    return this.#file.all('SELECT * FROM disconnected_mailbox ORDER BY at DESC, id DESC').map(disconnectedOf);
  }

  forget(actor: Actor, id: MailboxId): void {
    this.#file.write(actor, (transaction) => {
      const row = this.#file.get('SELECT * FROM disconnected_mailbox WHERE id = ?', id);
      if (row === null) throw notDisconnected(id);
      const mailbox = disconnectedOf(row);
      this.#file.run('DELETE FROM disconnected_mailbox WHERE id = ?', id);
      transaction.audit('DisconnectedMailbox', mailbox.alias, this.#values(mailbox), null);
    });
  }

  #values(mailbox: DisconnectedMailbox): AuditValues {
    return {
      DisplayName: mailbox.displayName,
      Database: this.#topology.databaseName(mailbox.database),
      EmailAddresses: mailbox.addresses.join(', '),
      MailboxGuid: mailbox.id,
    };
  }
}

/** Inside a transaction. */
export function keepDisconnected(file: DirectoryFile, account: Account, mailbox: MailboxRecord, at: number): void {
  file.run(
    'INSERT INTO disconnected_mailbox (id, database, alias, display_name, addresses, at) VALUES (?, ?, ?, ?, ?, ?)',
    mailbox.id,
    mailbox.database,
    account.alias,
    account.displayName,
    JSON.stringify(mailbox.addresses),
    at,
  );
}

/** Inside a transaction: it gets an account again. @throws Failure NONEXISTENT */
export function takeDisconnected(file: DirectoryFile, id: MailboxId, database: string): void {
  if (file.run('DELETE FROM disconnected_mailbox WHERE id = ? AND database = ?', id, database) === 0)
    throw notDisconnected(id);
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
