/**
 * IMAP commands as data: what a client asked for, with every name decoded, every set parsed and every default filled
 * in. Command handlers switch on `name` and never see a byte of syntax. Nothing here knows a mailbox or a socket.
 *
 * RFC 3501 and RFC 9051 §9; ID RFC 2971, NAMESPACE RFC 2342, IDLE RFC 2177, UIDPLUS RFC 4315, UNSELECT RFC 3691,
 * ENABLE RFC 5161, MOVE RFC 6851, LIST-EXTENDED RFC 5258, LIST-STATUS RFC 5819, SPECIAL-USE RFC 6154,
 * STATUS=SIZE RFC 8438, ESEARCH RFC 4731, SEARCHRES RFC 5182, WITHIN RFC 5032, SORT and THREAD RFC 5256,
 * CONDSTORE and QRESYNC RFC 7162, PREVIEW RFC 8970, SAVEDATE RFC 8514, OBJECTID RFC 8474, BINARY RFC 3516,
 * PARTIAL RFC 9394, QUOTA RFC 9208.
 *
 * Folder names are UTF-8 (NFC) with `INBOX` in capitals (mailbox-name.ts). Times are seconds since 1970, dates are
 * days since 1970. Sizes and offsets are octets. MODSEQ values are below 2^53.
 */
import type { Buffer } from 'node:buffer';
import type { Failure, ProtocolViolation } from '../../observe/failure.ts';
import type { SpecialUse } from '../../store/model.ts';
import type { SortCriterion, ThreadAlgorithm } from '../../store/search/query.ts';
import type { Announced } from './literal.ts';

/** `*` in a sequence set: the largest number in use, known only when the set is resolved (sequence-set.ts). */
export const STAR = Number.POSITIVE_INFINITY;

/** Inclusive, first ≤ last; `*` is STAR and therefore always last. `*` alone is {STAR, STAR}. */
export interface SetRange {
  readonly first: number;
  readonly last: number;
}

/** `saved`: the `$` of RFC 5182. Ranges stand in the order the client sent them. */
export type SequenceSet =
  | { readonly kind: 'ranges'; readonly ranges: readonly SetRange[] }
  | { readonly kind: 'saved' };

/** System flags as bits of store/model.ts; \Recent in a list from a client is refused by the parser. */
export interface FlagList {
  readonly flags: number;
  /** Keywords as sent, each once (case-insensitively). */
  readonly keywords: readonly string[];
}

// ---------------------------------------------------------------------------------------------------------- FETCH

export type SectionText = 'ALL' | 'HEADER' | 'HEADER.FIELDS' | 'HEADER.FIELDS.NOT' | 'TEXT' | 'MIME';

/** RFC 9051 §6.4.5 section-spec. `BODY[]` is part [] with text ALL; `BODY[2.1.MIME]` is part [2,1] with text MIME. */
export interface Section {
  readonly part: readonly number[];
  readonly text: SectionText;
  /** Field names as sent, for HEADER.FIELDS and HEADER.FIELDS.NOT; else empty. */
  readonly fields: readonly string[];
}

export interface Partial {
  readonly offset: number;
  /** At least 1. */
  readonly length: number;
}

/** Items that are a single word. `BODY` is the body structure without extension data. Macros are expanded. */
export type PlainFetchItem =
  | 'BODY'
  | 'BODYSTRUCTURE'
  | 'EMAILID'
  | 'ENVELOPE'
  | 'FLAGS'
  | 'INTERNALDATE'
  | 'MODSEQ'
  | 'RFC822'
  | 'RFC822.HEADER'
  | 'RFC822.SIZE'
  | 'RFC822.TEXT'
  | 'SAVEDATE'
  | 'THREADID'
  | 'UID';

export type FetchItem =
  | { readonly item: PlainFetchItem }
  | { readonly item: 'PREVIEW'; readonly lazy: boolean }
  | {
      readonly item: 'BODY[]';
      readonly peek: boolean;
      readonly section: Section;
      readonly partial: Partial | null;
    }
  | {
      readonly item: 'BINARY[]';
      readonly peek: boolean;
      readonly part: readonly number[];
      readonly partial: Partial | null;
    }
  | { readonly item: 'BINARY.SIZE[]'; readonly part: readonly number[] };

// --------------------------------------------------------------------------------------------------------- SEARCH

export type DateOp = 'before' | 'on' | 'since';

/**
 * RFC 9051 §6.4.4 search keys, reduced: SEEN is {flags SEEN}, UNSEEN its negation, NEW is RECENT and UNSEEN, FROM is
 * {header From}. Strings are decoded from the charset of the command into UTF-16 text.
 */
