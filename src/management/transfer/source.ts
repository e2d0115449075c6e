/**
 * What is to be imported: files and trees of .eml, mbox and Maildir, walked in name order. One walk measures, for
 * the progress bar; the next one reads. Symbolic links are not followed.
 */
import type { Dirent, Stats } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { arrivalDate } from './arrival-date.ts';
import {
  type ExportedFolder,
  type ExportedMessage,
  MESSAGE_INDEX,
  readExportIndex,
  readMessageIndex,
} from './export-index.ts';
import { fileChunks } from './file-chunks.ts';
import { folderNameOfPath } from './folder-names.ts';
import type { MboxFormat } from './mbox-lines.ts';
import { isMaildir, maildirFolders, readMaildir } from './read-maildir.ts';
import { readMbox } from './read-mbox.ts';
import type { SourceItem } from './record.ts';

export interface SourceOptions {
  /** `auto`: by name and by the first bytes. */
  readonly format: 'auto' | 'eml' | 'mbox' | 'maildir';
  readonly mboxFormat: MboxFormat | 'auto';
  /** Everything goes into one folder; folders of the source are not kept. */
  readonly flat: boolean;
  /** INTERNALDATE of .eml files that nothing else dates: from their header (arrival-date.ts) or time of the file. */
  readonly dates: 'received' | 'file';
}

interface Unit {
  readonly kind: 'eml' | 'mbox' | 'maildir' | 'eml-indexed';
  readonly path: string;
  /** Relative folder name, '' for the root of the source. */
  readonly folder: string;
}

/** Bytes that `readSource` will go through. */
export async function measureSource(paths: readonly string[], options: SourceOptions): Promise<number> {
  let bytes = 0;
  for await (const unit of walk(paths, options)) {
    if (unit.kind !== 'eml' && unit.kind !== 'mbox') {
      for (const sub of unit.kind === 'maildir' ? ['cur', 'new'] : ['.']) {
        const directory = path.join(unit.path, sub);
        for (const name of await readdir(directory)) bytes += await fileSize(path.join(directory, name));
      }
    } else {
      bytes += await fileSize(unit.path);
    }
  }
  return bytes;
}

async function fileSize(file: string): Promise<number> {
  return (await stat(file).catch(() => null))?.size ?? 0;
}

/** Folders with '' for the root: the caller decides where that is. `bytes` of the items rise over the whole source. */
export async function* readSource(paths: readonly string[], options: SourceOptions): AsyncIterable<SourceItem> {
  let done = 0;
  for (const root of paths) {
    const index = await readExportIndex(root);
    for (const folder of index?.folders ?? []) yield { kind: 'folder', folder };
  }
  for await (const unit of walk(paths, options)) {
    let last = 0;
    try {
      for await (const item of readUnit(unit, options)) {
        if (item.kind === 'folder') {
          yield item;
          continue;
        }
        // An mbox tells how far it has come, the others how much each file holds.
        last = unit.kind === 'mbox' ? item.bytes : last + item.bytes;
        yield { ...item, bytes: done + last };
      }
    } catch (error) {
      yield { kind: 'problem', origin: unit.path, text: reason(error), bytes: done + last };
    }
    done += last;
  }
}

export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function* readUnit(unit: Unit, options: SourceOptions): AsyncIterable<SourceItem> {
  switch (unit.kind) {
    case 'mbox':
      yield* readMbox(unit.path, { folder: unit.folder, format: options.mboxFormat });
      return;
    case 'maildir':
      yield* readMaildir(unit.path, unit.folder);
      return;
    case 'eml':
      yield await readEml(unit.path, unit.folder, null, options.dates);
      return;
    case 'eml-indexed':
      for await (const entry of readMessageIndex(unit.path)) {
        // A name of the index never leads out of its folder.
        yield await readEml(path.join(unit.path, path.basename(entry.file)), unit.folder, entry, options.dates);
      }
  }
}

