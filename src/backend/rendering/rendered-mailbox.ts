/**
 * A mailbox whose messages are served as its owner wishes (message/render), behind the store's own interface, so that
 * IMAP and POP3 sessions know nothing of it. Sizes, parse results, bodies and pieces agree with each other; UIDs,
 * unique-ids, flags and MODSEQ are the store's. Whatever comes in, and every search for text, is about the originals.
 */
import type { Buffer } from 'node:buffer';
import type { FragmentPiece } from '../../message/fragment-pieces.ts';
import { renderedBound } from '../../message/render/render.ts';
import { isAsItIs, type RenderingWish } from '../../message/render/wish.ts';
import type { Log } from '../../observe/log.ts';
import type {
  AppendOptions,
  Appended,
  BodyBatch,
  Copied,
  FlagChange,
  FolderChange,
  FolderView,
  FragmentBatch,
  Mailbox,
  MailboxEvent,
  MailboxUsage,
  Origin,
  StagedMessage,
  Stored,
} from '../../store/api.ts';
import type { Folder, FolderId, FolderKind, MailboxId, ModSeq, SpecialUse } from '../../store/model.ts';
import type { SearchQuery, SortCriterion, ThreadAlgorithm, ThreadNode } from '../../store/search/query.ts';
import { FactsRegistry, type RenderedFacts } from './rendered-facts.ts';
import {
  type Contents,
  copies,
  measureRows,
  renderedBodies,
  renderedFragments,
  renderedMessage,
} from './rendered-reading.ts';
import { asksForSizes, sortBySize, withSizes } from './rendered-search.ts';
import { RenderedView } from './rendered-view.ts';

/** All rendered mailboxes of a back end: they share what they have found out. */
export class RenderedMailboxes {
  readonly #registry = new FactsRegistry();

