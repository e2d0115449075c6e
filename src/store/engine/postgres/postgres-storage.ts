/** One open mailbox in PostgreSQL (mailbox/storage.ts): log, contents, folded state, packed caches, under one claim. */
import type { Buffer } from 'node:buffer';
import type { FragmentPiece } from '../../../message/fragment-pieces.ts';
import type { Log } from '../../../observe/log.ts';
import type { FolderState } from '../../mailbox/folder-state.ts';
import {
  type Compaction,
  type FoldImage,
  type Location,
  type LogEntry,
  type MailboxStorage,
  type ReadRange,
  StorageLost,
  type TextFile,
} from '../../mailbox/storage.ts';
import type { ThreadKey } from '../../moving.ts';
import type { TextKind } from '../../search/source.ts';
import type { ChangeLog } from './change-log.ts';
import type { Connections } from './connections.ts';
import type { Contents } from './contents.ts';
import { type Claim, checkClaim } from './fence.ts';
import { loadRows, writeImage } from './folded-state.ts';
import type { PackedBytes } from './packed-bytes.ts';
import { numberIn, type Row } from './rows.ts';

const NOWHERE: Location = { segment: 0, offset: 0 };
/** Conversations looked up and remembered; a look-up beyond it forgets the others. */
const KNOWN_THREADS = 20_000;
/** Those read at a time for a move. */
const THREAD_KEY_BATCH = 4096;

export interface PostgresParts {
  readonly connections: Connections;
  readonly claim: Claim;
  readonly log: Log;
  readonly changes: ChangeLog;
  readonly contents: Contents;
  readonly packed: PackedBytes;
  /** Left by the tail. */
  readonly unfolded: { bytes: number; changes: number };
  /** Gives the mailbox back. */
  release(): Promise<void>;
  /** The claim does not hold any more, or nobody knows what is stored. */
  lost(reason: StorageLost): void;
}

export class PostgresStorage implements MailboxStorage {
  readonly reloads = 'awaited';
  readonly texts: TextFile;
  readonly compaction: Compaction;
  readonly unfolded: { bytes: number; changes: number };
  readonly #parts: PostgresParts;
  /** Null: a key nobody has used. */
  readonly #threads = new Map<number, number | null>();
  /** Of the image being folded: not in the table yet, no longer in the core. */
  #foldingKeys: ReadonlyMap<number, number> | null = null;
  #isLost = false;
  #closed: Promise<void> | null = null;

