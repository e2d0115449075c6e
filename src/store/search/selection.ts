/**
 * A selection is the set of candidates that a search still considers: ascending positions in the list of UIDs it was
 * asked to look among. Each search term turns one selection into a smaller one, so what a cheap term removed no
 * later term reads. Pure functions; none changes its arguments.
 */
export type Selection = Uint32Array;

export function allOf(count: number): Selection {
  const out = new Uint32Array(count);
  for (let i = 0; i < count; i += 1) out[i] = i;
  return out;
}

/** `from` without `taken`; `taken` is a subset of `from`. */
export function without(from: Selection, taken: Selection): Selection {
  if (taken.length === 0) return from;
  const out = new Uint32Array(from.length - taken.length);
  let kept = 0;
  let t = 0;
  for (let i = 0; i < from.length; i += 1) {
    const value = from[i]!;
    if (t < taken.length && taken[t] === value) t += 1;
    else out[kept++] = value;
  }
  return out;
}

/** Union of two selections without common members. */
export function join(a: Selection, b: Selection): Selection {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const out = new Uint32Array(a.length + b.length);
  let i = 0;
  let j = 0;
  for (let k = 0; k < out.length; k += 1) {
    if (j >= b.length || (i < a.length && a[i]! < b[j]!)) out[k] = a[i++]!;
    else out[k] = b[j++]!;
  }
  return out;
}

/** The values that stand at these positions, in the order of the positions. */
export function pick(values: Uint32Array, selection: Selection): Uint32Array {
  const out = new Uint32Array(selection.length);
  for (let i = 0; i < selection.length; i += 1) out[i] = values[selection[i]!]!;
  return out;
}

/** Collects a selection of at most `capacity` members in ascending order. */
export class SelectionBuilder {
  readonly #members: Uint32Array;
  #count = 0;

  constructor(capacity: number) {
    this.#members = new Uint32Array(capacity);
  }

  add(position: number): void {
    this.#members[this.#count++] = position;
  }

  take(): Selection {
    return this.#members.subarray(0, this.#count);
  }
}
