/**
 * The last orders a folder was asked for. A mail program asks for the same one again whenever it connects; while the
 * same messages are there it is the same order, because what is sorted by never changes behind a UID.
 */
import type { SortCriterion } from './query.ts';

/** Orders kept for one folder. */
export const KNOWN_ORDERS = 4;

interface Known {
  readonly uids: Uint32Array;
  readonly sorted: Uint32Array;
}

export class KnownOrders {
  readonly #orders = new Map<string, Known>();

  /** The same `uids` (ascending) in the order they had the last time. Not to be written to. */
  get(uids: Uint32Array, criteria: readonly SortCriterion[]): Uint32Array | null {
    const known = this.#orders.get(nameOf(criteria));
    return known !== undefined && isSame(known.uids, uids) ? known.sorted : null;
  }

  /** Returns `sorted`. */
  keep(uids: Uint32Array, criteria: readonly SortCriterion[], sorted: Uint32Array): Uint32Array {
    const name = nameOf(criteria);
    this.#orders.delete(name);
    this.#orders.set(name, { uids, sorted });
    for (const oldest of this.#orders.keys()) {
      if (this.#orders.size <= KNOWN_ORDERS) break;
      this.#orders.delete(oldest);
    }
    return sorted;
  }

  clear(): void {
    this.#orders.clear();
  }
}

const nameOf = (criteria: readonly SortCriterion[]): string =>
  criteria.map(({ key, reverse }) => (reverse ? `-${key}` : key)).join(' ');

function isSame(a: Uint32Array, b: Uint32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}
