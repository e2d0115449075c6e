/**
 * The store as protocols see it: one interface over every engine (memory, SQLite, PostgreSQL).
 *
 * Rules all callers may rely on, and the conformance suite (test/conformance) holds for every engine:
 * - A returned promise of a change resolves only when the change is durable; then the change feed has published it.
 * - Changes of one mailbox are applied in one order; each commit raises the mailbox's MODSEQ.
 * - Original bytes never change. Sizes are exact.
 * - Expunged bytes stay readable until no open view can still ask for them.
 * - Failures are `Failure` with a response code; anything else is an engine fault.
 */
import type { Buffer } from 'node:buffer';
import type { FragmentPiece } from '../message/fragment-pieces.ts';
import { Failure } from '../observe/failure.ts';
import type {
  Folder,
  FolderColumns,
  FolderId,
  FolderKind,
  MailboxId,
  ModSeq,
  SpecialUse,
  Uid,
  UidRange,
  UidValidity,
} from './model.ts';
import type { Arrival, Departure, Standing } from './moving.ts';
import type { SearchQuery, SortCriterion, ThreadAlgorithm, ThreadNode } from './search/query.ts';

/** Bounds of one mailbox in octets; Infinity: unlimited (exchange-behaviour.md §9.2). */
export interface MailboxQuota {
  /** Of all folders but recoverable items: what would go over it is refused with OVERQUOTA. */
  readonly prohibitSendReceive: number;
  /** Of recoverable items: above it the oldest go for good. */
  readonly recoverableItems: number;
}

/**
 * Asked at every append, copy and expunge, so that a changed setting acts on the next one; synchronous and quick.
 * An engine gets it when it is opened.
 */
export type QuotaOf = (mailbox: MailboxId) => MailboxQuota;

/** From counters, so always up to date; copies of a message count each. */
export interface MailboxUsage {
  /** Octets and messages of all folders but recoverable items. */
  readonly bytes: number;
  readonly messages: number;
  readonly recoverableBytes: number;
  readonly recoverableMessages: number;
}

/** Where a message in recoverable items was, and since when it is there. */
export interface RecoverableOrigin {
  /** The folder it was deleted from; null when that is gone too, or not known. */
  readonly folder: FolderId | null;
  /** Name of that folder now, or the last one it had; null when not known (deleted before this was kept). */
  readonly name: string | null;
  /** Seconds since 1970. */
  readonly deletedAt: number;
}

/**
 * Another process owns the mailbox now: a mailbox database that several back ends may serve gives each mailbox to one
 * of them at a time. Whoever asked goes there.
 */
export class OwnedElsewhere extends Failure {
  /** Id of the server that owns it (directory/model.ts ServerId); the store knows no servers. */
  readonly owner: string;

  constructor(owner: string) {
    super('UNAVAILABLE', 'The mailbox is served by another server now.');
    this.owner = owner;
  }
}

/** A mailbox database: the place where mailboxes live (one directory of SQLite mailboxes, or one PostgreSQL cluster). */
export interface MailboxDatabase {
  /**
   * Opens a mailbox, creating it with its default folders when it is not there yet. Counted: call `close` on the
   * handle once per open. One process owns a mailbox at a time.
   * @throws OwnedElsewhere, MovedAway, Failure UNAVAILABLE (disk, database away), INUSE (being deleted), CORRUPTION
   */
  open(mailbox: MailboxId): Promise<Mailbox>;
  /** Bytes on their way in, usable for several mailboxes of this database (one SMTP message, many recipients). */
  stage(options?: StageOptions): MessageSink;
  mailboxes(): Promise<MailboxId[]>;
  /** What a move has left written about it (moving.ts); null: nothing, it can be opened. */
  standing(mailbox: MailboxId): Promise<Standing | null>;
  /** Begins to move it away from here, while it is in use. @throws Failure NONEXISTENT, INUSE, what `open` throws */
  depart(mailbox: MailboxId): Promise<Departure>;
  /**
   * Begins, or goes on, to move it here; nobody can open it meanwhile.
   * @throws Failure ALREADYEXISTS (there is one, and no move has left it), INUSE, UNAVAILABLE
   */
  receive(mailbox: MailboxId, move: string): Promise<Arrival>;
  /** @throws Failure INUSE while sessions are open, NONEXISTENT */
  remove(mailbox: MailboxId): Promise<void>;
  /** Compares every stored fact with a recount; reports, changes nothing. */
  verify(mailbox: MailboxId): Promise<VerifyReport>;
  /** Drains commits, closes all mailboxes. */
  close(): Promise<void>;
}

export interface VerifyReport {
  readonly mailbox: MailboxId;
  readonly folders: number;
  readonly messages: number;
  readonly problems: readonly string[];
}

export interface StageOptions {
  /** Octets; more is refused with Failure TOOBIG while it comes in. */
  readonly maxBytes?: number;
}

/**
 * Takes a message in pieces. A bare LF becomes CRLF here and nowhere else (message/line-ends.ts); nothing else is
 * touched. Small messages stay in memory, larger ones go to a spool file.
 */
