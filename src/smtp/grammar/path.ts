/**
 * The arguments of MAIL and RCPT: reverse- and forward-paths (RFC 5321 §4.1.2) and ESMTP parameters. Pure.
 */
import { Buffer } from 'node:buffer';
import { SMTP_PARAMETERS, SMTP_PATH_BYTES } from '../../wire/limits.ts';
import { type MailAddress, scanAddress, scanDomain } from './address.ts';

export type Path =
  /** `<>` */
  | { readonly kind: 'null' }
  /** `<Postmaster>` without a domain, in any case (RFC 5321 §4.1.1.3). */
  | { readonly kind: 'postmaster' }
  | { readonly kind: 'address'; readonly address: MailAddress };

export interface PathArgument {
  readonly path: Path;
  /** Keyword in capitals → value, null when it has none. */
  readonly parameters: ReadonlyMap<string, string | null>;
}

export type ParsedPath =
  | ({ readonly kind: 'ok' } & PathArgument)
  | { readonly kind: 'bad'; readonly what: 'keyword' | 'path' | 'parameter'; readonly reason: string };

/** `text` is what stands behind MAIL or RCPT; `keyword` is `FROM:` or `TO:`. */
export function parsePathArgument(text: string, keyword: 'FROM:' | 'TO:'): ParsedPath {
  if (text.slice(0, keyword.length).toUpperCase() !== keyword) {
    return { kind: 'bad', what: 'keyword', reason: `expected ${keyword}<address>` };
  }
  // A space behind the colon is against RFC 5321 §3.3 and sent by too many (mox keeps a list) to refuse it.
  let at = keyword.length;
  while (text[at] === ' ') at += 1;
  const scanned = scanPath(text, at);
  if (scanned === null)
    return { kind: 'bad', what: 'path', reason: 'the address is not a valid path in angle brackets' };
  if (Buffer.byteLength(text.slice(at, scanned.end)) > SMTP_PATH_BYTES) {
    return { kind: 'bad', what: 'path', reason: `the path is longer than ${SMTP_PATH_BYTES} octets` };
  }
  const parameters = parseParameters(text.slice(scanned.end));
  if (typeof parameters === 'string') return { kind: 'bad', what: 'parameter', reason: parameters };
  return { kind: 'ok', path: scanned.path, parameters };
}

function scanPath(text: string, from: number): { readonly path: Path; readonly end: number } | null {
  if (text[from] !== '<') return null;
  if (text[from + 1] === '>') return { path: { kind: 'null' }, end: from + 2 };
  const bare = /^<postmaster>/i.exec(text.slice(from, from + 12));
  if (bare !== null) return { path: { kind: 'postmaster' }, end: from + bare[0].length };
  const start = skipSourceRoute(text, from + 1);
  const scanned = start === null ? null : scanAddress(text, start);
  if (scanned === null || text[scanned.end] !== '>') return null;
  return { path: { kind: 'address', address: scanned.address }, end: scanned.end + 1 };
}

/** `@one,@two:` in front of an address is accepted and ignored (RFC 5321 §4.1.1.3, appendix C). */
function skipSourceRoute(text: string, from: number): number | null {
  let at = from;
  if (text[at] !== '@') return at;
  for (;;) {
    if (text[at] !== '@') return null;
    const domain = scanDomain(text, at + 1);
    if (domain === null) return null;
    if (text[domain.end] === ':') return domain.end + 1;
    if (text[domain.end] !== ',') return null;
    at = domain.end + 1;
  }
}

const KEYWORD = /^[A-Za-z0-9][A-Za-z0-9-]*$/;
/** esmtp-value: anything printable but `=` and space, or beyond ASCII (RFC 6531 §3.3). AUTH=<> carries `<>`. */
const VALUE = /^[\x21-\x3c\x3e-\x7e\u0080-\u{10ffff}]+$/u;

function parseParameters(text: string): ReadonlyMap<string, string | null> | string {
  const parameters = new Map<string, string | null>();
  if (text.trim() === '') return parameters;
  if (!text.startsWith(' ')) return 'a space must follow the path';
  for (const word of text.split(' ')) {
    if (word === '') continue;
    const equals = word.indexOf('=');
    const keyword = equals < 0 ? word : word.slice(0, equals);
    const value = equals < 0 ? null : word.slice(equals + 1);
    if (!KEYWORD.test(keyword)) return 'a parameter has no valid keyword';
    if (value !== null && !VALUE.test(value)) return `the value of ${keyword} is not valid`;
    const name = keyword.toUpperCase();
    if (parameters.has(name)) return `${name} is given twice`;
    if (parameters.size >= SMTP_PARAMETERS) return `more than ${SMTP_PARAMETERS} parameters`;
    parameters.set(name, value);
  }
  return parameters;
}
