/** COPY (RFC 9051 §6.4.7) and MOVE (RFC 6851) with COPYUID (RFC 4315 §3). */
import type { CommandOf } from '../grammar/ast.ts';
import { type Completion, no, ok, selectedView, type Session } from '../session/context.ts';
import { numbersText, targetsOf } from '../session/message-set.ts';
import { targetFolder } from './folders.ts';

export async function copyOrMove(session: Session, command: CommandOf<'COPY' | 'MOVE'>): Promise<Completion> {
  const view = selectedView(session);
  const { uids } = targetsOf(view, command.set, command.uid);
  const target = targetFolder(session, command.folder);
  const moving = command.name === 'MOVE';
  if (moving && view.readOnly) return no('This folder was opened read-only (EXAMINE).');
  // RFC 4315 §3: nothing copied, no COPYUID; UIDs that are gone are no error (RFC 9051 §6.4.9).
  if (uids.length === 0) return ok(`${command.name} completed: no messages to take.`);
  const done = moving
    ? await session.mailbox.move(view.id, uids, target.id, session.origin)
    : await session.mailbox.copy(view.id, uids, target.id, session.origin);
  if (done.source.length === 0) {
    return command.uid
      ? ok(`${command.name} completed: the messages are gone.`)
      : no('These messages no longer exist.', 'EXPUNGEISSUED');
  }
  const code = `COPYUID ${done.uidValidity} ${numbersText(done.source)} ${numbersText(done.target)}`;
  if (!moving) return ok('COPY completed.', code);
  // RFC 6851 §4.3: before the EXPUNGE answers, so that the client can map them.
  session.out.ascii(`* OK [${code}] Moved.\r\n`);
  return ok('MOVE completed.');
}
