/**
 * Opening a mailbox that is not one's own (exchange-behaviour.md §6.2): whose it is, and whether the rights are there.
 * Asked only after the password was right, so that nobody learns from outside which mailboxes exist.
 */
import type { Directory } from '../directory/api.ts';
import type { Account, MailboxRight } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import type { LogonContext } from './api.ts';
import { type DelegateName, type MailboxName, parseDelegateName } from './logon-name.ts';

/** For the log line: why a mailbox did not open. */
export type DelegateRefusal =
  | 'unknown-mailbox'
  | 'account-without-mailbox'
  | 'administrator-mailbox'
  | 'no-full-access'
  | 'two-mailboxes';

export interface DelegateRefused {
  readonly reason: DelegateRefusal;
  readonly failure: Failure;
}

/** Who authenticates, and whose mailbox the name asks for besides; null: his own. */
export interface NamedLogon {
  readonly user: string;
  readonly mailbox: MailboxName | null;
}

/** A name that an account bears as it stands means that account, whatever else it could be read as. */
export async function namedLogon(directory: Directory, name: string): Promise<NamedLogon> {
  const delegate: DelegateName | null = parseDelegateName(name);
  if (delegate === null || (await directory.accountByLogonName(name)) !== null) return { user: name, mailbox: null };
  return delegate;
}

export async function mailboxNamed(directory: Directory, name: MailboxName): Promise<Account | null> {
  return name.by === 'alias' ? directory.accountByAlias(name.alias) : directory.accountByLogonName(name.address);
}

/** Any of these opens a mailbox by this protocol. Over SMTP nothing is read: who may send as a mailbox may name it. */
export function rightsThatOpen(protocol: LogonContext['protocol']): readonly MailboxRight[] {
  return protocol === 'smtp' ? ['FullAccess', 'SendAs'] : ['FullAccess'];
}

/** One text for "is not there" and "is not yours": colleagues do not learn of mailboxes either. */
const noAccess = (): Failure =>
  new Failure(
    'AUTHORIZATIONFAILED',
    'There is no such mailbox, or you have no Full Access to it. Ask your administrator (Add-MailboxPermission).',
  );

/** Null: `account` may open `mailbox`. */
export async function delegateRefusal(
  directory: Directory,
  account: Account,
  mailbox: Account | null,
  protocol: LogonContext['protocol'],
): Promise<DelegateRefused | null> {
  if (mailbox === null) return { reason: 'unknown-mailbox', failure: noAccess() };
  if (mailbox.id === account.id) return null;
  if (mailbox.mailbox === null) return { reason: 'account-without-mailbox', failure: noAccess() };
  const opening = rightsThatOpen(protocol);
  const granted = await directory.permissions({ mailbox: mailbox.id, user: account.id });
  if (!granted.some(({ rights }) => rights.some((right) => opening.includes(right))))
    return { reason: 'no-full-access', failure: noAccess() };
  // §6.1: the built-in Administrator's mailbox is not for POP3 and IMAP4, whoever asks; he who has the right is told.
  if (mailbox.kind === 'administrator' && (protocol === 'imap' || protocol === 'pop3'))
    return {
      reason: 'administrator-mailbox',
      failure: new Failure(
        'AUTHORIZATIONFAILED',
        `The mailbox of the built-in Administrator cannot be opened by ${protocol === 'imap' ? 'IMAP4' : 'POP3'}. Use the web pages.`,
      ),
    };
  return null;
}

/** The name asked for one mailbox, the SASL authorization identity for another. */
export const twoMailboxes = (): DelegateRefused => ({
  reason: 'two-mailboxes',
  failure: new Failure(
    'AUTHORIZATIONFAILED',
    'The user name and the authorization identity ask for different mailboxes.',
  ),
});
