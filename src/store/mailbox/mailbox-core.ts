/**
 * One open mailbox, shared by all its handles: state, commit queue, change feed, texts, search, and the reads that
 * join rows with bytes.
 */
import type { Buffer } from 'node:buffer';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { cutFragment, type FragmentPiece } from '../../message/fragment-pieces.ts';
import type { ParsedMessage } from '../../message/model.ts';
import { MessageScanner, parseMessage } from '../../message/scanner.ts';
import { Failure } from '../../observe/failure.ts';
import type { Log } from '../../observe/log.ts';
import type { BodyBatch, FragmentBatch, MailboxQuota } from '../api.ts';
import type { MailboxId } from '../model.ts';
import { createFolderSearch } from '../search/folder-search.ts';
import type { FolderSearch, SearchSource, TextIndexer } from '../search/source.ts';
import { createTextIndexer } from '../search/text-indexer.ts';
import { WarmSearches } from '../search/warm-searches.ts';
import { foldersOf } from './change.ts';
import { ChangeFeed } from './change-feed.ts';
import { CommitQueue } from './commit-queue.ts';
import type { FolderState } from './folder-state.ts';
import { SharedFolderView } from './folder-view.ts';
import { Effects, MailboxState } from './mailbox-state.ts';
import { placesOf, putFragment, setFragment } from './fragment-places.ts';
import { type CutFragment, fragmentBatches, onePiece } from './fragment-reading.ts';
import { bodyBatches, contentPlaces, emptyPlaces, forEachRow, gone, readPieces } from './reading.ts';
import type { MailboxStorage, OpenedMailbox } from './storage.ts';
import { TextBacklog } from './text-backlog.ts';
import { Texts } from './texts.ts';

/** Of all mailboxes of this process. */
const warmSearches = new WarmSearches<FolderSearch>();

export class MailboxCore {
  readonly id: MailboxId;
  readonly storage: MailboxStorage;
  readonly state: MailboxState;
  readonly feed: ChangeFeed;
  readonly queue: CommitQueue;
  readonly texts: Texts;
  readonly backlog: TextBacklog;
  readonly indexer: TextIndexer;
  readonly log: Log;
  /** Seconds since 1970. */
  readonly now: () => number;
  /** Something was committed since the last sweep, and a sweep is under way. Set by background.ts. */
  active = false;
  sweeping = false;
  /** It is being moved away (departure.ts). */
  departing = false;
  /** Rows that learned something worth keeping that no change says: parse results made again, line ends found. */
  relearned = 0;
  /** The fold under way; never rejects. Set by folding.ts. */
  folding: Promise<void> | null = null;
  /** Sort and thread keys of folders; `warmSearches` decides how long they are kept. */
  readonly #searches = new Map<number, FolderSearch>();
  #holds = 0;

  /** `committed` is called after each commit, when everybody has been told; `broke` when memory is no longer the truth. */
  constructor(
    id: MailboxId,
    opened: OpenedMailbox,
    log: Log,
    now: () => number,
    quota: () => MailboxQuota,
    committed: (core: MailboxCore) => void,
    broke: (core: MailboxCore, reason: Failure) => void,
  ) {
    const { storage, stored } = opened;
    this.id = id;
    this.storage = storage;
    this.log = log;
    this.now = now;
    this.state = new MailboxState(storage, stored);
    this.feed = new ChangeFeed(log);
    const onCommit = (contents: readonly number[]): void => {
      this.active = true;
      for (const content of contents) this.backlog.note(content);
      committed(this);
    };
    const onBreak = (reason: Failure): void => broke(this, reason);
    this.queue = new CommitQueue(this.state, storage, this.feed, log, now, quota, onCommit, onBreak);
    this.texts = new Texts(storage.texts);
    this.backlog = new TextBacklog(this.state, storage, this.texts);
    this.indexer = createTextIndexer(this.backlog);
  }

