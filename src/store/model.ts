/**
 * Words of the mailbox store as types: ids, folders, flags, the columns of a folder. Nothing here does I/O.
 * "Mailbox" is one owner's whole store, "folder" what RFC 9051 calls a mailbox (design.md §1).
 */
declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Random UUID of one owner's store; the name of its directory on disk. */
export type MailboxId = Brand<string, 'MailboxId'>;
/** Number of a folder within its mailbox; never used again after deletion. */
export type FolderId = Brand<number, 'FolderId'>;
/** RFC 9051 §2.3.1.1; 1 … 2^32-1, strictly rising within a folder. */
export type Uid = Brand<number, 'Uid'>;
export type UidValidity = Brand<number, 'UidValidity'>;
/** RFC 7162 §3.1; one counter per mailbox, rises with every commit. Below 2^53. */
export type ModSeq = Brand<number, 'ModSeq'>;
/** Immutable original bytes, shared by all copies of a message in one mailbox. EMAILID derives from it (RFC 8474). */
export type ContentId = Brand<number, 'ContentId'>;
/** Conversation, computed at delivery from Message-ID, References and subject. THREADID derives from it. */
export type ThreadId = Brand<number, 'ThreadId'>;

/* Each id is made in exactly one way, so that a raw number cannot pass for one. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one place where brands are put on
const as = <T>(value: string | number): T => value as T;
export const mailboxId = (text: string): MailboxId => as(text);
export const folderId = (n: number): FolderId => as(n);
export const uid = (n: number): Uid => as(n);
export const uidValidity = (n: number): UidValidity => as(n);
export const modSeq = (n: number): ModSeq => as(n);
export const contentId = (n: number): ContentId => as(n);
export const threadId = (n: number): ThreadId => as(n);

/** System flags as bits (RFC 9051 §2.3.2). \Recent is a matter of the session view, not stored here. */
export const SEEN = 1;
export const ANSWERED = 2;
export const FLAGGED = 4;
export const DELETED = 8;
export const DRAFT = 16;

/**
 * RFC 6154 §2, RFC 8457 \Important; Calendar and Contacts are ours and never shown over IMAP. Their order, and that of
 * the kinds, is part of stored formats (change records, images of moves): append only.
 */
export const SPECIAL_USES = [
  'inbox',
  'archive',
  'drafts',
  'junk',
  'sent',
  'trash',
  'calendar',
  'contacts',
  'recoverable',
] as const;
export type SpecialUse = (typeof SPECIAL_USES)[number];

/** What a folder holds; IMAP and POP show `mail` only. */
export const FOLDER_KINDS = ['mail', 'calendar', 'contacts', 'recoverable'] as const;
export type FolderKind = (typeof FOLDER_KINDS)[number];

/** One folder as the store knows it now. A new object after every change: keep it as a snapshot, never mutate. */
export interface Folder {
  readonly id: FolderId;
  /** Full path in UTF-8 (NFC) with `/` between levels; `INBOX` in capitals for the Inbox. */
  readonly name: string;
  readonly kind: FolderKind;
  readonly specialUse: SpecialUse | null;
  readonly subscribed: boolean;
  /** Hidden attribute (exchange-behaviour.md §5.6). */
  readonly hidden: boolean;
  readonly uidValidity: UidValidity;
  readonly uidNext: Uid;
  readonly highestModSeq: ModSeq;
  readonly exists: number;
  /** Messages without \Seen. */
  readonly unseen: number;
  /** Messages with \Deleted. */
  readonly deleted: number;
  /** Sum of message sizes in octets (RFC 8438). */
  readonly bytes: number;
  /** Keywords in use, by bit number in the index columns. */
  readonly keywords: readonly string[];
  /** UIDs at and above this have not been shown as \Recent to any read-write session (RFC 3501 §2.3.2). */
  readonly firstRecentUid: Uid;
}

/** Inclusive range of UIDs. */
export interface UidRange {
  readonly first: number;
  readonly last: number;
}

/**
 * The live working index of one folder: one entry a row, ascending UID, shared by all sessions of the mailbox.
 * Arrays may be longer than `length`. Read them within one synchronous turn: after an await, rows may have moved
 * (look them up again by UID with `rowOf` / `locate`). The `uid` array of a generation is never changed in place,
 * only appended to; removal makes a new one, so a session view may keep it (see `FolderIndex.generation`).
 */
export interface FolderColumns {
  readonly length: number;
  readonly uid: Uint32Array;
  /** System flag bits. */
  readonly flags: Uint8Array;
  /** Keyword bits 0–31 and 32–63 of Folder.keywords. */
  readonly keywordsLow: Uint32Array;
  readonly keywordsHigh: Uint32Array;
  readonly modSeq: Float64Array;
  /** RFC822.SIZE in octets, exact. */
  readonly size: Uint32Array;
  /** Seconds since 1970 (UTC). INTERNALDATE. */
  readonly internalDate: Float64Array;
  /** Seconds since 1970: when the message came into this folder (RFC 8514). */
  readonly saveDate: Float64Array;
  /** Seconds since 1970 of the Date field (UTC); INTERNALDATE where it is missing or unreadable (RFC 5256 §2.2). */
  readonly sentDate: Float64Array;
  /** Days since 1970 of the Date field as written, its zone disregarded (RFC 9051 §6.4.4 SENTON). */
  readonly sentDay: Int32Array;
  readonly content: Uint32Array;
  readonly thread: Uint32Array;
}
