/**
 * Mail addresses as SMTP spells them: local part (dot-string or quoted), domain or address literal
 * (RFC 5321 §4.1.2, §4.1.3), in UTF-8 where RFC 6531 §3.3 allows it. Pure.
 */
import { Buffer } from 'node:buffer';
import ipaddr from 'ipaddr.js';
import { SMTP_DOMAIN_BYTES, SMTP_LOCAL_PART_BYTES } from '../../wire/limits.ts';

export interface MailAddress {
  /** Unquoted. */
  readonly localPart: string;
  /** Lower case, without a final dot; an address literal keeps its brackets. */
  readonly domain: string;
  /** The address as it may be written into a path: quoted where needed. */
  readonly text: string;
  /** Holds characters beyond ASCII: needs SMTPUTF8. */
  readonly internationalized: boolean;
}

/** A parsed address and the offset behind it; null when there is none at `from`. */
export interface ScannedAddress {
  readonly address: MailAddress;
  readonly end: number;
}

/** The whole text is one address. */
export function parseAddress(text: string): MailAddress | null {
  const scanned = scanAddress(text, 0);
  return scanned !== null && scanned.end === text.length ? scanned.address : null;
}

export function scanAddress(text: string, from: number): ScannedAddress | null {
  const local = text[from] === '"' ? scanQuoted(text, from) : scanDotString(text, from);
  if (local === null || text[local.end] !== '@') return null;
  const domain = scanDomain(text, local.end + 1);
  if (domain === null) return null;
  if (Buffer.byteLength(local.value) > SMTP_LOCAL_PART_BYTES) return null;
  return { address: mailAddress(local.value, domain.value), end: domain.end };
}

export function mailAddress(localPart: string, domain: string): MailAddress {
  const name = domain.startsWith('[') ? domain : domain.normalize('NFC').toLowerCase().replace(/\.$/, '');
  const local = DOT_STRING.test(localPart) ? localPart : `"${localPart.replace(/["\\]/g, '\\$&')}"`;
  const text = `${local}@${name}`;
  return { localPart, domain: name, text, internationalized: /[^\x00-\x7f]/.test(text) };
}

/** atext of RFC 5322 §3.2.3 plus UTF8-non-ascii of RFC 6531 §3.3. */
const ATEXT = /[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u0080-\u{10ffff}]/u;
const DOT_STRING =
  /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u0080-\u{10ffff}]+(\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u0080-\u{10ffff}]+)*$/u;

interface Scanned {
  readonly value: string;
  readonly end: number;
}

/** Dots anywhere are taken: some large hosts give out names like `a..b@` and `c.@`. */
function scanDotString(text: string, from: number): Scanned | null {
  let end = from;
  while (end < text.length) {
    const code = text.codePointAt(end) ?? 0;
    const char = String.fromCodePoint(code);
    if (char !== '.' && !ATEXT.test(char)) break;
    end += char.length;
  }
  return end === from ? null : { value: text.slice(from, end).normalize('NFC'), end };
}

/** Quoted-string of RFC 5321 §4.1.2: qtextSMTP and quoted-pairSMTP. */
function scanQuoted(text: string, from: number): Scanned | null {
  let value = '';
  for (let at = from + 1; at < text.length; at += 1) {
    let char = text[at]!;
    if (char === '"') return { value: value.normalize('NFC'), end: at + 1 };
    if (char === '\\') {
      at += 1;
      char = text[at] ?? '\n';
      if (char < ' ' || char > '~') return null;
    }
    if (char < ' ' || char === '\x7f') return null;
    value += char;
  }
  return null;
}

export function scanDomain(text: string, from: number): Scanned | null {
  if (text[from] === '[') {
    const close = text.indexOf(']', from);
    if (close < 0) return null;
    const literal = text.slice(from, close + 1);
    return isAddressLiteral(literal) ? { value: literal, end: close + 1 } : null;
  }
  let end = from;
  while (end < text.length && DOMAIN_CHAR.test(text[end]!)) end += 1;
  const value = text.slice(from, end);
  return isDomain(value) ? { value, end } : null;
}

const DOMAIN_CHAR = /[A-Za-z0-9._\-\u0080-\uffff]/;
/** Underscores are no host names, but hosts have them. Surrogate halves pass: they come in pairs from valid UTF-8. */
const LABEL = /^[A-Za-z0-9_\u0080-\uffff]([A-Za-z0-9_\-\u0080-\uffff]*[A-Za-z0-9_\u0080-\uffff])?$/;
const LABEL_CHARS = 63;

export function isDomain(text: string): boolean {
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  if (name === '' || Buffer.byteLength(name) > SMTP_DOMAIN_BYTES) return false;
  return name.split('.').every((label) => label.length <= LABEL_CHARS && LABEL.test(label));
}

/** RFC 5321 §4.1.3: `[192.0.2.1]`, `[IPv6:2001:db8::1]`. General literals of other tags are not known. */
export function isAddressLiteral(text: string): boolean {
  if (!text.startsWith('[') || !text.endsWith(']')) return false;
  const inner = text.slice(1, -1);
  if (/^IPv6:/i.test(inner)) return ipaddr.IPv6.isValid(inner.slice(5));
  return ipaddr.IPv4.isValidFourPartDecimal(inner);
}
