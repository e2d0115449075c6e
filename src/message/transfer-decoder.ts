/**
 * Content-Transfer-Encoding of RFC 2045 §6 taken off piece by piece: the same octets as `decodeTransfer` of the whole,
 * for parts that are too large to be held in memory.
 */
import { Buffer } from 'node:buffer';
import { decodeTransfer } from './transfer-encoding.ts';

/** A line that is longer is cut where that changes nothing; a uuencoded file that has not begun behind so much is none. */
const HELD_BYTES = 64 * 1024;
const LF = 10;
const NOTHING = Buffer.alloc(0);

export interface TransferDecoder {
  push(piece: Buffer): Buffer;
  /** What was held back. */
  end(): Buffer;
}

/** `encoding` in lower case, as in Part. Null: there is nothing to be taken off. */
export function transferDecoder(encoding: string): TransferDecoder | null {
  switch (encoding) {
    case 'base64':
      return new Base64Decoder();
    case 'quoted-printable':
      return new QuotedPrintableDecoder();
    case 'x-uuencode':
    case 'x-uue':
    case 'uuencode':
      return new UuDecoder();
    default:
      return null;
  }
}

class Base64Decoder implements TransferDecoder {
  /** Fewer than four characters of the alphabet. */
  #rest = '';

  push(piece: Buffer): Buffer {
    // Padding ends a run, not the data (transfer-encoding.ts).
    const runs = piece
      .toString('latin1')
      .replace(/[^A-Za-z0-9+/=_-]+/g, '')
      .split(/=+/);
    const out: Buffer[] = [];
    for (const [index, run] of runs.entries()) {
      const text = this.#rest + run;
      const whole = index < runs.length - 1 ? text.length : text.length - (text.length % 4);
      out.push(Buffer.from(text.slice(0, whole), 'base64'));
      this.#rest = text.slice(whole);
    }
    return out.length === 1 ? (out[0] ?? NOTHING) : Buffer.concat(out);
  }

  end(): Buffer {
    const last = Buffer.from(this.#rest, 'base64');
    this.#rest = '';
    return last;
  }
}

class QuotedPrintableDecoder implements TransferDecoder {
  #held: Buffer = NOTHING;

  push(piece: Buffer): Buffer {
    const bytes = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    let end = bytes.lastIndexOf(LF) + 1;
    if (bytes.length - end > HELD_BYTES) end = cutOf(bytes);
    this.#held = Buffer.from(bytes.subarray(end));
    return end === 0 ? NOTHING : decodeTransfer(bytes.subarray(0, end), 'quoted-printable');
  }

  end(): Buffer {
    const last = decodeTransfer(this.#held, 'quoted-printable');
    this.#held = NOTHING;
    return last;
  }
}

/** Not within an escape, nor behind white space that would seem to end the line. */
function cutOf(bytes: Buffer): number {
  const escape = bytes.lastIndexOf(0x3d);
  let end = escape >= bytes.length - 2 && escape >= 0 ? escape : bytes.length;
  while (end > 0 && ' \t\r'.includes(String.fromCharCode(bytes[end - 1] ?? 0))) end -= 1;
  return end;
}

class UuDecoder implements TransferDecoder {
  #held: Buffer = NOTHING;
  #state: 'before' | 'inside' | 'behind' | 'none' = 'before';

  push(piece: Buffer): Buffer {
    if (this.#state === 'behind') return NOTHING;
    if (this.#state === 'none') return piece;
    const bytes = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    if (this.#state === 'before') {
      const begin = bytes.toString('latin1').search(/^begin [^\n]*\n/m);
      if (begin < 0) {
        if (bytes.length <= HELD_BYTES) {
          this.#held = Buffer.from(bytes);
          return NOTHING;
        }
        this.#state = 'none';
        this.#held = NOTHING;
        return bytes;
      }
      this.#state = 'inside';
      return this.#lines(bytes.subarray(bytes.indexOf(LF, begin) + 1));
    }
    return this.#lines(bytes);
  }

  end(): Buffer {
    const held = this.#held;
    this.#held = NOTHING;
    if (this.#state !== 'inside') return held;
    return decoded(held);
  }

  #lines(bytes: Buffer): Buffer {
    const last = /^end/m.exec(bytes.toString('latin1'));
    if (last !== null) {
      this.#state = 'behind';
      this.#held = NOTHING;
      return decoded(bytes.subarray(0, last.index));
    }
    const end = bytes.lastIndexOf(LF) + 1;
    // No honest line is so long: what has no end is thrown away.
    this.#held = bytes.length - end > HELD_BYTES ? NOTHING : Buffer.from(bytes.subarray(end));
    return decoded(bytes.subarray(0, end));
  }
}

const BEGIN = Buffer.from('begin 644 x\n');
const decoded = (lines: Buffer): Buffer =>
  lines.length === 0 ? NOTHING : decodeTransfer(Buffer.concat([BEGIN, lines]), 'uuencode');
