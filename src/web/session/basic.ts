/** HTTP Basic credentials (RFC 7617). Pure. */
import { Buffer, isUtf8 } from 'node:buffer';

/** Null: there are none, or none of this kind. */
export function basicCredentials(
  header: string | undefined,
): { readonly user: string; readonly password: string } | null {
  const token = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(header ?? '')?.[1];
  if (token === undefined) return null;
  const bytes = Buffer.from(token, 'base64');
  if (!isUtf8(bytes)) return null;
  const text = bytes.toString('utf8');
  const colon = text.indexOf(':');
  return colon < 1 ? null : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