  /** `mailbox` itself when nothing is to be rendered. Closing what is returned closes `mailbox`. */
  of(mailbox: Mailbox, wish: RenderingWish, log: Log): Mailbox {
    if (isAsItIs(wish)) return mailbox;
    const facts = this.#registry.take(mailbox.id, wish);
    return new RenderedMailbox(mailbox, facts, () => this.#registry.release(facts), log);
  }

  /** Octets of rendered messages held, and sizes known: for tests and figures. */
  get held(): { readonly bytes: number; readonly sizes: number } {
    return { bytes: this.#registry.cachedBytes, sizes: this.#registry.sizesKnown };
  }
}

class RenderedMailbox implements Mailbox {
  readonly id: MailboxId;
  readonly #inner: Mailbox;
  readonly #facts: RenderedFacts;
  readonly #released: () => void;
  readonly #log: Log;
  readonly #views = new Set<RenderedView>();
  readonly #listeners = new Set<(event: MailboxEvent) => void>();
  #unwatch: (() => void) | null = null;
  /** Events that wait because one before them brought messages that are being measured. */
  #waiting: MailboxEvent[] = [];
  #settling: Promise<void> | null = null;
  #open = true;

  constructor(inner: Mailbox, facts: RenderedFacts, released: () => void, log: Log) {
    this.id = inner.id;
    this.#inner = inner;
    this.#facts = facts;
    this.#released = released;
    this.#log = log;
  }

  /* ------------------------------------------------------------ folders */

  folders(): readonly Folder[] {
    return this.#inner.folders().map((folder) => this.#shown(folder));
  }

  folder(id: FolderId): Folder | null {
    return this.#shownOrNull(this.#inner.folder(id));
  }

  folderByName(name: string): Folder | null {
    return this.#shownOrNull(this.#inner.folderByName(name));
  }

  folderByUse(use: SpecialUse): Folder | null {
    return this.#shownOrNull(this.#inner.folderByUse(use));
  }

  async createFolder(
    name: string,
    options: { specialUse?: SpecialUse; kind?: FolderKind; subscribed?: boolean } = {},
  ): Promise<Folder> {
    return this.#shown(await this.#inner.createFolder(name, options));
  }

  async changeFolder(id: FolderId, change: FolderChange): Promise<Folder> {
    return this.#shown(await this.#inner.changeFolder(id, change));
  }

  removeFolder(id: FolderId): Promise<void> {
    return this.#inner.removeFolder(id);
  }

  subscribedNames(): readonly string[] {
    return this.#inner.subscribedNames();
  }

  subscribeName(name: string, subscribed: boolean): Promise<void> {
    return this.#inner.subscribeName(name, subscribed);
  }

  usage(): MailboxUsage {
    return this.#inner.usage();
  }

  #shownOrNull(folder: Folder | null): Folder | null {
    return folder === null ? null : this.#shown(folder);
  }

  /**
   * RFC 8438 §2: the SIZE of a folder is at least the sum of what its messages are said to have. It is exact where
   * they have been measured, else the most they can have.
   */
  #shown(folder: Folder): Folder {
    for (const view of this.#views) if (view.folder.id === folder.id) return { ...folder, bytes: view.bytes };
    return { ...folder, bytes: this.#facts.bytesOf(folder) ?? renderedBound(folder.bytes, folder.exists) };
  }

  /* ------------------------------------------------------------ reading */

  async view(id: FolderId): Promise<FolderView> {
    const inner = await this.#inner.view(id);
    const view = new RenderedView(inner, this.#facts, (closed) => {
      // What is not measured yet makes the sum too small to be remembered.
      if (this.#views.delete(closed) && !closed.isBehind) this.#facts.noteFolder(closed.folder, closed.bytes);
    });
    try {
      await this.#measure(view);
    } catch (error) {
      view.close();
      throw error;
    }
    this.#views.add(view);
    return view;
  }

  fragments(folder: FolderId, uids: Uint32Array, want: readonly FragmentPiece[]): AsyncIterable<FragmentBatch> {
    return this.#withContents(folder, uids, (contents) =>
      renderedFragments(this.#inner, folder, uids, want, contents, this.#facts),
    );
  }

  bodies(folder: FolderId, uids: Uint32Array): AsyncIterable<BodyBatch> {
    return this.#withContents(folder, uids, (contents) =>
      renderedBodies(this.#inner, folder, uids, contents, this.#facts),
    );
  }

  async *read(folder: FolderId, uid: number, start: number, end: number): AsyncIterable<Buffer> {
    const [content] = await this.#contents(folder, Uint32Array.of(uid));
    const rendered = await renderedMessage(this.#inner, folder, uid, content ?? null, this.#facts);
    if (rendered === null) yield* this.#inner.read(folder, uid, start, end);
    else yield* copies(rendered.bytes, start, end);
  }

  async *#withContents<T>(
    folder: FolderId,
    uids: Uint32Array,
    read: (contents: Contents) => AsyncIterable<T>,
  ): AsyncIterable<T> {
    yield* read(await this.#contents(folder, uids));
  }

  /** What is expunged has no content any more, but can still be read. */
  async #contents(folder: FolderId, uids: Uint32Array): Promise<Contents> {
    const view = await this.#inner.view(folder);
    try {
      const rows = new Int32Array(uids.length);
      view.locate(uids, 0, uids.length, rows);
      const { content } = view.columns;
      return Array.from(rows, (row) => (row < 0 ? null : (content[row] ?? null)));
    } finally {
      view.close();
    }
  }

  #measure(view: RenderedView): Promise<void> {
    return this.#facts.inTurn(async () => {
      for (let rows = view.unmeasured; rows.first < rows.end; rows = view.unmeasured) {
        await measureRows(this.#inner, view.folder.id, view.storeColumns, rows, this.#facts);
      }
    });
  }

  async search(folder: FolderId, among: Uint32Array, query: SearchQuery): Promise<Uint32Array> {
    if (!asksForSizes(query)) return this.#inner.search(folder, among, query);
    const view = await this.view(folder);
    try {
      return await this.#inner.search(folder, among, withSizes(query, view.columns));
    } finally {
      view.close();
    }
  }