export interface MessageSink {
  /** Resolves when more may be written. */
  write(chunk: Buffer): Promise<void> | void;
  finish(): Promise<StagedMessage>;
  abort(): Promise<void>;
}

/** A complete message, parsed, not yet in any folder. Release it once, after the last append. */
export interface StagedMessage {
  readonly size: number;
  /** False: no part of it has this media type (lower case). True may be wrong: it is a quick look at the parse result. */
  mayHold(mediaType: string): boolean;
  release(): Promise<void>;
}

/** Which session made a change, so that its own view can tell its echo (STORE .SILENT). Any object identity. */
export type Origin = object;

export interface AppendOptions {
  readonly flags?: number;
  readonly keywords?: readonly string[];
  /** Seconds since 1970; now when missing. */
  readonly internalDate?: number;
  /** Set by import and moves: UID ≥ UIDNEXT, else refused with CANNOT. */
  readonly uid?: Uid;
  /** POP3 unique-id carried over from another server; 1–70 characters 0x21–0x7E (RFC 1939 §7). */
  readonly uidl?: string;
  readonly saveDate?: number;
  /** Takes a message into a full mailbox, too: notices about the quota itself. */
  readonly ignoreQuota?: boolean;
}

export interface Appended {
  readonly uid: Uid;
  readonly uidValidity: UidValidity;
  readonly modSeq: ModSeq;
}

/** COPYUID / MOVE: same length and order (RFC 4315 §3). */
export interface Copied {
  readonly uidValidity: UidValidity;
  readonly source: Uint32Array;
  readonly target: Uint32Array;
  readonly modSeq: ModSeq;
}

export interface FlagChange {
  readonly op: 'add' | 'remove' | 'replace';
  /** System flag bits. */
  readonly flags: number;
  readonly keywords: readonly string[];
  /** RFC 7162 §3.1.3: messages with a higher MODSEQ are left alone and reported. */
  readonly unchangedSince?: number;
}

export interface Stored {
  readonly modSeq: ModSeq;
  /** UIDs whose flags really changed, ascending. */
  readonly changed: Uint32Array;
  /** UIDs left alone because of UNCHANGEDSINCE. */
  readonly modified: Uint32Array;
}

export interface FolderChange {
  readonly name?: string;
  readonly subscribed?: boolean;
  readonly specialUse?: SpecialUse | null;
  readonly hidden?: boolean;
}

/** What a commit did to one folder. Ranges and lists are ascending UIDs. */
export interface FolderEvent {
  readonly folder: FolderId;
  readonly modSeq: ModSeq;
  readonly origin: Origin | null;
  readonly appended: UidRange | null;
  readonly flagged: Uint32Array | null;
  readonly expunged: Uint32Array | null;
}

export type MailboxEvent =
  | { readonly kind: 'messages'; readonly events: readonly FolderEvent[] }
  | {
      readonly kind: 'folders';
      readonly created: readonly FolderId[];
      readonly changed: readonly FolderId[];
      readonly removed: readonly FolderId[];
    };

/** A folder held open: its live columns, kept in memory and fed by the change feed until `close`. */
export interface FolderView {
  /** Facts of the folder now (a new object after each change). */
  readonly folder: Folder;
  readonly columns: FolderColumns;
  /** Rises when rows were removed, that is when row numbers moved and `columns.uid` became a new array. */
  readonly generation: number;
  /** Row of a UID or -1. */
  rowOf(uid: number): number;
  /**
   * Rows of `count` ascending UIDs from `uids[from]`; -1 where a message is gone. Linear merge, no allocation.
   */
  locate(uids: Uint32Array, from: number, count: number, rows: Int32Array): void;
  /** Bit number of a keyword (any case) or -1. */
  keywordBit(name: string): number;
  /** POP3 unique-id of a message: stored, or made from UIDVALIDITY and UID. */
  uidl(uid: number): string;
  /**
   * The message does not end with CRLF: POP3 sends two octets more than `columns.size` (RFC 1939 §3). False for an
   * empty message. No message is read for it.
   */
  lineEndMissing(row: number): boolean;
  /** Null in any other folder than recoverable items. */
  recoverableOrigin(row: number): RecoverableOrigin | null;
  /** Messages expunged after `modSeq`, ascending UIDs; null when the log no longer reaches back (RFC 7162 §3.2.5.2). */
  expungedSince(modSeq: number): Promise<Uint32Array | null>;
  close(): void;
}

/** Entry i stands in bytes[offsets[i], offsets[i] + lengths[i]) of its batch; length 0: the message is gone. */
export interface FragmentSlots {
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
}

/** Parse results of up to a few hundred consecutive messages of the asked list, in one buffer. */
export interface FragmentBatch {
  /** Index into the asked UID list of the first entry; entries are consecutive in that list. */
  readonly first: number;
  readonly count: number;
  /** Valid until the batch after the next one is asked for, then used again: copy what is kept longer. */
  readonly bytes: Buffer;
  /** By piece; null: not asked for. */
  readonly pieces: Readonly<Record<FragmentPiece, FragmentSlots | null>>;
}

