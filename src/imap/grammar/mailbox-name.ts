/**
 * Folder names on the wire: modified UTF-7 (RFC 3501 §5.1.3) or, after ENABLE UTF8=ACCEPT, UTF-8 (RFC 6855 §3);
 * inside the server always UTF-8 in NFC with `INBOX` in capitals. Tolerant in what it reads: clients send bare `&`
 * and raw UTF-8 (field-study.md B24), and such a name must open the folder it means. Strict in what it writes.
 * Does not know which folders exist, nor which names may be created: that is the store's rule.
 */
import { Buffer } from 'node:buffer';
import { ProtocolViolation } from '../../observe/failure.ts';
import { FOLDER_NAME_BYTES } from '../../wire/limits.ts';

const AMPERSAND = 0x26;
const INBOX = /^inbox(?=$|\/)/i;
const PLAIN = /^[\x20-\x25\x27-\x7e]*$/;
/** RFC 3501 §5.1.3: base64 with `,` for `/` and without padding. Empty stands for `&` itself. */
const SHIFTED = /&([A-Za-z0-9+,]*)-/g;

/**
 * @param utf8 the session has enabled UTF8=ACCEPT: `&` is an ordinary character.
 * @throws ProtocolViolation for a name longer than FOLDER_NAME_BYTES
 */
export function decodeFolderName(bytes: Buffer, utf8: boolean): string {
  if (bytes.length > FOLDER_NAME_BYTES * 3) throw tooLong();
  const text = bytes.includes(AMPERSAND) && !utf8 ? decodeModifiedUtf7(bytes) : bytes.toString('utf8');
  const name = PLAIN.test(text) ? text : text.normalize('NFC');
  if (name.length * 3 > FOLDER_NAME_BYTES && Buffer.byteLength(name) > FOLDER_NAME_BYTES) throw tooLong();
  return canonicalInbox(name);
}

/** RFC 9051 §5.1: INBOX in any case is one folder, and so are its inferiors. */
export const canonicalInbox = (name: string): string => (INBOX.test(name) ? `INBOX${name.slice(5)}` : name);

export function encodeFolderName(name: string, utf8: boolean): string {
  if (utf8 || PLAIN.test(name)) return name;
  return name.replaceAll(/&|[^\x20-\x7e]+/g, (run) =>
    run === '&'
      ? '&-'
      : `&${Buffer.from(run, 'utf16le').swap16().toString('base64').replaceAll('=', '').replaceAll('/', ',')}-`,
  );
}

function decodeModifiedUtf7(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return text.replaceAll(SHIFTED, (whole: string, base64: string) =>
    base64 === '' ? '&' : (shifted(base64) ?? whole),
  );
}

/** Null when this is no encoded run but an `&` someone typed, as in `R&D-2024`. */
function shifted(base64: string): string | null {
  const units = Buffer.from(base64.replaceAll(',', '/'), 'base64');
  const spare = base64.length * 6 - units.length * 8;
  if (units.length === 0 || units.length % 2 !== 0 || spare > 4) return null;
  const text = units.swap16().toString('utf16le');
  return text.isWellFormed() && !text.includes('\0') ? text : null;
}

const tooLong = (): ProtocolViolation =>
  new ProtocolViolation(`a folder name may have at most ${FOLDER_NAME_BYTES} bytes`);