  async sort(folder: FolderId, uids: Uint32Array, criteria: readonly SortCriterion[]): Promise<Uint32Array> {
    if (!criteria.some(({ key }) => key === 'size')) return this.#inner.sort(folder, uids, criteria);
    const view = await this.view(folder);
    try {
      const sizes = new Map(Array.from(uids, (uid) => [uid, view.columns.size[view.rowOf(uid)] ?? 0]));
      return await sortBySize(
        uids,
        criteria,
        (uid) => sizes.get(uid) ?? 0,
        (some, by) => this.#inner.sort(folder, some, by),
      );
    } finally {
      view.close();
    }
  }

  thread(folder: FolderId, uids: Uint32Array, algorithm: ThreadAlgorithm): Promise<readonly ThreadNode[]> {
    return this.#inner.thread(folder, uids, algorithm);
  }

  /* ------------------------------------------------------------ changes */

  async append(folder: FolderId, message: StagedMessage, options: AppendOptions, origin?: Origin): Promise<Appended> {
    return this.#settled(await this.#inner.append(folder, message, options, origin));
  }

  async setFlags(folder: FolderId, uids: Uint32Array, change: FlagChange, origin?: Origin): Promise<Stored> {
    return this.#settled(await this.#inner.setFlags(folder, uids, change, origin));
  }

  async copy(from: FolderId, uids: Uint32Array, to: FolderId, origin?: Origin): Promise<Copied> {
    return this.#settled(await this.#inner.copy(from, uids, to, origin));
  }

  async move(from: FolderId, uids: Uint32Array, to: FolderId, origin?: Origin): Promise<Copied> {
    return this.#settled(await this.#inner.move(from, uids, to, origin));
  }

  async expunge(
    folder: FolderId,
    uids: Uint32Array,
    options: { purge?: boolean } = {},
    origin?: Origin,
  ): Promise<{ expunged: Uint32Array; modSeq: ModSeq }> {
    return this.#settled(await this.#inner.expunge(folder, uids, options, origin));
  }

  clearRecent(folder: FolderId): Promise<void> {
    return this.#inner.clearRecent(folder);
  }

  maintain(options: { retentionSeconds: number }): Promise<void> {
    return this.#inner.maintain(options);
  }

  /** store/api.ts: when a change resolves, the change feed has published it. */
  async #settled<T>(result: T): Promise<T> {
    if (this.#settling === null && !this.#hasUnmeasured) return result;
    await this.#settle();
    return result;
  }

  /* ------------------------------------------------------------- events */

  watch(listener: (event: MailboxEvent) => void): () => void {
    this.#listeners.add(listener);
    this.#unwatch ??= this.#inner.watch((event) => this.#happened(event));
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** New messages are told of when their sizes are known; what comes after them waits, so that order is kept. */
  #happened(event: MailboxEvent): void {
    if (this.#settling === null && !this.#hasUnmeasured) {
      this.#tell(event);
      return;
    }
    this.#waiting.push(event);
    void this.#settle();
  }

  #tell(event: MailboxEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  get #hasUnmeasured(): boolean {
    for (const view of this.#views) if (view.isBehind) return true;
    return false;
  }

  /** Never rejects: a message that cannot be measured now is not shown yet, and tried again at the next event. */
  #settle(): Promise<void> {
    this.#settling ??= this.#measureAll().finally(() => {
      this.#settling = null;
    });
    return this.#settling;
  }

  async #measureAll(): Promise<void> {
    do {
      const events = this.#waiting;
      this.#waiting = [];
      try {
        for (const view of this.#views) await this.#measure(view);
      } catch (error) {
        this.#log.error({ mailbox: this.id, error: String(error) }, 'new messages could not be rendered');
      }
      if (!this.#open) return;
      try {
        for (const event of events) this.#tell(event);
      } catch (error) {
        this.#log.error({ mailbox: this.id, error: String(error) }, 'a session could not take an event');
      }
    } while (this.#waiting.length > 0);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#unwatch?.();
    this.#listeners.clear();
    this.#released();
    this.#inner.close();
  }
}
