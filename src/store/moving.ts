/**
 * A mailbox on its way to another database, as the back end that moves it sees it: what a database tells and takes
 * (ADR 11). Contents are immutable bytes, known by their content id, copied while the mailbox is in use; the state
 * (folders, rows, counters, logs) follows at the end, while commits stop. Knows no server, no directory, no engine.
 */
import type { Buffer } from 'node:buffer';
import { Failure } from '../observe/failure.ts';
import type { MailboxId } from './model.ts';

/**
 * What a move has left written, durably, beside a mailbox; nothing is written of one that is simply there.
 * - receiving: contents are coming in; nobody may open it.
 * - received: complete and compared; who opens it asks the directory whether the move was completed.
 * - leaving: its state was given away; who opens it after a crash first makes sure that the move cannot be completed.
 * - moved: it lives elsewhere; what is here is kept for a while, and nobody may open it.
 */
export interface Standing {
  readonly kind: 'receiving' | 'received' | 'leaving' | 'moved';
  /** Which move. */
  readonly move: string;
  /** Milliseconds since 1970: since when. */
  readonly at: number;
}

/** The mailbox lives in another database now: whoever asked looks again where. */
export class MovedAway extends Failure {
  constructor() {
    super('UNAVAILABLE', 'The mailbox was moved; connect again.');
  }
}

/** What only the directory knows about mailboxes of one database; asked afresh, never out of a cache. */
export interface Residence {
  /** The directory names this database for the mailbox. @throws Failure UNAVAILABLE */
  isHere(mailbox: MailboxId): Promise<boolean>;
  /**
   * True: the mailbox is here, and that move cannot be completed any more. False: it was completed before.
   * @throws Failure UNAVAILABLE when nobody can tell now
   */
  keepHere(mailbox: MailboxId, move: string): Promise<boolean>;
}

/** A Message-ID hash and the conversation it belongs to. */
export interface ThreadKey {
  readonly key: number;
  readonly thread: number;
}

/** Contents on their way, ascending by id: first what there is to come, then each whole, or in pieces, with its hash. */
export type ContentFrame =
  | { readonly kind: 'rest'; readonly contents: number; readonly bytes: number }
  | { readonly kind: 'whole'; readonly content: number; readonly bytes: Buffer; readonly sha256: Buffer }
  | { readonly kind: 'begin'; readonly content: number; readonly size: number }
  | { readonly kind: 'piece'; readonly bytes: Buffer }
  | { readonly kind: 'end'; readonly sha256: Buffer };

/** The mailbox that is moved, at its source. Close it; closing goes on with commits when they are stopped. */
export interface Departure {
  readonly mailbox: MailboxId;
  /**
   * The contents some row refers to now and that are not among `have` (ascending). One that is gone for good
   * meanwhile is left out. @throws Failure CORRUPTION when one does not have its checksum
   */
  contents(have: Uint32Array): AsyncIterable<ContentFrame>;
  /** All there were when the departure began, in batches. */
  threadKeys(): AsyncIterable<readonly ThreadKey[]>;
  /** Stops commits: what sessions want to change waits. Resolves when none is under way and `leaving` is written. */
  hold(move: string): Promise<void>;
  /** While commits are stopped: everything but contents and earlier thread keys, with a digest at the end (mailbox-image.ts). */
  state(): AsyncIterable<Buffer>;
  /** Commits go on. Only when it is certain that the move will not be completed. */
  resume(): Promise<void>;
  /** The move is completed: who waits is refused with MovedAway, who comes too. */
  seal(): Promise<void>;
  close(): void;
}

/** The mailbox that is moved, at its target, where nobody else can open it. */
export interface Arrival {
  readonly mailbox: MailboxId;
  /** Contents that are here and whole, ascending. */
  have(): Uint32Array;
  /**
   * Writes contents, durably, and reads each back. The `rest` frame goes to `expected`, octets written to `written`.
   * @throws Failure CORRUPTION when one does not have its hash
   */
  take(frames: AsyncIterable<ContentFrame>, watch?: ArrivalWatch): Promise<void>;
  takeThreadKeys(batches: AsyncIterable<readonly ThreadKey[]>): Promise<void>;
  /** Brings what has come so far into the index, so that little is left to do while commits are stopped at the source. */
  settle(): Promise<void>;
  /**
   * Takes the state, writes it, reads it again from the storage and compares the digest; `received` is written then.
   * @throws Failure CORRUPTION when something differs or a content is missing
   */
  adopt(state: AsyncIterable<Buffer>): Promise<void>;
  /** The directory names this database: the mailbox is open to everybody. */
  open(): Promise<void>;
  /** Lets go of it as it is: the move goes on later. */
  close(): Promise<void>;
  /** The move is given up: everything received is deleted. */
  abandon(): Promise<void>;
}

export interface ArrivalWatch {
  expected?(contents: number, bytes: number): void;
  /** A group is written and was read back. */
  written?(contents: number, bytes: number): void;
}
