/** EXPUNGE (RFC 9051 §6.4.3) and UID EXPUNGE (RFC 4315 §2.1). The EXPUNGE answers come from the view's release. */
import { DELETED } from '../../store/model.ts';
import type { CommandOf } from '../grammar/ast.ts';
import { type Completion, no, ok, selectedView, type Session } from '../session/context.ts';
import { uidRanges } from '../session/message-set.ts';
import type { SelectedView } from '../session/selected-view.ts';

export async function expunge(session: Session, command: CommandOf<'EXPUNGE'>): Promise<Completion> {
  const view = selectedView(session);
  if (view.readOnly) return no('This folder was opened read-only (EXAMINE).');
  const among = command.uids === null ? view.uids : view.byUid(uidRanges(view, command.uids)).uids;
  const uids = deletedUids(view, among);
  if (uids.length > 0) await session.mailbox.expunge(view.id, uids, {}, session.origin);
  return ok('EXPUNGE completed.');
}

/**
 * Messages with \Deleted that this client knows of. One flagged and appended behind its back stays: it was never
 * shown and cannot be meant.
 */
export function deletedUids(view: SelectedView, among: Uint32Array = view.uids): Uint32Array {
  const store = view.store;
  if (store.folder.deleted === 0) return new Uint32Array(0);
  const rows = new Int32Array(among.length);
  store.locate(among, 0, among.length, rows);
  const flags = store.columns.flags;
  let kept = 0;
  const found = new Uint32Array(among.length);
  for (let i = 0; i < among.length; i += 1) {
    const row = rows[i]!;
    if (row >= 0 && (flags[row]! & DELETED) !== 0) found[kept++] = among[i]!;
  }
  return found.subarray(0, kept);
}