async function readEml(
  file: string,
  folder: string,
  facts: ExportedMessage | null,
  dates: SourceOptions['dates'],
): Promise<SourceItem> {
  let found: Stats;
  try {
    found = await stat(file);
  } catch (error) {
    return { kind: 'problem', origin: file, text: reason(error), bytes: 0 };
  }
  if (found.size === 0) return { kind: 'problem', origin: file, text: 'is empty', bytes: 0 };
  const said = facts?.internalDate ?? (dates === 'received' ? await arrivalDate(file, found.size) : null);
  return {
    kind: 'message',
    bytes: found.size,
    message: {
      key: `${file}\0${found.size}\0${Math.floor(found.mtimeMs)}`,
      origin: file,
      folder,
      flags: facts?.flags ?? 0,
      keywords: facts?.keywords ?? [],
      internalDate: said ?? Math.floor(found.mtimeMs / 1000),
      saveDate: facts?.saveDate ?? null,
      uid: facts?.uid ?? null,
      uidl: facts?.uidl ?? null,
      size: found.size,
      chunks: () => fileChunks(file, found.size),
    },
  };
}

async function* walk(paths: readonly string[], options: SourceOptions): AsyncIterable<Unit> {
  for (const given of paths) {
    const root = path.resolve(given);
    const found = await stat(root);
    if (found.isDirectory()) {
      const index = await readExportIndex(root);
      yield* walkDirectory({ root, options, names: new Map(index?.folders.map(nameByPath)) }, '');
    } else {
      const kind = options.format === 'auto' ? await sniff(root) : options.format;
      if (kind === 'maildir') throw new Error(`${given} is a file; a Maildir is a folder with cur and new in it`);
      yield { kind, path: root, folder: '' };
    }
  }
}

function nameByPath(folder: ExportedFolder): [string, string] {
  return [folder.path, folder.name];
}

interface Walk {
  readonly root: string;
  readonly options: SourceOptions;
  readonly names: ReadonlyMap<string, string>;
}

async function* walkDirectory(walk: Walk, relative: string): AsyncIterable<Unit> {
  const { root, options, names } = walk;
  const directory = path.join(root, relative);
  const entries = (await readdir(directory, { withFileTypes: true })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const folder = (at: string): string =>
    options.flat ? '' : (names.get(at === '' ? '.' : at) ?? (at === '' ? '' : folderNameOfPath(at)));
  if (isMaildir(entries) && (options.format === 'auto' || options.format === 'maildir')) {
    for await (const found of maildirFolders(directory, relative === '' ? names : new Map())) {
      const name = relative === '' || found.name === '' ? found.name : `${folder(relative)}/${found.name}`;
      yield { kind: 'maildir', path: found.directory, folder: options.flat ? '' : name || folder(relative) };
    }
    return;
  }
  const indexed = entries.some((entry) => entry.name === MESSAGE_INDEX);
  if (indexed) yield { kind: 'eml-indexed', path: directory, folder: folder(relative) };
  for (const entry of entries) {
    const at = relative === '' ? entry.name : `${relative}/${entry.name}`;
    if (entry.isDirectory()) {
      yield* walkDirectory(walk, at);
      continue;
    }
    if (!entry.isFile()) continue;
    const kind = await fileKind(entry, path.join(root, at), options);
    if (kind === null || (indexed && kind === 'eml')) continue;
    yield {
      kind,
      path: path.join(root, at),
      folder:
        kind === 'eml'
          ? folder(relative)
          : options.flat
            ? ''
            : (names.get(at) ?? folderNameOfPath(at.replace(/\.mbo?x$/i, ''))),
    };
  }
}

/** In a tree, only what looks like mail is taken. */
async function fileKind(entry: Dirent, file: string, options: SourceOptions): Promise<'eml' | 'mbox' | null> {
  if (entry.name.startsWith('.') || entry.name === MESSAGE_INDEX || entry.name.startsWith('penfold-export'))
    return null;
  if (options.format === 'maildir') return null;
  if (options.format !== 'auto') return options.format;
  if (/\.eml$/i.test(entry.name)) return 'eml';
  return (await sniff(file)) === 'mbox' ? 'mbox' : null;
}

/**
 * A single message may begin with a From_ line, too: the extension decides first. What is called an mbox is read as one,
 * so that a file of it that is none is reported and not passed over in silence.
 */
async function sniff(file: string): Promise<'eml' | 'mbox'> {
  if (/\.eml$/i.test(file)) return 'eml';
  if (/\.mbox$/i.test(file)) return 'mbox';
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(5), 0, 5, 0);
    return buffer.toString('latin1', 0, bytesRead) === 'From ' ? 'mbox' : 'eml';
  } finally {
    await handle.close();
  }
}
