/**
 * Requests to move a mailbox to another database (New-MoveRequest): what the directory keeps of them, and who may
 * change what. The record is the truth about a move: whose mailbox lies where, and whether a move may still complete,
 * is decided by transactions here and nowhere else (ADR 11).
 */
import type { MailboxId } from '../store/model.ts';
import type { AccountId, DatabaseId, ServerId } from './model.ts';

/** AutoSuspended: everything is copied, and Resume-MoveRequest completes it. */
export type MoveStatus =
  | 'Queued'
  | 'InProgress'
  | 'AutoSuspended'
  | 'Suspended'
  | 'CompletionInProgress'
  | 'Completed'
  | 'Failed';

/** In these a back end works on it, or will. */
export const ACTIVE_MOVES: readonly MoveStatus[] = ['Queued', 'InProgress', 'CompletionInProgress'];

export interface MoveProgress {
  /** Milliseconds since 1970; 0: not yet. */
  readonly startedAt: number;
  readonly completedAt: number;
  /** Contents and octets there are, and those that are at the target. */
  readonly contents: number;
  readonly contentsDone: number;
  readonly bytes: number;
  readonly bytesDone: number;
  readonly passes: number;
  /** Cut-overs tried. */
  readonly cutOvers: number;
  /** Milliseconds in which changes of sessions waited, the last time. */
  readonly lockedMs: number;
  /** Failures one after the other, and when the next try is due. */
  readonly failures: number;
  readonly retryAt: number;
  /** What went wrong last; empty: nothing. */
  readonly message: string;
}

export const NO_PROGRESS: MoveProgress = {
  startedAt: 0,
  completedAt: 0,
  contents: 0,
  contentsDone: 0,
  bytes: 0,
  bytesDone: 0,
  passes: 0,
  cutOvers: 0,
  lockedMs: 0,
  failures: 0,
  retryAt: 0,
  message: '',
};

export interface MoveRequest {
  /** Random UUID. */
  readonly id: string;
  readonly account: AccountId;
  readonly mailbox: MailboxId;
  readonly source: DatabaseId;
  readonly target: DatabaseId;
  readonly status: MoveStatus;
  readonly batchName: string;
  readonly suspendWhenReadyToComplete: boolean;
  /** Logon name. */
  readonly requestedBy: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly progress: MoveProgress;
  /** The server that works on it, until when unless it says so again. */
  readonly owner: ServerId | null;
  readonly claimedUntil: number;
  /** Rises with every claim: who comes with an older number has lost the move. */
  readonly fence: number;
}

export interface NewMoveRequest {
  readonly account: AccountId;
  readonly target: DatabaseId;
  readonly batchName: string;
  readonly suspendWhenReadyToComplete: boolean;
  readonly isSuspended: boolean;
}

/** Proof that a move was claimed. */
export interface MoveClaim {
  readonly id: string;
  readonly fence: number;
}

/** What the directory does about moves; every answer is read afresh. */
export interface MoveRequests {
  moveRequests(): Promise<readonly MoveRequest[]>;
  /** @throws Failure NONEXISTENT, ALREADYEXISTS (there is a request), CANNOT (it lies there already, no mailbox) */
  addMoveRequest(request: NewMoveRequest): Promise<MoveRequest>;
  /** Suspend- and Resume-MoveRequest. @throws Failure NONEXISTENT, CANNOT where its status forbids it */
  changeMoveRequest(
    id: string,
    change: { readonly status?: 'Queued' | 'Suspended'; readonly suspendWhenReadyToComplete?: boolean },
  ): Promise<MoveRequest>;
  /** A move that is being completed is left to end. @throws Failure NONEXISTENT, INUSE */
  removeMoveRequest(id: string): Promise<void>;

  /** Null: another server works on it, or there is nothing to do. */
  claimMove(id: string, server: ServerId, untilMs: number): Promise<MoveRequest | null>;
  /**
   * By who has claimed it: goes on having it, and says how far it is.
   * @throws Failure NONEXISTENT (removed), INUSE (claimed by another one), CANNOT (suspended)
   */
  reportMove(
    claim: MoveClaim,
    report: {
      readonly untilMs: number;
      readonly status?: Exclude<MoveStatus, 'Suspended'>;
      readonly progress?: Partial<MoveProgress>;
    },
  ): Promise<MoveRequest>;
  /** Nobody has it any more; without an error. */
  releaseMove(claim: MoveClaim): Promise<void>;

  /** From now on `completeMove` may be called once with the token. @throws as reportMove */
  openCutOver(claim: MoveClaim): Promise<number>;
  /**
   * The switch: the account's mailbox lies in the target from now on.
   * @throws as reportMove, CANNOT when the cut-over was called off or the mailbox is not in the source any more
   */
  completeMove(claim: MoveClaim, cutOver: number, progress: Partial<MoveProgress>): Promise<void>;
  /** The source wants to go on: true when the mailbox lies there, and no open cut-over can be completed any more. */
  keepMailbox(mailbox: MailboxId, database: DatabaseId): Promise<boolean>;
  /** Null: no account has it. */
  placeOfMailbox(mailbox: MailboxId): Promise<DatabaseId | null>;
}
