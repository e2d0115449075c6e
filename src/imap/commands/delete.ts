/** DELETE (RFC 9051 §6.3.5). Messages go to recoverable items, so a slip is not the end of them. */
import { Failure } from '../../observe/failure.ts';
import type { CommandOf, FolderOnlyName } from '../grammar/ast.ts';
import { type Completion, ok, type Session } from '../session/context.ts';
import { folderNamed, visibleFolders } from './folders.ts';

export async function deleteFolder(session: Session, command: CommandOf<FolderOnlyName>): Promise<Completion> {
  const folder = folderNamed(session, command.folder);
  const below = `${folder.name}/`;
  if (visibleFolders(session).some((other) => other.name.startsWith(below))) {
    // RFC 9051 §6.3.5 lets a server refuse; RFC 9051 §7.1 HASCHILDREN names the reason.
    return { status: 'NO', code: 'HASCHILDREN', text: 'This folder has folders below it: delete those first.' };
  }
  if (folder.name === 'INBOX') throw new Failure('CANNOT', 'The Inbox cannot be deleted.');
  if (session.selected?.id === folder.id) {
    // Others who have it open get BYE (RFC 2180 §3.3); who deletes it goes on without a folder, and knows.
    session.unselect();
    session.out.ascii('* OK [CLOSED] The selected folder is closed to be deleted.\r\n');
  }
  await session.mailbox.removeFolder(folder.id);
  return ok('DELETE completed.');
}
