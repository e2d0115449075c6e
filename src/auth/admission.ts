/**
 * Who may log on where, once the password is known to be right (exchange-behaviour.md §6.1, §2). Each refusal has its
 * own words and code, because "LOGIN failed" for everything is what people complain about most (§13). Pure.
 */
import type { Account, ClientAccessSettings } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import type { LogonContext } from './api.ts';

/** For the log line: which rule refused. */
export type Refusal = 'administrator' | 'guest' | 'anonymous' | 'account-disabled' | 'no-mailbox' | 'protocol-disabled';

export const PROTOCOL_NAMES: Readonly<Record<LogonContext['protocol'], string>> = {
  imap: 'IMAP4',
  pop3: 'POP3',
  smtp: 'SMTP submission',
  web: 'The web pages',
};

export interface Refused {
  readonly reason: Refusal;
  readonly failure: Failure;
}

/** Accounts that are refused whatever the password, so that a right guess cannot be told from a wrong one. Null: others. */
export function barred(account: Pick<Account, 'kind'> | null): Refused | null {
  switch (account?.kind) {
    case 'guest':
      return {
        reason: 'guest',
        failure: new Failure('AUTHORIZATIONFAILED', 'The built-in Guest account cannot log on.'),
      };
    case 'anonymous':
      return { reason: 'anonymous', failure: new Failure('AUTHORIZATIONFAILED', 'Anonymous logons are not allowed.') };
    default:
      return null;
  }
}

/** Null: welcome. */
export function refusalOf(
  account: Account,
  access: ClientAccessSettings,
  protocol: LogonContext['protocol'],
): Refused | null {
  const name = PROTOCOL_NAMES[protocol];
  if (account.kind === 'administrator' && (protocol === 'imap' || protocol === 'pop3'))
    return {
      reason: 'administrator',
      failure: new Failure(
        'AUTHORIZATIONFAILED',
        `The built-in Administrator account cannot use ${name}. Use an account of your own.`,
      ),
    };
  if (!account.enabled)
    return {
      reason: 'account-disabled',
      failure: new Failure('CONTACTADMIN', 'This account is disabled. Ask your administrator.'),
    };
  if (account.mailbox === null && protocol !== 'web')
    return {
      reason: 'no-mailbox',
      failure: new Failure('CONTACTADMIN', 'This account has no mailbox. Ask your administrator.'),
    };
  const enabled = {
    imap: access.imapEnabled,
    pop3: access.popEnabled,
    smtp: !access.smtpClientAuthenticationDisabled,
    web: access.owaEnabled,
  };
  if (enabled[protocol]) return null;
  return {
    reason: 'protocol-disabled',
    failure: new Failure('CONTACTADMIN', `${name} is turned off for this mailbox. Ask your administrator.`),
  };
}
