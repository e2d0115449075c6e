/**
 * A number for each message of a folder, by ascending UID, appended as messages come. Expunged messages stay in it
 * until they are most of it: looking numbers up is one merge of two ascending lists, no hashing, no row numbers that
 * move.
 */
import type { FolderView } from '../api.ts';

const FIRST_CAPACITY = 1024;

/** A typed array that grows by doubling. */
export class GrowingNumbers {
  array = new Uint32Array(FIRST_CAPACITY);
  length = 0;

  push(value: number): void {
    if (this.length === this.array.length) {
      const larger = new Uint32Array(this.length * 2);
      larger.set(this.array);
      this.array = larger;
    }
    this.array[this.length] = value;
    this.length += 1;
  }
}

export class UidColumn {
  #uids = new GrowingNumbers();
  #values = new GrowingNumbers();

  /** UIDs of the folder that are above all that were appended; a copy. */
  newIn(view: FolderView): Uint32Array {
    const { uid, length } = view.columns;
    const last = this.#uids.length === 0 ? 0 : this.#uids.array[this.#uids.length - 1]!;
    let low = 0;
    let high = length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (uid[middle]! <= last) low = middle + 1;
      else high = middle;
    }
    return uid.slice(low, length);
  }

  /** More dead entries than living ones: worth starting again. */
  isBloated(view: FolderView): boolean {
    return this.#uids.length > FIRST_CAPACITY + 2 * view.columns.length;
  }

  append(uid: number, value: number): void {
    this.#uids.push(uid);
    this.#values.push(value);
  }

  /** How many were appended before each UID (ascending); 0 for one that never was. */
  placesOf(uids: Uint32Array): Uint32Array {
    const out = new Uint32Array(uids.length);
    const { array, length } = this.#uids;
    let at = 0;
    for (let i = 0; i < uids.length; i += 1) {
      const uid = uids[i]!;
      while (at < length && array[at]! < uid) at += 1;
      if (at < length && array[at] === uid) out[i] = at;
    }
    return out;
  }

  valuesOf(uids: Uint32Array): Uint32Array {
    const out = this.placesOf(uids);
    const values = this.#values.array;
    for (let i = 0; i < out.length; i += 1) out[i] = values[out[i]!]!;
    return out;
  }

  clear(): void {
    this.#uids = new GrowingNumbers();
    this.#values = new GrowingNumbers();
  }
}
