/** CLOSE (RFC 9051 §6.4.1), which expunges without a word, and UNSELECT (RFC 3691), which does not. */
import { type Completion, ok, selectedView, type Session } from '../session/context.ts';
import { deletedUids } from './expunge.ts';

export async function close(session: Session): Promise<Completion> {
  const view = selectedView(session);
  if (!view.readOnly) {
    const uids = deletedUids(view);
    if (uids.length > 0) await session.mailbox.expunge(view.id, uids, {}, session.origin);
  }
  session.unselect();
  return ok('CLOSE completed.');
}

export function unselect(session: Session): Completion {
  session.unselect();
  return ok('UNSELECT completed.');
}
