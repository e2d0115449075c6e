/**
 * PREVIEW (RFC 8970): the first words of a message for a list view. Made at delivery from the head of the first
 * text body, so it costs nothing when it is asked for. Quoted lines and what follows a signature mark are left out.
 */
import type { Buffer } from 'node:buffer';
import { decodeText } from './charset.ts';
import { htmlToText } from './html-text.ts';
import { decodeTransfer } from './transfer-encoding.ts';

/** RFC 8970 §3.2: a preview of at most 200 characters may be given in any list. */
export const PREVIEW_CHARACTERS = 200;
/** Enough text to fill a preview after white space and quotes have gone. */
const ENOUGH_CHARACTERS = 4 * PREVIEW_CHARACTERS;

export interface PreviewSource {
  /** The beginning of the body as it stands in the message. */
  readonly head: Buffer;
  readonly isHtml: boolean;
  readonly encoding: string;
  readonly charset: string | null;
}

/** White space, controls, and what newsletters put between words to fill a preview. */
const BLANKS = /(?:[\s\0-\x1f\x7f\u200b\u200c\u2060\ufeff\u00ad]|\u034f|\u200d)+/g;

/** Characters are Unicode scalar values; none is cut. */
export function previewOf(source: PreviewSource): string {
  const decoded = decodeText(decodeTransfer(source.head, source.encoding), source.charset);
  return shorten(source.isHtml ? htmlToText(decoded, ENOUGH_CHARACTERS) : withoutQuotes(decoded));
}

/** Lines of an earlier mail and the signature (RFC 3676 §4.3) say nothing about this one. */
function withoutQuotes(text: string): string {
  if (!text.includes('>') && !text.includes('\n-- ')) return text.slice(0, 2 * ENOUGH_CHARACTERS);
  let kept = '';
  for (let at = 0; at < text.length && kept.length < ENOUGH_CHARACTERS; ) {
    const lf = text.indexOf('\n', at);
    const next = lf < 0 ? text.length : lf + 1;
    const first = text.charCodeAt(at);
    if (first === 0x2d && /^-- \r?\n$/.test(text.slice(at, next))) break;
    if (first !== 0x3e) kept += text.slice(at, next);
    at = next;
  }
  return kept.trim() === '' ? text.slice(0, 2 * ENOUGH_CHARACTERS) : kept;
}

function shorten(text: string): string {
  const plain = text.replaceAll(BLANKS, ' ').trim();
  let end = 0;
  for (let count = 0; end < plain.length && count < PREVIEW_CHARACTERS; count += 1) {
    end += (plain.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  }
  // The head may end inside a character.
  return plain
    .slice(0, end)
    .replace(/\ufffd+$/, '')
    .trimEnd()
    .toWellFormed();
}
