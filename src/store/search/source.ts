/**
 * What searching, sorting and threading need from a store, and what they give back. The store implements
 * `SearchSource` once per open folder and `TextSource` once per mailbox, over any engine; nothing in this folder
 * knows SQLite, files or a protocol.
 *
 * Two searchable texts belong to every content id, both decoded and case-folded by text-entry.ts:
 * - `header`: one line per field of the message header and of its MIME headers,
 * - `body`: the text of all parts.
 * They are caches like fragments: lost ones are made again from the original bytes. They are kept apart because
 * SEARCH BODY (the most frequent full text key) must not read headers, which are as large as the text of most mail.
 */
import type { Buffer } from 'node:buffer';
import type { FragmentPiece } from '../../message/fragment-pieces.ts';
import type { BodyBatch, FolderView, FragmentSlots } from '../api.ts';
import type { SearchQuery, SortCriterion, ThreadAlgorithm, ThreadNode } from './query.ts';

export type TextKind = 'header' | 'body';

/** Entry of a TextBatch whose text was never made; the caller extracts it from the original bytes. */
export const NOT_INDEXED = 0xffffffff;

/** One piece of the fragments of consecutive messages; see FragmentBatch of store/api.ts. */
export interface PieceBatch extends FragmentSlots {
  readonly first: number;
  readonly count: number;
  readonly bytes: Buffer;
}

/** Texts of consecutive messages of the asked list in one buffer; about 1 MB, more only for one single large text. */
export interface TextBatch {
  /** Index into the asked UID list of the first entry; entries are consecutive in that list. */
  readonly first: number;
  readonly count: number;
  /**
   * Valid until the next batch is asked for. A source should take turns with few buffers: a fresh megabyte for every
   * batch makes V8 collect garbage every 32 MB, a third of the time of a search.
   */
  readonly bytes: Buffer;
  /** Entry i stands in bytes[offsets[i], offsets[i] + lengths[i]); fastest when ascending. */
  readonly offsets: Uint32Array;
  /** NOT_INDEXED, or octets; 0 for an empty text and for a message that is gone. */
  readonly lengths: Uint32Array;
}

export interface TextEntry {
  readonly content: number;
  readonly header: Buffer;
  readonly body: Buffer;
}

/**
 * One open folder. `uids` are always ascending; batches come in order and cover the list. Sources read one batch ahead
 * of what they hand out, so that I/O and scanning overlap.
 */
export interface SearchSource {
  readonly view: FolderView;
  fragments(uids: Uint32Array, want: FragmentPiece): AsyncIterable<PieceBatch>;
  bodies(uids: Uint32Array): AsyncIterable<BodyBatch>;
  texts(kind: TextKind, uids: Uint32Array): AsyncIterable<TextBatch>;
  /** Keeps texts made on the spot; a cache write: need not be durable, may ignore contents that are gone. */
  putTexts(entries: readonly TextEntry[]): Promise<void>;
}

/** One mailbox, for indexing in the background. */
export interface TextSource {
  /** Contents without text, at most `limit`, ascending; empty when all is indexed. */
  untexted(limit: number): Promise<Uint32Array>;
  /** Original bytes by content id, in the order asked; same shape as `Mailbox.bodies`. */
  messages(contents: Uint32Array): AsyncIterable<BodyBatch>;
  putTexts(entries: readonly TextEntry[]): Promise<void>;
}

/** Search over one open folder; made by `createFolderSearch` (folder-search.ts), closed with the last view. */
export interface FolderSearch {
  /** Ascending UIDs out of `among` (ascending). Complete, whatever the state of the text index. */
  search(among: Uint32Array, query: SearchQuery): Promise<Uint32Array>;
  /** RFC 5256 §3: those of `uids` (ascending) that still exist, in the asked order. */
  sort(uids: Uint32Array, criteria: readonly SortCriterion[]): Promise<Uint32Array>;
  thread(uids: Uint32Array, algorithm: ThreadAlgorithm): Promise<readonly ThreadNode[]>;
  /** Lets go of rank and thread caches. */
  close(): void;
}

/** Background indexing of one mailbox; made by `createTextIndexer` (text-indexer.ts). */
export interface TextIndexer {
  /** Works for about `budgetMs` of wall time (at least one batch); true when there is more to do. Never runs twice at once. */
  step(budgetMs: number): Promise<boolean>;
}
