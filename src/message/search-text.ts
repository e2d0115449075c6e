/**
 * What SEARCH BODY and TEXT look through: all text of a message, decoded, folded, in UTF-8. Computed outside the
 * event loop for large messages, so everything here is pure. File names of attachments and headers of enclosed
 * messages are included: to a person who searches they are part of the message.
 */
import { Buffer, isAscii } from 'node:buffer';
import { decodeText } from './charset.ts';
import { decodeWords } from './encoded-word.ts';
import { foldBytes, foldText } from './fold.ts';
import { htmlToText } from './html-text.ts';
import type { Part } from './model.ts';
import { fieldValue } from './octet-string.ts';
import { enclosedMessage } from './sections.ts';
import { decodeTransfer } from './transfer-encoding.ts';

const LINE_END = Buffer.from('\n', 'latin1');

/** Folded UTF-8 text; parts are separated by LF. */
export function searchableText(message: Buffer, parts: readonly Part[]): Buffer {
  const pieces: Buffer[] = [];
  const add = (piece: Buffer): void => {
    if (piece.length > 0) pieces.push(piece, LINE_END);
  };
  for (const [index, part] of parts.entries()) {
    if (part.fileName !== null) add(Buffer.from(foldText(part.fileName), 'utf8'));
    if (part.mediaType.startsWith('text/')) add(foldedText(message, part));
    const enclosed = enclosedMessage(parts, index);
    if (enclosed !== null) add(headerText(message, enclosed));
  }
  return Buffer.concat(pieces);
}

/** Content of a part without its transfer encoding; may share memory with the message. */
export function decodePart(message: Buffer, part: Part): Buffer {
  return decodeTransfer(message.subarray(part.bodyStart, part.bodyEnd), part.encoding);
}

function foldedText(message: Buffer, part: Part): Buffer {
  const bytes = decodePart(message, part);
  const isHtml = part.mediaType === 'text/html';
  if (!isHtml && isAscii(bytes) && !hasShifts(part.charset)) return foldBytes(bytes);
  const text = decodeText(bytes, part.charset);
  return Buffer.from(foldText(isHtml ? htmlToText(text) : text), 'utf8');
}

/** Charsets that write other characters with ASCII bytes. */
function hasShifts(charset: string | null): boolean {
  return charset !== null && /^(?:iso-2022|cs?iso2022|hz|utf-?7|utf-?16|utf-?32|ucs)/i.test(charset.trim());
}

function headerText(message: Buffer, part: Part): Buffer {
  const header = message.toString('latin1', part.headerStart, part.bodyStart);
  return Buffer.from(foldText(decodeWords(fieldValue(header, 0, header.length), part.charset)), 'utf8');
}
