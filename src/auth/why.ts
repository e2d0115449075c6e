/**
 * `penfold why-cannot-log-on`: everything the directory and the lock-outs say about one logon, from the account to the
 * mailbox, with the cmdlet that mends it (exchange-behaviour.md §6.1, §13). Reads only; needs no password.
 * Whether services run, components are active and certificates are right is not looked at here.
 */
import { nearestName } from '../config/nearest-name.ts';
import type { Directory } from '../directory/api.ts';
import type { Account, AcceptedDomain, ThrottlingLimits } from '../directory/model.ts';
import { domainKey, splitAddress } from '../directory/names.ts';
import { unreachable } from '../observe/failure.ts';
import { barred, PROTOCOL_NAMES, refusalOf } from './admission.ts';
import type { LogonContext } from './api.ts';
import { delegateRefusal, mailboxNamed, namedLogon } from './delegate.ts';
import { preparedName } from './prepared.ts';
import type { LockOut } from './throttle.ts';

export type LogonCheckName =
  | 'account'
  | 'account kind'
  | 'account enabled'
  | 'password'
  | 'lock-outs'
  | 'protocol switch'
  | 'mailbox'
  | 'primary address'
  | 'throttling policy'
  | 'delegate access';

export interface LogonCheck {
  readonly check: LogonCheckName;
  /** `unknown`: could not be looked at, as `text` says. */
  readonly result: 'ok' | 'refused' | 'unknown';
  readonly text: string;
  /** A command line that mends it; null: nothing to mend, or nothing an admin can do. */
  readonly fix: string | null;
}

/** Names looked through for "did you mean". */
const NAMES_FOR_HINT = 1000;

/**
 * Ordered; a logon with the right password works when none is `refused`. Ends early where nothing further can be said.
 * `lockOuts` null: the server is not running, or does not tell.
 */
export async function whyCannotLogOn(
  directory: Directory,
  lockOuts: readonly LockOut[] | null,
  typed: string,
  protocol: LogonContext['protocol'],
): Promise<readonly LogonCheck[]> {
  const named = await namedLogon(directory, preparedName(typed));
  const account = await directory.accountByLogonName(named.user);
  if (account === null) return [await unknownAccount(directory, named.user)];
  const checks: LogonCheck[] = [
    ok('account', `${named.user} is ${account.userPrincipalName} (${account.displayName})`),
    kindCheck(account, protocol),
    account.enabled
      ? ok('account enabled', 'the account is enabled')
      : refused('account enabled', 'the account is disabled', `Set-Mailbox ${account.alias} -AccountDisabled $false`),
    await passwordCheck(directory, account),
    lockOutCheck(account, lockOuts),
    await switchCheck(directory, account, protocol),
  ];
  if (protocol !== 'web' || account.mailbox !== null) checks.push(mailboxCheck(account));
  if (account.mailbox !== null) checks.push(primaryAddressCheck(account, await directory.domains()));
  const policy = await throttlingCheck(directory, account, protocol);
  if (policy !== null) checks.push(policy);
  if (named.mailbox !== null) {
    const mailbox = await mailboxNamed(directory, named.mailbox);
    const name = named.mailbox.by === 'alias' ? named.mailbox.alias : named.mailbox.address;
    checks.push(await delegateCheck(directory, account, mailbox, name, protocol));
  }
  return checks;
}

const ok = (check: LogonCheckName, text: string): LogonCheck => ({ check, result: 'ok', text, fix: null });
const refused = (check: LogonCheckName, text: string, fix: string | null): LogonCheck => ({
  check,
  result: 'refused',
  text,
  fix,
});

async function unknownAccount(directory: Directory, name: string): Promise<LogonCheck> {
  const domains = await directory.domains();
  const parts = splitAddress(name);
  const known = domains.map((one) => one.name);
  const foreign = parts !== null && !domains.some((one) => domainKey(one.name) === domainKey(parts.domain));
  const accounts = await directory.accounts({ limit: NAMES_FOR_HINT });
  const near = nearestName(
    name,
    accounts.flatMap((one) => [one.alias, one.userPrincipalName, ...(one.mailbox?.addresses ?? [])]),
  );
  const text = foreign
    ? `no account has the name ${name}, and ${parts.domain} is no accepted domain (known: ${known.join(', ')})`
    : `no account has the name ${name}, as user principal name, address or alias`;
  if (near !== null) return refused('account', `${text}; did you mean ${near}?`, `Get-Mailbox ${near}`);
  const local = parts?.localPart ?? name;
  const domain =
    foreign || parts === null ? (domains.find((one) => one.isDefault)?.name ?? 'example.org') : parts.domain;
  return refused('account', text, `New-Mailbox -Name "${local}" -UserPrincipalName ${local}@${domain}`);
}

function kindCheck(account: Account, protocol: LogonContext['protocol']): LogonCheck {
  const check = 'account kind';
  switch (account.kind) {
    case 'user':
      return ok(check, 'an account of a person');
    case 'administrator':
      return protocol === 'imap' || protocol === 'pop3'
        ? refused(
            check,
            `the built-in Administrator never uses ${PROTOCOL_NAMES[protocol]}: take an account of a person`,
            'New-Mailbox -Name "Ada" -UserPrincipalName ada@example.org',
          )
        : ok(check, 'the built-in Administrator');
    case 'guest':
    case 'anonymous':
      return refused(check, barred(account)?.failure.message ?? 'a built-in account that never logs on', null);
    case 'shared':
    case 'room':
    case 'equipment':
      return refused(
        check,
        `a mailbox of kind ${account.kind} has no password: people with Full Access log on as name@example.org/${account.alias}`,
        `Add-MailboxPermission ${account.alias} -User ada -AccessRights FullAccess`,
      );
    default:
      return unreachable(account.kind);
  }
}

