/**
 * The folders a client sees as a tree for LIST and LSUB: names that exist, names that only have inferiors, names
 * that are only subscribed (RFC 5258 §3, RFC 3348). Built for one command and thrown away.
 */
import type { Folder } from '../../store/model.ts';
import type { Session } from '../session/context.ts';
import { isVisible, visibleFolders } from './folders.ts';

export interface FolderNode {
  readonly name: string;
  /** Null: no folder, only a step on the way to one or a subscribed name. */
  readonly folder: Folder | null;
  readonly subscribed: boolean;
  hasChildren: boolean;
  /** Some name below is subscribed. */
  subscribedBelow: boolean;
  /** Some folder below has a special use. */
  specialUseBelow: boolean;
}

/** INBOX first, then by name, levels together: the order people see in their programs. */
export function folderTree(session: Session): FolderNode[] {
  const nodes = new Map<string, FolderNode>();
  const add = (name: string, folder: Folder | null, subscribed: boolean): void => {
    const known = nodes.get(name);
    nodes.set(name, {
      name,
      folder: folder ?? known?.folder ?? null,
      subscribed: subscribed || (known?.subscribed ?? false),
      hasChildren: false,
      subscribedBelow: false,
      specialUseBelow: false,
    });
  };
  for (const folder of visibleFolders(session)) add(folder.name, folder, folder.subscribed);
  for (const name of session.mailbox.subscribedNames()) {
    const folder = session.mailbox.folderByName(name);
    if (folder === null || isVisible(session, folder)) add(folder?.name ?? name, folder, true);
  }
  // Parents added on the way have their own parents added with them.
  const known = Array.from(nodes.keys());
  for (const name of known) {
    for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1)) {
      const parent = name.slice(0, at);
      if (!nodes.has(parent)) add(parent, null, false);
    }
  }
  for (const node of nodes.values()) {
    let direct = node.folder !== null;
    for (let at = node.name.lastIndexOf('/'); at > 0; at = node.name.lastIndexOf('/', at - 1)) {
      const parent = nodes.get(node.name.slice(0, at));
      if (parent === undefined) break;
      parent.hasChildren ||= direct;
      parent.subscribedBelow ||= node.subscribed;
      parent.specialUseBelow ||= node.folder !== null && node.folder.specialUse !== null;
      direct ||= parent.folder !== null;
    }
  }
  const keyed = Array.from(nodes.values(), (node) => ({ node, key: sortKey(node.name) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ node }) => node);
}

/** U+0001 sorts before every character of a name: `a/b` stands behind `a` and before `a b`. */
const sortKey = (name: string): string =>
  (name === 'INBOX' || name.startsWith('INBOX/') ? `\u0000${name}` : name).replaceAll('/', '\u0001');
