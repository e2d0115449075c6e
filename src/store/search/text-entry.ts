/**
 * The two searchable texts of a message and how they are laid out: folded UTF-8, so that a byte search is a
 * case-insensitive substring search (RFC 9051 §6.4.4). Runs in the text worker; pure functions over bytes.
 *
 * Header text: `LF name ": " value` for each field of the message, `LF SP name ": " value` for each field of a part
 * inside it (TEXT searches them, HEADER does not), LF at the end.
 */
import { Buffer } from 'node:buffer';

export const FIELD_MARK = '\n';
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

export function textsOf(message: Buffer): Texts {
  return rawTexts(message);
}
