/**
 * Changes of the folder tree: CREATE, RENAME, DELETE, SUBSCRIBE, attributes, and the folders a new mailbox starts with.
 */
import { Failure } from '../../observe/failure.ts';
import { FOLDERS_PER_MAILBOX } from '../../wire/limits.ts';
import type { FolderChange } from '../api.ts';
import type { FolderKind, SpecialUse } from '../model.ts';
import type { Intent } from './commit-queue.ts';
import type { Draft } from './draft.ts';
import { INBOX, isInferior, normalFolderName, superiors } from './folder-name.ts';
import type { FolderState } from './folder-state.ts';
import { addCopy, allOf } from './message-intents.ts';

interface NewFolder {
  readonly name: string;
  readonly kind: FolderKind;
  readonly specialUse: SpecialUse | null;
  readonly subscribed: boolean;
  readonly hidden: boolean;
}

const mail = (name: string, specialUse: SpecialUse): NewFolder => ({
  name,
  kind: 'mail',
  specialUse,
  subscribed: true,
  hidden: false,
});

/** What every mailbox has from its first day (exchange-behaviour.md §5, RFC 6154 §2). */
export const DEFAULT_FOLDERS: readonly NewFolder[] = [
  mail(INBOX, 'inbox'),
  mail('Drafts', 'drafts'),
  mail('Sent', 'sent'),
  mail('Trash', 'trash'),
  mail('Junk', 'junk'),
  mail('Archive', 'archive'),
  { name: 'Calendar', kind: 'calendar', specialUse: 'calendar', subscribed: false, hidden: false },
  { name: 'Contacts', kind: 'contacts', specialUse: 'contacts', subscribed: false, hidden: false },
  { name: 'Recoverable Items', kind: 'recoverable', specialUse: 'recoverable', subscribed: false, hidden: true },
];

/** Folders other parts of the server deliver to or rely on: they can be renamed, not removed. */
const PERMANENT: ReadonlySet<SpecialUse> = new Set([
  'inbox',
  'drafts',
  'sent',
  'trash',
  'junk',
  'calendar',
  'contacts',
  'recoverable',
]);

export function defaultFoldersIntent(): Intent<void> {
  return {
    rows: [],
    into: [],
    alone: true,
    origin: null,
    plan(draft) {
      for (const folder of DEFAULT_FOLDERS) addFolder(draft, folder);
    },
  };
}

export function createFolderIntent(
  name: string,
  options: { specialUse?: SpecialUse; kind?: FolderKind; subscribed?: boolean },
): Intent<number> {
  return {
    rows: [],
    into: [],
    alone: true,
    origin: null,
    plan(draft) {
      const wanted = freeName(draft, name, null);
      const use = options.specialUse ?? null;
      if (use !== null) refuseUsedTwice(draft, use, null);
      const missing = missingSuperiors(draft, wanted);
      if (draft.state.folders.size + missing.length + 1 > FOLDERS_PER_MAILBOX) {
        throw new Failure('LIMIT', `A mailbox can have at most ${FOLDERS_PER_MAILBOX} folders.`);
      }
      for (const superior of missing) {
        addFolder(draft, { name: superior, kind: 'mail', specialUse: null, subscribed: false, hidden: false });
      }
      const subscribed = options.subscribed ?? false;
      return addFolder(draft, {
        name: wanted,
        kind: options.kind ?? 'mail',
        specialUse: use,
        subscribed,
        hidden: false,
      });
    },
  };
}

/** Returns the id of the folder that has the new name: for INBOX that is a new folder (RFC 9051 §6.3.6). */
export function changeFolderIntent(id: number, change: FolderChange): Intent<number> {
  return {
    rows: [id],
    into: [],
    alone: true,
    origin: null,
    plan(draft) {
      const folder = draft.folder(id);
      if (change.specialUse !== undefined && change.specialUse !== folder.facts.specialUse) {
        if (change.specialUse !== null) refuseUsedTwice(draft, change.specialUse, folder);
        if (folder.facts.specialUse === 'inbox') throw new Failure('CANNOT', 'INBOX keeps its use.');
      }
      const name = change.name === undefined ? folder.name : freeName(draft, change.name, folder);
      const isInbox = folder.facts.specialUse === 'inbox';
      if (isInbox && name !== folder.name) return renameInbox(draft, folder, name);
      if (name !== folder.name) rename(draft, folder, name);
      const specialUse = change.specialUse === undefined ? folder.facts.specialUse : change.specialUse;
      const hidden = change.hidden ?? folder.facts.hidden;
      if (name !== folder.name || specialUse !== folder.facts.specialUse || hidden !== folder.facts.hidden) {
        draft.add({ kind: 'change-folder', folder: id, modSeq: draft.nextModSeq(), name, specialUse, hidden }, null);
      }
      if (change.subscribed !== undefined && (change.subscribed !== folder.subscribed || name !== folder.name)) {
        draft.add({ kind: 'subscribe', name, subscribed: change.subscribed }, null);
      }
      return id;
    },
  };
}

export function removeFolderIntent(id: number): Intent<void> {
  return {
    rows: [id],
    into: ['recoverable'],
    alone: true,
    origin: null,
    plan(draft) {
      const folder = draft.folder(id);
      refusePermanent(folder);
      for (const other of draft.state.folders.values()) if (isInferior(other.name, folder.name)) refusePermanent(other);
      const kept = draft.state.byUse('recoverable');
      if (kept !== null) addCopy(draft, 'move', folder, allOf(draft, folder), kept, null);
      draft.add({ kind: 'remove-folder', folder: id, modSeq: draft.nextModSeq() }, null);
    },
  };
}

