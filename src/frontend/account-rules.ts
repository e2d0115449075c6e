/**
 * Who may use a protocol although his password is right (exchange-behaviour.md §6.1). Asked only behind a successful
 * authentication, so that nobody learns from it which accounts exist; each refusal has a reason for the log and a text
 * for the person, who can then do something about it (§13).
 */
import type { Logon } from '../auth/api.ts';
import type { Directory } from '../directory/api.ts';
import type { Account, ClientAccessSettings } from '../directory/model.ts';
import { Failure, type FailureCode, unreachable } from '../observe/failure.ts';

export type MailProtocol = 'imap' | 'pop3';

export const PROTOCOL_NAMES: Readonly<Record<MailProtocol, string>> = { imap: 'IMAP4', pop3: 'POP3' };

export type RefusalReason =
  | 'account-disabled'
  | 'administrator'
  | 'anonymous'
  | 'guest'
  | 'no-mailbox'
  | 'no-person'
  | 'protocol-disabled';

export class LogonRefused extends Failure {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, code: FailureCode, message: string) {
    super(code, message);
    this.reason = reason;
  }
}

/** @throws LogonRefused; Failure UNAVAILABLE when the directory cannot be asked */
export async function checkAccountRules(directory: Directory, protocol: MailProtocol, logon: Logon): Promise<void> {
  checkKind(logon.account, protocol);
  if (logon.mailbox.id !== logon.account.id && !isPrincipal(logon.mailbox)) checkKind(logon.mailbox, protocol);
  for (const account of new Set([logon.account, logon.mailbox])) {
    if (!account.enabled) {
      throw new LogonRefused('account-disabled', 'CONTACTADMIN', 'This account is disabled; ask your administrator');
    }
  }
  if (logon.mailbox.mailbox === null) {
    throw new LogonRefused('no-mailbox', 'CONTACTADMIN', 'This account has no mailbox; ask your administrator');
  }
  const access = await directory.clientAccess(logon.mailbox.id);
  if (!isEnabled(access, protocol)) {
    const name = PROTOCOL_NAMES[protocol];
    throw new LogonRefused(
      'protocol-disabled',
      'CONTACTADMIN',
      `${name} is turned off for this mailbox; ask your administrator`,
    );
  }
}

export const isEnabled = (access: ClientAccessSettings, protocol: MailProtocol): boolean =>
  protocol === 'imap' ? access.imapEnabled : access.popEnabled;

/** Mailboxes without a password of their own are opened by a delegate. */
const isPrincipal = (account: Account): boolean =>
  account.kind === 'shared' || account.kind === 'room' || account.kind === 'equipment';

function checkKind(account: Account, protocol: MailProtocol): void {
  const name = PROTOCOL_NAMES[protocol];
  switch (account.kind) {
    case 'user':
      return;
    case 'administrator':
      throw new LogonRefused(
        'administrator',
        'AUTHORIZATIONFAILED',
        `The built-in Administrator cannot use ${name}; log on as a person`,
      );
    case 'guest':
      throw new LogonRefused('guest', 'AUTHORIZATIONFAILED', `The Guest account cannot use ${name}`);
    case 'anonymous':
      throw new LogonRefused('anonymous', 'AUTHORIZATIONFAILED', `${name} takes no anonymous logon`);
    case 'shared':
    case 'room':
    case 'equipment':
      throw new LogonRefused(
        'no-person',
        'AUTHORIZATIONFAILED',
        'A shared mailbox has no logon of its own; log on as a person who may open it',
      );
    default:
      unreachable(account.kind);
  }
}
