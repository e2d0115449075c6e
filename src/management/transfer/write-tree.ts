/**
 * Writes an export to disk: .eml trees, mbox files, Maildir. Folder by folder; a folder that is complete and has not
 * changed since is skipped when the same export is started again, one that was cut off is written again.
 */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ANSWERED, DELETED, DRAFT, FLAGGED, SEEN } from '../../store/model.ts';
import {
  type ExportedFolder,
  type ExportedMessage,
  type ExportIndex,
  MESSAGE_INDEX,
  readExportIndex,
  writeExportIndex,
} from './export-index.ts';
import { folderPath, maildirFolder } from './folder-names.ts';
import { crlfToLf, type MboxFormat, survivesLf } from './mbox-lines.ts';
import type { ExportItem, FolderRecord, MessageRecord } from './record.ts';
import { appendToMbox } from './write-mbox.ts';

export type ExportFormat = 'eml' | 'maildir' | MboxFormat;

/** Maildir has letters for this many keywords in a folder. */
const MAILDIR_KEYWORDS = 26;
const IN_MEMORY_BYTES = 1024 * 1024;

interface FolderWriter {
  add(message: MessageRecord): Promise<void>;
  finish(): Promise<readonly string[]>;
}

export interface WriteProgress {
  messages: number;
  bytes: number;
  skippedFolders: number;
  readonly problems: string[];
}

/** @throws when `root` holds something that is not an export of this mailbox in this format */
export async function writeTree(
  root: string,
  options: { format: ExportFormat; mailbox: string; onProgress?: (progress: WriteProgress) => void },
  items: AsyncIterable<ExportItem>,
): Promise<WriteProgress> {
  const index = await openIndex(root, options);
  const progress: WriteProgress = { messages: 0, bytes: 0, skippedFolders: 0, problems: [] };
  let current: { writer: FolderWriter; entry: ExportedFolder } | null = null;
  const finish = async (): Promise<void> => {
    if (current === null) return;
    progress.problems.push(...(await current.writer.finish()));
    const entry = { ...current.entry, complete: true };
    index.folders.splice(
      index.folders.findIndex((other) => other.name === entry.name),
      1,
      entry,
    );
    await writeExportIndex(root, index);
    current = null;
  };
  for await (const item of items) {
    if (item.kind === 'folder') {
      await finish();
      current = await beginFolder(root, options.format, index, item.folder);
      if (current === null) progress.skippedFolders += 1;
    } else if (current !== null) {
      await current.writer.add(item.message);
      progress.messages += 1;
      progress.bytes += item.message.size;
      options.onProgress?.(progress);
    }
  }
  await finish();
  return progress;
}

async function openIndex(root: string, options: { format: ExportFormat; mailbox: string }): Promise<ExportIndex> {
  await mkdir(root, { recursive: true });
  const index = await readExportIndex(root);
  if (index === null) {
    if ((await readdir(root)).length > 0) throw new Error(`${root} is not empty. Name a new folder for the export.`);
    return { version: 1, format: options.format, mailbox: options.mailbox, folders: [] };
  }
  if (index.format !== options.format || index.mailbox !== options.mailbox) {
    throw new Error(
      `${root} holds an export of ${index.mailbox} as ${index.format}. Name a new folder for this one (${options.mailbox}, ${options.format}).`,
    );
  }
  return index;
}

async function beginFolder(
  root: string,
  format: ExportFormat,
  index: ExportIndex,
  folder: FolderRecord,
): Promise<{ writer: FolderWriter; entry: ExportedFolder } | null> {
  const known = index.folders.find((entry) => entry.name === folder.name);
  if (
    known?.complete === true &&
    known.uidValidity === folder.uidValidity &&
    known.uidNext === folder.uidNext &&
    known.messages === folder.messages
  ) {
    return null;
  }
  const entry: ExportedFolder = {
    ...folder,
    path: known?.path ?? freePath(format, index, folder.name),
    complete: false,
  };
  if (known === undefined) index.folders.push(entry);
  else index.folders.splice(index.folders.indexOf(known), 1, entry);
  await writeExportIndex(root, index);
  const target = path.join(root, entry.path);
  const writer =
    format === 'eml'
      ? await emlWriter(target)
      : format === 'maildir'
        ? await maildirWriter(target, folder)
        : await mboxWriter(target, format);
  return { writer, entry };
}

function freePath(format: ExportFormat, index: ExportIndex, name: string): string {
  const wanted =
    format === 'maildir'
      ? name === 'INBOX'
        ? '.'
        : maildirFolder(name)
      : `${folderPath(name)}${format === 'eml' ? '' : '.mbox'}`;
  // File systems that do not tell case apart exist: neither do paths here.
  const taken = new Set(index.folders.map((entry) => entry.path.toLowerCase()));
  let free = wanted;
  for (let n = 2; taken.has(free.toLowerCase()); n += 1) {
    free = wanted.endsWith('.mbox') ? `${wanted.slice(0, -5)}-${n}.mbox` : `${wanted}-${n}`;
  }
  return free;
}

