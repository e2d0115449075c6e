/**
 * APPEND up to its message (RFC 9051 §6.3.12, MULTIAPPEND RFC 3502, UTF8 RFC 6855 §4). The message itself is streamed
 * to the store by the session and is never part of a parsed command, so this grammar ends where the literal begins.
 */
import type { Buffer } from 'node:buffer';
import { ProtocolViolation } from '../../observe/failure.ts';
import type { AppendPrefix, CommandOf, CommandParts } from './ast.ts';
import { TAG } from './char-class.ts';
import { Cursor } from './cursor.ts';
import { parseDateTime } from './date-time.ts';
import { NO_FLAGS, parseFlagList } from './flag-list.ts';
import type { Announced } from './literal.ts';
import { decodeFolderName } from './mailbox-name.ts';

const CLOSE = 0x29;
const OPEN = 0x28;
const QUOTE = 0x22;

/**
 * Whether the literal just announced behind `parts` (lines without announcement) is the message of an APPEND; then
 * the command up to there. Null: any other literal, such as APPEND's folder name.
 * @throws ProtocolViolation when it is APPEND and wrong
 */
export function messageLiteralExpected(
  parts: CommandParts,
  literal: Announced,
  utf8: boolean,
): CommandOf<'APPEND'> | null {
  const cursor = new Cursor(parts);
  const tag = cursor.span(TAG);
  if (tag === null || !cursor.acceptSpace() || !cursor.acceptKeyword('APPEND')) return null;
  cursor.command = 'APPEND';
  cursor.space('a folder name');
  if (cursor.atEnd) return null;
  const folder = decodeFolderName(cursor.folderBytes('a folder name'), utf8);
  return { tag, name: 'APPEND', folder, first: parsePrefix(cursor, literal) };
}

/**
 * The line behind a message: null when it ends the command, else the prefix of another message (MULTIAPPEND), whose
 * literal the line announced.
 * @param line without line end and announcement
 */
export function parseBehindMessage(line: Buffer, literal: Announced | null, closing: boolean): AppendPrefix | null {
  const cursor = new Cursor([line]);
  cursor.command = 'APPEND';
  if (closing) cursor.expect(CLOSE, '")" behind the message');
  if (literal !== null) return parsePrefix(cursor, literal);
  cursor.end();
  return null;
}

function parsePrefix(cursor: Cursor, literal: Announced): AppendPrefix {
  cursor.space('flags, a date or a message literal');
  let flags = NO_FLAGS;
  let internalDate: number | null = null;
  if (cursor.peek() === OPEN) {
    flags = parseFlagList(cursor);
    cursor.space('a date or a message literal');
  }
  if (cursor.peek() === QUOTE) {
    internalDate = parseDateTime(cursor);
    cursor.space('a message literal');
  }
  const utf8 = cursor.acceptText('UTF8 (');
  if (!cursor.atEnd) throw cursor.fail('a message literal');
  if (utf8 && !literal.binary) throw new ProtocolViolation('APPEND: UTF8 takes a literal8, such as ~{310}');
  return { flags, internalDate, utf8, literal };
}
