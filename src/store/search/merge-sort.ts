/** Sorting by comparison without holding the event loop: short runs, then merges, with a look at the clock between. */
import type { TimeSlice } from './time-slice.ts';

/** About half a millisecond of comparing strings. */
const RUN = 512;
const LOOK_EVERY = 1023;

export type IsBefore = (a: number, b: number) => boolean;

/** A new array; not stable. */
export async function sortInSlices(values: Uint32Array, isBefore: IsBefore, slice: TimeSlice): Promise<Uint32Array> {
  const compare = (a: number, b: number): number => (isBefore(a, b) ? -1 : isBefore(b, a) ? 1 : 0);
  let runs: Uint32Array[] = [];
  for (let start = 0; start < values.length; start += RUN) {
    runs.push(values.slice(start, start + RUN).sort(compare));
    if (slice.due()) await slice.pause();
  }
  while (runs.length > 1) {
    const longer: Uint32Array[] = [];
    for (let i = 0; i < runs.length; i += 2) {
      const a = runs[i]!;
      const b = runs[i + 1];
      longer.push(b === undefined ? a : await mergeSorted(a, b, isBefore, slice));
    }
    runs = longer;
  }
  return runs[0] ?? new Uint32Array(0);
}

export async function mergeSorted(
  a: Uint32Array,
  b: Uint32Array,
  isBefore: IsBefore,
  slice: TimeSlice,
): Promise<Uint32Array> {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const out = new Uint32Array(a.length + b.length);
  let i = 0;
  let j = 0;
  for (let k = 0; k < out.length; k += 1) {
    if (j >= b.length || (i < a.length && !isBefore(b[j]!, a[i]!))) out[k] = a[i++]!;
    else out[k] = b[j++]!;
    if ((k & LOOK_EVERY) === LOOK_EVERY && slice.due()) await slice.pause();
  }
  return out;
}
