/**
 * Content-Transfer-Encoding outward (RFC 2045 §6): the lightest of 7bit, quoted-printable and base64. No line of
 * the result begins with `--` (it can meet no boundary) or `From ` (mbox), none is longer than 998 octets (RFC 5322
 * §2.1.1).
 */
import { Buffer, isAscii } from 'node:buffer';

export interface EncodedBody {
  readonly encoding: '7bit' | 'quoted-printable' | 'base64';
  readonly bytes: Buffer;
}

const LINE_OCTETS = 998;
/** RFC 2045 §6.7 (5), §6.8. */
const ENCODED_LINE = 76;
const HEX = Buffer.from('0123456789ABCDEF', 'latin1');
const CR = 13;
const LF = 10;
const SPACE = 32;
const TAB = 9;
const EQUALS = 0x3d;
const DASH = 0x2d;

/** Text with CRLF line ends, in any charset of bytes. */
export function encodeText(bytes: Buffer): EncodedBody {
  if (staysAsItIs(bytes)) return { encoding: '7bit', bytes };
  let escaped = 0;
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i]!;
    if (byte === EQUALS || byte > 126 || (byte < SPACE && byte !== CR && byte !== LF && byte !== TAB)) escaped += 1;
  }
  // An escape adds two octets to one, base64 one to three.
  if (escaped * 6 > bytes.length) return encodeBase64(bytes);
  return { encoding: 'quoted-printable', bytes: encodeQuotedPrintable(bytes) };
}

export function encodeBase64(bytes: Buffer): EncodedBody {
  const text = bytes.toString('base64');
  const lines = Math.ceil(text.length / ENCODED_LINE);
  const out = Buffer.allocUnsafe(text.length + 2 * lines);
  let size = 0;
  for (let at = 0; at < text.length; at += ENCODED_LINE) {
    size += out.write(text.slice(at, at + ENCODED_LINE), size, 'latin1');
    out[size++] = CR;
    out[size++] = LF;
  }
  return { encoding: 'base64', bytes: out.subarray(0, size) };
}

function staysAsItIs(bytes: Buffer): boolean {
  if (!isAscii(bytes) || bytes.includes(0)) return false;
  for (let at = 0; at < bytes.length; ) {
    const lf = bytes.indexOf(LF, at);
    const end = lf < 0 ? bytes.length : lf;
    if (lf >= 0 && (lf === at || bytes[lf - 1] !== CR)) return false;
    if (end - at > (lf < 0 ? LINE_OCTETS : LINE_OCTETS + 1)) return false;
    if (bytes[at] === DASH && bytes[at + 1] === DASH) return false;
    if (bytes[at] === 0x46 && bytes.toString('latin1', at, at + 5) === 'From ') return false;
    const cr = bytes.indexOf(CR, at);
    if (cr >= 0 && cr < end - 1) return false;
    at = end + 1;
  }
  return bytes[bytes.length - 1] !== CR;
}

export function encodeQuotedPrintable(bytes: Buffer): Buffer {
  // Three octets for one, and a soft line break for each 73 of them.
  const out = Buffer.allocUnsafe(Math.ceil(bytes.length * 3 * (1 + 3 / 72)) + 8);
  let size = 0;
  let column = 0;
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i]!;
    if (byte === CR && bytes[i + 1] === LF) {
      out[size++] = CR;
      out[size++] = LF;
      column = 0;
      i += 1;
      continue;
    }
    const literal = isLiteral(bytes, i, byte, column);
    const width = literal ? 1 : 3;
    if (column + width >= ENCODED_LINE) {
      out[size++] = EQUALS;
      out[size++] = CR;
      out[size++] = LF;
      column = 0;
      // What may stand inside a line may have to be escaped at its start.
      i -= 1;
      continue;
    }
    if (literal) out[size++] = byte;
    else {
      out[size++] = EQUALS;
      out[size++] = HEX[byte >>> 4]!;
      out[size++] = HEX[byte & 15]!;
    }
    column += width;
  }
  return out.subarray(0, size);
}

function isLiteral(bytes: Buffer, i: number, byte: number, column: number): boolean {
  if (byte === SPACE || byte === TAB) {
    // RFC 2045 §6.7 (3): not at the end of a line.
    return i + 1 < bytes.length && bytes[i + 1] !== CR && bytes[i + 1] !== LF;
  }
  if (byte < 33 || byte > 126 || byte === EQUALS) return false;
  if (column > 0) return true;
  if (byte === DASH) return bytes[i + 1] !== DASH;
  return byte !== 0x46 || bytes.toString('latin1', i, i + 5) !== 'From ';
}
