/**
 * Address → where it leads, from the directory (accepted domains and mailboxes, exchange-behaviour.md §3.5).
 * Asked once for each RCPT; the directory's cache makes that cheap.
 */
import { domainToASCII, domainToUnicode } from 'node:url';
import type { Directory } from '../directory/api.ts';
import type { AcceptedDomain, Account } from '../directory/model.ts';
import type { Route } from './api.ts';

const POSTMASTER = 'postmaster';

export async function route(directory: Directory, localPart: string, domain: string | null): Promise<Route> {
  const domains = await directory.domains();
  const home = domain === null ? (domains.find((each) => each.isDefault) ?? domains[0]) : accepted(domains, domain);
  if (home === undefined) return domain === null ? { kind: 'unknown' } : { kind: 'elsewhere' };
  const name = domain ?? home.name;
  const account = await accountOf(directory, localPart, name, home);
  if (account === null) return { kind: 'unknown' };
  if (account.kind === 'guest' || account.kind === 'anonymous' || account.mailbox === null) return { kind: 'unknown' };
  // Shared, room and equipment mailboxes have no logon and still take mail: `enabled` is about people.
  if (!account.enabled && (account.kind === 'user' || account.kind === 'administrator')) return { kind: 'disabled' };
  return { kind: 'local', recipient: { address: `${localPart}@${name}`, account, mailbox: account.mailbox } };
}

/** Internationalized domains are compared in both spellings (RFC 6531 §3.2 leaves the choice to the sender). */
function accepted(domains: readonly AcceptedDomain[], domain: string): AcceptedDomain | undefined {
  const plain = domain.toLowerCase();
  const found = domains.find((each) => each.name.toLowerCase() === plain);
  if (found !== undefined) return found;
  const ascii = domainToASCII(plain);
  if (ascii === '') return undefined;
  return domains.find((each) => domainToASCII(each.name.toLowerCase()) === ascii);
}

async function accountOf(
  directory: Directory,
  localPart: string,
  domain: string,
  home: AcceptedDomain,
): Promise<Account | null> {
  for (const spelling of spellings(domain, home.name)) {
    const account = await directory.accountByAddress(`${localPart}@${spelling}`);
    if (account !== null) return account;
  }
  if (localPart.toLowerCase() !== POSTMASTER) return null;
  // RFC 5321 §4.5.1: mail to postmaster is always taken; without a mailbox of that name the administrator reads it.
  const administrator = await directory.accountByLogonName('administrator');
  return administrator?.kind === 'administrator' ? administrator : null;
}

function spellings(domain: string, home: string): readonly string[] {
  const lower = domain.toLowerCase();
  const others = /[^\x20-\x7e]|xn--/.test(lower)
    ? [home.toLowerCase(), domainToUnicode(lower), domainToASCII(lower)]
    : [];
  return [...new Set([lower, ...others])].filter((each) => each !== '');
}
