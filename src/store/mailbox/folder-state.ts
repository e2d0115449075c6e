/**
 * One folder as this process holds it: facts and counters always, columns while somebody needs them.
 * Counters change only here, row by row with the columns, so that they cannot drift from them.
 */
import { DELETED, type Folder, type FolderKind, SEEN, type SpecialUse } from '../model.ts';
import { folderId, modSeq, uid, uidValidity } from '../model.ts';
import type { Columns } from './columns.ts';

/** Messages of a chunk of the packed index: its number is the UID shifted by this. */
export const CHUNK_BITS = 10;
/** Expunges remembered for RFC 7162 §3.2.5.2 (VANISHED); older ones are forgotten, clients then compare UID lists. */
export const EXPUNGE_LOG_ENTRIES = 4096;

/** Numbers of folders stay below; this one is a move's (arrival.ts). */
export const FOLDERS_END = 2 ** 31 - 1;

/** Most folders have none: one for all of them. */
const NO_UIDLS: ReadonlyMap<number, string> = new Map();
const NO_CHUNKS: ReadonlySet<number> = new Set();

/** One removal, for `expungedSince`. */
export interface ExpungeLogEntry {
  readonly modSeq: number;
  readonly uids: Uint32Array;
}

/** What is kept of a folder apart from its rows. */
export interface FolderFacts {
  readonly id: number;
  name: string;
  readonly kind: FolderKind;
  specialUse: SpecialUse | null;
  hidden: boolean;
  readonly uidValidity: number;
  uidNext: number;
  highestModSeq: number;
  exists: number;
  unseen: number;
  deleted: number;
  bytes: number;
  keywords: string[];
  firstRecentUid: number;
  /** Rows read from disk with a lower MODSEQ have this one (RaiseChange.touch). */
  modSeqFloor: number;
  /** Expunges before this MODSEQ are no longer known one by one. */
  expungeFloor: number;
}

export class FolderState {
  readonly facts: FolderFacts;
  subscribed: boolean;
  /** Null while no one has needed the rows since the mailbox was opened, or after they were let go. */
  columns: Columns | null = null;
  /** They are being read in. */
  loading: Promise<void> | null = null;
  generation = 0;
  /** Somebody looked at the rows since the last sweep (background.ts). */
  used = true;
  /** Of every row in memory it is known whether its message ends with CRLF (line-ends.ts). */
  lineEndsKnown = false;
  /** Open FolderViews. */
  views = 0;
  /** Rows gone from `columns` that an open view may still ask for; newest last. */
  limbo: Columns[] = [];
  /** POP3 unique-ids that differ from the made ones, by UID. Belongs to the columns. */
  uidls: ReadonlyMap<number, string> = NO_UIDLS;
  expungeLog: ExpungeLogEntry[] = [];
  /** Those of the log that the storage does not have yet. */
  newExpunges: ExpungeLogEntry[] = [];
  uidlsDirty = false;
  /** Chunks of the packed index that no longer match the rows. */
  dirtyChunks: ReadonlySet<number> = NO_CHUNKS;
  /** Facts differ from what is stored. */
  dirty = true;
  #snapshot: Folder | null = null;

  constructor(facts: FolderFacts, subscribed: boolean) {
    this.facts = facts;
    this.subscribed = subscribed;
  }

  get id(): number {
    return this.facts.id;
  }

  get name(): string {
    return this.facts.name;
  }

  /** Immutable facts for the outside; the same object until something changes. */
  get snapshot(): Folder {
    this.#snapshot ??= this.#makeSnapshot();
    return this.#snapshot;
  }

  /** Call after every change of a fact. */
  touch(): void {
    this.#snapshot = null;
    this.dirty = true;
  }

  keywordBit(name: string): number {
    const wanted = name.toLowerCase();
    return this.facts.keywords.findIndex((keyword) => keyword.toLowerCase() === wanted);
  }

  setUidl(uidOfRow: number, text: string): void {
    const uidls = this.#ownUidls();
    uidls.set(uidOfRow, text);
    this.uidlsDirty = true;
  }

  markChunk(uidOfRow: number): void {
    this.#ownDirtyChunks().add(uidOfRow >>> CHUNK_BITS);
  }

