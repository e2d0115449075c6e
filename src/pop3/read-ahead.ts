/**
 * Bodies for RETR. A client that downloads a mailbox asks for one message after the other; asking the store for each
 * alone costs a read a message, so from the second neighbour on whole windows are fetched, the next one while the
 * present one is being sent (design.md §9: POP3 full download). At most two windows are held.
 */
import type { Buffer } from 'node:buffer';
import type { BodyBatch, Mailbox } from '../store/api.ts';
import type { FolderId } from '../store/model.ts';
import { POP3_READ_AHEAD_BYTES } from '../wire/limits.ts';
import type { Maildrop } from './maildrop.ts';

/** A message as it lies in a window: bytes[start, end). */
export interface HeldBody {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

interface Window {
  readonly first: number;
  /** Behind the last row. */
  readonly end: number;
  readonly batches: Promise<readonly BodyBatch[]>;
}

export class BodyReader {
  readonly #mailbox: Mailbox;
  readonly #folder: FolderId;
  readonly #maildrop: Maildrop;
  #current: Window | null = null;
  #next: Window | null = null;
  #lastRow = -2;

  constructor(mailbox: Mailbox, folder: FolderId, maildrop: Maildrop) {
    this.#mailbox = mailbox;
    this.#folder = folder;
    this.#maildrop = maildrop;
  }

  /** Null: the message is too large to hold, or gone; `stream` tells which. */
  async held(row: number): Promise<HeldBody | null> {
    if (this.#maildrop.size(row) > HELD_BYTES) return null;
    const step = row - this.#lastRow;
    this.#lastRow = row;
    const window = this.#windowFor(row, step);
    if (step === 1 || step === -1) this.#prefetch(window, step);
    let batches: readonly BodyBatch[];
    try {
      batches = await window.batches;
    } catch (cause) {
      this.release();
      throw cause;
    }
    return pick(batches, row - window.first);
  }

  /** The whole message in chunks. @throws Failure EXPUNGEISSUED when it is gone for good */
  stream(row: number): AsyncIterable<Buffer> {
    return this.part(row, 0, this.#maildrop.octets(row));
  }

  /** Octets [start, end) of a message. */
  part(row: number, start: number, end: number): AsyncIterable<Buffer> {
    return this.#mailbox.read(this.#folder, this.#maildrop.uid(row), start, end);
  }

  /** Gives the windows back: the client turned to something else. */
  release(): void {
    if (this.#current !== null) giveBack(this.#current);
    if (this.#next !== null) giveBack(this.#next);
    this.#current = null;
    this.#next = null;
    this.#lastRow = -2;
  }

  #windowFor(row: number, step: number): Window {
    const current = this.#current;
    if (current !== null && row >= current.first && row < current.end) return current;
    const next = this.#next;
    this.#next = null;
    if (current !== null) giveBack(current);
    if (next !== null && row >= next.first && row < next.end) {
      this.#current = next;
      return next;
    }
    if (next !== null) giveBack(next);
    const window = this.#fetch(row, step === 1 || step === -1 ? step : 0);
    this.#current = window;
    return window;
  }

  /** Fetches what follows the window in the direction the client goes. */
  #prefetch(window: Window, step: 1 | -1): void {
    if (this.#next !== null) return;
    const row = step === 1 ? window.end : window.first - 1;
    if (row < 0 || row >= this.#maildrop.count || this.#maildrop.size(row) > HELD_BYTES) return;
    this.#next = this.#fetch(row, step);
  }

  /** As many messages from `row` on as fit into a window; `step` 0: this one alone. */
  #fetch(row: number, step: -1 | 0 | 1): Window {
    let first = row;
    let end = row + 1;
    if (step !== 0) {
      let bytes = this.#maildrop.size(row);
      for (let at = row + step; at >= 0 && at < this.#maildrop.count; at += step) {
        bytes += this.#maildrop.size(at);
        if (bytes > POP3_READ_AHEAD_BYTES || end - first >= WINDOW_MESSAGES) break;
        if (step === 1) end = at + 1;
        else first = at;
      }
    }
    const batches = collect(this.#mailbox.bodies(this.#folder, this.#maildrop.uids(first, end)));
    // Nobody may ever ask for this window: its failure is told to whoever does.
    batches.catch(() => {});
    return { first, end, batches };
  }
}

const WINDOW_MESSAGES = 256;
/** A message above this is streamed by itself (octets): it gains nothing from company. */
const HELD_BYTES = POP3_READ_AHEAD_BYTES / 4;

async function collect(bodies: AsyncIterable<BodyBatch>): Promise<readonly BodyBatch[]> {
  const batches: BodyBatch[] = [];
  for await (const batch of bodies) batches.push(batch);
  return batches;
}

/** What was picked from the window has been copied into the output by now. */
function giveBack(window: Window): void {
  window.batches.then(
    (batches) => {
      for (const batch of batches) if (batch.kind === 'joined') batch.release?.();
    },
    // Told to whoever asked for the window.
    () => {},
  );
}

function pick(batches: readonly BodyBatch[], index: number): HeldBody | null {
  for (const batch of batches) {
    if (batch.kind === 'streamed' || index < batch.first || index >= batch.first + batch.count) continue;
    const at = index - batch.first;
    const start = batch.offsets[at] ?? 0;
    const length = batch.lengths[at] ?? 0;
    return length === 0 ? null : { bytes: batch.bytes, start, end: start + length };
  }
  return null;
}