async function passwordCheck(directory: Directory, account: Account): Promise<LogonCheck> {
  if ((await directory.credentials(account.id)) !== null)
    return ok('password', 'a password is set; whether it is the one that was typed cannot be seen here');
  return refused(
    'password',
    'the account has no password',
    `penfold password set ${account.userPrincipalName} --password-file FILE`,
  );
}

function lockOutCheck(account: Account, lockOuts: readonly LockOut[] | null): LogonCheck {
  if (lockOuts === null)
    return { check: 'lock-outs', result: 'unknown', text: 'the server is not running, so there are none', fix: null };
  const own = lockOuts.filter((one) => one.user === account.userPrincipalName);
  const [first] = own;
  if (first === undefined) return ok('lock-outs', 'no address is locked out for this account');
  const list = own.map((one) => `${one.address} (${one.failures} failures, ${minutes(one.remainingMs)} left)`);
  return refused(
    'lock-outs',
    `locked out after wrong passwords from ${list.join(', ')}; other addresses can log on`,
    `penfold lock-out lift ${first.address} --user ${first.user}`,
  );
}

const minutes = (ms: number): string => `${Math.ceil(ms / 60_000)} min`;

const SWITCHES: Readonly<Record<LogonContext['protocol'], string>> = {
  imap: '-ImapEnabled $true',
  pop3: '-PopEnabled $true',
  smtp: '-SmtpClientAuthenticationDisabled $false',
  web: '-OWAEnabled $true',
};

async function switchCheck(
  directory: Directory,
  account: Account,
  protocol: LogonContext['protocol'],
): Promise<LogonCheck> {
  const access = await directory.clientAccess(account.id);
  const name = PROTOCOL_NAMES[protocol];
  // The rule itself decides; of its refusals only the switch is meant here.
  if (refusalOf({ ...account, kind: 'user', enabled: true }, access, protocol)?.reason !== 'protocol-disabled')
    return ok('protocol switch', `${name} is on for this account`);
  return refused(
    'protocol switch',
    `${name} is turned off for this account`,
    `Set-CASMailbox ${account.alias} ${SWITCHES[protocol]}`,
  );
}

function mailboxCheck(account: Account): LogonCheck {
  if (account.mailbox !== null) return ok('mailbox', `the mailbox is there (${account.mailbox.id})`);
  return refused(
    'mailbox',
    'the account has no mailbox and so no primary address; without them nobody logs on, not even to other mailboxes',
    `Enable-Mailbox ${account.alias}`,
  );
}

/** The logon itself works without; mail to the address does not arrive, which looks like a broken account. */
function primaryAddressCheck(account: Account, domains: readonly AcceptedDomain[]): LogonCheck {
  const address = account.mailbox?.primaryAddress ?? '';
  const domain = splitAddress(address)?.domain ?? '';
  if (domains.some((one) => domainKey(one.name) === domainKey(domain)))
    return ok('primary address', `the primary address is ${address}`);
  return refused(
    'primary address',
    `the primary address ${address} is in no accepted domain: nothing sent to it arrives`,
    `New-AcceptedDomain -DomainName ${domain} -DomainType Authoritative`,
  );
}

const CONCURRENCY: Readonly<
  Record<LogonContext['protocol'], { readonly key: keyof ThrottlingLimits; readonly name: string } | null>
> = {
  imap: { key: 'imapMaxConcurrency', name: 'ImapMaxConcurrency' },
  pop3: { key: 'popMaxConcurrency', name: 'PopMaxConcurrency' },
  smtp: null,
  web: { key: 'owaMaxConcurrency', name: 'OwaMaxConcurrency' },
};

async function throttlingCheck(
  directory: Directory,
  account: Account,
  protocol: LogonContext['protocol'],
): Promise<LogonCheck | null> {
  const limit = CONCURRENCY[protocol];
  if (limit === null) return null;
  const sessions = (await directory.effectiveThrottling(account.id))[limit.key];
  if (sessions > 0)
    return ok(
      'throttling policy',
      `${sessions === Infinity ? 'any number of' : sessions} sessions at one time are allowed`,
    );
  return refused(
    'throttling policy',
    `the throttling policy of the account has ${limit.name} 0: no session is allowed`,
    `Get-ThrottlingPolicy; then Set-ThrottlingPolicy NAME -${limit.name} 20`,
  );
}

async function delegateCheck(
  directory: Directory,
  account: Account,
  mailbox: Account | null,
  name: string,
  protocol: LogonContext['protocol'],
): Promise<LogonCheck> {
  const check = 'delegate access';
  const refusal = await delegateRefusal(directory, account, mailbox, protocol);
  const whose = mailbox?.alias ?? name;
  if (refusal === null) return ok(check, `${account.alias} may open the mailbox ${whose}`);
  switch (refusal.reason) {
    case 'unknown-mailbox':
      return refused(
        check,
        `no mailbox has the ${name.includes('@') ? 'name' : 'alias'} ${name}; a name without @ is taken as an alias`,
        'Get-Mailbox',
      );
    case 'account-without-mailbox':
      return refused(check, `${whose} is an account without a mailbox`, `Enable-Mailbox ${whose}`);
    case 'no-full-access':
      return refused(
        check,
        `${account.alias} has no Full Access to the mailbox ${whose}`,
        `Add-MailboxPermission ${whose} -User ${account.alias} -AccessRights FullAccess`,
      );
    case 'administrator-mailbox':
    case 'two-mailboxes':
      return refused(check, refusal.failure.message, null);
    default:
      return unreachable(refusal.reason);
  }
}
