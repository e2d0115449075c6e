/** STATUS (RFC 9051 §6.3.11; SIZE RFC 8438, HIGHESTMODSEQ RFC 7162 §3.1.7, MAILBOXID RFC 8474 §4.3, APPENDLIMIT RFC 7889 §2). */
import { unreachable } from '../../observe/failure.ts';
import type { FolderView } from '../../store/api.ts';
import { DELETED, type Folder } from '../../store/model.ts';
import type { CommandOf, StatusItem } from '../grammar/ast.ts';
import { writeFolderName } from '../grammar/write-response.ts';
import { ok, type Outcome, type Session } from '../session/context.ts';
import { folderNamed, mailboxObjectId } from './folders.ts';

const SPACE = 0x20;

export function status(session: Session, command: CommandOf<'STATUS'>): Outcome {
  const working = writeStatus(session, folderNamed(session, command.folder), command.items);
  const done = ok('STATUS completed.');
  return working === null ? done : working.then(() => done);
}

/**
 * One `* STATUS` answer; RFC 5819 LIST-STATUS uses it too. Counters of the folder are written at once; only items no
 * counter holds open it, and then there is a promise.
 */
export function writeStatus(session: Session, folder: Folder, items: readonly StatusItem[]): Promise<void> | null {
  if (items.includes('HIGHESTMODSEQ')) session.enableCondstore();
  if (items.some((item) => needsView(folder, item))) return writeStatusOfView(session, folder, items);
  writeItems(session, folder, items, null);
  return null;
}

async function writeStatusOfView(session: Session, folder: Folder, items: readonly StatusItem[]): Promise<void> {
  const view = await session.mailbox.view(folder.id);
  try {
    writeItems(session, folder, items, view);
  } finally {
    view.close();
  }
}

function needsView(folder: Folder, item: StatusItem): boolean {
  if (item === 'RECENT') return folder.exists > 0 && folder.firstRecentUid < folder.uidNext;
  return item === 'DELETED-STORAGE' && folder.deleted > 0;
}

function writeItems(session: Session, folder: Folder, items: readonly StatusItem[], view: FolderView | null): void {
  const { out } = session;
  out.ascii('* STATUS ');
  writeFolderName(out, folder.name, false).ascii(' (');
  let first = true;
  for (const item of items) {
    if (!first) out.byte(SPACE);
    first = false;
    out.ascii(item).byte(SPACE);
    const value = statusValue(session, folder, item, view);
    if (typeof value === 'number') out.number(value);
    else out.ascii(value);
  }
  out.ascii(')\r\n');
}

/** @param view open where `needsView` asked for it */
function statusValue(session: Session, folder: Folder, item: StatusItem, view: FolderView | null): string | number {
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
      return view === null ? 0 : countRecent(view);
    case 'DELETED-STORAGE':
      return view === null ? 0 : deletedBytes(view);
    default:
      return unreachable(item);
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
