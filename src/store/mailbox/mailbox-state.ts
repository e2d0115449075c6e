/**
 * A mailbox in memory: folders, names, subscriptions, counters, and the one place where changes take effect.
 * `apply` runs for live commits and, with the same values, for the log's tail after a crash.
 */
import { DELETED, type FolderId, folderId, modSeq, SEEN } from '../model.ts';
import type { FolderEvent, Origin } from '../api.ts';
import { unreachable } from '../../observe/failure.ts';
import type {
  AppendChange,
  Change,
  ChangeFolderChange,
  CopyChange,
  CreateFolderChange,
  ExpungeChange,
  FlagsChange,
  RaiseChange,
  RelocateChange,
} from './change.ts';
import { Columns, LINE_END, relocateRows } from './columns.ts';
import { nameKey } from './folder-name.ts';
import { type FolderFacts, FolderState } from './folder-state.ts';
import { learn, translateKeywords } from './keyword-bits.ts';
import type { MailboxImage } from './mailbox-image.ts';
import type { Location, MailboxCounters, MailboxStorage, StoredMailbox } from './storage.ts';

/** What applied changes mean for watchers, gathered over one commit. */
export class Effects {
  readonly events: FolderEvent[] = [];
  readonly created: FolderId[] = [];
  readonly changed: FolderId[] = [];
  /** Content ids of messages that came in. */
  readonly contents: number[] = [];
  readonly removed: FolderId[] = [];
}

export class MailboxState {
  readonly counters: MailboxCounters;
  readonly folders = new Map<number, FolderState>();
  readonly subscriptions: Set<string>;
  /** Conversations of Message-ID hashes not yet folded into the storage. */
  readonly newThreadKeys = new Map<number, number>();
  /** Folders to delete from the storage with the next fold. */
  readonly removedFolders: number[] = [];
  subscriptionsDirty = false;
  /** Last names of removed folders: recoverable items remember where they came from by id. */
  readonly formerFolders: Map<number, string>;
  formerFoldersDirty = false;
  readonly #byKey = new Map<string, FolderState>();
  readonly #storage: MailboxStorage;

  constructor(storage: MailboxStorage, stored: StoredMailbox) {
    this.#storage = storage;
    this.counters = stored.counters ?? {
      highestModSeq: 1,
      nextFolder: 1,
      nextContent: 1,
      nextThread: 1,
      lastUidValidity: 0,
    };
    this.subscriptions = new Set(stored.subscriptions);
    this.formerFolders = new Map(stored.formerFolders);
    for (const facts of stored.folders) {
      const folder = new FolderState(facts, this.subscriptions.has(facts.name));
      folder.dirty = false;
      this.#enter(folder);
    }
  }

  /** By name in any case. */
  byKey(name: string): FolderState | null {
    return this.#byKey.get(nameKey(name)) ?? null;
  }

  byUse(use: string): FolderState | null {
    for (const folder of this.folders.values()) if (folder.facts.specialUse === use) return folder;
    return null;
  }

  /** The rows of a folder; where reading them in takes waiting, `load` comes before, and they stay while needed. */
  rows(folder: FolderState): Columns {
    folder.used = true;
    if (folder.columns === null && this.load(folder) !== undefined) {
      throw new Error(`rows of folder ${folder.id} are not in memory`);
    }
    folder.columns ??= new Columns();
    return folder.columns;
  }

  /** Reads the rows of a folder in when they are not in memory; a promise where that takes waiting. */
  load(folder: FolderState): Promise<void> | undefined {
    folder.used = true;
    if (folder.columns !== null) return undefined;
    if (folder.loading !== null) return folder.loading;
    if (folder.facts.uidNext <= 1) return undefined;
    const loading = this.#storage.loadRows(folder);
    if (loading === undefined) return undefined;
    const done = loading.finally(() => {
      folder.loading = null;
      folder.used = true;
    });
    // Whoever asked waits for it; one who only looked must not fail by it.
    done.catch(() => {});
    folder.loading = done;
    return done;
  }

  /** As `load`, for every folder. */
  async loadAll(): Promise<void> {
    for (const folder of this.folders.values()) await this.load(folder);
  }

  /** Conversation of a Message-ID hash; undefined: it has to be looked up first. */
  threadOf(key: number): number | null | undefined {
    return this.newThreadKeys.get(key) ?? this.#storage.threadOf(key);
  }

