/**
 * Walks the messages of a command over the live columns in short turns: no promise and no object per message, the
 * event loop never held for long, output given to the socket as it fills.
 */
import type { Session } from '../session/context.ts';
import type { SelectedView, Targets } from '../session/selected-view.ts';

/** Messages between two looks at the clock. */
const MESSAGES_A_LOOK = 512;
/** Milliseconds of work before others get their turn. */
const TURN_MS = 4;

/** Keeps long answers from holding the event loop. */
export class Turns {
  readonly #session: Session;
  #ends = performance.now() + TURN_MS;

  constructor(session: Session) {
    this.#session = session;
  }

  get isOver(): boolean {
    return performance.now() > this.#ends;
  }

  /** @returns false when the client has gone and the rest of the answer is of no use */
  async next(): Promise<boolean> {
    await nextTurn(this.#session);
    this.#ends = performance.now() + TURN_MS;
    return this.#session.connection.isOpen;
  }
}

/** Position in the view of target `i`. */
export const indexOf = (targets: Targets, i: number): number =>
  targets.indexes === null ? targets.first + i : targets.indexes[i]!;

/** Row of the live columns now, -1 when the message is gone. Holds only until the next await. */
export const rowOf = (view: SelectedView, index: number): number =>
  view.isAligned ? index : view.store.rowOf(view.uidAt(index));

/** Calls `visit(index, row)` for every target. Columns must be read anew in every call, as rows move between turns. */
export async function inTurns(
  session: Session,
  view: SelectedView,
  targets: Targets,
  visit: (index: number, row: number) => void,
): Promise<void> {
  const count = targets.uids.length;
  const turns = new Turns(session);
  for (let from = 0; from < count; from += MESSAGES_A_LOOK) {
    if (turns.isOver && !(await turns.next())) return;
    const to = Math.min(count, from + MESSAGES_A_LOOK);
    if (view.isAligned && targets.indexes === null) {
      const { first } = targets;
      for (let index = first + from; index < first + to; index += 1) visit(index, index);
      continue;
    }
    for (let i = from; i < to; i += 1) {
      const index = indexOf(targets, i);
      visit(index, rowOf(view, index));
    }
  }
}

/** Lets the socket take what was written and everyone else have a turn. */
export async function nextTurn(session: Session): Promise<void> {
  await session.connection.drained();
  session.touch();
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}
