/**
 * PREVIEW (RFC 8970): the first words of a message for a list view. Made at delivery from the head of the first
 * text body, so it costs nothing when it is asked for. Quoted lines and what follows a signature mark are left out.
 */
import { Buffer } from 'node:buffer';
import { decodeText } from './charset.ts';
import { htmlToText } from './html-text.ts';
import { decodeTransfer } from './transfer-encoding.ts';

/** RFC 8970 §3.2: a preview of at most 200 characters may be given in any list. */
export const PREVIEW_CHARACTERS = 200;
/** Enough text to fill a preview after white space and quotes have gone. */
const ENOUGH_CHARACTERS = 4 * PREVIEW_CHARACTERS;
/** Most previews come out of this much of a body; only when they do not is more of it decoded. */
const FIRST_BYTES = 1024;

export interface PreviewSource {
  /** The beginning of the body as it stands in the message. */
  readonly head: Buffer;
  readonly isHtml: boolean;
  readonly encoding: string;
  readonly charset: string | null;
}

/** Counts characters as Unicode scalar values and cuts none. */
export function previewOf(source: PreviewSource): string {
  if (source.isHtml || source.head.length <= FIRST_BYTES) return previewOfBytes(source, source.head);
  const short = previewOfBytes(source, source.head.subarray(0, FIRST_BYTES));
  return short.length >= PREVIEW_CHARACTERS ? short : previewOfBytes(source, source.head);
}

function previewOfBytes(source: PreviewSource, head: Buffer): string {
  const decoded = decodeText(decodeTransfer(head, source.encoding), source.charset);
  return shorten(source.isHtml ? htmlToText(decoded, ENOUGH_CHARACTERS) : withoutQuotes(decoded));
}

/** Lines of an earlier mail and the signature (RFC 3676 §4.3) say nothing about this one. */
function withoutQuotes(text: string): string {
  if (!text.includes('\n>') && !text.startsWith('>') && !text.includes('\n-- ')) return text;
  let kept = '';
  for (let at = 0; at < text.length && kept.length < ENOUGH_CHARACTERS; ) {
    const lf = text.indexOf('\n', at);
    const next = lf < 0 ? text.length : lf + 1;
    const first = text.charCodeAt(at);
    if (first === 0x2d && /^-- \r?\n$/.test(text.slice(at, next))) break;
    if (first !== 0x3e) kept += text.slice(at, next);
    at = next;
  }
  return kept.trim() === '' ? text : kept;
}

/** Scratch for one preview: characters outside the BMP take two units. */
const units = new Uint16Array(2 * PREVIEW_CHARACTERS);
const unitBytes = Buffer.from(units.buffer);

/** White space runs become one space, the result is cut at PREVIEW_CHARACTERS. */
function shorten(text: string): string {
  let size = 0;
  let blank = false;
  for (let at = 0, count = 0; at < text.length && count < PREVIEW_CHARACTERS; at += 1) {
    const unit = text.charCodeAt(at);
    if (isBlank(unit)) {
      blank = size > 0;
      continue;
    }
    if (blank) {
      blank = false;
      units[size++] = 0x20;
      count += 1;
      if (count === PREVIEW_CHARACTERS) break;
    }
    units[size++] = unit;
    count += 1;
    const second = unit >= 0xd800 && unit < 0xdc00 ? text.charCodeAt(at + 1) : 0;
    if (second >= 0xdc00 && second < 0xe000) {
      units[size++] = second;
      at += 1;
    }
  }
  // The head may end inside a character.
  while (size > 0 && (units[size - 1] === 0xfffd || units[size - 1] === 0x20)) size -= 1;
  const preview = unitBytes.toString('utf16le', 0, size * 2);
  return preview.isWellFormed() ? preview : preview.toWellFormed();
}

/** White space, controls, and the invisible characters that newsletters put between words to fill a preview. */
function isBlank(unit: number): boolean {
  if (unit <= 0x20 || unit === 0x7f) return true;
  if (unit < 0xa0) return false;
  return INVISIBLE.has(unit) || (unit >= 0x2000 && unit <= 0x200f);
}
const INVISIBLE = new Set([0xa0, 0xad, 0x34f, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x2060, 0x3000, 0xfeff]);
