/**
 * Names of accounts: addresses, aliases, user principal names, and the forms in which people type them to log on
 * (exchange-behaviour.md §6.2). Compared without case; the domain also without regard to its IDNA spelling. Pure.
 */
import { domainToASCII } from 'node:url';
import { Failure } from '../observe/failure.ts';

/** RFC 5321 §4.5.3.1.1 counts octets of the local part; RFC 6531 allows UTF-8 in it. */
export const LOCAL_PART_BYTES = 64;
export const ALIAS_LENGTH = 64;
export const ADDRESSES_PER_MAILBOX = 500;
const DISPLAY_NAME_LENGTH = 256;

export interface AddressParts {
  readonly localPart: string;
  readonly domain: string;
}

/** Splits at the last `@`; null when it is no address. */
export function splitAddress(address: string): AddressParts | null {
  const at = address.lastIndexOf('@');
  if (at < 1 || at === address.length - 1) return null;
  return { localPart: address.slice(0, at), domain: address.slice(at + 1) };
}

/** Domain in lower case with A-labels, so that `bücher.example` and `xn--bcher-kva.example` are one. */
export function domainKey(domain: string): string {
  const lower = domain.normalize('NFC').toLowerCase().replace(/\.$/, '');
  // domainToASCII reads a URL's host: it would cut `example.org/x` at the slash, so ASCII and odd names stay as they are.
  if (/^[\u0000-\u007f]*$/.test(lower) || /[\u0000-\u002c\u002f\u003a-\u0060\u007b-\u007f]/.test(lower)) return lower;
  return domainToASCII(lower) || lower;
}

export const nameKey = (name: string): string => name.normalize('NFC').toLowerCase();

/** Equal for all spellings of one address. */
export function addressKey(address: string): string {
  const parts = splitAddress(address);
  return parts === null ? nameKey(address) : `${nameKey(parts.localPart)}@${domainKey(parts.domain)}`;
}

/** Local part as given, domain in lower case. @throws Failure CANNOT */
export function checkedAddress(address: string): string {
  const parts = splitAddress(address.trim());
  const bad = (why: string): Failure => new Failure('CANNOT', `"${address.slice(0, 100)}" is no mail address: ${why}`);
  if (parts === null) throw bad('it needs a name, @ and a domain');
  if (Buffer.byteLength(parts.localPart) > LOCAL_PART_BYTES)
    throw bad(`the part before @ is longer than ${LOCAL_PART_BYTES} bytes`);
  if (/[\u0000-\u0020\u007f"(),:;<>@[\\\]]/.test(parts.localPart)) throw bad('a character before @ is not allowed');
  if (/^\.|\.\.|\.$/.test(parts.localPart)) throw bad('dots before @ may not lead, end or double');
  return `${parts.localPart}@${checkedDomain(parts.domain)}`;
}

/** Lower case. @throws Failure CANNOT */
export function checkedDomain(domain: string): string {
  const lower = domain.trim().normalize('NFC').toLowerCase().replace(/\.$/, '');
  const key = domainKey(lower);
  const label = '[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?';
  if (key.length > 253 || !new RegExp(`^${label}(\\.${label})*$`).test(key))
    throw new Failure('CANNOT', `"${domain.slice(0, 100)}" is no domain name`);
  return lower;
}

/** @throws Failure CANNOT */
export function checkedAlias(alias: string): string {
  const key = nameKey(alias.trim());
  if (key.length < 1 || key.length > ALIAS_LENGTH || /[\u0000-\u0020\u007f"(),:;<>@[\\\]/]/.test(key))
    throw new Failure('CANNOT', `Alias must be 1–${ALIAS_LENGTH} characters without spaces, @, / and \\`);
  return key;
}

/** @throws Failure CANNOT */
export function checkedPrincipalName(name: string): string {
  const parts = splitAddress(name.trim());
  if (parts === null || name.length > 320 || /[\u0000-\u0020\u007f]/.test(name.trim()))
    throw new Failure('CANNOT', 'UserPrincipalName must look like name@domain');
  return `${nameKey(parts.localPart)}@${checkedDomain(parts.domain)}`;
}

/** @throws Failure CANNOT */
export function checkedDisplayName(name: string, what = 'DisplayName'): string {
  const trimmed = name.trim();
  if (trimmed.length < 1 || trimmed.length > DISPLAY_NAME_LENGTH || /[\u0000-\u001f\u007f]/.test(trimmed))
    throw new Failure('CANNOT', `${what} must be 1–${DISPLAY_NAME_LENGTH} characters on one line`);
  return trimmed;
}

/** What a logon name may mean, in the order in which to look. */
export type LogonCandidate =
  | { readonly by: 'address'; readonly key: string }
  | { readonly by: 'alias'; readonly key: string };

/**
 * UPN or address; `DOMAIN\user` or `DOMAIN/user`; a bare user of the default domain or an alias. Delegate forms
 * (a second `/` or `\`, or one behind an address) give nothing: they name two accounts.
 */
export function logonCandidates(
  typed: string,
  domains: { readonly default: string | null; readonly accepted: readonly string[]; readonly organization: string },
): readonly LogonCandidate[] {
  const name = typed.trim();
  if (name === '') return [];
  const candidates: LogonCandidate[] = [];
  if (name.includes('@')) candidates.push({ by: 'address', key: addressKey(name) });
  const separator = name.search(/[\\/]/);
  if (separator < 0) {
    if (!name.includes('@')) {
      if (domains.default !== null) candidates.push({ by: 'address', key: addressKey(`${name}@${domains.default}`) });
      candidates.push({ by: 'alias', key: nameKey(name) });
    }
    return candidates;
  }
  const prefix = name.slice(0, separator);
  const user = name.slice(separator + 1);
  if (prefix.includes('@') || user === '' || /[\\/@]/.test(user)) return candidates;
  const word = domainKey(prefix);
  const full = domains.accepted.find((domain) => domainKey(domain) === word);
  const short = domains.accepted.filter((domain) => domainKey(domain).split('.')[0] === word);
  const known = full !== undefined || short.length > 0 || nameKey(domains.organization) === nameKey(prefix);
  if (!known) return candidates;
  for (const domain of full === undefined ? short : [full])
    candidates.push({ by: 'address', key: addressKey(`${user}@${domain}`) });
  candidates.push({ by: 'alias', key: nameKey(user) });
  return candidates;
}
