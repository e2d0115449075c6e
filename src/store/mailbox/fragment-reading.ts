/**
 * Fragments of many messages in batches (store/api.ts FragmentBatch): each asked piece has a file of its own, pieces of
 * neighbours come with one read, and the next batches are read while the caller works on the present one.
 */
import { Buffer } from 'node:buffer';
import type { FragmentPiece } from '../../message/fragment-pieces.ts';
import type { FragmentBatch, FragmentSlots } from '../api.ts';
import type { PieceBatch } from '../search/source.ts';
import {
  BATCH_BYTES,
  BufferRing,
  LOOKUP_ROWS,
  type Pending,
  type Places,
  planReads,
  readAhead,
  type ReadPlan,
} from './reading.ts';
import type { ReadRange } from './storage.ts';

/** Messages of one batch. */
const FRAGMENTS_PER_BATCH = 256;
/** Reads of fragments under way: a batch is worked on in less time than it is read (measured: SEARCH SUBJECT 25 → 20 ms). */
const FRAGMENT_READS = 2;
/** Those, one with the consumer, and the one before that he may still look at (FragmentBatch.bytes). */
const FRAGMENT_BUFFERS = FRAGMENT_READS + 2;

export type CutFragment = Readonly<Record<FragmentPiece, Buffer>>;

export interface FragmentSource {
  readonly count: number;
  readonly want: readonly FragmentPiece[];
  /** Places of each wanted piece. Length 0 with `present` 1: parse again. Segment is not used. */
  places(from: number, count: number, present: Uint8Array): readonly Places[];
  read(piece: FragmentPiece, ranges: readonly ReadRange[], target: Buffer): Promise<void> | void;
  /** Makes lost parse results of these entries again, and keeps them. */
  reparse(indexes: readonly number[]): Promise<ReadonlyMap<number, CutFragment>>;
}

export async function* fragmentBatches(source: FragmentSource): AsyncIterable<FragmentBatch> {
  const ring = new BufferRing(FRAGMENT_BUFFERS);
  for await (const window of readAhead(fragmentSteps(source, ring), FRAGMENT_READS)) {
    if (window.missing.length > 0) {
      yield* patched(source.want, window, await source.reparse(window.missing));
      continue;
    }
    const { base, count, bytes, slots } = window;
    for (let from = 0; from < count; from += FRAGMENTS_PER_BATCH) {
      const end = Math.min(count, from + FRAGMENTS_PER_BATCH);
      const of = slots.map(({ offsets, lengths }) => ({
        offsets: offsets.subarray(from, end),
        lengths: lengths.subarray(from, end),
      }));
      yield { first: base + from, count: end - from, bytes, pieces: byPiece(source.want, of) };
    }
  }
  // Not when it is left before the end: a read ahead may still be under way.
  ring.release();
}

/** Of batches for which one piece was asked, that piece. */
export async function* onePiece(
  batches: AsyncIterable<FragmentBatch>,
  piece: FragmentPiece,
): AsyncIterable<PieceBatch> {
  for await (const { first, count, bytes, pieces } of batches) {
    const slots = pieces[piece];
    if (slots !== null) yield { first, count, bytes, offsets: slots.offsets, lengths: slots.lengths };
  }
}

interface Window {
  readonly base: number;
  readonly count: number;
  readonly bytes: Buffer;
  /** Of each wanted piece. */
  readonly slots: readonly FragmentSlots[];
  readonly missing: readonly number[];
}

function* fragmentSteps(source: FragmentSource, ring: BufferRing): Iterable<Pending<Window>> {
  for (let base = 0; base < source.count; base += LOOKUP_ROWS) {
    const rows = Math.min(LOOKUP_ROWS, source.count - base);
    const present = new Uint8Array(rows);
    const places = source.places(base, rows, present);
    for (let from = 0; from < rows; ) {
      const end = windowEnd(places, from, rows);
      const plans = places.map((one) => planReads(one, from, end - from));
      const bytes = ring.take(plans.reduce((sum, plan) => sum + plan.bytes, 0));
      const slots: FragmentSlots[] = [];
      let at = 0;
      for (const [i, plan] of plans.entries()) {
        slots.push({ offsets: shifted(plan.offsets, at), lengths: places[i]!.length.subarray(from, end) });
        at += plan.bytes;
      }
      const missing: number[] = [];
      for (let i = from; i < end; i += 1) {
        if (present[i] === 1 && places.some(({ length }) => length[i] === 0)) missing.push(base + i);
      }
      yield {
        value: { base: base + from, count: end - from, bytes, slots, missing },
        ready: readAll(source, plans, bytes),
      };
      from = end;
    }
  }
}

/** How many entries from `from` make one buffer; at least one. */
function windowEnd(places: readonly Places[], from: number, end: number): number {
  let bytes = 0;
  let i = from;
  for (; i < end; i += 1) {
    for (const { length } of places) bytes += length[i]!;
    if (bytes > BATCH_BYTES && i > from) break;
  }
  return i;
}

function shifted(offsets: Uint32Array, by: number): Uint32Array {
  if (by > 0) for (let i = 0; i < offsets.length; i += 1) offsets[i] = offsets[i]! + by;
  return offsets;
}

/** The reads of each piece into its share of the buffer; synchronous when all of them are. */
function readAll(source: FragmentSource, plans: readonly ReadPlan[], bytes: Buffer): Promise<void> | undefined {
  const waits: Promise<void>[] = [];
  let base = 0;
  for (const [i, plan] of plans.entries()) {
    if (plan.bytes > 0) {
      const share = base === 0 ? bytes : bytes.subarray(base);
      const wait = source.read(source.want[i]!, plan.ranges, share);
      if (wait !== undefined) waits.push(wait);
    }
    base += plan.bytes;
  }
  if (waits.length < 2) return waits[0];
  return Promise.all(waits).then(() => undefined);
}

/** Batches of a window some of whose fragments had to be made again: copied together. */
function* patched(
  want: readonly FragmentPiece[],
  window: Window,
  made: ReadonlyMap<number, CutFragment>,
): Iterable<FragmentBatch> {
  for (let from = 0; from < window.count; from += FRAGMENTS_PER_BATCH) {
    const count = Math.min(FRAGMENTS_PER_BATCH, window.count - from);
    const parts: Buffer[] = [];
    let at = 0;
    const slots = window.slots.map((old, k) => {
      const offsets = new Uint32Array(count);
      const lengths = new Uint32Array(count);
      for (let i = 0; i < count; i += 1) {
        const start = old.offsets[from + i]!;
        const part =
          made.get(window.base + from + i)?.[want[k]!] ?? window.bytes.subarray(start, start + old.lengths[from + i]!);
        parts.push(part);
        offsets[i] = at;
        lengths[i] = part.length;
        at += part.length;
      }
      return { offsets, lengths };
    });
    yield { first: window.base + from, count, bytes: Buffer.concat(parts, at), pieces: byPiece(want, slots) };
  }
}

function byPiece(want: readonly FragmentPiece[], slots: readonly FragmentSlots[]): FragmentBatch['pieces'] {
  const of = (piece: FragmentPiece): FragmentSlots | null => slots[want.indexOf(piece)] ?? null;
  return { list: of('list'), search: of('search'), details: of('details') };
}