  lookUpThreads(keys: readonly number[]): Promise<void> {
    return this.#storage.lookUpThreads(keys);
  }

  /** Everything gives way to the state of a mailbox that was moved here (arrival.ts), due as a whole for the next fold. */
  replace(image: MailboxImage): void {
    const before = new Map(this.folders);
    this.folders.clear();
    this.#byKey.clear();
    Object.assign(this.counters, image.counters);
    this.subscriptions.clear();
    for (const name of image.subscriptions) this.subscriptions.add(name);
    this.subscriptionsDirty = true;
    this.formerFolders.clear();
    for (const [id, name] of image.formerFolders) this.formerFolders.set(id, name);
    this.formerFoldersDirty = true;
    for (const { facts, columns, uidls, expungeLog } of image.folders) {
      const folder = new FolderState(facts, this.subscriptions.has(facts.name));
      folder.columns = columns;
      folder.uidls = uidls;
      folder.uidlsDirty = true;
      folder.expungeLog = [...expungeLog];
      folder.newExpunges = [...expungeLog];
      folder.markChunks(columns.uid, columns.length);
      // An attempt before may have written chunks that have no row any more.
      const old = before.get(facts.id)?.columns;
      if (old !== undefined && old !== null) folder.markChunks(old.uid, old.length);
      this.#enter(folder);
      before.delete(facts.id);
    }
    this.removedFolders.push(...before.keys());
  }

  /** Forgets names no recoverable item refers to any more. */
  pruneFormerFolders(): void {
    if (this.formerFolders.size === 0) return;
    const named = new Set<number>();
    for (const folder of this.folders.values()) {
      if (folder.facts.kind !== 'recoverable' || folder.facts.exists === 0) continue;
      const { deletedFrom, length } = this.rows(folder);
      for (let row = 0; row < length; row += 1) named.add(deletedFrom[row]!);
    }
    for (const id of this.formerFolders.keys()) {
      if (!named.has(id)) this.formerFoldersDirty = this.formerFolders.delete(id) || this.formerFoldersDirty;
    }
  }

  apply(change: Change, location: Location, origin: Origin | null, effects: Effects): void {
    switch (change.kind) {
      case 'append':
        return this.#append(change, location, origin, effects);
      case 'flags':
        return this.#flags(change, origin, effects);
      case 'copy':
      case 'move':
        return this.#copy(change, origin, effects);
      case 'expunge':
        return this.#expunge(change, origin, effects);
      case 'create-folder':
        return this.#createFolder(change, effects);
      case 'change-folder':
        return this.#changeFolder(change, effects);
      case 'remove-folder': {
        const folder = this.#folder(change.folder);
        this.#raise(change.modSeq);
        this.folders.delete(folder.id);
        this.#byKey.delete(nameKey(folder.name));
        this.removedFolders.push(folder.id);
        if (folder.facts.uidNext > 1) {
          this.formerFolders.set(folder.id, folder.name);
          this.formerFoldersDirty = true;
        }
        effects.removed.push(folderId(folder.id));
        return undefined;
      }
      case 'subscribe': {
        if (change.subscribed) this.subscriptions.add(change.name);
        else this.subscriptions.delete(change.name);
        this.subscriptionsDirty = true;
        const folder = this.byKey(change.name);
        if (folder === null || folder.name !== change.name || folder.subscribed === change.subscribed) return undefined;
        folder.subscribed = change.subscribed;
        folder.touch();
        effects.changed.push(folderId(folder.id));
        return undefined;
      }
      case 'recent': {
        const folder = this.#folder(change.folder);
        folder.facts.firstRecentUid = Math.max(folder.facts.firstRecentUid, change.firstRecentUid);
        folder.touch();
        return undefined;
      }
      case 'raise':
        return this.#raiseAll(change);
      case 'relocate':
        return this.#relocate(change, location);
      default:
        return unreachable(change);
    }
  }