  /** Applies what was logged behind the stored state, then jumps MODSEQ after an unclean shutdown. */
  async recover(opened: OpenedMailbox): Promise<void> {
    const effects = new Effects();
    for (const { entry, location } of opened.replay()) {
      const folders = foldersOf(entry);
      for (const id of folders === 'all' ? this.state.folders.keys() : folders) {
        const folder = this.state.folders.get(id);
        const loading = folder === undefined ? undefined : this.state.load(folder);
        if (loading !== undefined) await loading;
      }
      this.state.apply(entry, location, null, effects);
    }
    const { raise } = opened;
    if (raise === null || this.state.folders.size === 0) return;
    await this.queue.submit({
      rows: [],
      into: [],
      alone: true,
      origin: null,
      plan: (draft) => {
        const modSeq = draft.nextModSeq() + raise.step;
        draft.add({ kind: 'raise', modSeq, touch: raise.touch }, null);
      },
    });
  }

  /** Resolves when neither commits nor background work are under way. */
  async settled(): Promise<void> {
    this.active = true;
    await this.queue.drained();
    while (this.sweeping || this.folding !== null) {
      await this.folding;
      await nextTurn();
    }
  }

  /** @throws Failure NONEXISTENT */
  folder(id: number): FolderState {
    const folder = this.state.folders.get(id);
    if (folder === undefined) throw new Failure('NONEXISTENT', 'The folder no longer exists.');
    return folder;
  }

  /** Its rows stay in memory until the view is closed, where reading them in again takes waiting. */
  async openView(folder: FolderState): Promise<SharedFolderView> {
    const loading = this.state.load(folder);
    if (loading !== undefined) await loading;
    this.state.rows(folder);
    return new SharedFolderView(this.state, folder);
  }

  /** Reads in all rows and keeps them until the returned function is called; for work on the whole mailbox. */
  async holdAll(): Promise<() => void> {
    this.#holds += 1;
    const letGo = (): void => void (this.#holds -= 1);
    try {
      await this.state.loadAll();
      const index = this.texts.load();
      if (index !== undefined) await index;
      return letGo;
    } catch (reason) {
      letGo();
      throw reason;
    }
  }

  /** Rows of this folder may go. */
  isIdle(folder: FolderState): boolean {
    if (folder.used || folder.loading !== null) return false;
    return this.storage.reloads === 'at once' || (this.#holds === 0 && folder.views === 0);
  }

  get isHeld(): boolean {
    return this.#holds > 0;
  }

  /** Search of one folder; its keys are kept for whoever comes next. */
  async withSearch<T>(folder: FolderState, use: (search: FolderSearch) => Promise<T>): Promise<T> {
    const view = await this.openView(folder);
    try {
      const index = this.texts.load();
      if (index !== undefined) await index;
      let search = this.#searches.get(folder.id);
      if (search === undefined) {
        search = createFolderSearch(this.#searchSource(folder, view), { now: this.now });
        this.#searches.set(folder.id, search);
      }
      this.#keepWarm(folder, search);
      return await use(search);
    } finally {
      view.close();
    }
  }

  /** The mailbox is being closed: nobody will ask for these keys again. */
  forgetSearches(): void {
    for (const search of this.#searches.values()) warmSearches.forget(search);
    this.#searches.clear();
  }

  #keepWarm(folder: FolderState, search: FolderSearch): void {
    warmSearches.use(search, folder.facts.exists, () => {
      if (this.#searches.get(folder.id) === search) this.#searches.delete(folder.id);
      search.close();
    });
  }

  fragments(folder: FolderState, uids: Uint32Array, want: readonly FragmentPiece[]): AsyncIterable<FragmentBatch> {
    return this.#withRows(folder, () =>
      fragmentBatches({
        count: uids.length,
        want,
        places: (from, count, present) =>
          want.map((piece) => {
            const places = emptyPlaces(count);
            forEachRow(folder, this.state.rows(folder), uids, from, count, (i, columns, row) => {
              const { offset, length } = placesOf(columns, piece);
              present[i] = 1;
              places.offset[i] = offset[row]!;
              places.length[i] = length[row]!;
            });
            return places;
          }),
        read: (piece, ranges, target) => this.storage.readFragments(piece, ranges, target),
        reparse: (indexes) => this.#reparse(folder, uids, indexes),
      }),
    );
  }

  bodies(folder: FolderState, uids: Uint32Array): AsyncIterable<BodyBatch> {
    return this.#withRows(folder, () =>
      bodyBatches({
        count: uids.length,
        places: (from, count) => contentPlaces(folder, this.state.rows(folder), uids, from, count),
        read: (ranges, target) => this.storage.readContent(ranges, target),
      }),
    );
  }

  read(folder: FolderState, uid: number, start: number, end: number): AsyncIterable<Buffer> {
    return this.#withRows(folder, () => this.#read(folder, uid, start, end));
  }

  // oxlint-disable-next-line typescript/require-await -- what is gone surfaces when the first piece is asked for
  async *#read(folder: FolderState, uid: number, start: number, end: number): AsyncIterable<Buffer> {
    const places = contentPlaces(folder, this.state.rows(folder), Uint32Array.of(uid), 0, 1);
    const size = places.length[0]!;
    const segment = places.segment[0]!;
    if (size === 0 && segment === 0) gone();
    const from = Math.max(0, start);
    const length = Math.min(end, size) - from;
    if (length <= 0) return;
    yield* readPieces(
      (ranges, target) => this.storage.readContent(ranges, target),
      segment,
      places.offset[0]! + from,
      length,
    );
  }

  /** Where rows may have to be waited for, a view holds them for as long as they are read from. */
  #withRows<T>(folder: FolderState, source: () => AsyncIterable<T>): AsyncIterable<T> {
    return this.storage.reloads === 'awaited' ? this.#holdingView(folder, source) : source();
  }

