/**
 * Answers of an IMAP server (RFC 9051 §7, §9) onto a ByteWriter: strings in the form a strict client accepts, response
 * codes, tagged lines. Shared by front end and back end, so that both speak the same dialect. Knows no session.
 */
import { Buffer } from 'node:buffer';
import { Failure, type FailureCode, ProtocolViolation } from '../../observe/failure.ts';
import type { ByteWriter } from '../../wire/byte-writer.ts';
import { ATOM, isAllText } from './char-class.ts';
import { encodeFolderName } from './mailbox-name.ts';
import { SEARCH_CHARSETS } from './search-key.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Longer strings go as literals: clients have line limits (RFC 7162 §4 speaks of 8192). */
const LONGEST_QUOTED = 1024;

/** How bytes can be quoted: not at all, as they are, or with escapes. */
function quoting(bytes: Uint8Array, utf8: boolean): 'literal' | 'plain' | 'escaped' {
  if (bytes.length > LONGEST_QUOTED) return 'literal';
  let escaped = false;
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i]!;
    if (byte === 0 || byte === 10 || byte === 13 || (byte > 0x7f && !utf8)) return 'literal';
    escaped ||= byte === QUOTE || byte === BACKSLASH;
  }
  return escaped ? 'escaped' : 'plain';
}

/**
 * Quoted where a quoted string may hold these bytes, else a literal.
 * @param utf8 UTF8=ACCEPT is enabled: a quoted string may hold UTF-8 (RFC 6855 §3)
 */
export function writeString(out: ByteWriter, value: Uint8Array | string, utf8 = false): ByteWriter {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
  switch (quoting(bytes, utf8)) {
    case 'plain':
      return out.byte(QUOTE).bytes(bytes).byte(QUOTE);
    case 'escaped':
      out.byte(QUOTE);
      for (const byte of bytes) {
        if (byte === QUOTE || byte === BACKSLASH) out.byte(BACKSLASH);
        out.byte(byte);
      }
      return out.byte(QUOTE);
    case 'literal':
      return writeLiteral(out, bytes);
  }
}

export function writeLiteral(out: ByteWriter, bytes: Uint8Array): ByteWriter {
  return out.ascii(`{${bytes.length}}\r\n`).bytes(bytes);
}

export const writeNstring = (out: ByteWriter, value: Uint8Array | string | null, utf8 = false): ByteWriter =>
  value === null ? out.ascii('NIL') : writeString(out, value, utf8);

/** An atom where that is safe. `NIL` is quoted: half of all clients would read it as nothing. */
export function writeAstring(out: ByteWriter, text: string, utf8 = false): ByteWriter {
  if (isAllText(text, ATOM) && text.toUpperCase() !== 'NIL') return out.ascii(text);
  return writeString(out, text, utf8);
}

/** A folder name as this client reads names: modified UTF-7, or UTF-8 after ENABLE UTF8=ACCEPT. */
export const writeFolderName = (out: ByteWriter, name: string, utf8: boolean): ByteWriter =>
  writeAstring(out, encodeFolderName(name, utf8), utf8);

/** resp-text holds no line end, and does not begin like a response code. */
export function plainText(text: string): string {
  const line = text.replaceAll(/[^\x20-\x7e]+/g, ' ').trim();
  return line === '' ? '-' : line.startsWith('[') ? `(${line.slice(1)}` : line;
}

/** Codes that have a name in IMAP; the argument where the RFC wants one. */
function responseCode(code: FailureCode): string {
  return code === 'BADCHARSET' ? `BADCHARSET (${SEARCH_CHARSETS.join(' ')})` : code;
}

export function writeOk(out: ByteWriter, tag: string, text: string, code: string | null = null): ByteWriter {
  return out.ascii(`${tag} OK ${code === null ? '' : `[${code}] `}${text}\r\n`);
}

export function writeNo(out: ByteWriter, tag: string, text: string, code: string | null = null): ByteWriter {
  return out.ascii(`${tag} NO ${code === null ? '' : `[${code}] `}${plainText(text)}\r\n`);
}

export function writeBad(out: ByteWriter, tag: string, text: string): ByteWriter {
  return out.ascii(`${tag} BAD ${plainText(text)}\r\n`);
}

export function writeBye(out: ByteWriter, text: string, code: string | null = null): ByteWriter {
  return out.ascii(`* BYE ${code === null ? '' : `[${code}] `}${plainText(text)}\r\n`);
}

/**
 * What a client hears of an error: BAD for its own, NO with the code of RFC 5530 for a Failure, and nothing of the
 * inside for any other, whose text belongs in the log.
 */
export function writeError(out: ByteWriter, tag: string, error: unknown): ByteWriter {
  if (error instanceof ProtocolViolation) return writeBad(out, tag, error.message);
  if (error instanceof Failure) return writeNo(out, tag, error.message, responseCode(error.code));
  return writeNo(out, tag, 'Something went wrong inside the server; its log has the reason', 'SERVERBUG');
}
