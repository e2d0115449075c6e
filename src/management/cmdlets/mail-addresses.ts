/**
 * -EmailAddresses and -PrimarySmtpAddress, as Set-CASMailbox and Set-Mailbox of Exchange have them
 * (exchange-behaviour.md §2): `SMTP:` marks the primary address, `smtp:` or nothing another one; the two parameters
 * cannot both be given.
 */
import { addressKey, checkedAddress } from '../../directory/names.ts';
import { listOf, mailAddress, type ValueType } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type { Arguments, Parameter } from '../cmdlet.ts';
import type { MailboxAccount } from './identity.ts';

/** Held with its prefix. */
const proxyAddress: ValueType<string> = (() => {
  const read = (value: unknown): string | undefined => {
    const match = typeof value === 'string' ? /^(?:(smtp):)?(.+)$/is.exec(value.trim()) : null;
    const address = mailAddress.read(match?.[2] ?? '');
    if (address === undefined || address === '') return undefined;
    return `${match?.[1] === 'SMTP' ? 'SMTP' : 'smtp'}:${address}`;
  };
  return {
    kind: 'ProxyAddress',
    accepts: 'a mail address such as ada@example.org, the primary one as SMTP:ada@example.org',
    choices: null,
    read,
    store: (value: string) => value,
    parse: read,
    format: (value: string) => value,
  };
})();

export const emailAddresses: Parameter<readonly string[]> = {
  name: 'EmailAddresses',
  type: listOf(proxyAddress),
  help: 'All addresses, SMTP: before the primary one; @{Add=…;Remove=…} edits the list. Not together with PrimarySmtpAddress.',
};
export const primarySmtpAddress: Parameter<string> = {
  name: 'PrimarySmtpAddress',
  type: { ...mailAddress, accepts: 'a mail address such as ada@example.org' },
  help: 'The address mail comes from; the old one stays as another one. Not together with EmailAddresses.',
};

const prefixed = (account: MailboxAccount): readonly string[] =>
  account.mailbox.addresses.map(
    (address) => `${addressKey(address) === addressKey(account.mailbox.primaryAddress) ? 'SMTP' : 'smtp'}:${address}`,
  );

/**
 * All addresses after the change, the primary one first; undefined: none of the two parameters was given.
 * @throws Failure CANNOT
 */
export function addressesFrom(args: Arguments, account: MailboxAccount): readonly string[] | undefined {
  const primary = args.optional(primarySmtpAddress);
  const edited = args.edited(emailAddresses, prefixed(account));
  if (primary !== undefined && edited !== undefined)
    throw new Failure('CANNOT', 'EmailAddresses and PrimarySmtpAddress cannot both be set in one command');
  if (primary !== undefined) {
    const first = checkedAddress(primary);
    return [first, ...account.mailbox.addresses.filter((one) => addressKey(one) !== addressKey(first))];
  }
  if (edited === undefined) return undefined;
  const marked = edited.filter((one) => one.startsWith('SMTP:'));
  const plain = edited.map((one) => one.slice('smtp:'.length));
  const old = plain.find((one) => addressKey(one) === addressKey(account.mailbox.primaryAddress));
  // `@{Add="SMTP:new"}` moves the mark: the old primary address has it, too, and gives way.
  const chosen = marked.map((one) => one.slice('SMTP:'.length)).filter((one) => marked.length === 1 || one !== old);
  if (chosen.length > 1)
    throw new Failure('CANNOT', `EmailAddresses: one address can be the primary one, not ${chosen.join(' and ')}`);
  const first = chosen[0] ?? old ?? plain[0];
  if (first === undefined) throw new Failure('CANNOT', 'EmailAddresses: a mailbox needs at least one address');
  return [first, ...plain.filter((one) => addressKey(one) !== addressKey(first))];
}

/** `PrimarySmtpAddress a → b, EmailAddresses a, b → b`; empty: nothing changes. */
export function addressText(account: MailboxAccount, after: readonly string[]): string {
  const { addresses, primaryAddress } = account.mailbox;
  const before = [primaryAddress, ...addresses.filter((one) => addressKey(one) !== addressKey(primaryAddress))];
  const same = before.length === after.length && before.every((one, at) => one === after[at]);
  if (same) return '';
  return `EmailAddresses ${before.join(', ')} → ${after.join(', ')} (the first is the primary one)`;
}
