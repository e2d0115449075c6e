/**
 * Names of folders: UTF-8 in NFC, `/` between levels, INBOX in any case, compared without case among siblings
 * (RFC 9051 §5.1, Exchange's way of comparing). The wire forms (modified UTF-7, quoting) belong to IMAP.
 */
import { Buffer } from 'node:buffer';
import { Failure } from '../../observe/failure.ts';
import { FOLDER_DEPTH, FOLDER_NAME_BYTES } from '../../wire/limits.ts';

export const INBOX = 'INBOX';

/** C0, DEL, C1, line and paragraph separators: they have crashed clients (exchange-behaviour.md §7). */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** @throws Failure CANNOT, LIMIT */
export function normalFolderName(name: string): string {
  if (name === '') throw new Failure('CANNOT', 'A folder needs a name.');
  if (CONTROL.test(name)) throw new Failure('CANNOT', 'A folder name cannot hold control characters.');
  if (!name.isWellFormed()) throw new Failure('CANNOT', 'A folder name has to be valid Unicode.');
  const normal = name.normalize('NFC');
  if (Buffer.byteLength(normal) > FOLDER_NAME_BYTES) {
    throw new Failure('LIMIT', `A folder name can have at most ${FOLDER_NAME_BYTES} bytes.`);
  }
  const levels = normal.split('/');
  if (levels.includes('')) throw new Failure('CANNOT', 'A folder name cannot have an empty level.');
  if (levels.length > FOLDER_DEPTH) throw new Failure('LIMIT', `Folders can be at most ${FOLDER_DEPTH} levels deep.`);
  if (levels[0]?.toUpperCase() === INBOX) levels[0] = INBOX;
  return levels.join('/');
}

/** Equal for names that may not stand beside each other. */
export function nameKey(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

/** `a/b/c` → `a/b`, `a`: all superiors, nearest first. */
export function superiors(name: string): string[] {
  const names: string[] = [];
  for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1)) names.push(name.slice(0, at));
  return names;
}

export function isInferior(name: string, of: string): boolean {
  return nameKey(name).startsWith(`${nameKey(of)}/`);
}
