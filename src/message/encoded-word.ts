/**
 * Unstructured header text to Unicode: RFC 2047 encoded words, raw UTF-8 (RFC 6532), raw 8-bit of older senders.
 * Words are decoded wherever they stand, also inside quoted strings and with spaces in them, as mail programs do;
 * neighbours of the same charset are joined before the charset is decoded, because senders cut inside characters
 * (forbidden by RFC 2047 §5, common). What is no complete word stays as it is.
 */
import { Buffer, isUtf8 } from 'node:buffer';
import { decodeText } from './charset.ts';
import { isAsciiOctets, octetsOf } from './octet-string.ts';

/** RFC 2047 §2 allows 75 characters for the whole word; charset names are far shorter. */
const CHARSET_CHARACTERS = 60;

/** `value` is an unfolded octet string; `charset` is meant for raw 8-bit bytes that are not UTF-8. */
export function decodeWords(value: string, charset: string | null): string {
  if (!value.includes('=?')) return isAsciiOctets(value) ? value : rawText(value, charset);
  return new WordDecoder(value, charset).decode();
}

/** Raw header bytes: UTF-8 when valid, else what the message says, else a guess. */
function rawText(octets: string, charset: string | null): string {
  if (isAsciiOctets(octets)) return octets;
  const bytes = octetsOf(octets);
  return clean(isUtf8(bytes) ? bytes.toString('utf8') : decodeText(bytes, charset));
}

function clean(text: string): string {
  return text.replaceAll(/[\r\n\0]/g, ' ');
}

class WordDecoder {
  readonly #value: string;
  readonly #charset: string | null;
  #text = '';
  /** Decoded bytes of the words before, not yet turned into text. */
  #pending: Buffer[] = [];
  #pendingCharset = '';

  constructor(value: string, charset: string | null) {
    this.#value = value;
    this.#charset = charset;
  }

  decode(): string {
    const value = this.#value;
    let plainFrom = 0;
    let open = value.indexOf('=?');
    /** First `?=` at or behind the text of the word at hand; searched once, so that hostile input costs linear time. */
    let close = 0;
    while (open >= 0) {
      const charsetEnd = value.indexOf('?', open + 2);
      const textStart = charsetEnd + 3;
      if (charsetEnd < 0) break;
      const encoding = value.charCodeAt(charsetEnd + 1) | 32;
      const looksRight =
        charsetEnd > open + 2 &&
        charsetEnd - open <= CHARSET_CHARACTERS &&
        (encoding === 0x71 || encoding === 0x62) &&
        value.charCodeAt(charsetEnd + 2) === 0x3f;
      if (!looksRight) {
        open = value.indexOf('=?', open + 2);
        continue;
      }
      if (close < textStart) close = value.indexOf('?=', textStart);
      if (close < 0) break;
      const next = value.indexOf('=?', textStart);
      // Padding before the end (`=?=`) is no new word.
      if (next >= 0 && next + 1 < close) {
        open = next;
        continue;
      }
      this.#plain(plainFrom, open);
      this.#word(value.slice(open + 2, charsetEnd), encoding === 0x62, value.slice(textStart, close));
      plainFrom = close + 2;
      // A `?=` that ends one word may be followed by `?`; the next word starts behind it.
      open = value.indexOf('=?', plainFrom);
    }
    this.#plain(plainFrom, value.length);
    this.#flush();
    return this.#text;
  }

  /** Text between words; white space between two words is no text (RFC 2047 §6.2). */
  #plain(from: number, to: number): void {
    if (from === to) return;
    const gap = this.#value.slice(from, to);
    if (this.#pending.length > 0 && to < this.#value.length && gap.trim() === '') return;
    this.#flush();
    this.#text += rawText(gap, this.#charset);
  }

  #word(label: string, base64: boolean, text: string): void {
    // RFC 2231 §5: charset*language
    const star = label.indexOf('*');
    const charset = (star < 0 ? label : label.slice(0, star)).toLowerCase();
    if (charset !== this.#pendingCharset) this.#flush();
    this.#pendingCharset = charset;
    this.#pending.push(base64 ? Buffer.from(text, 'base64') : decodeQ(text));
  }

  #flush(): void {
    if (this.#pending.length === 0) return;
    const [only] = this.#pending;
    const bytes = this.#pending.length === 1 && only !== undefined ? only : Buffer.concat(this.#pending);
    this.#text += clean(decodeText(bytes, this.#pendingCharset));
    this.#pending = [];
    this.#pendingCharset = '';
  }
}

/** RFC 2047 §4.2; a `=` without two hexadecimal digits stands for itself. */
function decodeQ(text: string): Buffer {
  const out = Buffer.allocUnsafe(text.length);
  let size = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === 0x5f) out[size++] = 0x20;
    else if (code === 0x3d) {
      const high = hexDigit(text.charCodeAt(i + 1));
      const low = hexDigit(text.charCodeAt(i + 2));
      if (high < 0 || low < 0) out[size++] = code;
      else {
        out[size++] = high * 16 + low;
        i += 2;
      }
    } else out[size++] = code;
  }
  return out.subarray(0, size);
}

/** Value of a hexadecimal digit's character code, or -1. */
export function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 32;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
