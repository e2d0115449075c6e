/**
 * The accounts of a person (RFC 8620 §1.6.2): his own, and the mailboxes that he has Full Access to, by the same rules
 * as a delegate's logon (auth/delegate.ts). An account's id is the directory's id of its owner.
 */
import { refusedNow } from '../../../auth/still-allowed.ts';
import type { Directory } from '../../../directory/api.ts';
import { type Account, accountId } from '../../../directory/model.ts';
import type { JmapAccount } from '../capability.ts';

/** His own first, also when he has no mailbox. @throws Failure UNAVAILABLE */
export async function accountsOf(directory: Directory, user: Account): Promise<readonly JmapAccount[]> {
  const accounts: JmapAccount[] = [{ owner: user, isReadOnly: false }];
  for (const { mailbox } of await directory.permissions({ user: user.id })) {
    const account = await accountFor(directory, user, mailbox);
    if (account !== null && account.owner.id !== user.id) accounts.push(account);
  }
  return accounts;
}

/** Null: there is none, or it is not his to open; who asks does not learn which. @throws Failure UNAVAILABLE */
export async function accountFor(directory: Directory, user: Account, id: string): Promise<JmapAccount | null> {
  if (id === user.id) return { owner: user, isReadOnly: false };
  const owner = await directory.account(accountId(id));
  if (owner === null) return null;
  const refused = await refusedNow(directory, { account: user.id, mailbox: owner.id, protocol: 'web' });
  return refused === null ? { owner, isReadOnly: false } : null;
}
