/**
 * What people type to open somebody else's mailbox (exchange-behaviour.md §6.2): `DOMAIN/user/mailbox`,
 * `user@domain/mailbox`, the same with `\`, and `user*mailbox`. Pure grammar: whether any of it exists is asked later.
 *
 * One text has one reading. `DOMAIN/user` names one account and never a delegate, so `user/mailbox` without a domain
 * is none of the forms; a part never holds a separator, so names that do (`a/b@example.org`) log on as themselves and
 * open other mailboxes by a SASL authorization identity (RFC 4422 §2) only.
 */

/** How the mailbox is named: with `@` an address or user principal name, else the alias and nothing but the alias. */
export type MailboxName =
  | { readonly by: 'address'; readonly address: string }
  | { readonly by: 'alias'; readonly alias: string };

export interface DelegateName {
  /** Who authenticates: user principal name, address, `DOMAIN\user`, or (before `*`) a bare name. */
  readonly user: string;
  readonly mailbox: MailboxName;
}

const PART = String.raw`[^\\/*@\s]+`;
const ADDRESS = `${PART}@${PART}`;
/** The organization's name may stand for the domain, and holds spaces. */
const DOMAIN = String.raw`${PART}(?: +${PART})*`;
const DOMAIN_USER = String.raw`${DOMAIN}[\\/]${PART}`;
const MAILBOX = `(?:${ADDRESS}|${PART})`;
const WITH_SEPARATOR = new RegExp(String.raw`^(${ADDRESS}|${DOMAIN_USER})[\\/](${MAILBOX})$`, 's');
const WITH_STAR = new RegExp(String.raw`^(${ADDRESS}|${DOMAIN_USER}|${PART})\*(${MAILBOX})$`, 's');

/** Null: a name of one account. */
export function parseDelegateName(typed: string): DelegateName | null {
  const name = typed.trim();
  const [, user, mailbox] = WITH_SEPARATOR.exec(name) ?? WITH_STAR.exec(name) ?? [];
  if (user === undefined || mailbox === undefined) return null;
  return {
    user,
    mailbox: mailbox.includes('@') ? { by: 'address', address: mailbox } : { by: 'alias', alias: mailbox },
  };
}
