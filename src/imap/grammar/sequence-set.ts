/**
 * Sequence sets: `1:3,7,9:*` and `$` (RFC 9051 §9 sequence-set, RFC 5182 §2). Parsing, resolving `*`, and writing
 * lists of numbers in the shortest form. The same for message numbers and UIDs; the caller knows which.
 */
import { ProtocolViolation } from '../../observe/failure.ts';
import type { UidRange } from '../../store/model.ts';
import type { ByteWriter } from '../../wire/byte-writer.ts';
import { IMAP_SET_RANGES } from '../../wire/limits.ts';
import { type SequenceSet, type SetRange, STAR } from './ast.ts';
import type { Cursor } from './cursor.ts';

const ASTERISK = 0x2a;
const COLON = 0x3a;
const COMMA = 0x2c;
const DOLLAR = 0x24;

const SAVED: SequenceSet = { kind: 'saved' };

const element = (cursor: Cursor, what: string): number => (cursor.accept(ASTERISK) ? STAR : cursor.nzNumber(what));

export function parseSequenceSet(cursor: Cursor, what: string): SequenceSet {
  if (cursor.accept(DOLLAR)) return SAVED;
  const ranges: SetRange[] = [];
  do {
    const one = element(cursor, what);
    const other = cursor.accept(COLON) ? element(cursor, what) : one;
    ranges.push(one <= other ? { first: one, last: other } : { first: other, last: one });
    if (ranges.length > IMAP_SET_RANGES) {
      throw new ProtocolViolation(`${cursor.command}: ${what} has more than ${IMAP_SET_RANGES} ranges`);
    }
  } while (cursor.accept(COMMA));
  return { kind: 'ranges', ranges };
}

/**
 * Ascending, disjoint, joined ranges with `*` replaced by `largest`. An empty folder has largest 0: `*` then names
 * nothing, while numbers stay as they are (whether they exist is the caller's to check). `saved` is the content of `$`.
 */
export function resolveSet(set: SequenceSet, largest: number, saved: readonly UidRange[] = []): readonly UidRange[] {
  if (set.kind === 'saved') return saved;
  const only = set.ranges.length === 1 ? set.ranges[0] : undefined;
  if (only !== undefined) {
    const range = resolveRange(only, largest);
    return range === null ? [] : [range];
  }
  const ranges: UidRange[] = [];
  let sorted = true;
  let previous = 0;
  for (const each of set.ranges) {
    const range = resolveRange(each, largest);
    if (range === null) continue;
    sorted &&= range.first > previous + 1;
    previous = range.last;
    ranges.push(range);
  }
  return sorted ? ranges : joined(ranges);
}

/** `5:*` in a folder whose largest is 3 is `3:5` (RFC 9051 §9, seq-range): the last message always answers. */
function resolveRange(range: SetRange, largest: number): UidRange | null {
  const first = range.first === STAR ? largest : range.first;
  const last = range.last === STAR ? largest : range.last;
  if (first === 0 || last === 0) return null;
  return first <= last ? { first, last } : { first: last, last: first };
}

function joined(ranges: UidRange[]): UidRange[] {
  ranges.sort((a, b) => a.first - b.first);
  const result: UidRange[] = [];
  let open: { first: number; last: number } | null = null;
  for (const range of ranges) {
    if (open !== null && range.first <= open.last + 1) open.last = Math.max(open.last, range.last);
    else {
      open = { first: range.first, last: range.last };
      result.push(open);
    }
  }
  return result;
}

/** Whether `number` is in ranges as `resolveSet` returns them. */
export function inRanges(ranges: readonly UidRange[], number: number): boolean {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const range = ranges[middle]!;
    if (number < range.first) high = middle - 1;
    else if (number > range.last) low = middle + 1;
    else return true;
  }
  return false;
}

export function printSequenceSet(set: SequenceSet): string {
  if (set.kind === 'saved') return '$';
  const one = (n: number): string => (n === STAR ? '*' : String(n));
  return set.ranges.map(({ first, last }) => (first === last ? one(first) : `${one(first)}:${one(last)}`)).join(',');
}

/**
 * Writes numbers[from, to) as a set, runs folded (`1:3,7`). Order is kept: COPYUID pairs source and target by
 * position (RFC 4315 §3), so only rising neighbours are folded. Nothing is written for none.
 */
export function writeNumbers(out: ByteWriter, numbers: ArrayLike<number>, from = 0, to = numbers.length): ByteWriter {
  for (let i = from; i < to; ) {
    const first = numbers[i]!;
    let last = first;
    let next = i + 1;
    while (next < to && last + 1 === numbers[next]) {
      last += 1;
      next += 1;
    }
    if (i > from) out.byte(COMMA);
    out.number(first);
    if (last > first) out.byte(COLON).number(last);
    i = next;
  }
  return out;
}

export function writeRanges(out: ByteWriter, ranges: readonly UidRange[]): ByteWriter {
  let first = true;
  for (const range of ranges) {
    if (!first) out.byte(COMMA);
    first = false;
    out.number(range.first);
    if (range.last > range.first) out.byte(COLON).number(range.last);
  }
  return out;
}
