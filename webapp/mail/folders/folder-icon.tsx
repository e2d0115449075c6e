/** The sign of a folder, by its role. */
import { Archive, Folder, Inbox, type LucideIcon, OctagonAlert, PenLine, Send, Trash2 } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Mailbox } from '../methods.ts';
import { type Role, roleOf } from './folder-tree.ts';

const ICONS: Readonly<Record<Role, LucideIcon>> = {
  inbox: Inbox,
  drafts: PenLine,
  sent: Send,
  archive: Archive,
  junk: OctagonAlert,
  trash: Trash2,
};

export function FolderIcon({ folder, size = 18 }: { readonly folder: Mailbox; readonly size?: number }): ReactNode {
  const role = roleOf(folder);
  const Icon = role === null ? Folder : ICONS[role];
  return <Icon size={size} aria-hidden />;
}
