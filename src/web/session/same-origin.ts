/**
 * Requests that a page of another origin makes in the name of a browser's user (CSRF) are refused, whatever the cookie
 * says: by Fetch Metadata, where a browser sends none by Origin (RFC 6454 §7), and for what changes something by a
 * field that a foreign page cannot add without asking (ADR 12 §4). Pure.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { Failure } from '../../observe/failure.ts';

/** `X-Penfold: 1`. */
export const APP_FIELD = 'x-penfold';

/** What the page could do with the answer, or with its effect. */
export type RequestKind =
  /** GET, HEAD. */
  | 'read'
  | 'change'
  /** WebSocket: a page cannot add fields, and no browser leaves Origin out. */
  | 'socket';

export const isFromApp = (headers: IncomingHttpHeaders): boolean => headers[APP_FIELD] === '1';

/** @throws Failure NOPERM */
export function checkSameOrigin(headers: IncomingHttpHeaders, kind: RequestKind): void {
  checkNotForeign(headers);
  switch (kind) {
    case 'read':
      return;
    case 'socket':
      if (headers.origin === undefined) throw refused('a WebSocket of a browser names its origin');
      return;
    case 'change': {
      const isSame = headers['sec-fetch-site'] === 'same-origin' || headers.origin !== undefined;
      if (!isSame) throw refused('a request that changes something says which origin it comes from');
      if (!isFromApp(headers)) throw refused('a request that changes something has the field X-Penfold: 1');
    }
  }
}

/** Also for requests with a password, which browsers keep and send along. @throws Failure NOPERM */
export function checkNotForeign(headers: IncomingHttpHeaders): void {
  const { origin, host, 'sec-fetch-site': site } = headers;
  const isForeign =
    // `none`: typed into the address bar, or a bookmark.
    (site !== undefined && site !== 'same-origin' && site !== 'none') ||
    (origin !== undefined && origin.toLowerCase() !== `https://${host ?? ''}`.toLowerCase());
  if (isForeign) throw refused('requests from pages of other origins are not taken');
}

const refused = (why: string): Failure => new Failure('NOPERM', why);
