/** RENAME (RFC 9051 §6.3.6); the store moves inferiors along and empties the Inbox into the new folder. */
import { Failure } from '../../observe/failure.ts';
import type { CommandOf } from '../grammar/ast.ts';
import { type Completion, ok, type Session } from '../session/context.ts';
import { folderNamed, refuseReserved } from './folders.ts';

export async function rename(session: Session, command: CommandOf<'RENAME'>): Promise<Completion> {
  const folder = folderNamed(session, command.folder);
  if (command.newName === 'INBOX') throw new Failure('ALREADYEXISTS', 'The Inbox is always there.');
  refuseReserved(session, command.newName);
  await session.mailbox.changeFolder(folder.id, { name: command.newName });
  return ok('RENAME completed.');
}
