/**
 * The working index of one folder as growable typed arrays, one entry a message, ascending UID (design.md §4).
 * FolderColumns of model.ts plus the private columns: where the bytes and the parse result lie.
 *
 * Appending works in place. Removing moves rows in place too, except for `uid`: that array is replaced, because a
 * session view may share it (FolderView.generation). Knows no folder, no file, no MODSEQ rule.
 */
import type { FolderColumns } from '../model.ts';

export type NumericArray = Uint8Array | Uint32Array | Int32Array | Float64Array;

const FIRST_CAPACITY = 8;

/** Values of one new row. */
export interface Row {
  readonly uid: number;
  readonly flags: number;
  readonly keywordsLow: number;
  readonly keywordsHigh: number;
  readonly modSeq: number;
  readonly size: number;
  readonly internalDate: number;
  readonly saveDate: number;
  readonly sentDate: number;
  readonly sentDay: number;
  readonly content: number;
  readonly thread: number;
  readonly segment: number;
  readonly offset: number;
  readonly listOffset: number;
  readonly listLength: number;
  readonly searchOffset: number;
  readonly searchLength: number;
  readonly detailsOffset: number;
  readonly detailsLength: number;
  readonly lineEnd: LineEnd;
}

/** Whether a message ends with CRLF. Unknown: stored before this was kept (line-ends.ts finds it out). */
export const LINE_END = { unknown: 0, present: 1, missing: 2 } as const;
export type LineEnd = (typeof LINE_END)[keyof typeof LINE_END];

export class Columns implements FolderColumns {
  length = 0;
  uid: Uint32Array;
  flags: Uint8Array;
  keywordsLow: Uint32Array;
  keywordsHigh: Uint32Array;
  modSeq: Float64Array;
  size: Uint32Array;
  internalDate: Float64Array;
  saveDate: Float64Array;
  sentDate: Float64Array;
  sentDay: Int32Array;
  content: Uint32Array;
  thread: Uint32Array;
  /** Where the original bytes lie: segment number and offset of the first message byte. */
  segment: Uint32Array;
  offset: Uint32Array;
  /** Where each piece of the parse result lies in its fragment file; length 0: not there, parse again. */
  listOffset: Uint32Array;
  listLength: Uint32Array;
  searchOffset: Uint32Array;
  searchLength: Uint32Array;
  detailsOffset: Uint32Array;
  detailsLength: Uint32Array;
  /** Recoverable items: the folder the message was deleted from; 0: not known. */
  deletedFrom: Uint32Array;
  lineEnd: Uint8Array;

  constructor(capacity = FIRST_CAPACITY) {
    this.uid = new Uint32Array(capacity);
    this.flags = new Uint8Array(capacity);
    this.keywordsLow = new Uint32Array(capacity);
    this.keywordsHigh = new Uint32Array(capacity);
    this.modSeq = new Float64Array(capacity);
    this.size = new Uint32Array(capacity);
    this.internalDate = new Float64Array(capacity);
    this.saveDate = new Float64Array(capacity);
    this.sentDate = new Float64Array(capacity);
    this.sentDay = new Int32Array(capacity);
    this.content = new Uint32Array(capacity);
    this.thread = new Uint32Array(capacity);
    this.segment = new Uint32Array(capacity);
    this.offset = new Uint32Array(capacity);
    this.listOffset = new Uint32Array(capacity);
    this.listLength = new Uint32Array(capacity);
    this.searchOffset = new Uint32Array(capacity);
    this.searchLength = new Uint32Array(capacity);
    this.detailsOffset = new Uint32Array(capacity);
    this.detailsLength = new Uint32Array(capacity);
    this.deletedFrom = new Uint32Array(capacity);
    this.lineEnd = new Uint8Array(capacity);
  }

  /** All arrays in the order in which packed chunks keep them: widest first, so that each stands aligned. */
  arrays(): readonly NumericArray[] {
    return [
      this.modSeq,
      this.internalDate,
      this.saveDate,
      this.sentDate,
      this.uid,
      ...this.#fourByteArrays(),
      this.listOffset,
      this.listLength,
      this.searchOffset,
      this.searchLength,
      this.deletedFrom,
      this.flags,
      this.lineEnd,
    ];
  }