async function mboxWriter(target: string, format: MboxFormat): Promise<FolderWriter> {
  await mkdir(path.dirname(target), { recursive: true });
  const partial = `${target}.part`;
  const file: FileHandle = await open(partial, 'w');
  let position = 0;
  return {
    add: async (message) => {
      position = await appendToMbox(file, position, format, message);
    },
    finish: async () => {
      await file.sync();
      await file.close();
      await rename(partial, target);
      return [];
    },
  };
}

async function emlWriter(directory: string): Promise<FolderWriter> {
  await mkdir(directory, { recursive: true });
  const lines = await open(path.join(directory, MESSAGE_INDEX), 'w');
  let count = 0;
  return {
    add: async (message) => {
      count += 1;
      const file = `${String(message.uid ?? count).padStart(10, '0')}.eml`;
      await writeMessage(path.join(directory, file), message, 'crlf');
      const { flags, keywords, internalDate, saveDate, uid, uidl } = message;
      const entry: ExportedMessage = { file, flags, keywords: [...keywords], internalDate, saveDate, uid, uidl };
      await lines.write(`${JSON.stringify(entry)}\n`);
    },
    finish: async () => {
      await lines.sync();
      await lines.close();
      return [];
    },
  };
}

async function maildirWriter(directory: string, folder: FolderRecord): Promise<FolderWriter> {
  for (const sub of ['cur', 'new', 'tmp']) {
    await rm(path.join(directory, sub), { recursive: true, force: true });
    await mkdir(path.join(directory, sub), { recursive: true });
  }
  const letters = new Map<string, string>();
  const dropped = new Set<string>();
  const uidLines: string[] = [];
  return {
    add: async (message) => {
      const uid = message.uid ?? uidLines.length + 1;
      const base = `${message.internalDate ?? 0}.M${uid}P${process.pid}V${folder.uidValidity ?? 0}.penfold,S=${message.size}`;
      const partial = path.join(directory, 'tmp', base);
      await writeMessage(partial, message, 'lf');
      await rename(partial, path.join(directory, 'cur', `${base}:2,${flagLetters(message, letters, dropped)}`));
      uidLines.push(`${uid}${message.uidl === null ? '' : ` P${message.uidl}`} :${base}\n`);
    },
    finish: async () => {
      const head = `3 V${folder.uidValidity ?? 1} N${folder.uidNext ?? uidLines.length + 1}\n`;
      await writeFile(path.join(directory, 'dovecot-uidlist'), head + uidLines.join(''));
      const keywords = [...letters].map(([keyword, letter]) => `${letter.charCodeAt(0) - 97} ${keyword}\n`);
      await writeFile(path.join(directory, 'dovecot-keywords'), keywords.join(''));
      if (folder.name !== 'INBOX') await writeFile(path.join(directory, 'maildirfolder'), '');
      return [...dropped].map(
        (keyword) =>
          `${folder.name}: keyword ${keyword} was left out, Maildir has room for ${MAILDIR_KEYWORDS} in a folder`,
      );
    },
  };
}

/** ASCII order, as maildir(5) asks. */
function flagLetters(message: MessageRecord, letters: Map<string, string>, dropped: Set<string>): string {
  const found: string[] = [];
  const { flags } = message;
  const system: ReadonlyArray<readonly [number, string]> = [
    [DRAFT, 'D'],
    [FLAGGED, 'F'],
    [ANSWERED, 'R'],
    [SEEN, 'S'],
    [DELETED, 'T'],
  ];
  for (const [bit, letter] of system) if ((flags & bit) !== 0) found.push(letter);
  for (const keyword of message.keywords) {
    if (keyword.toLowerCase() === '$forwarded') {
      found.push('P');
      continue;
    }
    let letter = letters.get(keyword);
    if (letter === undefined && letters.size < MAILDIR_KEYWORDS) {
      letter = String.fromCharCode(97 + letters.size);
      letters.set(keyword, letter);
    }
    if (letter === undefined) dropped.add(keyword);
    else found.push(letter);
  }
  return found.sort().join('');
}

/** The file's time is INTERNALDATE. With `lf`, messages that LF could not bring back keep CRLF (write-mbox.ts). */
async function writeMessage(file: string, message: MessageRecord, lineEnds: 'crlf' | 'lf'): Promise<void> {
  if (lineEnds === 'lf' && message.size <= IN_MEMORY_BYTES) {
    const chunks: Buffer[] = [];
    for await (const chunk of message.chunks()) chunks.push(chunk);
    const whole = Buffer.concat(chunks);
    await writeFile(file, survivesLf(whole) ? crlfToLf(whole) : whole);
  } else {
    const stream: WriteStream = createWriteStream(file);
    for await (const chunk of message.chunks()) if (!stream.write(chunk)) await once(stream, 'drain');
    stream.end();
    await once(stream, 'close');
  }
  if (message.internalDate !== null) await utimes(file, message.internalDate, message.internalDate);
}
