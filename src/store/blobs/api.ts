/**
 * Where the original bytes of messages lie: written once, read in ranges, removed when no message refers to them. The
 * engines that keep contents apart from their log do it through this; today that is PostgreSQL, which keeps them in the
 * database (engine/postgres/contents.ts).
 *
 * A store outside of the database, such as S3, takes the same seat: `put` makes the bytes durable before it resolves,
 * under the mailbox's and the content's number, and has no use for the transaction. What a crash leaves without a
 * message is found by `list` and removed by maintenance, as the contents of removed messages are. A number is put again
 * when the commit that was to name it failed: the later bytes count.
 */
import type { Buffer } from 'node:buffer';
import type { Payload, SegmentSize } from '../mailbox/storage.ts';

/** Bytes [offset, offset + length) of a blob, to be put at `at` of the target. */
export interface BlobRange {
  readonly number: number;
  readonly offset: number;
  readonly length: number;
  readonly at: number;
}

export interface NewBlob {
  readonly number: number;
  readonly payload: Payload;
}

/** The blobs of one mailbox. */
export interface Blobs<Transaction> {
  /** Durable at the latest with the transaction; large ones go piece by piece. */
  put(blobs: readonly NewBlob[], transaction: Transaction): Promise<void>;
  /** @throws Error when one of them is not there */
  read(ranges: readonly BlobRange[], target: Buffer): Promise<void>;
  /** What is wrong with a blob, read in full; null: nothing. */
  check(number: number, size: number): Promise<string | null>;
  /** All there are, with their octets. */
  list(): Promise<readonly SegmentSize[]>;
  remove(numbers: readonly number[]): Promise<void>;
}
