/**
 * The two searchable texts of a message and how they are laid out: folded UTF-8, so that a byte search is a
 * case-insensitive substring search (RFC 9051 §6.4.4). Runs in the text worker; pure functions over bytes.
 *
 * Header text: `LF name ": " value` for each field of the message, `LF SP name ": " value` for each field of a part
 * inside it (TEXT searches them, HEADER does not), LF at the end.
 */
import { Buffer } from 'node:buffer';
import { decodeWords } from '../../message/encoded-word.ts';
import { foldText } from '../../message/fold.ts';
import { readParts } from '../../message/fragment.ts';
import { FIELD_STRIDE, readFields } from '../../message/headers.ts';
import { fieldValue } from '../../message/octet-string.ts';
import { parseMessage } from '../../message/scanner.ts';
import { searchableText } from '../../message/search-text.ts';

export const FIELD_MARK = '\n';
const PART_FIELD_MARK = '\n ';
export const FIELD_VALUE_MARK = ': ';

/** Bytes of a message that no parser survives that are searched as they are. */
export const RAW_TEXT_BYTES = 1024 * 1024;

export interface Texts {
  /** Never empty for a message that is not empty. */
  readonly header: Buffer;
  readonly body: Buffer;
}

/** Texts of a message that no parser survives: its bytes, ASCII letters folded. */
export function rawTexts(message: Buffer): Texts {
  const bytes = Buffer.from(message.subarray(0, RAW_TEXT_BYTES));
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i]!;
    if (byte >= 65 && byte <= 90) bytes[i] = byte | 32;
  }
  const end = bytes.indexOf('\r\n\r\n');
  const header = bytes.subarray(0, end < 0 ? bytes.length : end + 2);
  return { header: Buffer.concat([Buffer.from('\n'), header]), body: bytes.subarray(header.length) };
}

/** Never throws for what a message holds, as far as the parser keeps its word. */
export function textsOf(message: Buffer): Texts {
  if (message.length === 0) return { header: message, body: message };
  const parts = readParts(parseMessage(message).fragment, 0);
  let header = '';
  for (const [index, part] of parts.entries()) {
    const octets = message.toString('latin1', part.headerStart, part.bodyStart);
    const fields = readFields(octets);
    for (let at = 0; at < fields.length; at += FIELD_STRIDE) {
      const valueStart = fields[at + 2]!;
      const name = octets.slice(fields[at + 1], valueStart - 1).trimEnd();
      const value = decodeWords(fieldValue(octets, valueStart, fields[at + 3]!), null);
      /* A decoded word may hold line ends, which would make one field look like two. */
      header += `${index === 0 ? FIELD_MARK : PART_FIELD_MARK}${name}${FIELD_VALUE_MARK}${value.replaceAll(/[\r\n]+/g, ' ')}`;
    }
  }
  return { header: Buffer.from(foldText(`${header}\n`), 'utf8'), body: searchableText(message, parts) };
}
