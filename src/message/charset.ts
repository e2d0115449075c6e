/**
 * Bytes to text. The platform's decoders (WHATWG Encoding, which fixes what mail programs really mean by a label:
 * iso-8859-1 is windows-1252, gb2312 is gbk) come first; iconv-lite knows the rest (utf-7, DOS and Macintosh code
 * pages); two seven-bit forms that neither reads are turned into their eight-bit sisters. Unknown or missing
 * charset: UTF-8 when the bytes are valid UTF-8, else windows-1252 (RFC 7103 §7 is about guessing in this way).
 */
import { Buffer, isAscii, isUtf8 } from 'node:buffer';
import iconv from 'iconv-lite';

type Decode = (bytes: Buffer) => string;

/** Labels come from messages, so the memory of them is bounded. */
const KNOWN_LABELS = 200;
const LABEL_CHARACTERS = 64;
/** iconv-lite counts these as encodings; they are none of text. */
const NO_CHARSETS = new Set(['base64', 'hex', 'binary', 'internal']);
const decoders = new Map<string, Decode>();

/** Text of `bytes`; never throws. What cannot be decoded becomes U+FFFD. */
export function decodeText(bytes: Buffer, charset: string | null): string {
  const label = charset === null ? '' : charset.trim().toLowerCase().slice(0, LABEL_CHARACTERS);
  let decode = decoders.get(label);
  if (decode === undefined) {
    decode = decoderFor(label);
    if (decoders.size >= KNOWN_LABELS) decoders.clear();
    decoders.set(label, decode);
  }
  return decode(bytes);
}

/** Without a usable charset: ASCII, UTF-8 when valid, else windows-1252. */
function guess(bytes: Buffer): string {
  if (isAscii(bytes)) return bytes.toString('latin1');
  if (isUtf8(bytes)) return bytes.toString('utf8');
  return windows1252.decode(bytes);
}
const windows1252 = new TextDecoder('windows-1252');

/** Labels under which senders put whatever they have. */
const NOTHING_SAID = new Set([
  '',
  'us-ascii',
  'ascii',
  'ansi_x3.4-1968',
  'unknown',
  'unknown-8bit',
  'x-unknown',
  '8bit',
  '7bit',
  'default',
]);

function decoderFor(label: string): Decode {
  if (NOTHING_SAID.has(label)) return guess;
  if (label === 'utf-8' || label === 'utf8')
    return (bytes) => (isAscii(bytes) ? bytes.toString('latin1') : bytes.toString('utf8'));
  if (label === 'hz-gb-2312' || label === 'hz') return (bytes) => platform('gbk', hzToEightBit(bytes));
  if (label === 'iso-2022-kr' || label === 'csiso2022kr')
    return (bytes) => platform('euc-kr', iso2022KrToEightBit(bytes));
  try {
    const decoder = new TextDecoder(label);
    // "replacement" is WHATWG's answer to charsets it calls dangerous: it decodes nothing.
    if (decoder.encoding !== 'replacement') {
      const asciiCompatible = !/^(utf-16|iso-2022)/.test(decoder.encoding);
      return (bytes) => (asciiCompatible && isAscii(bytes) ? bytes.toString('latin1') : decoder.decode(bytes));
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  const plain = label.replace(/^(?:x-|cs)/, '');
  for (const name of [label, plain])
    if (!NO_CHARSETS.has(name) && iconv.encodingExists(name)) return (bytes) => iconv.decode(bytes, name);
  return guess;
}

function platform(label: string, bytes: Buffer): string {
  return new TextDecoder(label).decode(bytes);
}

/** RFC 1843: `~{` … `~}` around two-byte characters, `~~` for a tilde, `~` at a line end for nothing. */
function hzToEightBit(bytes: Buffer): Buffer {
  const out = Buffer.allocUnsafe(bytes.length);
  let size = 0;
  let high = 0;
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i]!;
    if (byte !== 0x7e) {
      if (byte === 10) high = 0;
      out[size++] = byte > 0x20 ? byte | high : byte;
      continue;
    }
    i += 1;
    if (bytes[i] === 0x7b) high = 0x80;
    else if (bytes[i] === 0x7d) high = 0;
    else if (bytes[i] === 0x7e) out[size++] = 0x7e;
  }
  return out.subarray(0, size);
}

/** RFC 1557: ESC $ ) C announces, SO and SI switch to KS C 5601 and back. */
function iso2022KrToEightBit(bytes: Buffer): Buffer {
  const out = Buffer.allocUnsafe(bytes.length);
  let size = 0;
  let high = 0;
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i]!;
    if (byte === 0x0e) high = 0x80;
    else if (byte === 0x0f) high = 0;
    else if (byte === 0x1b && bytes[i + 1] === 0x24) i += 3;
    else out[size++] = byte > 0x20 ? byte | high : byte;
  }
  return out.subarray(0, size);
}
