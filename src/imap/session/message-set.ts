/**
 * Sequence sets of a client against its frozen view (RFC 9051 §9 sequence-set, §6.4.9): which messages are meant.
 * Answers stand in ascending order whatever the order of the set, each message once.
 */
import { Buffer } from 'node:buffer';
import { ProtocolViolation } from '../../observe/failure.ts';
import type { UidRange } from '../../store/model.ts';
import type { SequenceSet } from '../grammar/ast.ts';
import { resolveSet, writeNumbers } from '../grammar/sequence-set.ts';
import { ByteWriter } from '../../wire/byte-writer.ts';
import type { SelectedView, Targets } from './selected-view.ts';

/**
 * @param uid whether the numbers are UIDs. UIDs that no message has are skipped (RFC 9051 §6.4.9).
 * @throws ProtocolViolation when a sequence number is above EXISTS
 */
export function targetsOf(view: SelectedView, set: SequenceSet, uid: boolean): Targets {
  return uid ? view.byUid(uidRanges(view, set)) : view.byNumber(numberRanges(view, set));
}

/** UIDs asked for, ascending and apart; `*` is the highest UID of the view. */
export function uidRanges(view: SelectedView, set: SequenceSet): readonly UidRange[] {
  refuseSaved(set);
  return resolveSet(set, view.exists === 0 ? 0 : view.uidAt(view.exists - 1));
}

/** Sequence numbers asked for, ascending and apart. @throws ProtocolViolation as targetsOf */
export function numberRanges(view: SelectedView, set: SequenceSet): readonly UidRange[] {
  refuseSaved(set);
  const ranges = resolveSet(set, view.exists);
  const highest = ranges[ranges.length - 1]?.last ?? 0;
  if (highest > view.exists) {
    throw new ProtocolViolation(`message number ${highest} is above the ${view.exists} messages of this folder`);
  }
  return ranges;
}

function refuseSaved(set: SequenceSet): void {
  if (set.kind === 'saved') throw new ProtocolViolation('SEARCHRES is not offered by this server');
}

/** `1:3,7` for a response code; order is kept, as COPYUID pairs two lists by position (RFC 4315 §3). */
export function numbersText(numbers: ArrayLike<number>): string {
  const chunks: Buffer[] = [];
  const writer = new ByteWriter((chunk) => chunks.push(chunk));
  writeNumbers(writer, numbers).flush();
  return Buffer.concat(chunks).toString('latin1');
}
