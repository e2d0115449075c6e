/**
 * FETCH and UID FETCH (RFC 9051 §6.4.5; CHANGEDSINCE RFC 7162 §3.1.4). \Seen is set once for all messages while the
 * answer is on its way, and told when it is durable (field-study.md B14).
 */
import { ProtocolViolation, unreachable } from '../../../observe/failure.ts';
import type { Stored } from '../../../store/api.ts';
import { SEEN } from '../../../store/model.ts';
import type { CommandOf } from '../../grammar/ast.ts';
import { type Completion, no, ok, selectedView, type Session } from '../../session/context.ts';
import { targetsOf } from '../../session/message-set.ts';
import type { SelectedView, Targets } from '../../session/selected-view.ts';
import { indexOf, rowOf } from '../rows.ts';
import { answerFromBodies } from './answer-bodies.ts';
import { answerFromColumns } from './answer-columns.ts';
import { answerFromFragments } from './answer-fragments.ts';
import { compileFetch, type FetchPlan } from './plan.ts';

export async function fetch(session: Session, command: CommandOf<'FETCH'>): Promise<Completion> {
  const view = selectedView(session);
  if (command.vanished) throw new ProtocolViolation('FETCH: VANISHED (QRESYNC) is not offered by this server');
  const plan = compileFetch(command.items, command.uid, command.changedSince !== null);
  if (plan.asksModSeq) session.enableCondstore();
  const asked = targetsOf(view, command.set, command.uid);
  const targets = command.changedSince === null ? asked : changedSince(view, asked, command.changedSince);
  const unseen = plan.setsSeen && !view.readOnly ? unseenUids(view, targets) : null;
  const seen = unseen === null || unseen.length === 0 ? null : markSeen(session, view, unseen);
  // Asked for FLAGS too, the client must find \Seen among them.
  if (plan.asksFlags) await seen;
  const missing = await answer(session, view, targets, plan);
  if (seen !== null) {
    const { changed } = await seen;
    writeSeen(session, view, changed);
    tellOfDownload(session, view, plan, changed);
  }
  // RFC 2180 §4.1.2: what could be answered was; a UID that is gone is no error (RFC 9051 §6.4.9).
  if (missing && !command.uid) return no('Some of the requested messages no longer exist.', 'EXPUNGEISSUED');
  return ok('FETCH completed.');
}

function answer(session: Session, view: SelectedView, targets: Targets, plan: FetchPlan): Promise<boolean> {
  switch (plan.level) {
    case 'columns':
      return answerFromColumns(session, view, targets, plan);
    case 'fragments':
      return answerFromFragments(session, view, targets, plan);
    case 'bodies':
      return answerFromBodies(session, view, targets, plan);
    default:
      return unreachable(plan.level);
  }
}

function changedSince(view: SelectedView, targets: Targets, modSeq: number): Targets {
  const columns = view.store.columns;
  const chosen = new Uint32Array(targets.uids.length);
  let kept = 0;
  for (let i = 0; i < chosen.length; i += 1) {
    const row = rowOf(view, indexOf(targets, i));
    if (row >= 0 && columns.modSeq[row]! > modSeq) chosen[kept++] = targets.uids[i]!;
  }
  return kept === chosen.length ? targets : view.targetsOf(chosen.subarray(0, kept));
}

function unseenUids(view: SelectedView, targets: Targets): Uint32Array {
  const columns = view.store.columns;
  const unseen = new Uint32Array(targets.uids.length);
  let kept = 0;
  for (let i = 0; i < unseen.length; i += 1) {
    const row = rowOf(view, indexOf(targets, i));
    if (row >= 0 && (columns.flags[row]! & SEEN) === 0) unseen[kept++] = targets.uids[i]!;
  }
  return unseen.subarray(0, kept);
}

function markSeen(session: Session, view: SelectedView, uids: Uint32Array): Promise<Stored> {
  const stored = session.mailbox.setFlags(view.id, uids, { op: 'add', flags: SEEN, keywords: [] }, session.origin);
  // Awaited behind the answer: a failure before that must not count as unhandled.
  stored.catch(() => {});
  return stored;
}

/** BODY[] without PEEK is what IMAP has of a download (exchange-behaviour.md §5.4 SuppressReadReceipt). */
function tellOfDownload(session: Session, view: SelectedView, plan: FetchPlan, seen: Uint32Array): void {
  if (session.downloaded === undefined || seen.length === 0) return;
  if (plan.bodies.some((body) => body.isWhole))
    void session.background(session.downloaded(view.id, seen), 'read receipts');
}

function writeSeen(session: Session, view: SelectedView, changed: Uint32Array): void {
  for (const uid of changed) {
    const index = view.indexOf(uid);
    const row = view.store.rowOf(uid);
    if (index >= 0 && row >= 0) view.writeFlags(session.out, index, row);
  }
}
