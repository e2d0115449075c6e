/**
 * Which folders a client sees, and the words for them: visibility, names to ids, special-use attributes
 * (RFC 6154 §2), object ids (RFC 8474 §4). Calendar, contacts and recoverable items are no mail and never shown
 * (exchange-behaviour.md §6.5).
 */
import { Failure, unreachable } from '../../observe/failure.ts';
import type { Folder, FolderId, SpecialUse } from '../../store/model.ts';
import type { Session } from '../session/context.ts';

export function isVisible(session: Session, folder: Folder): boolean {
  return folder.kind === 'mail' && (!folder.hidden || session.settings.showHiddenFoldersEnabled);
}

export function visibleFolders(session: Session): Folder[] {
  return session.mailbox.folders().filter((folder) => isVisible(session, folder));
}

/** @throws Failure NONEXISTENT, also for folders this protocol does not show */
export function folderNamed(session: Session, name: string): Folder {
  const folder = session.mailbox.folderByName(name);
  if (folder === null || !isVisible(session, folder)) {
    throw new Failure('NONEXISTENT', 'There is no folder of this name.');
  }
  return folder;
}

/** Where messages are to go: a missing one is answered with TRYCREATE (RFC 9051 §7.1). */
export function targetFolder(session: Session, name: string): Folder {
  const folder = session.mailbox.folderByName(name);
  if (folder === null || !isVisible(session, folder)) {
    throw new Failure('TRYCREATE', 'There is no folder of this name.');
  }
  return folder;
}

/** A new name must not collide with a folder that is there but not shown. */
export function refuseReserved(session: Session, name: string): void {
  for (let at = name.length; at > 0; at = name.lastIndexOf('/', at - 1)) {
    const taken = session.mailbox.folderByName(name.slice(0, at));
    if (taken !== null && !isVisible(session, taken)) {
      throw new Failure('CANNOT', 'This name is kept for a folder that mail programs do not see.');
    }
  }
}

/** RFC 6154 attribute, null for uses that have none. */
export function useAttribute(use: SpecialUse | null): string | null {
  switch (use) {
    case 'archive':
      return '\\Archive';
    case 'drafts':
      return '\\Drafts';
    case 'junk':
      return '\\Junk';
    case 'sent':
      return '\\Sent';
    case 'trash':
      return '\\Trash';
    case 'inbox':
    case 'calendar':
    case 'contacts':
    case 'recoverable':
    case null:
      return null;
    default:
      return unreachable(use);
  }
}

export const mailboxObjectId = (id: FolderId): string => `F${id}`;
