/**
 * ORDEREDSUBJECT, "poor man's threading" (RFC 5256 §3): messages with one base subject are one thread, the earliest
 * is its head and all others are the head's children.
 */
import type { ThreadNode } from './query.ts';
import { sortByKey } from './radix.ts';
import { allOf } from './selection.ts';
import type { TimeSlice } from './time-slice.ts';

const LEAF: readonly ThreadNode[] = Object.freeze([]);

/** The arrays are parallel and in mailbox order; `subject` numbers equal base subjects equally. */
export async function threadBySubject(
  uids: Uint32Array,
  sentDate: Float64Array,
  subject: Uint32Array,
  slice: TimeSlice,
): Promise<readonly ThreadNode[]> {
  const bySentDate = await sortByKey(allOf(uids.length), sentDate, false, slice);
  const heads = new Map<number, ThreadNode[]>();
  const threads: ThreadNode[] = [];
  for (let i = 0; i < bySentDate.length; i += 1) {
    if ((i & 4095) === 0 && slice.due()) await slice.pause();
    const message = bySentDate[i]!;
    const siblings = heads.get(subject[message]!);
    if (siblings !== undefined) siblings.push({ uid: uids[message]!, children: LEAF });
    else {
      const children: ThreadNode[] = [];
      heads.set(subject[message]!, children);
      threads.push({ uid: uids[message]!, children });
    }
  }
  return threads;
}
