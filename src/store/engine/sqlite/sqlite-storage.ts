/**
 * One mailbox on disk: segments (truth), mailbox.db (folded state), fragments and texts (caches). Durability rules of
 * dependencies.md §7; what the changes mean is the core's matter.
 */
import type { Buffer } from 'node:buffer';
import fs from 'node:fs';
import path from 'node:path';
import { PARSER_VERSION } from '../../../message/model.ts';
import type { FragmentPiece } from '../../../message/fragment-pieces.ts';
import type { Log } from '../../../observe/log.ts';
import type { FolderState } from '../../mailbox/folder-state.ts';
import type {
  Compaction,
  FoldImage,
  LogEntry,
  Location,
  MailboxStorage,
  ReadRange,
  TextFile,
} from '../../mailbox/storage.ts';
import type { ThreadKey } from '../../moving.ts';
import type { TextKind } from '../../search/source.ts';
import { CacheFile } from './cache-file.ts';
import { FragmentFiles } from './fragment-files.ts';
import { type Files, flushDirectory, writeSmallFile } from './files.ts';
import type { MailboxFile } from './mailbox-file.ts';
import { encodeRecordHead, MESSAGE_PREFIX_BYTES } from './record.ts';
import { checksum, readAt } from './recovery.ts';
import { SEGMENT_HEAD_BYTES, type Segments } from './segments.ts';

/** Changes of flags alone are durable at the latest after this time (dependencies.md §7: STORE need not wait). */
export const FLAG_FLUSH_MS = 1000;
/** Present while something may not be durable or folded: who finds it at the start knows of an unclean shutdown. */
export const OPEN_MARK = 'open';

export interface StorageParts {
  readonly directory: string;
  readonly segments: Segments;
  readonly file: MailboxFile;
  readonly fragmentFile: number;
  readonly files: Files;
  readonly log: Log;
  /** What the open mark says: a power cut since then shows by another boot id. */
  readonly bootId: string;
  readonly marked: boolean;
  /** Left by recovery. */
  readonly unfolded: { bytes: number; changes: number };
}

export class SqliteStorage implements MailboxStorage {
  readonly texts: TextFile;
  readonly compaction: Compaction;
  readonly reloads = 'at once';
  readonly unfolded: { bytes: number; changes: number };
  readonly #parts: StorageParts;
  readonly #fragments: FragmentFiles;
  readonly #texts: TextFiles;
  #marked: boolean;
  #flagFlush: NodeJS.Timeout | null = null;
  /** Of the image being folded: not in the file yet, no longer in the core. */
  #foldingKeys: ReadonlyMap<number, number> | null = null;

  constructor(parts: StorageParts) {
    this.#parts = parts;
    this.#marked = parts.marked;
    this.unfolded = parts.unfolded;
    this.#fragments = new FragmentFiles(parts.directory, parts.fragmentFile);
    this.#texts = new TextFiles(parts.directory);
    this.texts = this.#texts;
    this.compaction = {
      prefixBytes: MESSAGE_PREFIX_BYTES,
      segments: () => this.#finishedSegments(),
      drop: async (segments) => {
        await parts.file.makeDurable();
        for (const segment of segments) await parts.segments.drop(segment);
      },
    };
  }

