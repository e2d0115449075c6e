/** Which disconnected mailboxes have been kept for long enough (MailboxRetention, exchange-behaviour.md §9.2). */
import type { Directory } from './api.ts';
import type { DisconnectedMailbox } from './model.ts';

/**
 * Whose mail is to be deleted now, oldest first; afterwards `forgetMailbox`. In this order, so that a crash in between
 * leaves a mailbox that is known and not mail that nobody knows of. `now` in ms since 1970.
 */
export async function expiredMailboxes(directory: Directory, now: number): Promise<readonly DisconnectedMailbox[]> {
  const expired: DisconnectedMailbox[] = [];
  for (const mailbox of await directory.disconnectedMailboxes()) {
    const { mailboxRetention } = await directory.databaseSettings(mailbox.database);
    if (now - mailbox.at >= mailboxRetention * 1000) expired.unshift(mailbox);
  }
  return expired;
}
