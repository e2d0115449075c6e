/** Folders as people look for them: those with a role first, then the others by name, each with what is within it. Pure. */
import type { Mailbox } from '../methods.ts';

export interface FolderNode {
  readonly mailbox: Mailbox;
  readonly level: number;
  readonly children: readonly FolderNode[];
}

export const ROLES = ['inbox', 'drafts', 'sent', 'archive', 'junk', 'trash'] as const;
export type Role = (typeof ROLES)[number];

export const roleOf = ({ role }: Mailbox): Role | null => ROLES.find((one) => one === role) ?? null;

const rankOf = (mailbox: Mailbox): number => {
  const role = roleOf(mailbox);
  return role === null ? ROLES.length : ROLES.indexOf(role);
};

export function folderTree(mailboxes: readonly Mailbox[], language: string): readonly FolderNode[] {
  const { compare } = new Intl.Collator(language, { numeric: true, sensitivity: 'base' });
  const ids = new Set(mailboxes.map(({ id }) => id));
  const within = Map.groupBy(mailboxes, ({ parentId }) => (parentId !== null && ids.has(parentId) ? parentId : null));
  const nodes = (parent: string | null, level: number): readonly FolderNode[] =>
    (within.get(parent) ?? [])
      .toSorted((a, b) => rankOf(a) - rankOf(b) || compare(a.name, b.name))
      .map((mailbox) => ({ mailbox, level, children: nodes(mailbox.id, level + 1) }));
  return nodes(null, 1);
}

/** Rows as they stand below each other. */
export function shownNodes(tree: readonly FolderNode[], isClosed: (id: string) => boolean): readonly FolderNode[] {
  return tree.flatMap((node) => [node, ...(isClosed(node.mailbox.id) ? [] : shownNodes(node.children, isClosed))]);
}

/** Unread messages in it and, while it is closed, in what is within it. */
export function unreadOf(node: FolderNode, isClosed: boolean): number {
  const { mailbox, children } = node;
  return children.reduce((sum, child) => sum + (isClosed ? unreadOf(child, true) : 0), mailbox.unreadEmails);
}

export function withRole(mailboxes: readonly Mailbox[], role: Role): Mailbox | null {
  return mailboxes.find((mailbox) => mailbox.role === role) ?? null;
}

/** By role or id, as an address names it. */
export function folderNamed(mailboxes: readonly Mailbox[], name: string): Mailbox | null {
  return mailboxes.find(({ id, role }) => id === name || role === name) ?? null;
}

/** How an address names it. */
export const folderKey = (mailbox: Mailbox): string => roleOf(mailbox) ?? mailbox.id;

/** Itself and all within it: no folder can be moved there. */
export function withDescendants(mailboxes: readonly Mailbox[], id: string): ReadonlySet<string> {
  const found = new Set([id]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const mailbox of mailboxes)
      if (mailbox.parentId !== null && found.has(mailbox.parentId) && !found.has(mailbox.id)) {
        found.add(mailbox.id);
        grown = true;
      }
  }
  return found;
}

/** Names from the top down, for pickers and announcements. */
export function pathNames(
  mailboxes: readonly Mailbox[],
  mailbox: Mailbox,
  nameOf: (mailbox: Mailbox) => string,
): readonly string[] {
  const names = [nameOf(mailbox)];
  const seen = new Set([mailbox.id]);
  let { parentId } = mailbox;
  while (parentId !== null && !seen.has(parentId)) {
    seen.add(parentId);
    const parent = mailboxes.find(({ id }) => id === parentId);
    if (parent === undefined) break;
    names.unshift(nameOf(parent));
    ({ parentId } = parent);
  }
  return names;
}
