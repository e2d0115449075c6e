/**
 * The seam between the mailbox store and an engine: what one open mailbox needs of the place where it is kept.
 * The core (everything else in this folder) decides what happens; an engine makes it durable and reads it back.
 */
import type { Buffer } from 'node:buffer';
import type { FragmentPiece } from '../../message/fragment-pieces.ts';
import { Failure } from '../../observe/failure.ts';
import type { Change } from './change.ts';
import type { FolderFacts, FolderState } from './folder-state.ts';
import type { TextKind } from '../search/source.ts';
import type { ThreadKey } from '../moving.ts';

/**
 * Nobody can tell whether the last `append` took effect, or another process owns the mailbox by now: what memory says
 * may be wrong, and the mailbox has to be opened anew.
 */
export class StorageLost extends Failure {
  constructor(message: string, options?: { cause?: unknown }) {
    super('UNAVAILABLE', message, options);
  }
}

/** Original bytes of one message on their way into the log. */
export interface Payload {
  readonly size: number;
  /** CRC-32 of all bytes. */
  readonly crc: number;
  /** All bytes when they are in memory, else null and `pieces` reads the spool file. */
  readonly memory: Buffer | null;
  pieces(): AsyncIterable<Buffer>;
}

export interface LogEntry {
  readonly change: Change;
  readonly payload: Payload | null;
}

/** Where a payload begins. Segment 0 stands for "no payload". */
export interface Location {
  readonly segment: number;
  readonly offset: number;
}

/** Bytes to fetch into a buffer at `at`. */
export interface ReadRange {
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
  readonly at: number;
}

/** Counters of a mailbox that no folder holds. */
export interface MailboxCounters {
  highestModSeq: number;
  nextFolder: number;
  nextContent: number;
  nextThread: number;
  lastUidValidity: number;
}

/** What `load` finds: null counters for a mailbox that has never been written. */
export interface StoredMailbox {
  readonly counters: MailboxCounters | null;
  readonly folders: readonly FolderFacts[];
  readonly subscriptions: readonly string[];
  /** Last names of removed folders that recoverable items may have come from. */
  readonly formerFolders: ReadonlyMap<number, string>;
}

/** What a fold writes in one transaction; taken at one moment, see folding.ts. */
export interface FoldImage {
  readonly counters: MailboxCounters;
  readonly subscriptions: readonly string[] | null;
  readonly folders: readonly FoldedFolder[];
  readonly removedFolders: readonly number[];
  /** Complete list, null when unchanged. */
  readonly formerFolders: ReadonlyMap<number, string> | null;
  readonly threadKeys: ReadonlyMap<number, number>;
}

export interface FoldedFolder {
  readonly facts: FolderFacts;
  /** Packed rows by chunk number; null: the chunk has no rows left. */
  readonly chunks: ReadonlyMap<number, Buffer | null>;
  /** Complete list, null when unchanged. */
  readonly uidls: ReadonlyMap<number, string> | null;
  readonly newExpunges: readonly { readonly modSeq: number; readonly uids: Uint32Array }[];
}

/** How rows that memory let go of come back: never (they have to stay), in the calling turn, or after waiting. */
export type Reloading = 'never' | 'at once' | 'awaited';

export interface MailboxStorage {
  /**
   * Writes the changes and payloads behind the log: all or, when it throws, none. Resolves with the location of each
   * payload when they are durable; with `flush` false soon after (within FLAG_FLUSH_MS) is enough.
   * @throws Failure UNAVAILABLE (also: disk full); StorageLost: perhaps all, perhaps none
   */
  append(entries: readonly LogEntry[], flush: boolean): Promise<readonly Location[]>;
  /** Fills `target`; synchronous when that is cheaper. */
  readContent(ranges: readonly ReadRange[], target: Buffer): Promise<void> | void;
  /** What is wrong with a stored message, read in full; null: nothing. */
  checkContent(segment: number, offset: number, size: number): Promise<string | null>;
  /** Keeps a piece of a parse result (a cache, not durable); returns its offset among those of its kind, null: no room. */
  putFragment(piece: FragmentPiece, bytes: Buffer): number | null;
  readFragments(piece: FragmentPiece, ranges: readonly ReadRange[], target: Buffer): Promise<void> | void;
  /** Fills `columns`, `uidls` and `expungeLog` of a folder whose rows are not in memory; see `reloads`. */
  loadRows(folder: FolderState): Promise<void> | void;
  /** Conversation a Message-ID hash is known for; undefined: `lookUpThreads` has to ask for it first. */
  threadOf(key: number): number | null | undefined;
  /** `threadOf` knows these keys until the next look-up. */
  lookUpThreads(keys: readonly number[]): Promise<void>;
  /** All that `threadOf` could know, in batches of a few thousand; the same one may come twice. For moves. */
  threadKeys(): AsyncIterable<readonly ThreadKey[]>;
  readonly texts: TextFile;
  readonly reloads: Reloading;

  /** Octets and changes logged since the last fold; both 0 where nothing needs folding. */
  readonly unfolded: { readonly bytes: number; readonly changes: number };
  /** Writes the image in small steps and remembers the log position it stands for, as of this call. */
  fold(image: FoldImage): Promise<void>;
  /** Gives back handles; what comes next opens them again. */
  rest(): void;
  /** Null where dead bytes cost nothing. */
  readonly compaction: Compaction | null;
  /** Everything written is durable; marks the shutdown as clean. Behind StorageLost nothing is written any more. */
  close(): Promise<void>;
}

export interface SegmentSize {
  readonly segment: number;
  readonly bytes: number;
}

/** Engines whose log keeps dead bytes until somebody copies the live ones out. */
export interface Compaction {
  /** Octets in front of each message that have to be copied with it. */
  readonly prefixBytes: number;
  /** Complete segments (never the one being written) with their octets. */
  segments(): readonly SegmentSize[] | Promise<readonly SegmentSize[]>;
  /** The last fold no longer refers to these segments: make that durable, then remove them. */
  drop(segments: readonly number[]): Promise<void>;
}

/** What an engine keeps of searchable texts (texts.ts): two append-only files and an index. */
export interface TextFile {
  /** All index entries written so far; empty when there are none or another version wrote them. */
  loadIndex(): Buffer | Promise<Buffer>;
  /** Appends and returns the offset of the first byte. */
  append(kind: TextKind, bytes: Buffer): number;
  /** A promise: more may be appended when it resolves. */
  appendIndex(entries: Buffer): Promise<void> | void;
  read(kind: TextKind, ranges: readonly ReadRange[], target: Buffer): Promise<void> | void;
}

/** What an engine hands over when it opens a mailbox. */
export interface OpenedMailbox {
  readonly storage: MailboxStorage;
  readonly stored: StoredMailbox;
  /** Changes logged after what `stored` holds, in order; applied before anyone uses the mailbox. */
  replay(): Iterable<{ readonly entry: Change; readonly location: Location }>;
  /** MODSEQ has to jump (dependencies.md §7); null after a clean shutdown. */
  readonly raise: { readonly step: number; readonly touch: boolean } | null;
}
