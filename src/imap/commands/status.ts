/** STATUS (RFC 9051 §6.3.11; SIZE RFC 8438, HIGHESTMODSEQ RFC 7162 §3.1.7, MAILBOXID RFC 8474 §4.3, APPENDLIMIT RFC 7889 §2). */
import { unreachable } from '../../observe/failure.ts';
import type { FolderView } from '../../store/api.ts';
import { DELETED, type Folder } from '../../store/model.ts';
import type { CommandOf, StatusItem } from '../grammar/ast.ts';
import { writeFolderName } from '../grammar/write-response.ts';
import { type Completion, ok, type Session } from '../session/context.ts';
import { folderNamed, mailboxObjectId } from './folders.ts';

export async function status(session: Session, command: CommandOf<'STATUS'>): Promise<Completion> {
  await writeStatus(session, folderNamed(session, command.folder), command.items);
  return ok('STATUS completed.');
}

/** One `* STATUS` answer; RFC 5819 LIST-STATUS uses it too. Opens the folder only for items no counter holds. */
export async function writeStatus(session: Session, folder: Folder, items: readonly StatusItem[]): Promise<void> {
  if (items.includes('HIGHESTMODSEQ')) session.enableCondstore();
  const pairs: string[] = [];
  for (const item of items) pairs.push(`${item} ${await statusValue(session, folder, item)}`);
  session.out.ascii('* STATUS ');
  writeFolderName(session.out, folder.name, false).ascii(` (${pairs.join(' ')})\r\n`);
}

async function statusValue(session: Session, folder: Folder, item: StatusItem): Promise<string | number> {
  switch (item) {
    case 'MESSAGES':
      return folder.exists;
    case 'UIDNEXT':
      return folder.uidNext;
    case 'UIDVALIDITY':
      return folder.uidValidity;
    case 'UNSEEN':
      return folder.unseen;
    case 'DELETED':
      return folder.deleted;
    case 'SIZE':
      return folder.bytes;
    case 'HIGHESTMODSEQ':
      return folder.highestModSeq;
    case 'MAILBOXID':
      return `(${mailboxObjectId(folder.id)})`;
    case 'APPENDLIMIT':
      return session.settings.maxMessageSize;
    case 'RECENT':
      if (folder.exists === 0 || folder.firstRecentUid >= folder.uidNext) return 0;
      return readView(session, folder, countRecent);
    case 'DELETED-STORAGE':
      return folder.deleted === 0 ? 0 : readView(session, folder, deletedBytes);
    default:
      return unreachable(item);
  }
}

async function readView(session: Session, folder: Folder, read: (view: FolderView) => number): Promise<number> {
  const view = await session.mailbox.view(folder.id);
  try {
    return read(view);
  } finally {
    view.close();
  }
}

function countRecent(view: FolderView): number {
  const { uid, length } = view.columns;
  let row = length;
  while (row > 0 && uid[row - 1]! >= view.folder.firstRecentUid) row -= 1;
  return length - row;
}

function deletedBytes(view: FolderView): number {
  const { flags, size, length } = view.columns;
  let sum = 0;
  for (let row = 0; row < length; row += 1) if ((flags[row]! & DELETED) !== 0) sum += size[row]!;
  return sum;
}
