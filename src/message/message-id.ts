/**
 * Message ids for threading: RFC 5322 §3.6.4, normalized as RFC 5256 §3 asks (quotes that are not needed go), and
 * their 53-bit hashes, by which a mailbox finds the messages of one conversation without keeping strings.
 */
import { isSpace, skipComment, unquote } from './octet-string.ts';

/** Ids kept of one References field: the first and the newest ones. Longer lists are mail loops or attacks. */
export const REFERENCES_KEPT = 200;
/** Octets of one id; RFC 5322 §2.1.1 lets a line hold 998. */
const ID_OCTETS = 998;

/** Normalized ids between angle brackets, in order, each once, at most REFERENCES_KEPT. */
export function messageIds(value: string): string[] {
  const ids: string[] = [];
  for (let open = value.indexOf('<'); open >= 0; ) {
    const close = value.indexOf('>', open);
    if (close < 0) break;
    // `<a <b@c>`: the last opening bracket counts.
    const id = normalize(value.slice(value.lastIndexOf('<', close) + 1, close));
    if (id !== '') ids.push(id);
    open = value.indexOf('<', close);
  }
  const distinct = ids.length > 1 ? [...new Set(ids)] : ids;
  if (distinct.length <= REFERENCES_KEPT) return distinct;
  return [...distinct.slice(0, 1), ...distinct.slice(1 - REFERENCES_KEPT)];
}

/** The id of a Message-ID field; one without angle brackets is taken as it stands. */
export function messageIdOf(value: string): string | null {
  const [id] = messageIds(value);
  if (id !== undefined) return id;
  const bare = normalize(value.replaceAll(/[<>]/g, ''));
  return bare === '' ? null : bare;
}

/** RFC 5256 §3: `<"01KF8JCEOCBS0045PS"@xxx.yyy.com>` and `<01KF8JCEOCBS0045PS@xxx.yyy.com>` are one id. */
function normalize(text: string): string {
  let id = text;
  if (/[ \t("]/.test(text)) {
    id = '';
    for (let at = 0; at < text.length; ) {
      const code = text.charCodeAt(at);
      if (code === 0x28) at = skipComment(text, at);
      else if (code === 0x22) {
        let end = at + 1;
        while (end < text.length && text.charCodeAt(end) !== 0x22) end += text.charCodeAt(end) === 0x5c ? 2 : 1;
        id += unquote(text.slice(at + 1, end));
        at = end + 1;
      } else {
        if (!isSpace(code)) id += text[at] ?? '';
        at += 1;
      }
    }
  }
  return id.length > ID_OCTETS ? id.slice(0, ID_OCTETS) : id;
}

/** 53-bit hash of a normalized id (two multiplicative 32-bit lanes, as in cyrb53); never 0. */
export function threadKey(id: string): number {
  let low = 0x41c6ce57;
  let high = 0xdeadbeef | 0;
  for (let i = 0; i < id.length; i += 1) {
    const code = id.charCodeAt(i);
    high = Math.imul(high ^ code, 0x9e3779b1);
    low = Math.imul(low ^ code, 0x5f356495);
  }
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
  return (low & 0x1fffff) * 0x1_0000_0000 + (high >>> 0) || 1;
}