/** Whole messages: many small ones in one buffer, or one large one as a stream. */
export type BodyBatch =
  | {
      readonly kind: 'joined';
      readonly first: number;
      readonly count: number;
      readonly bytes: Buffer;
      readonly offsets: Uint32Array;
      /** 0: the message is gone. */
      readonly lengths: Uint32Array;
      /** To be called at most once, when nobody reads `bytes` any more: the next reads use it again. Need not be called. */
      readonly release?: () => void;
    }
  | {
      readonly kind: 'streamed';
      readonly first: number;
      readonly size: number;
      /** Each is the caller's, who may give it back to wire/buffers.ts. */
      readonly chunks: AsyncIterable<Buffer>;
    };

export interface Mailbox {
  readonly id: MailboxId;

  folders(): readonly Folder[];
  folder(id: FolderId): Folder | null;
  /** Exact name; INBOX in any case. */
  folderByName(name: string): Folder | null;
  folderByUse(use: SpecialUse): Folder | null;

  usage(): MailboxUsage;

  /** @throws Failure ALREADYEXISTS, LIMIT, CANNOT (bad name). Missing parents are created (RFC 9051 §6.3.4). */
  createFolder(
    name: string,
    options?: { specialUse?: SpecialUse; kind?: FolderKind; subscribed?: boolean },
  ): Promise<Folder>;
  /** Renames with all inferiors; renaming INBOX moves its messages (RFC 9051 §6.3.6). */
  changeFolder(id: FolderId, change: FolderChange): Promise<Folder>;
  /** Messages go to recoverable items. @throws Failure CANNOT (INBOX, default folders' parents), NONEXISTENT */
  removeFolder(id: FolderId): Promise<void>;
  /** RFC 9051 §6.3.9: names may be subscribed that are no folder. */
  subscribedNames(): readonly string[];
  subscribeName(name: string, subscribed: boolean): Promise<void>;

  /** Loads the columns when no one has the folder open. */
  view(id: FolderId): Promise<FolderView>;

  /** @throws Failure NONEXISTENT, OVERQUOTA (names limit and usage), CANNOT, LIMIT */
  append(folder: FolderId, message: StagedMessage, options: AppendOptions, origin?: Origin): Promise<Appended>;
  setFlags(folder: FolderId, uids: Uint32Array, change: FlagChange, origin?: Origin): Promise<Stored>;
  /** UIDs that are gone are skipped. @throws Failure NONEXISTENT, OVERQUOTA */
  copy(from: FolderId, uids: Uint32Array, to: FolderId, origin?: Origin): Promise<Copied>;
  /** Never fails by quota. Out of recoverable items it restores; take \Deleted off first. */
  move(from: FolderId, uids: Uint32Array, to: FolderId, origin?: Origin): Promise<Copied>;
  /** Never fails by quota: recoverable items above theirs go for good, the oldest first. Messages go to recoverable items for the retention time; from there, or with `purge`, for good. */
  expunge(
    folder: FolderId,
    uids: Uint32Array,
    options?: { purge?: boolean },
    origin?: Origin,
  ): Promise<{ expunged: Uint32Array; modSeq: ModSeq }>;
  /** All of these messages have now been shown as \Recent. */
  clearRecent(folder: FolderId): Promise<void>;

  /**
   * `uids` ascending. Batches come in order and cover the list. Missing fragments are re-parsed on the way.
   * @param want pieces to be read (message/fragment-pieces.ts), at least one; more cost as much more
   */
  fragments(folder: FolderId, uids: Uint32Array, want: readonly FragmentPiece[]): AsyncIterable<FragmentBatch>;
  bodies(folder: FolderId, uids: Uint32Array): AsyncIterable<BodyBatch>;
  /**
   * Bytes [start, end) of one message in chunks; end is clipped. A chunk is the caller's, who may give it back to
   * wire/buffers.ts. @throws Failure EXPUNGEISSUED when it is gone for good
   */
  read(folder: FolderId, uid: number, start: number, end: number): AsyncIterable<Buffer>;

  /** Ascending UIDs out of `among`. Complete: what the text index does not hold yet is scanned. */
  search(folder: FolderId, among: Uint32Array, query: SearchQuery): Promise<Uint32Array>;
  /** RFC 5256: `uids` in the asked order. */
  sort(folder: FolderId, uids: Uint32Array, criteria: readonly SortCriterion[]): Promise<Uint32Array>;
  thread(folder: FolderId, uids: Uint32Array, algorithm: ThreadAlgorithm): Promise<readonly ThreadNode[]>;

  /** Called synchronously after each commit, in commit order. Returns the way to stop. */
  watch(listener: (event: MailboxEvent) => void): () => void;

  /** Removes recoverable items older than `retentionSeconds`, folds logs, compacts. Called by the back end's schedule. */
  maintain(options: { retentionSeconds: number }): Promise<void>;

  close(): void;
}
