/** Does an action on messages, and knows the way back. */
import type { ListSpec } from '../store/list-spec.ts';
import type { MailStore } from '../store/mail-store.ts';
import { type EmailChange, undoOf } from '../store/email-change.ts';
import { type Action, editOf } from './edits.ts';
import { placedIn } from './targets.ts';

export interface Performed {
  /** Carried out by the server. @throws SetRefused, ConnectionLost … */
  readonly done: Promise<void>;
  /** Null: there is none. */
  readonly undo: (() => Promise<void>) | null;
}

/** Shown at once; `progress` from 0 to 1. */
export function perform(
  store: MailStore,
  spec: ListSpec | null,
  action: Action,
  ids: readonly string[],
  progress?: (part: number) => void,
): Performed {
  const edits = new Map<string, EmailChange | null>();
  const back = new Map<string, EmailChange>();
  for (const id of ids) {
    const placed = placedIn(store, spec, id, action.kind);
    const edit = editOf(action, Object.keys(placed.mailboxIds));
    edits.set(id, edit);
    if (edit !== null) back.set(id, undoOf(placed, edit));
  }
  const done = store.change(edits, progress);
  return { done, undo: action.kind === 'destroy' ? null : () => done.then(() => store.change(back)) };
}
