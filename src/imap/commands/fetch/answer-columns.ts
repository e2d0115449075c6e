/**
 * FETCH answers that need nothing but the columns in memory: FLAGS, UID, INTERNALDATE, RFC822.SIZE and the like.
 * The hottest loop of a mail server: every client asks for the flags of all messages when it opens a folder.
 */
import type { ByteWriter } from '../../../wire/byte-writer.ts';
import type { Session } from '../../session/context.ts';
import type { SelectedView, Targets } from '../../session/selected-view.ts';
import { inTurns } from '../rows.ts';
import type { ColumnStep, FetchPlan } from './plan.ts';

/** @returns whether a message was gone */
export async function answerFromColumns(
  session: Session,
  view: SelectedView,
  targets: Targets,
  plan: FetchPlan,
): Promise<boolean> {
  const { out } = session;
  const { columns, needsRow } = plan;
  let missing = false;
  await inTurns(session, view, targets, (index, row) => {
    if (row < 0 && needsRow) {
      missing = true;
      return;
    }
    beginAnswer(out, view, index, row, columns);
  });
  return missing;
}

/** `* 7`, and the items that come from the columns. */
export function beginAnswer(
  out: ByteWriter,
  view: SelectedView,
  index: number,
  row: number,
  columns: readonly ColumnStep[],
): void {
  out.ascii('* ').number(index + 1);
  for (const step of columns) step(out, view, index, row);
}