  constructor(parts: PostgresParts) {
    this.#parts = parts;
    this.unfolded = parts.unfolded;
    this.texts = new PackedTexts(parts.packed, () => this.#flush());
    this.compaction = {
      prefixBytes: 0,
      segments: () => parts.contents.list(),
      drop: (segments) => this.#noticing(parts.contents.remove(segments)),
    };
  }

  /** Every change is durable before it is told, also those of flags alone: a flush is shared with other mailboxes. */
  async append(entries: readonly LogEntry[]): Promise<readonly Location[]> {
    this.unfolded.bytes += await this.#noticing(this.#parts.changes.append(entries));
    this.unfolded.changes += entries.length;
    if (this.#parts.packed.isDue) this.#flushSoon();
    return entries.map(({ change }) => (change.kind === 'append' ? { segment: change.content, offset: 0 } : NOWHERE));
  }

  readContent(ranges: readonly ReadRange[], target: Buffer): Promise<void> {
    const blobs = ranges.map(({ segment, offset, length, at }) => ({ number: segment, offset, length, at }));
    return this.#parts.contents.read(blobs, target);
  }

  checkContent(segment: number, _offset: number, size: number): Promise<string | null> {
    return this.#parts.contents.check(segment, size);
  }

  putFragment(piece: FragmentPiece, bytes: Buffer): number | null {
    return this.#parts.packed.appendFragment(piece, bytes);
  }

  readFragments(piece: FragmentPiece, ranges: readonly ReadRange[], target: Buffer): Promise<void> {
    return this.#parts.packed.read(piece, ranges, target);
  }

  loadRows(folder: FolderState): Promise<void> {
    return loadRows(this.#parts.connections, this.#parts.claim.key, folder);
  }

  threadOf(key: number): number | null | undefined {
    return this.#foldingKeys?.get(key) ?? this.#threads.get(key);
  }

  async lookUpThreads(keys: readonly number[]): Promise<void> {
    const rows = await this.#parts.connections.query(
      'SELECT hash, thread FROM penfold_mail.thread_key WHERE mailbox = $1 AND hash = ANY($2::bigint[])',
      [this.#parts.claim.key, keys],
    );
    if (this.#threads.size + keys.length > KNOWN_THREADS) this.#threads.clear();
    for (const key of keys) this.#threads.set(key, null);
    for (const row of rows) this.#threads.set(numberIn(row, 'hash'), numberIn(row, 'thread'));
  }

  async *threadKeys(): AsyncIterable<readonly ThreadKey[]> {
    const folding = this.#foldingKeys;
    if (folding !== null) yield [...folding].map(([key, thread]) => ({ key, thread }));
    for (let after: number | null = null; ; ) {
      const rows: readonly Row[] = await this.#parts.connections.query(
        `SELECT hash, thread FROM penfold_mail.thread_key WHERE mailbox = $1 AND ($2::bigint IS NULL OR hash > $2)
         ORDER BY hash LIMIT ${THREAD_KEY_BATCH}`,
        [this.#parts.claim.key, after],
      );
      const batch = rows.map((row) => ({ key: numberIn(row, 'hash'), thread: numberIn(row, 'thread') }));
      const last = batch.at(-1);
      if (last === undefined) return;
      yield batch;
      after = last.key;
    }
  }

  async fold(image: FoldImage): Promise<void> {
    const { connections, claim, changes } = this.#parts;
    const { position } = changes;
    const before = { ...this.unfolded };
    this.#foldingKeys = image.threadKeys;
    try {
      // Rows must not refer to parse results that are not stored.
      await this.#flush();
      const written = connections.transaction(async (session) => {
        await checkClaim(session, claim);
        await writeImage(session, claim.key, image, position);
      });
      await this.#noticing(written);
      for (const [key, thread] of image.threadKeys) if (this.#threads.has(key)) this.#threads.set(key, thread);
      this.unfolded.bytes -= before.bytes;
      this.unfolded.changes -= before.changes;
    } finally {
      this.#foldingKeys = null;
    }
  }

  rest(): void {
    this.#threads.clear();
  }

  /** Does not throw: nothing that was acknowledged depends on it, and a lease runs out by itself. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { packed, log, claim } = this.#parts;
    try {
      if (!this.#isLost) await packed.flush();
    } catch (reason) {
      log.warn({ err: reason, mailbox: claim.key }, 'parse results could not be kept; they will be made again');
    }
    try {
      await this.#parts.release();
    } catch (reason) {
      log.warn({ err: reason, mailbox: claim.key }, 'a mailbox could not be given back; its lease runs out by itself');
    }
  }

  /** A lost claim shows wherever something is written. */
  async #noticing<T>(change: Promise<T>): Promise<T> {
    try {
      return await change;
    } catch (reason) {
      if (reason instanceof StorageLost) {
        this.#isLost = true;
        this.#parts.lost(reason);
      }
      throw reason;
    }
  }

  #flush(): Promise<void> {
    return this.#noticing(this.#parts.packed.flush());
  }

  #flushSoon(): void {
    const { log, claim } = this.#parts;
    this.#flush().catch((reason: unknown) => {
      log.warn({ err: reason, mailbox: claim.key }, 'parse results could not be kept yet');
    });
  }
}

class PackedTexts implements TextFile {
  readonly #packed: PackedBytes;
  readonly #flush: () => Promise<void>;

  constructor(packed: PackedBytes, flush: () => Promise<void>) {
    this.#packed = packed;
    this.#flush = flush;
  }

  loadIndex(): Promise<Buffer> {
    return this.#packed.whole('index');
  }

  append(kind: TextKind, bytes: Buffer): number {
    return this.#packed.append(kind, bytes);
  }

  appendIndex(entries: Buffer): Promise<void> | void {
    this.#packed.append('index', entries);
    return this.#packed.isDue ? this.#flush() : undefined;
  }

  read(kind: TextKind, ranges: readonly ReadRange[], target: Buffer): Promise<void> {
    return this.#packed.read(kind, ranges, target);
  }
}
