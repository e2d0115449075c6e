/** Binary data by id (RFC 8620 §6): what clients have uploaded and no message holds yet. */
import type { Buffer } from 'node:buffer';

export interface UploadedBlob {
  /** Octets. */
  readonly size: number;
  /** Media type that the client gave; a claim, no more. */
  readonly type: string;
  /** Octets [start, end) in pieces; all of them when left out. @throws Failure NONEXISTENT when it has expired meanwhile */
  read(start?: number, end?: number): AsyncIterable<Buffer>;
}

/** Those that one person has uploaded for one account: nobody else sees them, in a shared account either (§6.1). */
export interface UploadedBlobs {
  /** Null: there is none of this id, or not any more. It stays for an hour at least behind its last use. */
  find(blobId: string): Promise<UploadedBlob | null>;
}
