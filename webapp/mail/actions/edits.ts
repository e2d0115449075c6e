/** What an action means for one message: which folders it leaves and enters, which keywords it gets. Pure. */
import type { Mailbox } from '../methods.ts';
import { type Role, withRole } from '../folders/folder-tree.ts';
import type { EmailChange } from '../store/email-change.ts';

export type Action =
  | { readonly kind: 'read' | 'unread' | 'flag' | 'unflag' | 'destroy' }
  | { readonly kind: 'archive' | 'junk' | 'notJunk' | 'delete' | 'move' | 'copy'; readonly to: Mailbox };

/** `lies`: ids of the folders it is in. Null: deleted for good. */
export function editOf(action: Action, lies: readonly string[]): EmailChange | null {
  switch (action.kind) {
    case 'destroy':
      return null;
    case 'read':
    case 'unread':
      return { keywords: { $seen: action.kind === 'read' } };
    case 'flag':
    case 'unflag':
      return { keywords: { $flagged: action.kind === 'flag' } };
    case 'copy':
      return { mailboxes: { [action.to.id]: true } };
    case 'junk':
      // What filters learn from (IANA's registry of keywords).
      return { keywords: { $junk: true, $notjunk: false }, mailboxes: moved(lies, action.to.id) };
    case 'notJunk':
      return { keywords: { $junk: false, $notjunk: true }, mailboxes: moved(lies, action.to.id) };
    case 'archive':
    case 'delete':
    case 'move':
      return { mailboxes: moved(lies, action.to.id) };
  }
}

function moved(lies: readonly string[], to: string): Readonly<Record<string, boolean>> {
  return { ...Object.fromEntries(lies.map((id) => [id, false])), [to]: true };
}

/** Where the folder's messages go by this action; null: nowhere, as things are. */
export function targetOf(
  kind: 'archive' | 'junk' | 'notJunk' | 'delete',
  mailboxes: readonly Mailbox[],
): Mailbox | null {
  const roles: Readonly<Record<typeof kind, Role>> = {
    archive: 'archive',
    junk: 'junk',
    notJunk: 'inbox',
    delete: 'trash',
  };
  return withRole(mailboxes, roles[kind]);
}

/** Deleting here is for good: it lies in Deleted Items already, or there is no such folder. */
export const isForGood = (folder: Mailbox | null, mailboxes: readonly Mailbox[]): boolean =>
  folder?.role === 'trash' || withRole(mailboxes, 'trash') === null;

/** The row that is looked at once `gone` have left: the next one, else the one before. */
export function rowAfter(rows: readonly string[], gone: ReadonlySet<string>): string | null {
  const last = rows.findLastIndex((id) => gone.has(id));
  return (
    rows.slice(last + 1).find((id) => !gone.has(id)) ??
    rows.slice(0, Math.max(last, 0)).findLast((id) => !gone.has(id)) ??
    null
  );
}
