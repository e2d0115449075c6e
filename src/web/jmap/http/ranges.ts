/** Range of a download (RFC 9110 §14): one range of octets; anything else is answered as if nobody had asked. Pure. */

/** From `start` to before `end` (null: the end); a negative start counts from the end. */
export interface WantedRange {
  readonly start: number;
  readonly end: number | null;
}

/** The range is behind the end (416). */
export class RangeRefused extends Error {
  readonly size: number;

  constructor(size: number) {
    super('the range is behind the end');
    this.size = size;
  }
}

/** Null: none, or several, or not understood (§14.2: ignored). */
export function readRange(header: string | undefined): WantedRange | null {
  const found = /^bytes=([0-9]{0,15})-([0-9]{0,15})$/i.exec(header?.trim() ?? '');
  if (found === null) return null;
  const [, first = '', last = ''] = found;
  if (first === '') return last === '' ? null : { start: -Number(last), end: null };
  if (last === '') return { start: Number(first), end: null };
  return Number(last) < Number(first) ? null : { start: Number(first), end: Number(last) + 1 };
}

/** @throws RangeRefused */
export function rangeOf({ start, end }: WantedRange, size: number): { readonly start: number; readonly end: number } {
  const from = start < 0 || Object.is(start, -0) ? Math.max(0, size + start) : start;
  if (from >= size) throw new RangeRefused(size);
  return { start: from, end: Math.min(end ?? size, size) };
}