export type SearchKey =
  | { readonly kind: 'all' }
  | { readonly kind: 'and'; readonly keys: readonly SearchKey[] }
  | { readonly kind: 'or'; readonly left: SearchKey; readonly right: SearchKey }
  | { readonly kind: 'not'; readonly key: SearchKey }
  /** All bits of `mask` (store/model.ts) are set. */
  | { readonly kind: 'flags'; readonly mask: number }
  /** \Recent belongs to the session view. */
  | { readonly kind: 'recent' }
  | { readonly kind: 'keyword'; readonly name: string }
  /** Message sequence numbers, to be resolved against the session's view. */
  | { readonly kind: 'numbers'; readonly set: SequenceSet }
  | { readonly kind: 'uids'; readonly set: SequenceSet }
  | { readonly kind: 'larger' | 'smaller'; readonly octets: number }
  | {
      readonly kind: 'date';
      readonly column: 'internal' | 'sent' | 'save';
      readonly op: DateOp;
      readonly day: number;
    }
  /** RFC 5032 §3: seconds, at least 1. */
  | { readonly kind: 'older' | 'younger'; readonly seconds: number }
  /** RFC 7162 §3.1.5; the entry name and type of the long form are accepted and do not narrow the search. */
  | { readonly kind: 'modseq'; readonly from: number }
  | { readonly kind: 'header'; readonly name: string; readonly text: string }
  | { readonly kind: 'body'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'emailid' | 'threadid'; readonly id: string }
  /** RFC 8514 §4.2: whether the store knows save dates. */
  | { readonly kind: 'savedatesupported' };

/** RFC 4731 §3.1, RFC 5182 SAVE, RFC 9394 PARTIAL. */
export interface SearchReturn {
  readonly min: boolean;
  readonly max: boolean;
  readonly all: boolean;
  readonly count: boolean;
  readonly save: boolean;
  /** Window on the answer, 1 = first; both negative: counted from the end. */
  readonly partial: { readonly first: number; readonly last: number } | null;
}

// ----------------------------------------------------------------------------------------------------------- LIST

export type ListSelect = 'SUBSCRIBED' | 'REMOTE' | 'RECURSIVEMATCH' | 'SPECIAL-USE';

export interface ListReturn {
  readonly subscribed: boolean;
  readonly children: boolean;
  readonly specialUse: boolean;
  /** RFC 5819; null when not asked for. */
  readonly status: readonly StatusItem[] | null;
}

export type StatusItem =
  | 'APPENDLIMIT'
  | 'DELETED'
  | 'DELETED-STORAGE'
  | 'HIGHESTMODSEQ'
  | 'MAILBOXID'
  | 'MESSAGES'
  | 'RECENT'
  | 'SIZE'
  | 'UIDNEXT'
  | 'UIDVALIDITY'
  | 'UNSEEN';

// --------------------------------------------------------------------------------------------------------- SELECT

/** RFC 7162 §3.2.5. */
export interface QResync {
  readonly uidValidity: number;
  readonly modSeq: number;
  readonly knownUids: SequenceSet | null;
  readonly sequenceMatch: { readonly numbers: SequenceSet; readonly uids: SequenceSet } | null;
}

// --------------------------------------------------------------------------------------------------------- APPEND

/** Everything of APPEND before its message, which is streamed and never part of the AST. */
export interface AppendPrefix {
  readonly flags: FlagList;
  /** Seconds since 1970; null: now. */
  readonly internalDate: number | null;
  /** RFC 6855 §4 `UTF8 (~{n}`: a closing parenthesis follows the message. */
  readonly utf8: boolean;
  /** The message to come: its size is known before its first byte. */
  readonly literal: Announced;
}

// ------------------------------------------------------------------------------------------------------- commands

/** Commands that are only their name. CHECK, CLOSE, UNSELECT and EXPUNGE need a selected folder, which is not checked here. */
export type BareName =
  | 'CAPABILITY'
  | 'CHECK'
  | 'CLOSE'
  | 'IDLE'
  | 'LOGOUT'
  | 'NAMESPACE'
  | 'NOOP'
  | 'STARTTLS'
  | 'UNSELECT';

export type FolderOnlyName = 'DELETE' | 'GETQUOTAROOT' | 'SUBSCRIBE' | 'UNSUBSCRIBE';