  /** Makes room for `more` rows. */
  reserve(more: number): void {
    const needed = this.length + more;
    const capacity = this.uid.length;
    if (needed <= capacity) return;
    const to = Math.max(needed, Math.ceil(capacity * 1.5));
    this.uid = grown(this.uid, new Uint32Array(to));
    this.flags = grown(this.flags, new Uint8Array(to));
    this.keywordsLow = grown(this.keywordsLow, new Uint32Array(to));
    this.keywordsHigh = grown(this.keywordsHigh, new Uint32Array(to));
    this.modSeq = grown(this.modSeq, new Float64Array(to));
    this.size = grown(this.size, new Uint32Array(to));
    this.internalDate = grown(this.internalDate, new Float64Array(to));
    this.saveDate = grown(this.saveDate, new Float64Array(to));
    this.sentDate = grown(this.sentDate, new Float64Array(to));
    this.sentDay = grown(this.sentDay, new Int32Array(to));
    this.content = grown(this.content, new Uint32Array(to));
    this.thread = grown(this.thread, new Uint32Array(to));
    this.segment = grown(this.segment, new Uint32Array(to));
    this.offset = grown(this.offset, new Uint32Array(to));
    this.listOffset = grown(this.listOffset, new Uint32Array(to));
    this.listLength = grown(this.listLength, new Uint32Array(to));
    this.searchOffset = grown(this.searchOffset, new Uint32Array(to));
    this.searchLength = grown(this.searchLength, new Uint32Array(to));
    this.detailsOffset = grown(this.detailsOffset, new Uint32Array(to));
    this.detailsLength = grown(this.detailsLength, new Uint32Array(to));
    this.deletedFrom = grown(this.deletedFrom, new Uint32Array(to));
    this.lineEnd = grown(this.lineEnd, new Uint8Array(to));
  }

  /** `row.uid` has to be above all UIDs here. */
  push(row: Row): void {
    this.reserve(1);
    const at = this.length;
    this.uid[at] = row.uid;
    this.flags[at] = row.flags;
    this.keywordsLow[at] = row.keywordsLow;
    this.keywordsHigh[at] = row.keywordsHigh;
    this.modSeq[at] = row.modSeq;
    this.size[at] = row.size;
    this.internalDate[at] = row.internalDate;
    this.saveDate[at] = row.saveDate;
    this.sentDate[at] = row.sentDate;
    this.sentDay[at] = row.sentDay;
    this.content[at] = row.content;
    this.thread[at] = row.thread;
    this.segment[at] = row.segment;
    this.offset[at] = row.offset;
    this.listOffset[at] = row.listOffset;
    this.listLength[at] = row.listLength;
    this.searchOffset[at] = row.searchOffset;
    this.searchLength[at] = row.searchLength;
    this.detailsOffset[at] = row.detailsOffset;
    this.detailsLength[at] = row.detailsLength;
    this.deletedFrom[at] = 0;
    this.lineEnd[at] = row.lineEnd;
    this.length = at + 1;
  }

  /** Appends copies of `rows` (ascending) of `source` as they are; the caller then writes the columns that differ. */
  pushFrom(source: Columns, rows: Int32Array): void {
    const count = rows.length;
    this.reserve(count);
    const from = source.arrays();
    const to = this.arrays();
    for (let k = 0; k < to.length; k += 1) gather(from[k]!, rows, to[k]!, this.length);
    this.length += count;
  }

  /** Takes `rows` (ascending) out and returns them as columns of their own; `uid` becomes a new array. */
  remove(rows: Int32Array): Columns {
    const removed = new Columns(rows.length);
    removed.pushFrom(this, rows);
    if (rows.length === 0) return removed;
    const shared = this.uid;
    this.uid = new Uint32Array(Math.max(FIRST_CAPACITY, this.uid.length));
    this.uid.set(shared.subarray(0, this.length));
    for (const column of this.arrays()) closeGaps(column, rows, this.length);
    this.length -= rows.length;
    return removed;
  }

  /** Row of `uid` or -1. */
  rowOf(uid: number): number {
    const at = lowerBound(this.uid, this.length, uid);
    return at < this.length && this.uid[at] === uid ? at : -1;
  }

  /** Linear merge of ascending UIDs with the rows; -1 where there is none. */
  locate(uids: Uint32Array, from: number, count: number, rows: Int32Array): void {
    if (count === 0) return;
    const mine = this.uid;
    const length = this.length;
    let row = lowerBound(mine, length, uids[from] ?? 0);
    for (let i = 0; i < count; i += 1) {
      const wanted = uids[from + i]!;
      if (row < length && mine[row]! < wanted) {
        row += 1;
        // A far jump is searched for, not walked.
        if (row < length && mine[row]! < wanted) row += lowerBound(mine.subarray(row), length - row, wanted);
      }
      if (row < length && mine[row] === wanted) {
        rows[i] = row;
        row += 1;
      } else rows[i] = -1;
    }
  }

