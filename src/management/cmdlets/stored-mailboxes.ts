/**
 * Mailboxes opened to be looked at. To open a mailbox nobody has used yet would make it, so those are told apart first:
 * a Get must change nothing.
 */
import type { Mailbox, MailboxDatabase } from '../../store/api.ts';
import type { MailboxId } from '../../store/model.ts';
import type { MailStore } from '../services-of-instance.ts';
import type { MailboxAccount } from './identity.ts';

export class StoredMailboxes {
  readonly #mail: MailStore;
  readonly #known = new Map<MailboxDatabase, ReadonlySet<MailboxId>>();

  constructor(mail: MailStore) {
    this.#mail = mail;
  }

  /** Null: nobody has used it yet. @throws Failure UNAVAILABLE, INUSE, CORRUPTION */
  async using<T>(account: MailboxAccount, work: (mailbox: Mailbox) => Promise<T>): Promise<T | null> {
    const database = this.#mail.databaseOf(account);
    let known = this.#known.get(database);
    if (known === undefined) {
      known = new Set(await database.mailboxes());
      this.#known.set(database, known);
    }
    if (!known.has(account.mailbox.id)) return null;
    const mailbox = await database.open(account.mailbox.id);
    try {
      return await work(mailbox);
    } finally {
      mailbox.close();
    }
  }
}
