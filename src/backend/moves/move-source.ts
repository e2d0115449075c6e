/**
 * The source of a move as its mover sees it: the same whether the source's back end runs in this process or is reached
 * over HTTPS (http/). What is at the source stays there until the directory says that it has moved.
 */
import type { Buffer } from 'node:buffer';
import type { ContentFrame, ThreadKey } from '../../store/moving.ts';

export interface MoveSource {
  /** Contents some message refers to and that are not among `have` (ascending). */
  contents(have: Uint32Array, signal: AbortSignal): AsyncIterable<ContentFrame>;
  threadKeys(signal: AbortSignal): AsyncIterable<readonly ThreadKey[]>;
  /** Stops commits, for HOLD_MS at most: then the source asks the directory by itself how to go on. */
  hold(): Promise<void>;
  /** While they are stopped. */
  state(signal: AbortSignal): AsyncIterable<Buffer>;
  /**
   * The source asks the directory where the mailbox lies and goes on accordingly: serves it, or seals it and says
   * goodbye to its sessions. After `here` the cut-over can no longer be completed.
   */
  settle(): Promise<'here' | 'moved'>;
  close(): Promise<void>;
}

/** What names a move to its source. */
export interface MoveOrder {
  readonly move: string;
  /** Of the claim: a higher one takes the departure away from a lower one. */
  readonly fence: number;
  readonly database: string;
  readonly mailbox: string;
}