  async append(entries: readonly LogEntry[], flush: boolean): Promise<readonly Location[]> {
    const { segments } = this.#parts;
    if (!this.#marked) await this.#mark();
    const records = entries.map(({ change, payload }) => ({
      head: encodeRecordHead(change, payload?.size ?? 0, payload?.crc ?? 0),
      payload,
    }));
    const locations = await segments.append(records, flush);
    if (!flush) this.#flushSoon();
    this.unfolded.changes += entries.length;
    for (const { head, payload } of records) this.unfolded.bytes += head.length + (payload?.size ?? 0);
    return locations;
  }

  readContent(ranges: readonly ReadRange[], target: Buffer): Promise<void> | void {
    return this.#parts.segments.read(ranges, target);
  }

  async checkContent(segment: number, offset: number, size: number): Promise<string | null> {
    const { segments } = this.#parts;
    try {
      const prefix = await readAt(segments, segment, offset - MESSAGE_PREFIX_BYTES, MESSAGE_PREFIX_BYTES);
      const stored = prefix.readUInt32LE(0);
      if (stored !== size) return `has ${stored} bytes in segment ${segment}, should have ${size}`;
      const crc = await checksum(segments, segment, offset, size);
      return crc === prefix.readUInt32LE(4) ? null : `is damaged in segment ${segment} at offset ${offset}`;
    } catch (reason) {
      return `cannot be read from segment ${segment}: ${reason instanceof Error ? reason.message : String(reason)}`;
    }
  }

  putFragment(piece: FragmentPiece, bytes: Buffer): number | null {
    return this.#fragments.append(piece, bytes);
  }

  readFragments(piece: FragmentPiece, ranges: readonly ReadRange[], target: Buffer): Promise<void> | void {
    return this.#fragments.read(piece, ranges, target);
  }

  loadRows(folder: FolderState): void {
    this.#parts.file.loadRows(folder, this.#parts.fragmentFile);
  }

  threadOf(key: number): number | null {
    return this.#foldingKeys?.get(key) ?? this.#parts.file.threadOf(key);
  }

  async *threadKeys(): AsyncIterable<readonly ThreadKey[]> {
    const folding = this.#foldingKeys;
    if (folding !== null) yield [...folding].map(([key, thread]) => ({ key, thread }));
    let after = -1;
    for (;;) {
      const batch = this.#parts.file.threadKeysAfter(after);
      const last = batch.at(-1);
      if (last === undefined) return;
      yield batch;
      after = last.key;
    }
  }

  lookUpThreads(): Promise<void> {
    return Promise.resolve();
  }

  async fold(image: FoldImage): Promise<void> {
    const { file, segments, files } = this.#parts;
    const position = segments.position;
    const before = { ...this.unfolded };
    this.#foldingKeys = image.threadKeys;
    const ready = Promise.all([segments.flush(), this.#fragments.flush(files)]).then(() => undefined);
    ready.catch(() => {});
    try {
      await file.fold(image, position, this.#parts.fragmentFile, ready);
      this.unfolded.bytes -= before.bytes;
      this.unfolded.changes -= before.changes;
    } finally {
      this.#foldingKeys = null;
    }
    try {
      await file.makeDurable();
    } catch (reason) {
      // The write-ahead log stays longer, no more: the fold is valid, and the log behind it is kept.
      this.#parts.log.warn({ err: reason, directory: this.#parts.directory }, 'the index could not be checkpointed');
    }
  }

  rest(): void {
    const { segments, file } = this.#parts;
    segments.rest();
    this.#fragments.rest();
    this.#texts.rest();
    file.rest();
  }

  async close(): Promise<void> {
    const { segments, file, directory } = this.#parts;
    if (this.#flagFlush !== null) clearTimeout(this.#flagFlush);
    this.#flagFlush = null;
    try {
      await segments.close();
      this.#fragments.close();
      this.#texts.close();
      if (this.#marked) {
        await fs.promises.rm(path.join(directory, OPEN_MARK), { force: true });
        this.#marked = false;
      }
    } finally {
      file.close();
    }
  }

  /** Before the first change of this opening: from now on a crash may leave something to repair. */
  async #mark(): Promise<void> {
    const { directory, bootId } = this.#parts;
    writeSmallFile(path.join(directory, OPEN_MARK), bootId);
    await flushDirectory(directory);
    this.#marked = true;
  }

  #flushSoon(): void {
    if (this.#flagFlush !== null) return;
    this.#flagFlush = setTimeout(() => {
      this.#flagFlush = null;
      this.#parts.segments.flush().catch((reason: unknown) => {
        this.#parts.log.error({ err: reason, directory: this.#parts.directory }, 'flag changes could not be flushed');
      });
    }, FLAG_FLUSH_MS);
    this.#flagFlush.unref();
  }

  #finishedSegments(): { segment: number; bytes: number }[] {
    const { segments } = this.#parts;
    return segments
      .numbers()
      .filter((segment) => segment !== segments.position.segment)
      .map((segment) => ({ segment, bytes: Math.max(0, segments.size(segment) - SEGMENT_HEAD_BYTES) }));
  }
}

/** Text caches; the index comes last, so that it never names what is not written. */
export class TextFiles implements TextFile {
  readonly #files: Record<TextKind, CacheFile>;
  readonly #index: CacheFile;

  constructor(directory: string) {
    const file = (name: string): CacheFile => new CacheFile(path.join(directory, name), name, PARSER_VERSION);
    this.#files = { header: file('text-header'), body: file('text-body') };
    this.#index = file('text-index');
  }

  /** All three belong together: one that is missing or of another version makes the others worthless. */
  loadIndex(): Buffer {
    if (this.#index.exists() && this.#files.header.exists() && this.#files.body.exists()) return this.#index.whole();
    this.remove();
    return this.#index.whole();
  }

  append(kind: TextKind, bytes: Buffer): number {
    const at = this.#files[kind].append(bytes);
    this.#files[kind].write();
    return at;
  }

  appendIndex(entries: Buffer): void {
    this.#index.append(entries);
    this.#index.write();
  }

  read(kind: TextKind, ranges: readonly ReadRange[], target: Buffer): Promise<void> | void {
    return this.#files[kind].read(ranges, target);
  }

  remove(): void {
    this.#index.remove();
    this.#files.header.remove();
    this.#files.body.remove();
  }

  rest(): void {
    this.#index.rest();
    this.#files.header.rest();
    this.#files.body.rest();
  }

  close(): void {
    this.#index.close();
    this.#files.header.close();
    this.#files.body.close();
  }
}
