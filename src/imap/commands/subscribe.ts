/** SUBSCRIBE and UNSUBSCRIBE (RFC 9051 §6.3.7, §6.3.8). A name may be subscribed that is no folder yet. */
import type { CommandOf, FolderOnlyName } from '../grammar/ast.ts';
import { type Completion, ok, type Session } from '../session/context.ts';
import { isVisible } from './folders.ts';

export async function subscribe(session: Session, command: CommandOf<FolderOnlyName>): Promise<Completion> {
  const wanted = command.name === 'SUBSCRIBE';
  const folder = session.mailbox.folderByName(command.folder);
  if (folder !== null && isVisible(session, folder)) {
    if (folder.subscribed !== wanted) await session.mailbox.changeFolder(folder.id, { subscribed: wanted });
  } else {
    await session.mailbox.subscribeName(command.folder, wanted);
  }
  return ok(`${command.name} completed.`);
}
