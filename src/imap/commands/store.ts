/** STORE and UID STORE (RFC 9051 §6.4.6) with UNCHANGEDSINCE (RFC 7162 §3.1.3). */
import type { CommandOf } from '../grammar/ast.ts';
import { type Completion, no, ok, selectedView, type Session } from '../session/context.ts';
import { numbersText, targetsOf } from '../session/message-set.ts';
import type { Targets } from '../session/selected-view.ts';
import { inTurns } from './rows.ts';

export async function store(session: Session, command: CommandOf<'STORE'>): Promise<Completion> {
  const view = selectedView(session);
  const targets = targetsOf(view, command.set, command.uid);
  if (view.readOnly) return no('This folder was opened read-only (EXAMINE).');
  const conditional = command.unchangedSince !== null;
  if (conditional) session.enableCondstore();
  const { op, change } = command;
  const done = await session.mailbox.setFlags(
    view.id,
    targets.uids,
    {
      op,
      flags: change.flags,
      keywords: change.keywords,
      ...(command.unchangedSince === null ? {} : { unchangedSince: command.unchangedSince }),
    },
    session.origin,
  );
  const failed = new Set(done.modified);
  const missing = await writeResults(session, targets, command.silent, failed, done.modSeq);
  const modified = done.modified;
  const code =
    modified.length === 0
      ? null
      : `MODIFIED ${numbersText(command.uid ? modified : modified.map((uid) => view.indexOf(uid) + 1))}`;
  if (missing && !command.uid) return no('Some of the messages no longer exist.', code ?? 'EXPUNGEISSUED');
  return ok(code === null ? 'STORE completed.' : 'Conditional STORE failed for some messages.', code);
}

/**
 * The new flags of every message named; those that failed UNCHANGEDSINCE are shown too, so that the client need not
 * ask (RFC 7162 §3.1.3). `.SILENT` leaves out what the client knows, but never a new MODSEQ; and when someone else
 * was quicker than this answer the flags are told, or the client would keep its own under the other's MODSEQ.
 * @returns whether a message was gone
 */
async function writeResults(
  session: Session,
  targets: Targets,
  silent: boolean,
  failed: ReadonlySet<number>,
  committed: number,
): Promise<boolean> {
  const view = selectedView(session);
  const out = session.out;
  let missing = false;
  view.tellKeywords(out);
  if (silent && !view.reportsModSeq) {
    // Nothing was removed since the client was last told: none of ten thousand needs to be looked for.
    if (view.isAligned) return false;
    await inTurns(session, view, targets, (_, row) => {
      missing ||= row < 0;
    });
    return missing;
  }
  await inTurns(session, view, targets, (index, row) => {
    if (row < 0) {
      missing = true;
      return;
    }
    const modSeq = view.store.columns.modSeq[row] ?? 0;
    if (!silent || modSeq > committed || failed.has(view.uidAt(index))) {
      view.writeFlags(out, index, row);
      return;
    }
    out
      .ascii('* ')
      .number(index + 1)
      .ascii(' FETCH (UID ')
      .number(view.uidAt(index))
      .ascii(' MODSEQ (')
      .number(modSeq)
      .ascii('))\r\n');
  });
  return missing;
}
