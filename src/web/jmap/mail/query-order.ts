/**
 * Results of Email/query as columns, and their order. Values are taken out of the rows in one turn, behind all searches,
 * because rows move. The order most lists have, by one number, is a sort of numbers: what is in order already, as an
 * Inbox is, costs one look. Everything longer is done in slices.
 */
import { sortInSlices } from '../../../store/search/merge-sort.ts';
import { TimeSlice } from '../../../store/search/time-slice.ts';

/** Results in the order of folders and UIDs. */
export interface ResultColumns {
  readonly length: number;
  readonly content: Uint32Array;
  readonly thread: Uint32Array;
  /** One column of numbers for each comparator. */
  readonly keys: readonly Float64Array[];
}

/** Indexes are packed behind a key of at most 33 bits. */
const INDEX_BITS = 2 ** 20;
const KEY_MOST = 2 ** 33;
/** Numbers sorted in one turn: about two milliseconds. */
const CHUNK = 16_384;

/** Indexes into the columns in order. `ascending`: by comparator. */
export async function inOrder(results: ResultColumns, ascending: readonly boolean[]): Promise<Uint32Array> {
  const [key, ...more] = results.keys;
  if (key !== undefined && more.length === 0 && results.length < INDEX_BITS) {
    const quick = await byOneNumber(key, results.length, ascending[0] === true);
    if (quick !== null) return quick;
  }
  const isBefore = (a: number, b: number): boolean => {
    for (let i = 0; i < results.keys.length; i += 1) {
      const column = results.keys[i]!;
      const difference = column[a]! - column[b]!;
      if (difference !== 0) return difference < 0 === (ascending[i] === true);
    }
    return a > b;
  };
  return sortInSlices(
    Uint32Array.from({ length: results.length }, (_, index) => index),
    isBefore,
    new TimeSlice(),
  );
}

/** Null: the keys are no whole numbers of 33 bits. Equal keys: the later row first. */
async function byOneNumber(key: Float64Array, length: number, ascending: boolean): Promise<Uint32Array | null> {
  let sorted = true;
  for (let i = 0; i < length; i += 1) {
    const value = key[i]!;
    if (!(value >= 0 && value < KEY_MOST) || Math.floor(value) !== value) return null;
    if (i > 0 && value < key[i - 1]!) sorted = false;
  }
  const order = new Uint32Array(length);
  if (sorted && !ascending) {
    for (let i = 0; i < length; i += 1) order[i] = length - 1 - i;
    return order;
  }
  const packed = new Float64Array(length);
  for (let i = 0; i < length; i += 1) packed[i] = key[i]! * INDEX_BITS + (ascending ? length - 1 - i : i);
  const slice = new TimeSlice();
  const runs: Float64Array[] = [];
  for (let from = 0; from < length; from += CHUNK) {
    runs.push(packed.subarray(from, Math.min(length, from + CHUNK)).sort());
    if (slice.due()) await slice.pause();
  }
  const all = await mergedRuns(runs, slice);
  for (let i = 0; i < length; i += 1) {
    const index = all[i]! % INDEX_BITS;
    if (ascending) order[i] = length - 1 - index;
    else order[length - 1 - i] = index;
  }
  return order;
}

async function mergedRuns(runs: Float64Array[], slice: TimeSlice): Promise<Float64Array> {
  let level = runs;
  while (level.length > 1) {
    const next: Float64Array[] = [];
    for (let at = 0; at < level.length; at += 2) {
      const [left, right] = [level[at]!, level[at + 1]];
      if (right === undefined) {
        next.push(left);
        continue;
      }
      const out = new Float64Array(left.length + right.length);
      for (let i = 0, l = 0, r = 0; i < out.length; i += 1) {
        out[i] = r >= right.length || (l < left.length && left[l]! <= right[r]!) ? left[l++]! : right[r++]!;
        if ((i & 8191) === 8191 && slice.due()) await slice.pause();
      }
      next.push(out);
    }
    level = next;
  }
  return level[0] ?? new Float64Array(0);
}
