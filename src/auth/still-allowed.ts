/**
 * The rules of a logon once more, for a session that is open: switches, rights and accounts change while it lives, and
 * it ends within a second when it could not begin again (exchange-behaviour.md §2). No password is looked at.
 */
import type { Directory } from '../directory/api.ts';
import type { AccountId } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
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

export interface RefusedNow {
  readonly reason: Refusal | DelegateRefusal | 'account-removed';
  readonly failure: Failure;
}

/**
 * Why the session could not begin now; null: it goes on. Costs no query once the directory has its caches, so it may
 * be asked for every session behind a change of kind `account` or `permission`.
 */
export async function refusalNow(directory: Directory, session: OpenSession): Promise<RefusedNow['reason'] | null> {
  return (await refusedNow(directory, session))?.reason ?? null;
}

/** The same with what the client is told. */
export async function refusedNow(directory: Directory, session: OpenSession): Promise<RefusedNow | null> {
  const account = await directory.account(session.account);
  if (account === null) return { reason: 'account-removed', failure: removed() };
  const refused = refusalOf(account, await directory.clientAccess(account.id), session.protocol);
  if (refused !== null || session.mailbox === account.id) return refused;
  return delegateRefusal(directory, account, await directory.account(session.mailbox), session.protocol);
}

const removed = (): Failure =>
  new Failure('CONTACTADMIN', 'This account does not exist any more. Ask your administrator.');
