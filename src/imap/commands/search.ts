/**
 * SEARCH (RFC 9051 §6.4.4) with the old answer of RFC 3501 §7.2.5 or ESEARCH (RFC 4731), SORT (RFC 5256 §3) and the
 * highest MODSEQ of what was found (RFC 7162 §3.1.5, §3.1.10).
 */
import { ProtocolViolation } from '../../observe/failure.ts';
import type { CommandOf, SearchReturn } from '../grammar/ast.ts';
import { writeNumbers } from '../grammar/sequence-set.ts';
import { type Completion, ok, selectedView, type Session } from '../session/context.ts';
import type { SelectedView } from '../session/selected-view.ts';
import { asksModSeq, searchQuery } from './search-query.ts';

export async function search(session: Session, command: CommandOf<'SEARCH'>): Promise<Completion> {
  const view = selectedView(session);
  refuseUnoffered(command.returns);
  const withModSeq = asksModSeq(command.key);
  if (withModSeq) session.enableCondstore();
  const uids = await session.mailbox.search(view.id, view.uids, searchQuery(view, command.key));
  const found = view.targetsOf(uids);
  const numbers = command.uid ? found.uids : numbersOf(view, found.uids);
  if (command.returns === null) {
    writeList(session, 'SEARCH', numbers);
    if (withModSeq && numbers.length > 0) session.out.ascii(` (MODSEQ ${highestModSeq(view, found.uids)})`);
    session.out.ascii('\r\n');
  } else {
    writeExtended(session, command, command.returns, numbers, withModSeq ? found.uids : null);
  }
  return ok('SEARCH completed.');
}

export async function sort(session: Session, command: CommandOf<'SORT'>): Promise<Completion> {
  const view = selectedView(session);
  if (command.returns !== null) throw new ProtocolViolation('SORT: RETURN is not offered by this server');
  const withModSeq = asksModSeq(command.key);
  if (withModSeq) session.enableCondstore();
  const uids = await session.mailbox.search(view.id, view.uids, searchQuery(view, command.key));
  const sorted = uids.length === 0 ? uids : await session.mailbox.sort(view.id, uids, command.criteria);
  writeList(session, 'SORT', command.uid ? sorted : numbersOf(view, sorted));
  if (withModSeq && sorted.length > 0) session.out.ascii(` (MODSEQ ${highestModSeq(view, sorted)})`);
  session.out.ascii('\r\n');
  return ok('SORT completed.');
}

function refuseUnoffered(returns: SearchReturn | null): void {
  if (returns?.save === true) throw new ProtocolViolation('SEARCH: SAVE (SEARCHRES) is not offered by this server');
  if (returns !== null && returns.partial !== null) {
    throw new ProtocolViolation('SEARCH: PARTIAL is not offered by this server');
  }
}

/** Message sequence numbers of UIDs in any order. */
function numbersOf(view: SelectedView, uids: Uint32Array): Uint32Array {
  const out = new Uint32Array(uids.length);
  const indexOf = view.positions(uids.length);
  for (let i = 0; i < out.length; i += 1) out[i] = indexOf(uids[i]!) + 1;
  return out;
}

function writeList(session: Session, name: string, numbers: Uint32Array): void {
  const out = session.out.ascii(`* ${name}`);
  for (let i = 0; i < numbers.length; i += 1) out.byte(0x20).number(numbers[i]!);
}

/** RFC 4731 §3.1. `uids` ascending; null when MODSEQ was not asked for. */
function writeExtended(
  session: Session,
  command: CommandOf<'SEARCH'>,
  returns: SearchReturn,
  numbers: Uint32Array,
  uids: Uint32Array | null,
): void {
  const out = session.out.ascii(`* ESEARCH (TAG "${command.tag}")${command.uid ? ' UID' : ''}`);
  const last = numbers.length - 1;
  if (numbers.length > 0) {
    if (returns.min) out.ascii(` MIN ${numbers[0]!}`);
    if (returns.max) out.ascii(` MAX ${numbers[last]!}`);
    if (returns.all) writeNumbers(out.ascii(' ALL '), numbers);
  }
  if (returns.count) out.ascii(` COUNT ${numbers.length}`);
  if (uids !== null && uids.length > 0) {
    // RFC 7162 §3.1.10: of what is returned, which with MIN or MAX alone is one message.
    let told = uids;
    if (!returns.all && !returns.count) {
      const ends = [...(returns.min ? [uids[0]!] : []), ...(returns.max ? [uids[last]!] : [])];
      told = Uint32Array.from(ends);
    }
    out.ascii(` MODSEQ ${highestModSeq(selectedView(session), told)}`);
  }
  out.ascii('\r\n');
}

function highestModSeq(view: SelectedView, uids: Uint32Array): number {
  const columns = view.store.columns;
  let highest = 0;
  for (const uid of uids) {
    const row = view.store.rowOf(uid);
    if (row >= 0) highest = Math.max(highest, columns.modSeq[row] ?? 0);
  }
  return highest;
}
