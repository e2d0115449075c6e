/**
 * How long deleted messages of each mailbox can be recovered: RetainDeletedItemsFor of the mailbox, or
 * DeletedItemRetention of its database while UseDatabaseRetentionDefaults holds (exchange-behaviour.md §9.2).
 */
import type { Directory } from '../directory/api.ts';
import type { AccountId, DatabaseId } from '../directory/model.ts';
import type { MailboxId } from '../store/model.ts';

/** Accounts read in one go. */
const PAGE = 1000;

/** In seconds. */
export type RetentionOf = (mailbox: MailboxId, database: DatabaseId) => Promise<number>;

/**
 * As the directory knows mailboxes now; settings are read when they are asked for. Disconnected mailboxes, and such
 * the directory does not know, go by their database.
 */
export async function loadRetention(directory: Directory): Promise<RetentionOf> {
  const owners = new Map<MailboxId, AccountId>();
  for (let after: string | undefined; ; ) {
    const page = await directory.accounts(after === undefined ? { limit: PAGE } : { limit: PAGE, after });
    for (const { id, mailbox } of page) if (mailbox !== null) owners.set(mailbox.id, id);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) break;
    after = last.alias;
  }
  return async (mailbox, database) => {
    const owner = owners.get(mailbox);
    const account = owner === undefined ? null : await directory.account(owner);
    if (account?.mailbox?.id === mailbox) {
      const settings = await directory.mailboxSettings(account.id);
      if (!settings.useDatabaseRetentionDefaults) return settings.retainDeletedItemsFor;
    }
    return (await directory.databaseSettings(database)).deletedItemRetention;
  };
}
