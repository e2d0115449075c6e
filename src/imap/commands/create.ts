/** CREATE (RFC 9051 §6.3.4) with a special use (RFC 6154 §5.2) and the new folder's id (RFC 8474 §4.1). */
import { Failure } from '../../observe/failure.ts';
import type { CommandOf } from '../grammar/ast.ts';
import { type Completion, no, ok, type Session } from '../session/context.ts';
import { mailboxObjectId, refuseReserved } from './folders.ts';

export async function create(session: Session, command: CommandOf<'CREATE'>): Promise<Completion> {
  const name = command.folder;
  if (name === 'INBOX') throw new Failure('ALREADYEXISTS', 'The Inbox is always there.');
  refuseReserved(session, name);
  const [use, ...others] = command.specialUse;
  if (others.length > 0) return no('A folder has at most one special use here.', 'USEATTR');
  if (use !== undefined && session.mailbox.folderByUse(use) !== null) {
    return no('Another folder has this special use.', 'USEATTR');
  }
  const folder = await session.mailbox.createFolder(name, use === undefined ? {} : { specialUse: use });
  return ok('CREATE completed.', `MAILBOXID (${mailboxObjectId(folder.id)})`);
}