export function subscribeIntent(name: string, subscribed: boolean): Intent<void> {
  return {
    rows: [],
    into: [],
    alone: true,
    origin: null,
    plan(draft) {
      const normal = normalFolderName(name);
      // An existing folder is meant however its name is written.
      const known = draft.state.byKey(normal)?.name ?? normal;
      if (draft.state.subscriptions.has(known) === subscribed) return;
      if (subscribed && draft.state.subscriptions.size >= FOLDERS_PER_MAILBOX) {
        throw new Failure('LIMIT', `At most ${FOLDERS_PER_MAILBOX} names can be subscribed.`);
      }
      draft.add({ kind: 'subscribe', name: known, subscribed }, null);
    },
  };
}

export function recentIntent(id: number): Intent<void> {
  return {
    rows: [],
    into: [],
    alone: false,
    origin: null,
    plan(draft) {
      const folder = draft.folder(id);
      if (folder.facts.firstRecentUid >= folder.facts.uidNext) return;
      draft.add({ kind: 'recent', folder: id, firstRecentUid: folder.facts.uidNext }, null);
    },
  };
}

function addFolder(draft: Draft, folder: NewFolder): number {
  const id = draft.nextFolder();
  if (folder.subscribed) draft.add({ kind: 'subscribe', name: folder.name, subscribed: true }, null);
  draft.add(
    {
      kind: 'create-folder',
      folder: id,
      modSeq: draft.nextModSeq(),
      name: folder.name,
      folderKind: folder.kind,
      specialUse: folder.specialUse,
      uidValidity: draft.nextUidValidity(),
      hidden: folder.hidden,
    },
    null,
  );
  return id;
}

/** The name as it will be: normalized, under its superiors as they are written. @throws Failure ALREADYEXISTS */
function freeName(draft: Draft, name: string, self: FolderState | null): string {
  const normal = normalFolderName(name);
  const holder = draft.state.byKey(normal);
  if (holder !== null && holder !== self) throw new Failure('ALREADYEXISTS', 'A folder with this name exists already.');
  for (const superior of superiors(normal)) {
    const existing = draft.state.byKey(superior);
    if (existing !== null) return existing.name + normal.slice(superior.length);
  }
  return normal;
}

/** Outermost first. */
function missingSuperiors(draft: Draft, name: string): string[] {
  return superiors(name)
    .filter((superior) => draft.state.byKey(superior) === null)
    .reverse();
}

function rename(draft: Draft, folder: FolderState, name: string): void {
  if (folder.facts.kind !== 'mail') throw new Failure('CANNOT', 'This folder keeps its name.');
  if (isInferior(name, folder.name)) throw new Failure('CANNOT', 'A folder cannot be moved into itself.');
  for (const superior of missingSuperiors(draft, name)) {
    addFolder(draft, { name: superior, kind: 'mail', specialUse: null, subscribed: false, hidden: false });
  }
  for (const other of draft.state.folders.values()) {
    if (!isInferior(other.name, folder.name)) continue;
    const moved = normalFolderName(name + other.name.slice(folder.name.length));
    const holder = draft.state.byKey(moved);
    // Possible below a name without folder; renaming "A" to "a" finds the inferiors themselves.
    if (holder !== null && !isInferior(holder.name, folder.name)) {
      throw new Failure('ALREADYEXISTS', 'A folder below the new name exists already.');
    }
    const { specialUse, hidden } = other.facts;
    draft.add(
      { kind: 'change-folder', folder: other.id, modSeq: draft.nextModSeq(), name: moved, specialUse, hidden },
      null,
    );
  }
}

/** RFC 9051 §6.3.6: the messages go, INBOX and its inferiors stay. */
function renameInbox(draft: Draft, inbox: FolderState, name: string): number {
  if (draft.state.folders.size >= FOLDERS_PER_MAILBOX) {
    throw new Failure('LIMIT', `A mailbox can have at most ${FOLDERS_PER_MAILBOX} folders.`);
  }
  for (const superior of missingSuperiors(draft, name)) {
    addFolder(draft, { name: superior, kind: 'mail', specialUse: null, subscribed: false, hidden: false });
  }
  const id = addFolder(draft, { name, kind: 'mail', specialUse: null, subscribed: false, hidden: false });
  const columns = draft.state.rows(inbox);
  const count = columns.length;
  if (count === 0) return id;
  draft.add(
    {
      kind: 'move',
      folder: inbox.id,
      to: id,
      modSeq: draft.nextModSeq(),
      uids: columns.uid.slice(0, count),
      firstUid: 1,
      saveDate: draft.now,
      newKeywords: inbox.facts.keywords,
    },
    null,
  );
  return id;
}

function refusePermanent(folder: FolderState): void {
  const use = folder.facts.specialUse;
  if (folder.facts.kind !== 'mail' || (use !== null && PERMANENT.has(use))) {
    throw new Failure('CANNOT', `The folder ${folder.name} cannot be removed.`);
  }
}

function refuseUsedTwice(draft: Draft, use: SpecialUse, self: FolderState | null): void {
  const holder = draft.state.byUse(use);
  if (holder !== null && holder !== self) {
    throw new Failure('CANNOT', `The folder ${holder.name} has this use already.`);
  }
}