  async *#holdingView<T>(folder: FolderState, source: () => AsyncIterable<T>): AsyncIterable<T> {
    const view = await this.openView(folder);
    try {
      yield* source();
    } finally {
      view.close();
    }
  }

  #searchSource(folder: FolderState, view: SharedFolderView): SearchSource {
    return {
      view,
      fragments: (uids, want) => onePiece(this.fragments(folder, uids, [want]), want),
      bodies: (uids) => this.bodies(folder, uids),
      texts: (kind, uids) => {
        const contents = new Uint32Array(uids.length);
        forEachRow(folder, this.state.rows(folder), uids, 0, uids.length, (i, columns, row) => {
          contents[i] = columns.content[row]!;
        });
        return this.texts.batches(kind, contents);
      },
      putTexts: (entries) => this.texts.put(entries),
    };
  }

  async #reparse(
    folder: FolderState,
    uids: Uint32Array,
    indexes: readonly number[],
  ): Promise<ReadonlyMap<number, CutFragment>> {
    const made = new Map<number, CutFragment>();
    const wanted = Uint32Array.from(indexes, (index) => uids[index]!);
    for await (const batch of this.bodies(folder, wanted)) {
      if (batch.kind === 'streamed') {
        const parsed = await parseStream(batch.chunks);
        made.set(indexes[batch.first]!, this.#keepFragment(folder, wanted[batch.first]!, parsed));
        continue;
      }
      for (let i = 0; i < batch.count; i += 1) {
        const start = batch.offsets[i]!;
        const uid = wanted[batch.first + i]!;
        const parsed = parseMessage(batch.bytes.subarray(start, start + batch.lengths[i]!));
        made.set(indexes[batch.first + i]!, this.#keepFragment(folder, uid, parsed));
      }
    }
    return made;
  }

  #keepFragment(folder: FolderState, uid: number, parsed: ParsedMessage): CutFragment {
    const pieces = cutFragment(parsed.fragment);
    const columns = this.state.rows(folder);
    const row = columns.rowOf(uid);
    if (row >= 0) {
      setFragment(columns, row, putFragment(this.storage, pieces));
      this.relearned += 1;
      if (parsed.sentDate !== null) columns.sentDate[row] = parsed.sentDate;
      if (parsed.sentDay !== null) columns.sentDay[row] = parsed.sentDay;
      folder.markChunk(uid);
    }
    return pieces;
  }
}

async function parseStream(chunks: AsyncIterable<Buffer>): Promise<ParsedMessage> {
  const scanner = new MessageScanner();
  for await (const chunk of chunks) scanner.write(chunk);
  return scanner.end();
}
