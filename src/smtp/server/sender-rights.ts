/**
 * Which addresses a person may send as (exchange-behaviour.md §3.5): those of his own mailbox, in MAIL FROM as well
 * as in From and Sender. Send As rights of others will join here. The From field is read strictly: what this parser
 * does not understand is refused, since a lenient reader at the other end might see another sender in it.
 */
import type { Account } from '../../directory/model.ts';
import { type MailAddress, parseAddress, scanAddress } from '../grammar/address.ts';

export function ownsAddress(account: Account, address: MailAddress): boolean {
  const wanted = `${address.localPart}@${address.domain}`.toLowerCase();
  return account.mailbox?.addresses.some((each) => each.normalize('NFC').toLowerCase() === wanted) ?? false;
}

/** The addresses of a From or Sender field (RFC 5322 §3.6.2); null when it cannot be read without doubt. */
export function mailboxList(value: string): readonly MailAddress[] | null {
  const items = splitMailboxes(value);
  if (items === null) return null;
  const addresses: MailAddress[] = [];
  for (const item of items) {
    const address = mailboxAddress(item);
    if (address === null) return null;
    addresses.push(address);
  }
  return addresses.length === 0 ? null : addresses;
}

/** Cuts at top-level commas and takes comments out; null on a group, an open quote, an open comment. */
function splitMailboxes(value: string): readonly string[] | null {
  const items: string[] = [];
  let item = '';
  let quoted = false;
  let depth = 0;
  let angle = false;
  for (let at = 0; at < value.length; at += 1) {
    const char = value[at]!;
    if (char === '\\' && (quoted || depth > 0)) {
      if (depth === 0) item += value.slice(at, at + 2);
      at += 1;
    } else if (depth > 0) {
      if (char === '(') depth += 1;
      else if (char === ')') depth -= 1;
    } else if (char === '"') {
      quoted = !quoted;
      item += char;
    } else if (quoted) item += char;
    else if (char === '(') {
      depth += 1;
      item += ' ';
    } else if (char === ',') {
      if (angle) return null;
      items.push(item);
      item = '';
    } else if (char === ':' || char === ';' || char === ')') return null;
    else {
      if (char === '<' && angle) return null;
      if (char === '<') angle = true;
      if (char === '>') angle = false;
      item += char;
    }
  }
  if (quoted || depth > 0 || angle) return null;
  items.push(item);
  // RFC 5322 §4.4: empty list elements are obsolete and harmless.
  return items.map((each) => each.trim()).filter((each) => each !== '');
}

function mailboxAddress(item: string): MailAddress | null {
  const open = angleStart(item);
  if (open < 0) return parseAddress(item);
  const phrase = item.slice(0, open).replace(/"(?:[^"\\]|\\.)*"/g, '');
  // An unquoted address in front of the real one is what impostors write.
  if (/[@<>]/.test(phrase)) return null;
  const inner = item.slice(open + 1);
  const trimmed = inner.trimStart();
  const scanned = scanAddress(trimmed, 0);
  return scanned !== null && trimmed.slice(scanned.end).trim() === '>' ? scanned.address : null;
}

/** The `<` that stands outside quoted text, or -1. */
function angleStart(item: string): number {
  let quoted = false;
  for (let at = 0; at < item.length; at += 1) {
    const char = item[at];
    if (char === '\\') at += 1;
    else if (char === '"') quoted = !quoted;
    else if (char === '<' && !quoted) return at;
  }
  return -1;
}
