/**
 * Strict base64 of SASL lines (RFC 4648 §4, RFC 4422 §3): Buffer.from skips what it does not know, and a truncated
 * response must be BAD, not a wrong password.
 */
import { Buffer } from 'node:buffer';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Null when it is not base64. */
export function decodeBase64(line: Buffer): Buffer | null {
  const text = line.toString('latin1');
  return BASE64.test(text) ? Buffer.from(text, 'base64') : null;
}
