/**
 * Sort keys that are text (RFC 5256 §3, RFC 5957), as numbers: each distinct string of a folder has an id, each id a
 * rank in collation order. Kept per folder while it is open, by UID, and only ever extended: UIDs rise, and the bytes
 * behind a UID never change. A warm SORT then reads no fragment and compares no string.
 */
import { readSortKey, type SortKeyField } from '../../message/fragment.ts';
import { mergeSorted, sortInSlices } from './merge-sort.ts';
import type { SearchSource } from './source.ts';
import type { TimeSlice } from './time-slice.ts';
import { UidColumn } from './uid-column.ts';

/** Characters of sort keys kept for one folder and key; above it they are read again when messages came. */
export const SORT_KEY_CHARACTERS = 32 * 1024 * 1024;

export class StringKeys {
  readonly #field: SortKeyField;
  readonly #ids = new UidColumn();
  /** Distinct keys by id. */
  #keys: string[] = [];
  #idOf = new Map<string, number>();
  #characters = 0;
  /** Ids in collation order, and the place of each id in it. */
  #order: Uint32Array = new Uint32Array(0);
  #ranks: Uint32Array = new Uint32Array(0);

  constructor(field: SortKeyField) {
    this.#field = field;
  }

  /** Id of the empty string, undefined when no message has it. */
  get emptyId(): number | undefined {
    return this.#idOf.get('');
  }

  /** Reads the keys of messages that came since the last call. Calls must not overlap. */
  async extend(source: SearchSource, slice: TimeSlice): Promise<void> {
    if (this.#ids.isBloated(source.view) || this.#characters > SORT_KEY_CHARACTERS) this.clear();
    const uids = this.#ids.newIn(source.view);
    if (uids.length === 0) return;
    for await (const batch of source.fragments(uids, 'details')) {
      for (let i = 0; i < batch.count; i += 1) {
        const key = batch.lengths[i] === 0 ? '' : readSortKey(batch.bytes, batch.offsets[i]!, this.#field);
        this.#ids.append(uids[batch.first + i]!, this.#intern(key));
        if ((i & 255) === 255 && slice.due()) await slice.pause();
      }
      if (slice.due()) await slice.pause();
    }
    await this.#rank(slice);
  }

  /** Id of the key of each UID (ascending); equal strings have equal ids. */
  idsOf(uids: Uint32Array): Uint32Array {
    return this.#ids.valuesOf(uids);
  }

  /** Place in collation order of the key of each UID (ascending). */
  ranksOf(uids: Uint32Array): Uint32Array {
    const values = this.#ids.valuesOf(uids);
    for (let i = 0; i < values.length; i += 1) values[i] = this.#ranks[values[i]!] ?? 0;
    return values;
  }

  clear(): void {
    this.#ids.clear();
    this.#keys = [];
    this.#idOf = new Map();
    this.#characters = 0;
    this.#order = new Uint32Array(0);
    this.#ranks = new Uint32Array(0);
  }

  #intern(folded: string): number {
    /* i;unicode-casemap compares title case (RFC 5051): `_` and `[` come behind letters, not before them. */
    const key = folded.toUpperCase();
    const known = this.#idOf.get(key);
    if (known !== undefined) return known;
    const id = this.#keys.length;
    this.#keys.push(key);
    this.#idOf.set(key, id);
    this.#characters += key.length;
    return id;
  }

  /** Puts the ids that are not in the order yet into it; they are the last ones. */
  async #rank(slice: TimeSlice): Promise<void> {
    const keys = this.#keys;
    const first = this.#order.length;
    if (first === keys.length) return;
    const isBefore = (a: number, b: number): boolean => keys[a]! < keys[b]!;
    const added = new Uint32Array(keys.length - first);
    for (let i = 0; i < added.length; i += 1) added[i] = first + i;
    this.#order = await mergeSorted(this.#order, await sortInSlices(added, isBefore, slice), isBefore, slice);
    this.#ranks = new Uint32Array(keys.length);
    for (let place = 0; place < this.#order.length; place += 1) this.#ranks[this.#order[place]!] = place;
  }
}
