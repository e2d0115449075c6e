/**
 * What can happen to a mailbox, one type a kind. A commit is a list of these: planned against the present state,
 * written to the log, then applied to memory (mailbox-state.ts); after a crash the same values are read back from the
 * log and applied again. So everything a change decides (UIDs, MODSEQ, ids, times) stands in it, nothing is computed
 * while applying.
 *
 * A change of many messages is one value with a UID list, never one a message.
 */
import { unreachable } from '../../observe/failure.ts';
import type { FolderKind, SpecialUse } from '../model.ts';
import type { LineEnd } from './columns.ts';

export interface AppendChange {
  readonly kind: 'append';
  readonly folder: number;
  readonly uid: number;
  readonly modSeq: number;
  readonly flags: number;
  readonly keywordsLow: number;
  readonly keywordsHigh: number;
  /** Keywords the folder learns with this change; their bits follow those it has. */
  readonly newKeywords: readonly string[];
  readonly internalDate: number;
  readonly saveDate: number;
  readonly sentDate: number;
  readonly sentDay: number;
  readonly size: number;
  readonly content: number;
  readonly thread: number;
  /** Message-ID hashes that belong to `thread` from now on. */
  readonly threadKeys: readonly number[];
  readonly uidl: string | null;
  /** Pieces of the parse result (message/fragment-pieces.ts) in their files; length 0: not there. */
  readonly listOffset: number;
  readonly listLength: number;
  readonly searchOffset: number;
  readonly searchLength: number;
  readonly detailsOffset: number;
  readonly detailsLength: number;
  readonly lineEnd: LineEnd;
}

export interface FlagsChange {
  readonly kind: 'flags';
  readonly folder: number;
  readonly modSeq: number;
  readonly op: 'add' | 'remove' | 'replace';
  readonly flags: number;
  readonly keywordsLow: number;
  readonly keywordsHigh: number;
  readonly newKeywords: readonly string[];
  /** Only messages that really change. */
  readonly uids: Uint32Array;
}

/** COPY and MOVE: the copies get consecutive UIDs from `firstUid` in the order of `uids`. */
export interface CopyChange {
  readonly kind: 'copy' | 'move';
  readonly folder: number;
  readonly to: number;
  readonly modSeq: number;
  readonly uids: Uint32Array;
  readonly firstUid: number;
  readonly saveDate: number;
  /** Keywords the target folder learns. */
  readonly newKeywords: readonly string[];
}

/** Removal for good. */
export interface ExpungeChange {
  readonly kind: 'expunge';
  readonly folder: number;
  readonly modSeq: number;
  readonly uids: Uint32Array;
}

export interface CreateFolderChange {
  readonly kind: 'create-folder';
  readonly folder: number;
  readonly modSeq: number;
  readonly name: string;
  readonly folderKind: FolderKind;
  readonly specialUse: SpecialUse | null;
  readonly uidValidity: number;
  readonly hidden: boolean;
}

/** Name (with all inferiors, each its own change), special use and hidden attribute as they are from now on. */
export interface ChangeFolderChange {
  readonly kind: 'change-folder';
  readonly folder: number;
  readonly modSeq: number;
  readonly name: string;
  readonly specialUse: SpecialUse | null;
  readonly hidden: boolean;
}

/** The folder is empty by then: its messages were moved by the change before. */
export interface RemoveFolderChange {
  readonly kind: 'remove-folder';
  readonly folder: number;
  readonly modSeq: number;
}

export interface SubscribeChange {
  readonly kind: 'subscribe';
  readonly name: string;
  readonly subscribed: boolean;
}

export interface RecentChange {
  readonly kind: 'recent';
  readonly folder: number;
  readonly firstRecentUid: number;
}

/** After an unclean shutdown (dependencies.md §7): MODSEQ jumps; `touch` gives the new value to every message. */
export interface RaiseChange {
  readonly kind: 'raise';
  readonly modSeq: number;
  readonly touch: boolean;
}

/** Compaction: these contents now lie one behind the other in the payload of this change. */
export interface RelocateChange {
  readonly kind: 'relocate';
  /** The segment they leave. */
  readonly segment: number;
  readonly contents: Uint32Array;
  /** Offset of each within the payload. */
  readonly offsets: Uint32Array;
}

export type Change =
  | AppendChange
  | FlagsChange
  | CopyChange
  | ExpungeChange
  | CreateFolderChange
  | ChangeFolderChange
  | RemoveFolderChange
  | SubscribeChange
  | RecentChange
  | RaiseChange
  | RelocateChange;

/** Folders whose rows it reads or writes when it is applied. */
export function foldersOf(change: Change): readonly number[] | 'all' {
  switch (change.kind) {
    case 'append':
    case 'flags':
    case 'expunge':
      return [change.folder];
    case 'copy':
    case 'move':
      return [change.folder, change.to];
    case 'relocate':
      return 'all';
    case 'create-folder':
    case 'change-folder':
    case 'remove-folder':
    case 'subscribe':
    case 'recent':
    case 'raise':
      return [];
    default:
      return unreachable(change);
  }
}
