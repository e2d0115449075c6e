/**
 * The maildrop of one session: the Inbox as it was at logon (RFC 1939 §4), message numbers, marks of DELE.
 * It holds numbers only, 8 to 10 bytes a message, never a body. Several sessions may look at one mailbox at once, each at
 * its own picture; Exchange does so too, and no client has to wait for a lock a broken one left behind.
 */
import type { FolderView } from '../store/api.ts';

const LINE_END_OCTETS = 2;

export class Maildrop {
  readonly count: number;
  /** Octets of all messages as RETR sends them. */
  readonly bytes: number;
  readonly #view: FolderView;
  readonly #descending: boolean;
  readonly #uids: Uint32Array;
  readonly #sizes: Uint32Array;
  /** 1: the last line has no end, RETR sends two octets more than are stored. Null: there is no such message. */
  readonly #open: Uint8Array | null;
  #deleted: Uint8Array | null = null;
  #deletedCount = 0;
  #deletedBytes = 0;

  /** The view stays open as long as the maildrop: bytes expunged meanwhile stay readable (store/api.ts). */
  constructor(view: FolderView, order: 'Ascending' | 'Descending') {
    const { columns } = view;
    this.#view = view;
    this.#descending = order === 'Descending';
    this.count = columns.length;
    this.#uids = columns.uid.slice(0, columns.length);
    this.#sizes = columns.size.slice(0, columns.length);
    let bytes = 0;
    let open: Uint8Array | null = null;
    for (let row = 0; row < this.count; row += 1) {
      bytes += this.#sizes[row]!;
      if (!view.lineEndMissing(row)) continue;
      open ??= new Uint8Array(this.count);
      open[row] = 1;
      bytes += LINE_END_OCTETS;
    }
    this.bytes = bytes;
    this.#open = open;
  }

  /** Messages not marked as deleted. */
  get remaining(): { readonly count: number; readonly bytes: number } {
    return { count: this.count - this.#deletedCount, bytes: this.bytes - this.#deletedBytes };
  }

  get hasDeletions(): boolean {
    return this.#deletedCount > 0;
  }

  /** Row of a message number, -1 when there is no such message or it is marked as deleted. */
  row(message: number): number {
    if (message < 1 || message > this.count) return -1;
    const row = this.#descending ? this.count - message : message - 1;
    return this.#deleted?.[row] === 1 ? -1 : row;
  }

  uid(row: number): number {
    return this.#uids[row] ?? 0;
  }

  /** What LIST tells and RETR sends, dot-stuffing apart: lines are complete (RFC 1939 §3, §11). */
  size(row: number): number {
    return this.octets(row) + (this.#open?.[row] === 1 ? LINE_END_OCTETS : 0);
  }

  /** What is stored. */
  octets(row: number): number {
    return this.#sizes[row] ?? 0;
  }

  uidl(row: number): string {
    return this.#view.uidl(this.uid(row));
  }

  /** UIDs of rows [first, end), ascending. */
  uids(first: number, end: number): Uint32Array {
    return this.#uids.subarray(first, end);
  }

  delete(row: number): void {
    this.#deleted ??= new Uint8Array(this.count);
    if (this.#deleted[row] === 1) return;
    this.#deleted[row] = 1;
    this.#deletedCount += 1;
    this.#deletedBytes += this.size(row);
  }

  reset(): void {
    this.#deleted = null;
    this.#deletedCount = 0;
    this.#deletedBytes = 0;
  }

  /** UIDs marked as deleted, ascending. */
  deletedUids(): Uint32Array {
    const uids = new Uint32Array(this.#deletedCount);
    if (this.#deleted === null) return uids;
    let at = 0;
    for (let row = 0; row < this.count; row += 1) if (this.#deleted[row] === 1) uids[at++] = this.uid(row);
    return uids;
  }

  close(): void {
    this.#view.close();
  }
}
