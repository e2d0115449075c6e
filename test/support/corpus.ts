/**
 * The messages of the shared mail corpus, read where it lies beside the repository; nothing of it is copied here.
 * Tests skip, and say so, when it is not there.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

const ROOT = path.resolve(import.meta.dirname, '..', '..', '..', 'shared', 'corpus');
const TAR_BLOCK = 512;
/** Collections that hold no messages. */
const NO_MESSAGES = new Set(['LICENSES', 'calendar', 'tnef', 'vectors']);

export interface CorpusMessage {
  /** Path within the corpus; `archive.tar.gz!entry` for packed ones, as in its manifest. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** Reason to skip, or false: for `test('…', { skip: corpusMissing() }, …)`. */
export function corpusMissing(): string | false {
  return existsSync(path.join(ROOT, 'manifest.tsv')) ? false : 'the mail corpus is not at ../shared/corpus';
}

/** Paths of the .mbox files of the corpus, those in archives left out. */
export function corpusMboxes(): string[] {
  return readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.mbox'))
    .sort()
    .map((name) => path.join(ROOT, name));
}

/** Every single message of the corpus, byte for byte (.mbox files are not split). */
export function* corpusMessages(): Iterable<CorpusMessage> {
  for (const entry of readdirSync(ROOT, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.isDirectory() && !NO_MESSAGES.has(entry.name)) yield* messagesBelow(entry.name);
    else if (entry.name.endsWith('.tar.gz')) {
      const archive = gunzipSync(readFileSync(path.join(ROOT, entry.name)));
      for (const file of tarEntries(archive)) yield { name: `${entry.name}!${file.name}`, bytes: file.bytes };
    }
  }
}

function* messagesBelow(folder: string): Iterable<CorpusMessage> {
  for (const entry of readdirSync(path.join(ROOT, folder), { withFileTypes: true })) {
    const name = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) yield* messagesBelow(name);
    else if (entry.name.endsWith('.eml')) yield { name, bytes: readFileSync(path.join(ROOT, name)) };
  }
}

/** Regular files of a ustar archive with GNU long names. */
function* tarEntries(archive: Buffer): Iterable<CorpusMessage> {
  let longName = '';
  for (let at = 0; at + TAR_BLOCK <= archive.length; ) {
    const header = archive.subarray(at, at + TAR_BLOCK);
    const size = Number.parseInt(text(header, 124, 136).trim() || '0', 8);
    const bytes = archive.subarray(at + TAR_BLOCK, at + TAR_BLOCK + size);
    const type = String.fromCharCode(header[156] ?? 0);
    const prefix = text(header, 345, 500);
    const name = longName || (prefix === '' ? text(header, 0, 100) : `${prefix}/${text(header, 0, 100)}`);
    if (name === '') return;
    if (type === 'L') longName = text(bytes, 0, bytes.length);
    else {
      longName = '';
      if (type === '0' || type === '\0') yield { name, bytes };
    }
    at += TAR_BLOCK + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }
}

function text(bytes: Buffer, from: number, to: number): string {
  const end = bytes.indexOf(0, from);
  return bytes.toString('latin1', from, end < 0 || end > to ? to : end);
}