/** Each carries the tag of its answer. `uid`: the UID form, whose sets (and answers) are UIDs. */
export type Command = { readonly tag: string } & (
  | { readonly name: BareName }
  /** Null: `ID NIL`. Keys in lower case. */
  | { readonly name: 'ID'; readonly fields: ReadonlyMap<string, string> | null }
  /** `mechanism` in capitals. `initial` null: no SASL-IR; empty: it was sent as `=` (RFC 4959 §3). Decoded. */
  | { readonly name: 'AUTHENTICATE'; readonly mechanism: string; readonly initial: Uint8Array | null }
  | { readonly name: 'LOGIN'; readonly user: string; readonly password: string }
  /** Capability names in capitals. */
  | { readonly name: 'ENABLE'; readonly capabilities: readonly string[] }
  | {
      readonly name: 'SELECT' | 'EXAMINE';
      readonly folder: string;
      readonly condstore: boolean;
      readonly qresync: QResync | null;
    }
  | { readonly name: FolderOnlyName; readonly folder: string }
  /** A name that ended in `/` comes without it, with `parentOnly` (RFC 3501 §6.3.3: the client will create inferiors). */
  | {
      readonly name: 'CREATE';
      readonly folder: string;
      readonly parentOnly: boolean;
      readonly specialUse: readonly SpecialUse[];
    }
  | { readonly name: 'RENAME'; readonly folder: string; readonly newName: string }
  /** RFC 9208 §4.1.1, §4.1.3. Resource names in capitals. */
  | { readonly name: 'GETQUOTA'; readonly root: string }
  | { readonly name: 'SETQUOTA'; readonly root: string; readonly limits: ReadonlyMap<string, number> }
  | {
      readonly name: 'LIST';
      readonly reference: string;
      readonly patterns: readonly string[];
      readonly select: readonly ListSelect[];
      readonly returns: ListReturn;
      /** Any syntax of RFC 5258 was used: attributes are computed accordingly (§4). */
      readonly extended: boolean;
    }
  | { readonly name: 'LSUB'; readonly reference: string; readonly pattern: string }
  | { readonly name: 'STATUS'; readonly folder: string; readonly items: readonly StatusItem[] }
  | { readonly name: 'APPEND'; readonly folder: string; readonly first: AppendPrefix }
  /** `uids` null: plain EXPUNGE; else UID EXPUNGE of RFC 4315 §2.1. */
  | { readonly name: 'EXPUNGE'; readonly uid: boolean; readonly uids: SequenceSet | null }
  | {
      readonly name: 'SEARCH';
      readonly uid: boolean;
      /** Null: the old SEARCH answer is asked for. */
      readonly returns: SearchReturn | null;
      readonly key: SearchKey;
    }
  | {
      readonly name: 'SORT';
      readonly uid: boolean;
      readonly returns: SearchReturn | null;
      readonly criteria: readonly SortCriterion[];
      readonly key: SearchKey;
    }
  | {
      readonly name: 'THREAD';
      readonly uid: boolean;
      readonly algorithm: ThreadAlgorithm;
      readonly key: SearchKey;
    }
  | {
      readonly name: 'FETCH';
      readonly uid: boolean;
      readonly set: SequenceSet;
      /** At least one; UID is not added for UID FETCH: that is the handler's. */
      readonly items: readonly FetchItem[];
      /** RFC 7162 §3.1.4.1; null when not given. */
      readonly changedSince: number | null;
      /** RFC 7162 §3.2.6. */
      readonly vanished: boolean;
    }
  | {
      readonly name: 'STORE';
      readonly uid: boolean;
      readonly set: SequenceSet;
      readonly op: 'add' | 'remove' | 'replace';
      readonly silent: boolean;
      readonly change: FlagList;
      /** RFC 7162 §3.1.3; null when not given. */
      readonly unchangedSince: number | null;
    }
  | {
      readonly name: 'COPY' | 'MOVE';
      readonly uid: boolean;
      readonly set: SequenceSet;
      readonly folder: string;
    }
);

export type CommandName = Command['name'];
/** The command of one name: `CommandOf<'FETCH'>`. */
export type CommandOf<Name extends CommandName> = Extract<Command, { readonly name: Name }>;

/**
 * A literal that was an argument: its bytes, already read. `binary` is literal8 (`~{n}`), which may hold NUL
 * (RFC 3516 §4.4).
 */
export interface Literal {
  readonly literal: Buffer;
  readonly binary: boolean;
}

/**
 * One command as the reader collected it: lines without their line ends and without the `{n}` that announced the
 * literal behind them, and the literals between. Most commands are one Buffer.
 */
export type CommandParts = ReadonlyArray<Buffer | Literal>;

/** A command that is refused before anyone looks at its meaning. */
export interface Refused {
  readonly name: 'REFUSED';
  /** `*` when the line had no tag that could be read. */
  readonly tag: string;
  /** ProtocolViolation: BAD (and BYE when fatal); Failure: NO with its code. */
  readonly error: ProtocolViolation | Failure;
}