  /** Rows of those of `uids` (ascending) that are here. */
  rowsOf(uids: Uint32Array): Int32Array {
    const rows = new Int32Array(uids.length);
    this.locate(uids, 0, uids.length, rows);
    let kept = 0;
    for (let i = 0; i < rows.length; i += 1) {
      const row = rows[i]!;
      if (row >= 0) rows[kept++] = row;
    }
    return kept === rows.length ? rows : rows.slice(0, kept);
  }

  /** UIDs of `rows`. */
  uidsOf(rows: Int32Array): Uint32Array {
    const uids = new Uint32Array(rows.length);
    gather(this.uid, rows, uids, 0);
    return uids;
  }

  #fourByteArrays(): NumericArray[] {
    return [
      this.keywordsLow,
      this.keywordsHigh,
      this.size,
      this.sentDay,
      this.content,
      this.thread,
      this.segment,
      this.offset,
      this.detailsOffset,
      this.detailsLength,
    ];
  }
}

/** First index whose value is ≥ `value` among the first `length` entries. */
export function lowerBound(values: Uint32Array, length: number, value: number): number {
  // UIDs are dense in young folders: the answer is often at its own distance.
  let low = 0;
  let high = length;
  if (length > 0) {
    const first = values[0]!;
    const guess = value - first;
    if (guess >= 0 && guess < length && values[guess] === value) return guess;
  }
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function grown<T extends NumericArray>(from: T, to: T): T {
  to.set(from);
  return to;
}

/* One loop for each width: a loop that sees several kinds of arrays runs ten times slower. */

function gather(from: NumericArray, rows: Int32Array, to: NumericArray, at: number): void {
  const count = rows.length;
  if (count === 0) return;
  const first = rows[0]!;
  // A run of neighbours is one memory copy.
  if (rows[count - 1]! - first === count - 1) {
    to.set(from.subarray(first, first + count), at);
    return;
  }
  if (from instanceof Float64Array && to instanceof Float64Array) {
    for (let i = 0; i < count; i += 1) to[at + i] = from[rows[i]!]!;
  } else if (from instanceof Uint8Array && to instanceof Uint8Array) {
    for (let i = 0; i < count; i += 1) to[at + i] = from[rows[i]!]!;
  } else {
    const source = words(from);
    const target = words(to);
    for (let i = 0; i < count; i += 1) target[at + i] = source[rows[i]!]!;
  }
}

function closeGaps(column: NumericArray, removed: Int32Array, length: number): void {
  const count = removed.length;
  const first = removed[0]!;
  if (removed[count - 1]! - first === count - 1) column.copyWithin(first, first + count, length);
  else if (column instanceof Float64Array) closeFloatGaps(column, removed, length);
  else if (column instanceof Uint8Array) closeByteGaps(column, removed, length);
  else closeWordGaps(words(column), removed, length);
}

function closeFloatGaps(column: Float64Array, removed: Int32Array, length: number): void {
  let to = removed[0]!;
  for (let from = to, next = 0; from < length; from += 1) {
    if (next < removed.length && removed[next] === from) next += 1;
    else column[to++] = column[from]!;
  }
}

function closeWordGaps(column: Uint32Array, removed: Int32Array, length: number): void {
  let to = removed[0]!;
  for (let from = to, next = 0; from < length; from += 1) {
    if (next < removed.length && removed[next] === from) next += 1;
    else column[to++] = column[from]!;
  }
}

function closeByteGaps(column: Uint8Array, removed: Int32Array, length: number): void {
  let to = removed[0]!;
  for (let from = to, next = 0; from < length; from += 1) {
    if (next < removed.length && removed[next] === from) next += 1;
    else column[to++] = column[from]!;
  }
}

/** Four-byte columns as bit patterns, whatever their sign. */
function words(column: NumericArray): Uint32Array {
  return column instanceof Uint32Array ? column : new Uint32Array(column.buffer, column.byteOffset, column.length);
}

/** Rows of a segment get the places their contents have from now on; `moved` hears of each. */
export function relocateRows(
  columns: Columns,
  fromSegment: number,
  places: ReadonlyMap<number, number>,
  toSegment: number,
  moved: (uid: number) => void,
): void {
  for (let row = 0; row < columns.length; row += 1) {
    if (columns.segment[row] !== fromSegment) continue;
    const offset = places.get(columns.content[row]!);
    if (offset === undefined) continue;
    columns.segment[row] = toSegment;
    columns.offset[row] = offset;
    moved(columns.uid[row]!);
  }
}
