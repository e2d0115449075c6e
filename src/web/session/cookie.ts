/**
 * The cookie of a web session (RFC 6265 with the prefix and SameSite of its successor, draft-ietf-httpbis-rfc6265bis):
 * the account's id, which is no secret, and a token that only the browser knows; the directory has its SHA-256. Pure.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { type AccountId, accountId } from '../../directory/model.ts';

/** `__Host-`: browsers take it from this host only, over TLS only, for all paths. */
export const COOKIE_NAME = '__Host-penfold';
const TOKEN_BYTES = 32;
/** Ids of accounts are UUIDs; anything else is none of ours and not looked up. */
const VALUE = /^([0-9a-f-]{36})\.([A-Za-z0-9_-]{43})$/;
const ATTRIBUTES = 'Path=/; Secure; HttpOnly; SameSite=Strict';

export interface SessionCookie {
  readonly account: AccountId;
  readonly token: string;
}

export const newToken = (): string => randomBytes(TOKEN_BYTES).toString('base64url');
export const tokenDigest = (token: string): Buffer => createHash('sha256').update(token).digest();
export const sameDigest = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b);

/** `Cookie` field of a request. Null: there is none of ours, or not one that we made. */
export function readCookie(header: string | undefined): SessionCookie | null {
  for (const pair of (header ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at < 0 || pair.slice(0, at).trim() !== COOKIE_NAME) continue;
    const [, account, token] = VALUE.exec(pair.slice(at + 1).trim()) ?? [];
    // With two of the name somebody tries something: the first one counts, as with every other server.
    return account === undefined || token === undefined ? null : { account: accountId(account), token };
  }
  return null;
}

/** `Set-Cookie`. `seconds` null: until the browser is closed. */
export function writeCookie({ account, token }: SessionCookie, seconds: number | null): string {
  const age = seconds === null ? '' : `; Max-Age=${Math.max(0, Math.floor(seconds))}`;
  return `${COOKIE_NAME}=${account}.${token}; ${ATTRIBUTES}${age}`;
}

export const NO_COOKIE = `${COOKIE_NAME}=; ${ATTRIBUTES}; Max-Age=0`;
