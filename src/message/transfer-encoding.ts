/**
 * Content-Transfer-Encoding of RFC 2045 §6 and the uuencode that came before it. Damaged input is decoded as far
 * as it goes; unknown encodings leave the bytes as they are (RFC 2045 §6.4).
 */
import { Buffer } from 'node:buffer';
import { decode as decodeQuotedPrintable } from 'libqp';

/** `encoding` in lower case, as in Part. The result may share memory with `bytes`. */
export function decodeTransfer(bytes: Buffer, encoding: string): Buffer {
  switch (encoding) {
    case 'base64':
      return decodeBase64(bytes);
    case 'quoted-printable':
      return decodeQuotedPrintable(bytes);
    case 'x-uuencode':
    case 'x-uue':
    case 'uuencode':
      return decodeUu(bytes);
    default:
      return bytes;
  }
}

/** Padding ends a run, not the data: some senders encode line by line or append a footer. */
function decodeBase64(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1');
  const padding = text.indexOf('=');
  if (padding < 0 || !/[A-Za-z0-9+/]/.test(text.slice(padding))) return Buffer.from(text, 'base64');
  const runs = text.split(/=+/).map((run) => Buffer.from(run, 'base64'));
  return Buffer.concat(runs);
}

/** Lines between `begin MODE NAME` and `end`; each starts with its length. */
function decodeUu(bytes: Buffer): Buffer {
  const out = Buffer.allocUnsafe(bytes.length);
  let size = 0;
  let inside = false;
  for (let at = 0; at < bytes.length; ) {
    const lf = bytes.indexOf(10, at);
    const next = lf < 0 ? bytes.length : lf + 1;
    if (!inside) inside = bytes.toString('latin1', at, Math.min(at + 6, next)) === 'begin ';
    else {
      const count = (bytes[at]! - 32) & 63;
      if (bytes[at] === 0x65 && bytes.toString('latin1', at, at + 3) === 'end') break;
      let left = Math.min(count, Math.floor(((next - at - 1) * 3) / 4));
      for (let i = at + 1; left > 0; i += 4) {
        const bits = (six(bytes[i]) << 18) | (six(bytes[i + 1]) << 12) | (six(bytes[i + 2]) << 6) | six(bytes[i + 3]);
        out[size++] = bits >>> 16;
        if (left > 1) out[size++] = bits >>> 8;
        if (left > 2) out[size++] = bits;
        left -= 3;
      }
    }
    at = next;
  }
  return inside ? out.subarray(0, size) : bytes;
}

function six(byte: number | undefined): number {
  return byte === undefined ? 0 : (byte - 32) & 63;
}
