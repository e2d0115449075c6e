/**
 * The rules of a logon once more, for a session that is open: switches, rights and accounts change while it lives, and
 * it ends within a second when it could not begin again (exchange-behaviour.md §2). No password is looked at.
 */
import type { Directory } from '../directory/api.ts';
import type { AccountId } from '../directory/model.ts';
import { type Refusal, refusalOf } from './admission.ts';
import type { LogonContext } from './api.ts';
import { delegateRefusal, type DelegateRefusal } from './delegate.ts';

export interface OpenSession {
  /** Who authenticated. */
  readonly account: AccountId;
  /** Whose mailbox it is: the same, or one that he may open. */
  readonly mailbox: AccountId;
  readonly protocol: LogonContext['protocol'];
}

/**
 * Why the session could not begin now; null: it goes on. Costs no query once the directory has its caches, so it may
 * be asked for every session behind a change of kind `account` or `permission`.
 */
export async function refusalNow(
  directory: Directory,
  session: OpenSession,
): Promise<Refusal | DelegateRefusal | 'account-removed' | null> {
  const account = await directory.account(session.account);
  if (account === null) return 'account-removed';
  const refused = refusalOf(account, await directory.clientAccess(account.id), session.protocol);
  if (refused !== null) return refused.reason;
  if (session.mailbox === account.id) return null;
  const mailbox = await directory.account(session.mailbox);
  return (await delegateRefusal(directory, account, mailbox, session.protocol))?.reason ?? null;
}
