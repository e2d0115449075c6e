/**
 * Folder names as file names: for trees of files (percent escapes where a file system would stumble) and for
 * Maildir++ (`.A.B`, modified UTF-7 of RFC 3501 §5.1.3 as Courier and Dovecot write it). Pure.
 */
import { createHash } from 'node:crypto';
import { Buffer } from 'node:buffer';
import { decodeFolderName, encodeFolderName } from '../../imap/grammar/mailbox-name.ts';

/** A file name may have 255 bytes on every file system of today; an extension has to fit, too. */
const SEGMENT_BYTES = 200;

/** `A/B` → path with `/`; the index file of an export keeps the true name. */
export function folderPath(name: string): string {
  return name.split('/').map(fileSegment).join('/');
}

function fileSegment(segment: string): string {
  const escaped = segment
    .replaceAll(
      /[%\\:*?"<>|\u0000-\u001f\u007f]/g,
      (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`,
    )
    .replace(/^\./, '%2E')
    .replace(/[. ]$/, (c) => (c === '.' ? '%2E' : '%20'));
  if (Buffer.byteLength(escaped) <= SEGMENT_BYTES) return escaped;
  const digest = createHash('sha256').update(segment).digest('hex').slice(0, 16);
  return `${Buffer.from(escaped)
    .subarray(0, SEGMENT_BYTES - 20)
    .toString('utf8')
    .replaceAll('\ufffd', '')}-${digest}`;
}

/** A path of a tree that is not ours: escapes are undone where they are some. */
export function folderNameOfPath(relative: string): string {
  return relative
    .split('/')
    .map((segment) =>
      segment.replaceAll(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    )
    .map((segment) => segment.replaceAll('/', '_'))
    .join('/')
    .normalize('NFC');
}

/** `.A.B` of Maildir++ → `A/B`. A name that is not modified UTF-7 (Dovecot can be told to use UTF-8) is read, too. */
export function folderNameOfMaildir(directory: string): string {
  return directory
    .slice(1)
    .split('.')
    .map((level) => decodeFolderName(Buffer.from(level), false).replaceAll('/', '_'))
    .join('/')
    .normalize('NFC');
}

/** `A/B` → `.A.B`. Maildir++ has no way to write a dot within a name: it becomes `_`, the index keeps the true name. */
export function maildirFolder(name: string): string {
  return name
    .split('/')
    .map((level) => `.${encodeFolderName(level.replaceAll('.', '_'), false)}`)
    .join('');
}