  /** Marks the chunks of ascending UIDs. */
  markChunks(uids: Uint32Array, length = uids.length): void {
    const dirty = this.#ownDirtyChunks();
    let last = -1;
    for (let i = 0; i < length; i += 1) {
      const chunk = uids[i]! >>> CHUNK_BITS;
      if (chunk === last) continue;
      dirty.add(chunk);
      last = chunk;
    }
  }

  /** They are in an image that is being folded; returns them. */
  takeDirtyChunks(): ReadonlySet<number> {
    const taken = this.dirtyChunks;
    this.dirtyChunks = NO_CHUNKS;
    return taken;
  }

  /** Counts rows [from, to) of `columns` in (`sign` 1) or out (-1). */
  count(columns: Columns, from: number, to: number, sign: 1 | -1): void {
    const facts = this.facts;
    let unseen = 0;
    let deleted = 0;
    let bytes = 0;
    for (let row = from; row < to; row += 1) {
      const flags = columns.flags[row]!;
      if ((flags & SEEN) === 0) unseen += 1;
      if ((flags & DELETED) !== 0) deleted += 1;
      bytes += columns.size[row]!;
    }
    facts.exists += sign * (to - from);
    facts.unseen += sign * unseen;
    facts.deleted += sign * deleted;
    facts.bytes += sign * bytes;
  }

  /** Takes `rows` out of the loaded columns; keeps them in limbo while a view is open. */
  removeRows(columns: Columns, rows: Int32Array, atModSeq: number): Columns {
    const removed = columns.remove(rows);
    const gone = removed.uid.subarray(0, removed.length);
    this.count(removed, 0, removed.length, -1);
    this.markChunks(gone);
    this.generation += 1;
    if (this.uidls.size > 0) this.#forgetUidls(gone);
    const entry = { modSeq: atModSeq, uids: gone };
    this.expungeLog.push(entry);
    this.newExpunges.push(entry);
    if (this.expungeLog.length > EXPUNGE_LOG_ENTRIES) {
      const dropped = this.expungeLog.splice(0, this.expungeLog.length - EXPUNGE_LOG_ENTRIES);
      this.facts.expungeFloor = dropped.at(-1)?.modSeq ?? this.facts.expungeFloor;
    }
    if (this.views > 0) this.limbo.push(removed);
    return removed;
  }

  /** The last view is closed: nobody can ask for expunged messages any more. */
  closeView(): void {
    this.views -= 1;
    if (this.views === 0) this.limbo = [];
  }

  /** Lets go of rows that the storage can give back. */
  release(): void {
    if (this.dirtyChunks.size > 0 || this.newExpunges.length > 0 || this.uidlsDirty) return;
    this.columns = null;
    this.lineEndsKnown = false;
    this.uidls = NO_UIDLS;
    this.expungeLog = [];
  }

  #ownDirtyChunks(): Set<number> {
    if (this.dirtyChunks instanceof Set && this.dirtyChunks !== NO_CHUNKS) return this.dirtyChunks;
    const own = new Set<number>();
    this.dirtyChunks = own;
    return own;
  }

  #ownUidls(): Map<number, string> {
    if (this.uidls instanceof Map && this.uidls !== NO_UIDLS) return this.uidls;
    const own = new Map(this.uidls);
    this.uidls = own;
    return own;
  }

  #forgetUidls(uids: Uint32Array): void {
    const uidls = this.#ownUidls();
    for (const one of uids) if (uidls.delete(one)) this.uidlsDirty = true;
  }

  #makeSnapshot(): Folder {
    const f = this.facts;
    return {
      id: folderId(f.id),
      name: f.name,
      kind: f.kind,
      specialUse: f.specialUse,
      subscribed: this.subscribed,
      hidden: f.hidden,
      uidValidity: uidValidity(f.uidValidity),
      uidNext: uid(f.uidNext),
      highestModSeq: modSeq(f.highestModSeq),
      exists: f.exists,
      unseen: f.unseen,
      deleted: f.deleted,
      bytes: f.bytes,
      keywords: [...f.keywords],
      firstRecentUid: uid(f.firstRecentUid),
    };
  }
}
