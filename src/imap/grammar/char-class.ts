/**
 * Which byte may stand where in IMAP (RFC 9051 §9), as one table of bits. No knowledge of commands.
 */
export const TAG = 1;
export const ATOM = 2;
export const ASTRING = 4;
/** list-char: atom characters, wildcards and `]`. */
export const LIST = 8;
/**
 * What an unquoted folder name or pattern may hold from lenient clients: also bytes of raw UTF-8
 * (field-study.md B24).
 */
export const LOOSE_LIST = 16;
/**
 * What unquoted LOGIN arguments may hold: everything visible. People type `LOGIN DOMAIN\user pa%ss` into openssl, and
 * mail programs of the nineties do the same.
 */
export const LOGIN_ARGUMENT = 32;
export const DIGIT = 64;

const table = new Uint8Array(256);
for (let byte = 0; byte < 256; byte += 1) {
  const char = String.fromCharCode(byte);
  const control = byte < 0x21 || byte === 0x7f;
  const eightBit = byte > 0x7f;
  let bits = 0;
  if (!control) bits |= LOGIN_ARGUMENT;
  if (!control && !'(){"\\'.includes(char)) {
    if (eightBit) bits |= LOOSE_LIST;
    else {
      bits |= LIST | LOOSE_LIST;
      if (!'%*'.includes(char)) {
        bits |= ASTRING;
        if (char !== '+') bits |= TAG;
        if (char !== ']') bits |= ATOM;
      }
    }
  }
  if (byte >= 0x30 && byte <= 0x39) bits |= DIGIT;
  table[byte] = bits;
}

export const isClass = (byte: number, bits: number): boolean => (table[byte]! & bits) !== 0;

/** First index at or after `at` whose byte is none of `bits`. */
export function spanOf(bytes: Uint8Array, at: number, bits: number): number {
  let end = at;
  while (end < bytes.length && (table[bytes[end]!]! & bits) !== 0) end += 1;
  return end;
}

/** Every byte is one of `bits`; false for none. */
export const isAll = (bytes: Uint8Array, bits: number): boolean =>
  bytes.length > 0 && spanOf(bytes, 0, bits) === bytes.length;

/** The same for text of one byte a character. */
export function isAllText(text: string, bits: number): boolean {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code > 0xff || (table[code]! & bits) === 0) return false;
  }
  return text.length > 0;
}
