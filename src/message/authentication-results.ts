/**
 * Authentication-Results (RFC 8601 §2.2): what a server on the way found out about the sender. Anybody can write such a
 * field; whose it is stands in it, and whether to believe him is the reader's question. Pure, never throws.
 */

export interface AuthenticationResult {
  /** Lower case: `spf`, `dkim`, `dmarc` … */
  readonly method: string;
  /** Lower case: `pass`, `fail`, `none` … */
  readonly result: string;
  /** By name as written (`header.d`), at most a handful. */
  readonly properties: ReadonlyMap<string, string>;
}

export interface AuthenticationResults {
  /** authserv-id: who says so. */
  readonly server: string;
  readonly results: readonly AuthenticationResult[];
}

export const AUTHENTICATION_RESULTS = 50;
const PROPERTIES = 10;
const FIELD_CHARACTERS = 16 * 1024;

/** Null: not of this form. `value` is the octet string behind the colon. */
export function readAuthenticationResults(value: string): AuthenticationResults | null {
  const [head = '', ...rest] = statements(value.slice(0, FIELD_CHARACTERS));
  // The version behind the name is 1, whatever is written.
  const server = /^\s*"?([^\s"]{1,255})"?(?:\s+\d+)?\s*$/.exec(head)?.[1];
  if (server === undefined) return null;
  const results: AuthenticationResult[] = [];
  for (const text of rest.slice(0, AUTHENTICATION_RESULTS)) {
    const [, method = '', result = '', more = ''] =
      /^\s*([A-Za-z][\w-]{0,30})(?:\/\d+)?\s*=\s*([A-Za-z]\w{0,30})(.*)$/s.exec(text) ?? [];
    if (method === '') continue;
    const properties = new Map<string, string>();
    for (const [, name = '', quoted, bare] of more.matchAll(
      /([\w.-]{1,60})\s*=\s*(?:"([^"]{0,500})"|([^\s"]{1,500}))/g,
    ))
      if (properties.size < PROPERTIES) properties.set(name, quoted ?? bare ?? '');
    results.push({ method: method.toLowerCase(), result: result.toLowerCase(), properties });
  }
  return { server, results };
}

/** Between semicolons, without comments, which nest (RFC 5322 §3.2.2). Line ends become spaces. */
function statements(value: string): string[] {
  const found: string[] = [];
  let out = '';
  let depth = 0;
  let isQuoted = false;
  for (let at = 0; at < value.length; at += 1) {
    const character = value[at]!;
    if (character === '\\') {
      if (depth === 0) out += value.slice(at, at + 2);
      at += 1;
    } else if (character === '"' && depth === 0) {
      isQuoted = !isQuoted;
      out += character;
    } else if (character === '(' && !isQuoted) depth += 1;
    else if (character === ')' && depth > 0) {
      depth -= 1;
      out += ' ';
    } else if (character === ';' && depth === 0 && !isQuoted) {
      found.push(out);
      out = '';
    } else if (depth === 0) out += character === '\r' || character === '\n' ? ' ' : character;
  }
  found.push(out);
  return found;
}
