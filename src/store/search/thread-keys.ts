/**
 * Message-IDs and references of a folder as small integers (RFC 5256 §3 REFERENCES), kept while the folder is open
 * and extended as messages come: a warm THREAD reads no fragment and compares no string.
 */
import { readSortFields } from '../../message/fragment.ts';
import type { SearchSource } from './source.ts';
import type { TimeSlice } from './time-slice.ts';
import { GrowingNumbers, UidColumn } from './uid-column.ts';

/**
 * References used of one message, the last ones: they are the nearest ancestors. The longest real threads have some
 * hundreds; without a bound one crafted message would cost as much as a folder.
 */
export const THREAD_REFERENCES = 1000;
/** Distinct ids kept for one folder between two THREADs; with more they are read again each time. */
export const THREAD_IDS_KEPT = 500_000;

export interface ThreadLinks {
  readonly ownId: Int32Array;
  readonly references: Uint32Array;
  readonly referencesStart: Uint32Array;
  readonly idCount: number;
  readonly isReply: Uint8Array;
}

export class ThreadKeys {
  /** By UID: own id + 1 (0: none), and in the lowest bit whether the subject is that of a reply or forward. */
  readonly #own = new UidColumn();
  #references = new GrowingNumbers();
  /** By place: where the references of the message end. */
  #ends = new GrowingNumbers();
  #idOf = new Map<string, number>();

  /** Reads the ids of messages that came since the last call. Calls must not overlap. */
  async extend(source: SearchSource, slice: TimeSlice): Promise<void> {
    if (this.#own.isBloated(source.view) || this.#idOf.size > THREAD_IDS_KEPT) this.clear();
    const uids = this.#own.newIn(source.view);
    if (uids.length === 0) return;
    for await (const batch of source.fragments(uids, 'details')) {
      for (let i = 0; i < batch.count; i += 1) {
        const uid = uids[batch.first + i]!;
        if (batch.lengths[i] === 0) this.#add(uid, null, [], false);
        else {
          const fields = readSortFields(batch.bytes, batch.offsets[i]!);
          this.#add(uid, fields.messageId, fields.references, fields.subjectIsReply);
        }
        if ((i & 127) === 127 && slice.due()) await slice.pause();
      }
      if (slice.due()) await slice.pause();
    }
  }

  /** For ascending UIDs; arrays parallel to them. Must not overlap with `extend`. */
  async linksOf(uids: Uint32Array, slice: TimeSlice): Promise<ThreadLinks> {
    const places = this.#own.placesOf(uids);
    const own = this.#own.valuesOf(uids);
    const ends = this.#ends.array;
    const all = this.#references.array;
    const ownId = new Int32Array(uids.length);
    const isReply = new Uint8Array(uids.length);
    const referencesStart = new Uint32Array(uids.length + 1);
    const references = new GrowingNumbers();
    for (let i = 0; i < uids.length; i += 1) {
      ownId[i] = (own[i]! >>> 1) - 1;
      isReply[i] = own[i]! & 1;
      const place = places[i]!;
      for (let r = place === 0 ? 0 : ends[place - 1]!; r < ends[place]!; r += 1) references.push(all[r]!);
      referencesStart[i + 1] = references.length;
      if ((i & 4095) === 4095 && slice.due()) await slice.pause();
    }
    return { ownId, isReply, references: references.array, referencesStart, idCount: this.#idOf.size };
  }

  clear(): void {
    this.#own.clear();
    this.#references = new GrowingNumbers();
    this.#ends = new GrowingNumbers();
    this.#idOf = new Map();
  }

  #add(uid: number, messageId: string | null, references: readonly string[], isReply: boolean): void {
    const own = messageId === null ? 0 : this.#intern(messageId) + 1;
    for (const id of references.slice(-THREAD_REFERENCES)) this.#references.push(this.#intern(id));
    this.#ends.push(this.#references.length);
    this.#own.append(uid, own * 2 + (isReply ? 1 : 0));
  }

  #intern(id: string): number {
    const known = this.#idOf.get(id);
    if (known !== undefined) return known;
    const number = this.#idOf.size;
    this.#idOf.set(id, number);
    return number;
  }
}
