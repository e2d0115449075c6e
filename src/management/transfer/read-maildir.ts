/**
 * Reads Maildir (cur and new) with what Courier and Dovecot keep beside it: subfolders `.A.B` or nested folders, flags
 * behind `:2,` with letters a–z for the names in dovecot-keywords, INTERNALDATE in the file's time, order and POP3
 * unique-ids in dovecot-uidlist.
 */
import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { ANSWERED, DELETED, DRAFT, FLAGGED, SEEN } from '../../store/model.ts';
import { fileChunks } from './file-chunks.ts';
import { folderNameOfMaildir, folderNameOfPath } from './folder-names.ts';
import type { SourceItem } from './record.ts';

const FLAG_LETTERS: Readonly<Record<string, number>> = { D: DRAFT, F: FLAGGED, R: ANSWERED, S: SEEN, T: DELETED };

interface MaildirEntry {
  readonly file: string;
  readonly name: string;
  readonly fresh: boolean;
  readonly uid: number;
  readonly uidl: string | null;
}

/** True when `directory` is a Maildir: it has cur and new. */
export function isMaildir(entries: readonly Dirent[]): boolean {
  const has = (name: string): boolean => entries.some((entry) => entry.name === name && entry.isDirectory());
  return has('cur') && has('new');
}

/** Folders of a Maildir: its own (name '') and all below it. `names`: true names by path, from an export's index. */
export async function* maildirFolders(
  root: string,
  names: ReadonlyMap<string, string>,
): AsyncIterable<{ directory: string; name: string }> {
  yield { directory: root, name: names.get('.') ?? '' };
  yield* foldersBelow(root, '', names);
}

async function* foldersBelow(
  root: string,
  below: string,
  names: ReadonlyMap<string, string>,
): AsyncIterable<{ directory: string; name: string }> {
  const entries = await readdir(path.join(root, below), { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!entry.isDirectory() || ['cur', 'new', 'tmp'].includes(entry.name)) continue;
    const relative = below === '' ? entry.name : `${below}/${entry.name}`;
    const directory = path.join(root, relative);
    if (!isMaildir(await readdir(directory, { withFileTypes: true }))) {
      if (!entry.name.startsWith('.')) yield* foldersBelow(root, relative, names);
      continue;
    }
    const plusPlus = below === '' && entry.name.startsWith('.');
    yield {
      directory,
      name: names.get(relative) ?? (plusPlus ? folderNameOfMaildir(entry.name) : folderNameOfPath(relative)),
    };
    if (!plusPlus) yield* foldersBelow(root, relative, names);
  }
}

/** One folder's messages: by UID where dovecot-uidlist knows them, else by delivery time as the names have it. */
export async function* readMaildir(directory: string, folder: string): AsyncIterable<SourceItem> {
  const keywords = await readKeywords(directory);
  const uids = await readUidList(directory);
  const found: MaildirEntry[] = [];
  for (const sub of ['cur', 'new']) {
    for (const name of await readdir(path.join(directory, sub))) {
      if (name.startsWith('.')) continue;
      const known = uids.get(baseName(name));
      found.push({
        file: path.join(directory, sub, name),
        name,
        fresh: sub === 'new',
        uid: known?.uid ?? Number.MAX_SAFE_INTEGER,
        uidl: known?.uidl ?? null,
      });
    }
  }
  found.sort(byArrival);
  for (const entry of found) {
    const facts = await stat(entry.file).catch(() => null);
    if (facts === null || !facts.isFile()) {
      yield { kind: 'problem', origin: entry.file, text: 'cannot be read, or is no file', bytes: 0 };
      continue;
    }
    const marks = marksOf(entry, keywords);
    yield {
      kind: 'message',
      bytes: facts.size,
      message: {
        key: `${path.join(directory, baseName(entry.name))}\0${facts.size}`,
        origin: entry.file,
        folder,
        ...marks,
        internalDate: Math.floor(facts.mtimeMs / 1000),
        saveDate: null,
        uid: null,
        uidl: entry.uidl,
        size: facts.size,
        chunks: () => fileChunks(entry.file, facts.size),
      },
    };
  }
}

/** The unique part of the name: before `:2,` (or `;2,`, `!2,` where a file system has no colon). */
function baseName(name: string): string {
  return name.replace(/[:;!]2,.*$/, '');
}

function marksOf(entry: MaildirEntry, known: ReadonlyMap<string, string>): { flags: number; keywords: string[] } {
  let flags = 0;
  const keywords: string[] = [];
  const info = /[:;!]2,([A-Za-z]*)/.exec(entry.name)?.[1] ?? '';
  for (const letter of info) {
    flags |= FLAG_LETTERS[letter] ?? 0;
    // P, passed: $Forwarded is its keyword (draft-melnikov-imap-keywords, used by Dovecot and mbsync alike).
    const keyword = letter === 'P' ? '$Forwarded' : known.get(letter);
    if (keyword !== undefined) keywords.push(keyword);
  }
  return { flags, keywords };
}

function byArrival(a: MaildirEntry, b: MaildirEntry): number {
  if (a.uid !== b.uid) return a.uid - b.uid;
  const time = Number.parseInt(a.name, 10) - Number.parseInt(b.name, 10);
  if (Number.isFinite(time) && time !== 0) return time;
  return a.name < b.name ? -1 : 1;
}

async function optionalText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return '';
  }
}

/** `0 $Label1` → letter `a`. */
async function readKeywords(directory: string): Promise<Map<string, string>> {
  const keywords = new Map<string, string>();
  for (const line of (await optionalText(path.join(directory, 'dovecot-keywords'))).split('\n')) {
    const match = /^(\d{1,2}) (\S+)$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) continue;
    keywords.set(String.fromCharCode(97 + Number(match[1])), match[2]);
  }
  return keywords;
}

/** `12 P0007abc W4711 :1234.M1P2.host`: UID, optional fields, file name without flags (version 3). */
async function readUidList(directory: string): Promise<Map<string, { uid: number; uidl: string | null }>> {
  const known = new Map<string, { uid: number; uidl: string | null }>();
  for (const line of (await optionalText(path.join(directory, 'dovecot-uidlist'))).split('\n')) {
    const match = /^(\d+) ([^:]*):?(.+)$/.exec(line);
    if (match?.[3] === undefined) continue;
    const uidl = /(?:^| )P(\S+)/.exec(match[2] ?? '')?.[1] ?? null;
    known.set(baseName(match[3]), { uid: Number(match[1]), uidl });
  }
  return known;
}
