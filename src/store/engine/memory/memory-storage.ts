/** One mailbox in memory: buffers instead of files. Nothing to fold, nothing to recover. */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import type { FragmentPiece } from '../../../message/fragment-pieces.ts';
import type { FolderState } from '../../mailbox/folder-state.ts';
import type {
  Compaction,
  FoldImage,
  LogEntry,
  Location,
  MailboxStorage,
  Payload,
  ReadRange,
  TextFile,
} from '../../mailbox/storage.ts';
import type { ThreadKey } from '../../moving.ts';
import type { TextKind } from '../../search/source.ts';

const NOWHERE: Location = { segment: 0, offset: 0 };

interface Kept {
  readonly bytes: Buffer;
  readonly crc: number;
}

export class MemoryStorage implements MailboxStorage {
  readonly texts: TextFile = new MemoryTexts();
  readonly reloads = 'never';
  readonly unfolded = { bytes: 0, changes: 0 };
  /** Every payload is a segment of its own, so that removing a message for good frees its bytes. */
  readonly #contents = new Map<number, Kept>();
  #nextSegment = 1;
  readonly #fragments: Readonly<Record<FragmentPiece, GrowingBuffer>> = {
    list: new GrowingBuffer(),
    search: new GrowingBuffer(),
    details: new GrowingBuffer(),
  };
  readonly #threads = new Map<number, number>();

  readonly compaction: Compaction = {
    prefixBytes: 0,
    segments: () => [...this.#contents].map(([segment, kept]) => ({ segment, bytes: Math.max(1, kept.bytes.length) })),
    drop: (segments) => {
      for (const segment of segments) this.#contents.delete(segment);
      return Promise.resolve();
    },
  };

  async append(entries: readonly LogEntry[]): Promise<readonly Location[]> {
    const locations: Location[] = [];
    for (const { change, payload } of entries) {
      if (change.kind === 'append') for (const key of change.threadKeys) this.#threads.set(key, change.thread);
      if (payload === null) locations.push(NOWHERE);
      else {
        this.#contents.set(this.#nextSegment, { bytes: await wholeOf(payload), crc: payload.crc });
        locations.push({ segment: this.#nextSegment, offset: 0 });
        this.#nextSegment += 1;
      }
    }
    return locations;
  }

  readContent(ranges: readonly ReadRange[], target: Buffer): void {
    for (const { segment, offset, length, at } of ranges) {
      const kept = this.#contents.get(segment);
      if (kept === undefined) throw new Error(`content ${segment} is not there`);
      kept.bytes.copy(target, at, offset, offset + length);
    }
  }

  checkContent(segment: number, _offset: number, size: number): Promise<string | null> {
    const kept = this.#contents.get(segment);
    if (kept === undefined) return Promise.resolve('the bytes are missing');
    if (kept.bytes.length !== size) return Promise.resolve(`has ${kept.bytes.length} bytes, should have ${size}`);
    return Promise.resolve(crc32(kept.bytes) === kept.crc ? null : 'the bytes are damaged');
  }

  putFragment(piece: FragmentPiece, bytes: Buffer): number {
    return this.#fragments[piece].append(bytes);
  }

  readFragments(piece: FragmentPiece, ranges: readonly ReadRange[], target: Buffer): void {
    this.#fragments[piece].read(ranges, target);
  }

  /** Rows of this engine never leave memory. */
  loadRows(folder: FolderState): void {
    throw new Error(`rows of folder ${folder.id} are not in memory`);
  }

  threadOf(key: number): number | null {
    return this.#threads.get(key) ?? null;
  }

  // oxlint-disable-next-line typescript/require-await -- the shape of the seam
  async *threadKeys(): AsyncIterable<readonly ThreadKey[]> {
    yield [...this.#threads].map(([key, thread]) => ({ key, thread }));
  }

  lookUpThreads(): Promise<void> {
    return Promise.resolve();
  }

  /** Buffers are all there is. */
  rest(): void {}

  /** Only keys that no append brought (a mailbox that was moved here) are news. */
  fold({ threadKeys }: FoldImage): Promise<void> {
    for (const [key, thread] of threadKeys) this.#threads.set(key, thread);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

async function wholeOf(payload: Payload): Promise<Buffer> {
  // Used again for another message once this one is released.
  if (payload.memory !== null) return Buffer.from(payload.memory);
  const pieces: Buffer[] = [];
  for await (const piece of payload.pieces()) pieces.push(piece);
  return Buffer.concat(pieces, payload.size);
}

class GrowingBuffer {
  #bytes = Buffer.alloc(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(more: Buffer): number {
    const at = this.#length;
    if (at + more.length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(64 * 1024, (at + more.length) * 2));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    more.copy(this.#bytes, at);
    this.#length = at + more.length;
    return at;
  }

  read(ranges: readonly ReadRange[], target: Buffer): void {
    for (const { offset, length, at } of ranges) this.#bytes.copy(target, at, offset, offset + length);
  }

  whole(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}

class MemoryTexts implements TextFile {
  readonly #files: Record<TextKind, GrowingBuffer> = { header: new GrowingBuffer(), body: new GrowingBuffer() };
  readonly #index = new GrowingBuffer();

  loadIndex(): Buffer {
    return this.#index.whole();
  }

  append(kind: TextKind, bytes: Buffer): number {
    return this.#files[kind].append(bytes);
  }

  appendIndex(entries: Buffer): void {
    this.#index.append(entries);
  }

  read(kind: TextKind, ranges: readonly ReadRange[], target: Buffer): void {
    this.#files[kind].read(ranges, target);
  }
}
