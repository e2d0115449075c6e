/**
 * Addresses as people type and paste them (RFC 5322 §3.4 read kindly): display names, quotes, comments, groups, lists
 * divided by commas, semicolons or lines. What is no address stays as it was typed, so that it can be mended. Pure.
 */

export interface Address {
  readonly name: string | null;
  readonly email: string;
}

/** RFC 5321 §4.5.3.1. */
const LOCAL_OCTETS = 64;
const DOMAIN_OCTETS = 255;
/** RFC 5322 §3.2.3 atoms, with UTF-8 (RFC 6532 §3.2). */
const DOT_ATOM =
  /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u0080-\u{10ffff}]+(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u0080-\u{10ffff}]+)*$/u;
const QUOTED = /^"(?:[^"\\]|\\.)*"$/u;
const BARE = /^[^\s@<>()",;]+@[^\s@<>()",;]+$/u;

/** In order; the same address is given once. */
export function readAddresses(text: string): readonly Address[] {
  const found = new Map<string, Address>();
  for (const piece of pieces(text))
    for (const address of readPiece(piece)) {
      const key = keyOf(address);
      if (!found.has(key)) found.set(key, address);
    }
  return [...found.values()];
}

/** Addresses that are one to whoever delivers them. */
export const keyOf = ({ email }: Address): string => email.trim().toLowerCase();

/** Could be delivered: a local part, and a domain that may exist. */
export function isDeliverable(email: string): boolean {
  const at = email.lastIndexOf('@');
  const local = email.slice(0, at);
  if (at < 1 || new TextEncoder().encode(local).length > LOCAL_OCTETS) return false;
  return (DOT_ATOM.test(local) || QUOTED.test(local)) && asciiDomain(email.slice(at + 1)) !== null;
}

/** The domain as DNS has it (RFC 5891); the local part is the other side's own matter. */
export function wireAddress(email: string): string {
  const at = email.lastIndexOf('@');
  const domain = asciiDomain(email.slice(at + 1));
  return at < 1 || domain === null ? email : `${email.slice(0, at)}@${domain}`;
}

/** `"Name, with comma" <a@b>`, as it can be read again. */
export function writtenAddress({ name, email }: Address): string {
  if (name === null || name === '') return email;
  const isPlain = /^[\p{L}\p{N}\p{M} !#$%&'*+\-/=?^_`{|}~.]+$/u.test(name);
  return `${isPlain ? name : `"${name.replaceAll(/["\\]/g, '\\$&')}"`} <${email}>`;
}

/** Null: no domain that DNS could know. */
function asciiDomain(domain: string): string | null {
  if (/^\[[0-9A-Fa-f:.]+(?:IPv6:)?[0-9A-Fa-f:.]*\]$|^\[IPv6:[0-9A-Fa-f:.]+\]$/.test(domain)) return domain;
  // What a URL would read as something else than a host name.
  if (domain === '' || /[\s/?#:@%\\[\]<>^|]/u.test(domain)) return null;
  let ascii: string;
  try {
    ascii = new URL(`http://${domain}`).hostname;
  } catch {
    return null;
  }
  const labels = ascii.split('.');
  const isHost = labels.every((label) => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(label));
  return isHost && labels.length > 1 && /\D/.test(labels.at(-1) ?? '') && ascii.length <= DOMAIN_OCTETS ? ascii : null;
}

/** Divided where a list is: not within quotes, comments and angle brackets. A group's name is left out (§3.4). */
function* pieces(text: string): Generator<string> {
  let [from, depth] = [0, 0];
  let isQuoted = false;
  let isAngle = false;
  // What is never closed opens nothing.
  const [lastQuote, lastComment, lastAngle] = ['"', ')', '>'].map((end) => text.lastIndexOf(end));
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '\\' && (isQuoted || depth > 0)) at += 1;
    else if (isQuoted) isQuoted = character !== '"';
    else if (character === '"' && depth === 0) isQuoted = at < (lastQuote ?? 0);
    else if (character === '(') depth += at < (lastComment ?? 0) ? 1 : 0;
    else if (character === ')') depth = Math.max(0, depth - 1);
    else if (depth > 0) continue;
    else if (character === '<') isAngle = at < (lastAngle ?? 0);
    else if (character === '>') isAngle = false;
    else if (isAngle) continue;
    else if (character === ',' || character === ';' || character === '\n') {
      yield text.slice(from, at);
      from = at + 1;
    } else if (character === ':' && isGroupName(text.slice(from, at))) from = at + 1;
  }
  yield text.slice(from);
}

