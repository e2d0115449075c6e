/**
 * Bodies of many messages in columnar batches, and what their reading shares with fragments and texts: neighbours in a file come with one read, and the next
 * batch is read while the caller writes the present one (dependencies.md §4, §6).
 */
import type { Buffer } from 'node:buffer';
import { Failure } from '../../observe/failure.ts';
import { giveBuffer, takeBuffer } from '../../wire/buffers.ts';
import type { BodyBatch } from '../api.ts';
import type { Columns } from './columns.ts';
import type { FolderState } from './folder-state.ts';
import type { ReadRange } from './storage.ts';

/** Octets of one batch; a larger message is streamed. */
export const BATCH_BYTES = 1024 * 1024;
/** Messages looked up at once. */
export const LOOKUP_ROWS = 2048;
/** Unwanted octets between two wanted ranges that are cheaper to read than to skip. */
const GAP_BYTES = 4096;

/** Where each of some messages lies; length 0: gone. */
export interface Places {
  readonly segment: Uint32Array;
  /** Floats: a text file may pass 4 GB. */
  readonly offset: Float64Array;
  readonly length: Uint32Array;
}

export type Read = (ranges: readonly ReadRange[], target: Buffer) => Promise<void> | void;

/** Finds rows among the live ones, then among those that are expunged but still on some client's screen. */
export function forEachRow(
  folder: FolderState,
  live: Columns,
  uids: Uint32Array,
  from: number,
  count: number,
  found: (index: number, columns: Columns, row: number) => void,
): void {
  const rows = new Int32Array(count);
  live.locate(uids, from, count, rows);
  for (let i = 0; i < count; i += 1) {
    const row = rows[i]!;
    if (row >= 0) {
      found(i, live, row);
      continue;
    }
    for (let at = folder.limbo.length - 1; at >= 0; at -= 1) {
      const block = folder.limbo[at]!;
      const old = block.rowOf(uids[from + i]!);
      if (old < 0) continue;
      found(i, block, old);
      break;
    }
  }
}

export function contentPlaces(
  folder: FolderState,
  live: Columns,
  uids: Uint32Array,
  from: number,
  count: number,
): Places {
  const places = emptyPlaces(count);
  forEachRow(folder, live, uids, from, count, (i, columns, row) => {
    places.segment[i] = columns.segment[row]!;
    places.offset[i] = columns.offset[row]!;
    places.length[i] = columns.size[row]!;
  });
  return places;
}

export function emptyPlaces(count: number): Places {
  return { segment: new Uint32Array(count), offset: new Float64Array(count), length: new Uint32Array(count) };
}

/** Reads that bring the wanted ranges into one buffer, and where each then stands in it. */
export interface ReadPlan {
  readonly ranges: readonly ReadRange[];
  readonly bytes: number;
  readonly offsets: Uint32Array;
}

export function planReads(places: Places, from: number, count: number): ReadPlan {
  const ranges: ReadRange[] = [];
  const offsets = new Uint32Array(count);
  let total = 0;
  let segment = -1;
  let start = 0;
  let end = 0;
  let at = 0;
  const close = (): void => {
    if (end > start) ranges.push({ segment, offset: start, length: end - start, at });
  };
  for (let i = 0; i < count; i += 1) {
    const length = places.length[from + i]!;
    if (length === 0) continue;
    const itsSegment = places.segment[from + i]!;
    const offset = places.offset[from + i]!;
    if (itsSegment !== segment || offset < end || offset - end > GAP_BYTES) {
      close();
      at = total;
      segment = itsSegment;
      start = offset;
      end = offset;
    }
    offsets[i] = at + (offset - start);
    end = offset + length;
    total = at + (end - start);
  }
  close();
  return { ranges, bytes: total, offsets };
}

/** How many entries from `from` fit into one batch; at least one. */
export function batchEnd(places: Places, from: number, end: number, maxCount: number): number {
  let bytes = 0;
  let i = from;
  for (; i < end && i - from < maxCount; i += 1) {
    bytes += places.length[i]!;
    if (bytes > BATCH_BYTES && i > from) break;
  }
  return i;
}

export interface Pending<T> {
  readonly value: T;
  readonly ready: Promise<void> | void;
}

