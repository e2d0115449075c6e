/**
 * Searchable texts of message contents (search/source.ts): two append-only files, one of header texts and one of body
 * texts, and an index of both by content id. A cache: never flushed, made again when lost. Content ids are dense, so
 * the index is plain arrays.
 */
import { Buffer } from 'node:buffer';
import { NOT_INDEXED, type TextBatch, type TextEntry, type TextKind } from '../search/source.ts';
import { batchEnd, BufferRing, emptyPlaces, type Pending, type Places, planReads, readAhead } from './reading.ts';
import type { TextFile } from './storage.ts';

/** Content id, two lengths, reserved; two offsets as floats. */
const INDEX_ENTRY_BYTES = 32;
const TEXTS_PER_BATCH = 2048;
/** One with the consumer, one being read (TextBatch.bytes). */
const TEXT_BUFFERS = 2;

interface KindIndex {
  offset: Float64Array;
  /** NOT_INDEXED where nothing is known. */
  length: Uint32Array;
}

export class Texts {
  readonly #file: TextFile;
  #index: Record<TextKind, KindIndex> | null = null;

  constructor(file: TextFile) {
    this.#file = file;
  }

  /** Before anything is asked for; a promise where that takes waiting. The index stays until `rest`. */
  load(): Promise<void> | undefined {
    if (this.#index !== null) return undefined;
    const stored = this.#file.loadIndex();
    if (stored instanceof Promise) {
      return stored.then((entries) => {
        this.#index ??= indexOf(entries);
      });
    }
    this.#index = indexOf(stored);
    return undefined;
  }

  has(content: number): boolean {
    const known = this.#loaded().body.length;
    return content < known.length && known[content] !== NOT_INDEXED;
  }

  /** Resolves when more may be put. */
  async put(entries: readonly TextEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const loading = this.load();
    if (loading !== undefined) await loading;
    const index = this.#loaded();
    const highest = entries.reduce((most, entry) => Math.max(most, entry.content), 0);
    ensure(index.header, highest + 1);
    ensure(index.body, highest + 1);
    let header = this.#file.append('header', Buffer.concat(entries.map((entry) => entry.header)));
    let body = this.#file.append('body', Buffer.concat(entries.map((entry) => entry.body)));
    const stored = Buffer.alloc(entries.length * INDEX_ENTRY_BYTES);
    let at = 0;
    for (const entry of entries) {
      set(index.header, entry.content, header, entry.header.length);
      set(index.body, entry.content, body, entry.body.length);
      stored.writeUInt32LE(entry.content, at);
      stored.writeUInt32LE(entry.header.length, at + 4);
      stored.writeUInt32LE(entry.body.length, at + 8);
      stored.writeDoubleLE(header, at + 16);
      stored.writeDoubleLE(body, at + 24);
      at += INDEX_ENTRY_BYTES;
      header += entry.header.length;
      body += entry.body.length;
    }
    await this.#file.appendIndex(stored);
  }

  /** Texts of `contents` (0: the message is gone) in order. */
  async *batches(kind: TextKind, contents: Uint32Array): AsyncIterable<TextBatch> {
    const ring = new BufferRing(TEXT_BUFFERS);
    yield* readAhead(this.#steps(kind, contents, ring));
    // Not when it is left before the end: a read ahead may still be under way.
    ring.release();
  }

  /** Lets go of the index; it is read again when asked for. */
  rest(): void {
    this.#index = null;
  }

  *#steps(kind: TextKind, contents: Uint32Array, ring: BufferRing): Iterable<Pending<TextBatch>> {
    for (let base = 0; base < contents.length; base += TEXTS_PER_BATCH) {
      const count = Math.min(TEXTS_PER_BATCH, contents.length - base);
      const { places, lengths } = this.#find(kind, contents, base, count);
      for (let from = 0; from < count; ) {
        const end = batchEnd(places, from, count, TEXTS_PER_BATCH);
        const plan = planReads(places, from, end - from);
        const bytes = ring.take(plan.bytes);
        yield {
          value: {
            first: base + from,
            count: end - from,
            bytes,
            offsets: plan.offsets,
            lengths: lengths.subarray(from, end),
          },
          ready: plan.bytes === 0 ? undefined : this.#file.read(kind, plan.ranges, bytes),
        };
        from = end;
      }
    }
  }

  /** `lengths` tells unknown from empty; `places` has length 0 for both. */
  #find(kind: TextKind, contents: Uint32Array, from: number, count: number): { places: Places; lengths: Uint32Array } {
    const index = this.#loaded()[kind];
    const places = emptyPlaces(count);
    const lengths = new Uint32Array(count);
    for (let i = 0; i < count; i += 1) {
      const content = contents[from + i]!;
      if (content === 0) continue;
      const length = index.length[content] ?? NOT_INDEXED;
      lengths[i] = length;
      if (length === NOT_INDEXED) continue;
      places.length[i] = length;
      places.offset[i] = index.offset[content]!;
    }
    return { places, lengths };
  }

  #loaded(): Record<TextKind, KindIndex> {
    const loading = this.load();
    if (loading === undefined && this.#index !== null) return this.#index;
    loading?.catch(() => {});
    throw new Error('the index of texts is not in memory');
  }
}

function indexOf(stored: Buffer): Record<TextKind, KindIndex> {
  const index = { header: emptyIndex(), body: emptyIndex() };
  const end = stored.length - (stored.length % INDEX_ENTRY_BYTES);
  for (let at = 0; at < end; at += INDEX_ENTRY_BYTES) {
    const content = stored.readUInt32LE(at);
    ensure(index.header, content + 1);
    ensure(index.body, content + 1);
    set(index.header, content, stored.readDoubleLE(at + 16), stored.readUInt32LE(at + 4));
    set(index.body, content, stored.readDoubleLE(at + 24), stored.readUInt32LE(at + 8));
  }
  return index;
}

function emptyIndex(): KindIndex {
  return { offset: new Float64Array(0), length: new Uint32Array(0) };
}

function ensure(index: KindIndex, length: number): void {
  if (index.length.length >= length) return;
  const to = Math.max(length, Math.ceil(index.length.length * 1.5), 64);
  const lengths = new Uint32Array(to).fill(NOT_INDEXED);
  lengths.set(index.length);
  index.length = lengths;
  const offsets = new Float64Array(to);
  offsets.set(index.offset);
  index.offset = offsets;
}

function set(index: KindIndex, content: number, offset: number, length: number): void {
  index.offset[content] = offset;
  index.length[content] = length;
}