const isGroupName = (name: string): boolean => !name.includes('@') && !/^\s*mailto$/i.test(name) && name.trim() !== '';

function readPiece(piece: string): readonly Address[] {
  const { rest, comments } = withoutComments(piece.replaceAll(/[\r\t]/g, ' '));
  const trimmed = rest.trim().replace(/^mailto:/i, '');
  if (trimmed === '') return [];
  const angle = /^(.*)<([^<>]*)>\s*$/su.exec(trimmed);
  if (angle !== null) {
    const [, before = '', inner = ''] = angle;
    // Obsolete source routes (RFC 5322 §4.4) lead nowhere any more.
    const email = inner
      .trim()
      .replace(/^mailto:/i, '')
      .replace(/^@[^:]*:/u, '')
      .trim();
    const name = unquoted(before.trim());
    return email === '' ? [] : [{ name: named(name === '' ? (comments[0] ?? '') : name, email), email }];
  }
  const words = trimmed.split(/\s+/u);
  // A column of addresses pasted into one line, and `Anna Alm anna@example.org`.
  if (words.length > 1 && words.every((word) => BARE.test(word))) return words.map((email) => ({ name: null, email }));
  const last = words.at(-1) ?? '';
  if (words.length > 1 && BARE.test(last) && !trimmed.startsWith('"'))
    return [{ name: named(unquoted(words.slice(0, -1).join(' ')), last), email: last }];
  const email = QUOTED.test(trimmed) ? unquoted(trimmed) : trimmed;
  return [{ name: named(comments[0] ?? '', email), email }];
}

const named = (name: string, email: string): string | null =>
  name === '' || name.toLowerCase() === email.toLowerCase() ? null : name;

/** Quotes off, pairs of backslashes resolved, white space single; apostrophes around a whole name are quotes, too. */
function unquoted(text: string): string {
  const open = text
    .replaceAll(/"((?:[^"\\]|\\.)*)"/gsu, (_, inner: string) => inner.replaceAll(/\\(.)/gsu, '$1'))
    .replaceAll(/\s+/gu, ' ')
    .trim();
  return /^'[^']*'$/u.test(open) ? open.slice(1, -1) : open;
}

function withoutComments(piece: string): { readonly rest: string; readonly comments: readonly string[] } {
  if (!piece.includes('(') || !piece.includes(')')) return { rest: piece, comments: [] };
  const comments: string[] = [];
  let [rest, comment, depth] = ['', '', 0];
  let isQuoted = false;
  for (let at = 0; at < piece.length; at += 1) {
    const character = piece[at] ?? '';
    const isPair = character === '\\' && (isQuoted || depth > 0);
    const text = isPair ? character + (piece[at + 1] ?? '') : character;
    if (isPair) at += 1;
    if (character === '"' && depth === 0) isQuoted = !isQuoted;
    if (character === '(' && !isQuoted) {
      depth += 1;
      if (depth === 1) continue;
    }
    if (character === ')' && depth > 0) {
      depth -= 1;
      if (depth > 0) comment += text;
      else {
        comments.push(comment.replaceAll(/\\(.)/gsu, '$1').trim());
        comment = '';
      }
      continue;
    }
    if (depth > 0) comment += text;
    else rest += text;
  }
  return depth > 0 ? { rest: piece, comments: [] } : { rest, comments };
}
