/**
 * The rules of a logon once more, for a session that is open: switches, rights and accounts change while it lives, and
 * it ends within a second when it could not begin again (exchange-behaviour.md §2). No password is looked at.
 */
import type { Directory } from '../directory/api.ts';
import type { AccountId } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import { type Refusal, refusalOf } from './admission.ts';
import type { Logon, LogonContext } from './api.ts';
import { protocolRefusal } from './app-passwords.ts';
import { delegateRefusal, type DelegateRefusal } from './delegate.ts';

export interface OpenSession {
  /** Who authenticated. */
  readonly account: AccountId;
  /** Whose mailbox it is: the same, or one that he may open. */
  readonly mailbox: AccountId;
  readonly protocol: LogonContext['protocol'];
  readonly jmap?: boolean;
  /** Id of the app password it was opened with; null or missing: the account's own. */
  readonly appPassword?: string | null;
}

export interface RefusedNow {
  readonly reason: Refusal | DelegateRefusal | 'account-removed' | 'app-password-removed' | 'app-password-protocol';
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
  if (refused !== null) return refused;
  const ended = await appPasswordRefused(directory, session);
  if (ended !== null || session.mailbox === account.id) return ended;
  return delegateRefusal(directory, account, await directory.account(session.mailbox), session.protocol);
}

async function appPasswordRefused(directory: Directory, session: OpenSession): Promise<RefusedNow | null> {
  const { appPassword: id } = session;
  if (id === undefined || id === null) return null;
  const present = (await directory.appPasswordVerifiers(session.account)).find((one) => one.id === id);
  if (present === undefined) {
    const failure = new Failure('AUTHORIZATIONFAILED', 'This app password was removed. Make a new one in the web app.');
    return { reason: 'app-password-removed', failure };
  }
  const failure = protocolRefusal(present, session);
  return failure === null ? null : { reason: 'app-password-protocol', failure };
}

/**
 * For a logon that another server has made: the app password it names, as it is known here. One that went a moment ago
 * stays named, so that the session is seen to end.
 */
export async function appPasswordOf(
  directory: Directory,
  account: AccountId,
  id: string | null,
): Promise<Pick<Logon, 'appPassword'>> {
  if (id === null) return {};
  const found = (await directory.appPasswordVerifiers(account)).find((one) => one.id === id);
  return { appPassword: { id, name: found?.name ?? '' } };
}

const removed = (): Failure =>
  new Failure('CONTACTADMIN', 'This account does not exist any more. Ask your administrator.');