  #append(change: AppendChange, location: Location, origin: Origin | null, effects: Effects): void {
    const folder = this.#folder(change.folder);
    const columns = this.rows(folder);
    learn(folder, change.newKeywords);
    columns.push({ ...change, segment: location.segment, offset: location.offset });
    if (change.lineEnd === LINE_END.unknown) folder.lineEndsKnown = false;
    folder.count(columns, columns.length - 1, columns.length, 1);
    folder.markChunk(change.uid);
    if (change.uidl !== null) folder.setUidl(change.uid, change.uidl);
    for (const key of change.threadKeys) this.newThreadKeys.set(key, change.thread);
    this.counters.nextContent = Math.max(this.counters.nextContent, change.content + 1);
    this.counters.nextThread = Math.max(this.counters.nextThread, change.thread + 1);
    effects.contents.push(change.content);
    this.#advance(folder, change.modSeq, change.uid + 1);
    const last = effects.events.at(-1);
    if (
      last !== undefined &&
      last.folder === change.folder &&
      last.origin === origin &&
      last.appended !== null &&
      last.flagged === null &&
      last.expunged === null
    ) {
      effects.events[effects.events.length - 1] = {
        ...last,
        modSeq: modSeq(change.modSeq),
        appended: { first: last.appended.first, last: change.uid },
      };
      return;
    }
    effects.events.push(event(folder, change.modSeq, origin, { appended: { first: change.uid, last: change.uid } }));
  }

  #flags(change: FlagsChange, origin: Origin | null, effects: Effects): void {
    const folder = this.#folder(change.folder);
    const columns = this.rows(folder);
    learn(folder, change.newKeywords);
    const rows = columns.rowsOf(change.uids);
    const { flags, keywordsLow, keywordsHigh, modSeq: modSeqs } = columns;
    let unseen = 0;
    let deleted = 0;
    for (let i = 0; i < rows.length; i += 1) {
      const row = rows[i]!;
      const before = flags[row]!;
      let after: number;
      if (change.op === 'add') {
        after = before | change.flags;
        keywordsLow[row] = keywordsLow[row]! | change.keywordsLow;
        keywordsHigh[row] = keywordsHigh[row]! | change.keywordsHigh;
      } else if (change.op === 'remove') {
        after = before & ~change.flags;
        keywordsLow[row] = keywordsLow[row]! & ~change.keywordsLow;
        keywordsHigh[row] = keywordsHigh[row]! & ~change.keywordsHigh;
      } else {
        after = change.flags;
        keywordsLow[row] = change.keywordsLow;
        keywordsHigh[row] = change.keywordsHigh;
      }
      flags[row] = after;
      modSeqs[row] = change.modSeq;
      unseen += (before & SEEN) - (after & SEEN);
      deleted += ((after & DELETED) - (before & DELETED)) / DELETED;
    }
    folder.facts.unseen += unseen;
    folder.facts.deleted += deleted;
    folder.markChunks(change.uids);
    this.#advance(folder, change.modSeq, 0);
    effects.events.push(event(folder, change.modSeq, origin, { flagged: change.uids }));
  }

  #copy(change: CopyChange, origin: Origin | null, effects: Effects): void {
    const from = this.#folder(change.folder);
    const to = this.#folder(change.to);
    const source = this.rows(from);
    const target = this.rows(to);
    learn(to, change.newKeywords);
    const rows = source.rowsOf(change.uids);
    const first = target.length;
    target.pushFrom(source, rows);
    to.lineEndsKnown &&= from.lineEndsKnown;
    for (let i = 0; i < rows.length; i += 1) target.uid[first + i] = change.firstUid + i;
    target.modSeq.fill(change.modSeq, first, target.length);
    target.saveDate.fill(change.saveDate, first, target.length);
    if (to.facts.kind !== 'recoverable') target.deletedFrom.fill(0, first, target.length);
    else if (from.facts.kind !== 'recoverable') target.deletedFrom.fill(from.id, first, target.length);
    if (from !== to) translateKeywords(from, to, target, first);
    to.count(target, first, target.length, 1);
    to.markChunks(target.uid.subarray(first), rows.length);
    for (let i = 0; from.uidls.size > 0 && i < rows.length; i += 1) {
      const text = from.uidls.get(change.uids[i]!);
      if (text !== undefined) to.setUidl(change.firstUid + i, text);
    }
    this.#advance(to, change.modSeq, change.firstUid + rows.length);
    const appended = { first: change.firstUid, last: change.firstUid + rows.length - 1 };
    if (change.kind === 'move') {
      from.removeRows(source, rows, change.modSeq);
      this.#advance(from, change.modSeq, 0);
      effects.events.push(event(from, change.modSeq, origin, { expunged: change.uids }));
    }
    effects.events.push(event(to, change.modSeq, origin, { appended }));
  }

  #expunge(change: ExpungeChange, origin: Origin | null, effects: Effects): void {
    const folder = this.#folder(change.folder);
    const columns = this.rows(folder);
    folder.removeRows(columns, columns.rowsOf(change.uids), change.modSeq);
    this.#advance(folder, change.modSeq, 0);
    effects.events.push(event(folder, change.modSeq, origin, { expunged: change.uids }));
  }

  #createFolder(change: CreateFolderChange, effects: Effects): void {
    const facts: FolderFacts = {
      id: change.folder,
      name: change.name,
      kind: change.folderKind,
      specialUse: change.specialUse,
      hidden: change.hidden,
      uidValidity: change.uidValidity,
      uidNext: 1,
      highestModSeq: change.modSeq,
      exists: 0,
      unseen: 0,
      deleted: 0,
      bytes: 0,
      keywords: [],
      firstRecentUid: 1,
      modSeqFloor: 0,
      expungeFloor: 0,
    };
    const folder = new FolderState(facts, this.subscriptions.has(change.name));
    this.#enter(folder);
    this.#raise(change.modSeq);
    this.counters.nextFolder = Math.max(this.counters.nextFolder, change.folder + 1);
    this.counters.lastUidValidity = Math.max(this.counters.lastUidValidity, change.uidValidity);
    effects.created.push(folderId(folder.id));
  }

  #changeFolder(change: ChangeFolderChange, effects: Effects): void {
    const folder = this.#folder(change.folder);
    const facts = folder.facts;
    if (facts.name !== change.name) {
      if (this.#byKey.get(nameKey(facts.name)) === folder) this.#byKey.delete(nameKey(facts.name));
      // The subscription goes with the folder, as it does in Exchange.
      if (this.subscriptions.delete(facts.name)) this.subscriptions.add(change.name);
      this.subscriptionsDirty = true;
      facts.name = change.name;
      this.#byKey.set(nameKey(change.name), folder);
      folder.subscribed = this.subscriptions.has(change.name);
    }
    facts.specialUse = change.specialUse;
    facts.hidden = change.hidden;
    this.#advance(folder, change.modSeq, 0);
    effects.changed.push(folderId(folder.id));
  }

  #raiseAll(change: RaiseChange): void {
    this.#raise(change.modSeq);
    if (!change.touch) return;
    for (const folder of this.folders.values()) {
      folder.facts.modSeqFloor = change.modSeq;
      if (folder.columns !== null) {
        folder.columns.modSeq.fill(change.modSeq, 0, folder.columns.length);
        folder.markChunks(folder.columns.uid, folder.columns.length);
      }
      this.#advance(folder, change.modSeq, 0);
    }
  }

  #relocate(change: RelocateChange, location: Location): void {
    const places = new Map<number, number>();
    for (let i = 0; i < change.contents.length; i += 1) {
      places.set(change.contents[i]!, location.offset + change.offsets[i]!);
    }
    for (const folder of this.folders.values()) {
      relocateRows(this.rows(folder), change.segment, places, location.segment, (uid) => folder.markChunk(uid));
      for (const block of folder.limbo) relocateRows(block, change.segment, places, location.segment, () => {});
    }
  }

  #advance(folder: FolderState, toModSeq: number, uidNext: number): void {
    this.#raise(toModSeq);
    folder.facts.highestModSeq = Math.max(folder.facts.highestModSeq, toModSeq);
    folder.facts.uidNext = Math.max(folder.facts.uidNext, uidNext);
    folder.touch();
  }

  #raise(toModSeq: number): void {
    this.counters.highestModSeq = Math.max(this.counters.highestModSeq, toModSeq);
  }

  #enter(folder: FolderState): void {
    this.folders.set(folder.id, folder);
    this.#byKey.set(nameKey(folder.name), folder);
  }

  #folder(id: number): FolderState {
    const folder = this.folders.get(id);
    if (folder === undefined) throw new Error(`change of folder ${id}, which is not there`);
    return folder;
  }
}

function event(
  folder: FolderState,
  at: number,
  origin: Origin | null,
  what: Partial<Pick<FolderEvent, 'appended' | 'flagged' | 'expunged'>>,
): FolderEvent {
  return {
    folder: folderId(folder.id),
    modSeq: modSeq(at),
    origin,
    appended: what.appended ?? null,
    flagged: what.flagged ?? null,
    expunged: what.expunged ?? null,
  };
}
