/**
 * What import and export pass along: folders and messages apart from any file format and any store. Readers yield
 * these, writers take them, the control door carries them. A message's bytes are a stream, never a whole.
 */
import type { Buffer } from 'node:buffer';
import type { SpecialUse } from '../../store/model.ts';

export interface FolderRecord {
  /** `/` between levels; `INBOX` in capitals. */
  readonly name: string;
  readonly specialUse: SpecialUse | null;
  readonly subscribed: boolean;
  readonly uidValidity: number | null;
  readonly uidNext: number | null;
  /** Messages to come, as far as known. */
  readonly messages: number | null;
}

export interface MessageRecord {
  readonly folder: string;
  /** System flag bits of store/model.ts. */
  readonly flags: number;
  readonly keywords: readonly string[];
  /** Seconds since 1970; null: the source does not say. */
  readonly internalDate: number | null;
  readonly saveDate: number | null;
  readonly uid: number | null;
  readonly uidl: string | null;
  /** Octets in the source: exact for exports, before normalization of line ends for imports. */
  readonly size: number;
  /** Readable once. */
  readonly chunks: () => AsyncIterable<Buffer>;
}

/** A message on its way in, with its place in the source: the key under which the journal remembers it. */
export interface SourceMessage extends MessageRecord {
  /** Stays the same as long as the source does: path, offset, size. */
  readonly key: string;
  /** For people: `inbox.mbox, message 12 at byte 4711`. */
  readonly origin: string;
}

/** What a reader finds, in the order of the source. `bytes`: how far the reading has come, for the progress bar. */
export type SourceItem =
  | { readonly kind: 'folder'; readonly folder: FolderRecord }
  | { readonly kind: 'message'; readonly message: SourceMessage; readonly bytes: number }
  | { readonly kind: 'problem'; readonly origin: string; readonly text: string; readonly bytes: number };

export function folderRecord(name: string): FolderRecord {
  return { name, specialUse: null, subscribed: true, uidValidity: null, uidNext: null, messages: null };
}

export type ExportItem =
  | { readonly kind: 'folder'; readonly folder: FolderRecord }
  /** Belongs to the folder that came last. The bytes have to be read (or given up) before the next item is asked for. */
  | { readonly kind: 'message'; readonly message: MessageRecord };