/** Keeps `steps` reads ahead of the consumer; a failed read surfaces when its batch is asked for. */
export async function* readAhead<T>(source: Iterable<Pending<T>>, steps = 1): AsyncIterable<T> {
  const iterator = source[Symbol.iterator]();
  const underWay: Array<Pending<T>> = [];
  const begin = (): void => {
    const next = iterator.next();
    if (next.done === true) return;
    // Unless somebody handles it later, a rejection of the read ahead would count as unhandled.
    if (next.value.ready !== undefined) next.value.ready.catch(() => {});
    underWay.push(next.value);
  };
  for (let i = 0; i < steps; i += 1) begin();
  for (let first = underWay.shift(); first !== undefined; first = underWay.shift()) {
    if (first.ready !== undefined) await first.ready;
    begin();
    yield first.value;
  }
}

export interface BodySource {
  readonly count: number;
  /** Places of `count` entries from `from`; asked again for every few thousand, so that moved rows are found. */
  places(from: number, count: number): Places;
  read: Read;
}

export function bodyBatches(source: BodySource): AsyncIterable<BodyBatch> {
  return readAhead(bodySteps(source));
}

function* bodySteps(source: BodySource): Iterable<Pending<BodyBatch>> {
  for (let base = 0; base < source.count; base += LOOKUP_ROWS) {
    const count = Math.min(LOOKUP_ROWS, source.count - base);
    const places = source.places(base, count);
    for (let from = 0; from < count; ) {
      if (places.length[from]! > BATCH_BYTES) {
        yield { value: streamed(source.read, places, from, base + from), ready: undefined };
        from += 1;
        continue;
      }
      const end = batchEnd(places, from, count, LOOKUP_ROWS);
      const plan = planReads(places, from, end - from);
      const bytes = takeBuffer(plan.bytes);
      yield {
        value: {
          kind: 'joined',
          first: base + from,
          count: end - from,
          bytes,
          offsets: plan.offsets,
          lengths: places.length.subarray(from, end),
          release: () => giveBuffer(bytes),
        },
        ready: plan.bytes === 0 ? undefined : source.read(plan.ranges, bytes),
      };
      from = end;
    }
  }
}

function streamed(read: Read, places: Places, index: number, first: number): BodyBatch {
  const size = places.length[index]!;
  return {
    kind: 'streamed',
    first,
    size,
    chunks: readPieces(read, places.segment[index]!, places.offset[index]!, size),
  };
}

/** `size` bytes in pieces of at most a quarter of a batch, one read ahead. Each piece is the caller's. */
export function readPieces(read: Read, segment: number, offset: number, size: number): AsyncIterable<Buffer> {
  const piece = BATCH_BYTES / 4;
  return readAhead(
    (function* (): Iterable<Pending<Buffer>> {
      for (let at = 0; at < size; at += piece) {
        const length = Math.min(piece, size - at);
        const bytes = takeBuffer(length).subarray(0, length);
        yield { value: bytes, ready: read([{ segment, offset: offset + at, length, at: 0 }], bytes) };
      }
    })(),
  );
}

/**
 * Buffers in turn. Fresh megabytes cost more in page faults and garbage collection than the reading itself (measured:
 * 55 → 20 ms for the fragments of 50,000 messages).
 */
export class BufferRing {
  readonly #buffers: Array<Buffer | undefined>;
  #next = 0;

  /** @param count of buffers: one is filled again after so many others */
  constructor(count: number) {
    this.#buffers = Array.from({ length: count }, () => undefined);
  }

  take(size: number): Buffer {
    const slot = this.#next;
    this.#next = (slot + 1) % this.#buffers.length;
    const old = this.#buffers[slot];
    if (old !== undefined && old.length >= size) return old;
    if (old !== undefined) giveBuffer(old);
    const buffer = takeBuffer(size);
    this.#buffers[slot] = buffer;
    return buffer;
  }

  /** Nobody reads any of them any more, and no read into one is under way. */
  release(): void {
    for (const buffer of this.#buffers) if (buffer !== undefined) giveBuffer(buffer);
    this.#buffers.fill(undefined);
  }
}

/** @throws Failure EXPUNGEISSUED */
export function gone(): never {
  throw new Failure('EXPUNGEISSUED', 'The message has been removed.');
}
