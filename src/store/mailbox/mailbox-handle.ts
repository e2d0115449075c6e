/** One caller's hold on an open mailbox (store/api.ts Mailbox). Closing it closes its views and watchers. */
import type { Buffer } from 'node:buffer';
import type { FragmentPiece } from '../../message/fragment-pieces.ts';
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
} from '../api.ts';
import type { Folder, FolderId, FolderKind, MailboxId, ModSeq, SpecialUse } from '../model.ts';
import type { SearchQuery, SortCriterion, ThreadAlgorithm, ThreadNode } from '../search/query.ts';
import type { Watch } from './change-feed.ts';
import {
  changeFolderIntent,
  createFolderIntent,
  recentIntent,
  removeFolderIntent,
  subscribeIntent,
} from './folder-intents.ts';
import { INBOX } from './folder-name.ts';
import { findLineEnds } from './line-ends.ts';
import type { SharedFolderView } from './folder-view.ts';
import type { MailboxCore } from './mailbox-core.ts';
import { maintain } from './maintenance.ts';
import { appendIntent, copyIntent, expungeIntent, flagsIntent } from './message-intents.ts';
import { usageOf } from './quota.ts';
import { Staged } from './staging.ts';

/** Shared by all handles that hold none. */
const NONE: readonly never[] = [];

export class MailboxHandle implements Mailbox {
  readonly id: MailboxId;
  readonly #core: MailboxCore;
  readonly #released: () => void;
  /** Lists, not sets: nearly every handle has one view and one watch, and a set costs ten times as much. */
  #views: readonly SharedFolderView[] = NONE;
  #watches: readonly Watch[] = NONE;
  #open = true;

  constructor(core: MailboxCore, released: () => void) {
    this.id = core.id;
    this.#core = core;
    this.#released = released;
  }

  folders(): readonly Folder[] {
    return [...this.#core.state.folders.values()].map((folder) => folder.snapshot);
  }

  folder(id: FolderId): Folder | null {
    return this.#core.state.folders.get(id)?.snapshot ?? null;
  }

  folderByName(name: string): Folder | null {
    const wanted = name.normalize('NFC');
    const folder = this.#core.state.byKey(wanted);
    if (folder === null) return null;
    return folder.name === wanted || startsWithInbox(folder.name, wanted) ? folder.snapshot : null;
  }

  folderByUse(use: SpecialUse): Folder | null {
    return this.#core.state.byUse(use)?.snapshot ?? null;
  }

  usage(): MailboxUsage {
    return usageOf(this.#core.state);
  }

  async createFolder(
    name: string,
    options: { specialUse?: SpecialUse; kind?: FolderKind; subscribed?: boolean } = {},
  ): Promise<Folder> {
    return this.#core.folder(await this.#core.queue.submit(createFolderIntent(name, options))).snapshot;
  }

  async changeFolder(id: FolderId, change: FolderChange): Promise<Folder> {
    return this.#core.folder(await this.#core.queue.submit(changeFolderIntent(id, change))).snapshot;
  }

  removeFolder(id: FolderId): Promise<void> {
    return this.#core.queue.submit(removeFolderIntent(id));
  }

  subscribedNames(): readonly string[] {
    return [...this.#core.state.subscriptions];
  }

  subscribeName(name: string, subscribed: boolean): Promise<void> {
    return this.#core.queue.submit(subscribeIntent(name, subscribed));
  }

  async view(id: FolderId): Promise<FolderView> {
    const folder = this.#core.folder(id);
    const view = await this.#core.openView(folder);
    // A client that selects all day would otherwise leave every view it ever had here.
    this.#views = oneMore(
      this.#views.filter((former) => former.isOpen),
      view,
    );
    const search = findLineEnds(this.#core, folder);
    if (search !== null) await search;
    return view;
  }

  append(folder: FolderId, message: StagedMessage, options: AppendOptions, origin?: Origin): Promise<Appended> {
    if (!(message instanceof Staged)) throw new TypeError('the message was staged by another kind of database');
    return message.use(this.#core.queue.submit(appendIntent(folder, message, options, origin ?? null)));
  }

  setFlags(folder: FolderId, uids: Uint32Array, change: FlagChange, origin?: Origin): Promise<Stored> {
    return this.#core.queue.submit(flagsIntent(folder, uids, change, origin ?? null));
  }

  copy(from: FolderId, uids: Uint32Array, to: FolderId, origin?: Origin): Promise<Copied> {
    return this.#core.queue.submit(copyIntent('copy', from, uids, to, origin ?? null));
  }

  move(from: FolderId, uids: Uint32Array, to: FolderId, origin?: Origin): Promise<Copied> {
    return this.#core.queue.submit(copyIntent('move', from, uids, to, origin ?? null));
  }

  expunge(
    folder: FolderId,
    uids: Uint32Array,
    options: { purge?: boolean } = {},
    origin?: Origin,
  ): Promise<{ expunged: Uint32Array; modSeq: ModSeq }> {
    return this.#core.queue.submit(expungeIntent(folder, uids, options.purge ?? false, origin ?? null));
  }

  clearRecent(folder: FolderId): Promise<void> {
    return this.#core.queue.submit(recentIntent(folder));
  }

  fragments(folder: FolderId, uids: Uint32Array, want: readonly FragmentPiece[]): AsyncIterable<FragmentBatch> {
    return this.#core.fragments(this.#core.folder(folder), uids, want);
  }

  bodies(folder: FolderId, uids: Uint32Array): AsyncIterable<BodyBatch> {
    return this.#core.bodies(this.#core.folder(folder), uids);
  }

  read(folder: FolderId, uid: number, start: number, end: number): AsyncIterable<Buffer> {
    return this.#core.read(this.#core.folder(folder), uid, start, end);
  }

  search(folder: FolderId, among: Uint32Array, query: SearchQuery): Promise<Uint32Array> {
    return this.#core.withSearch(this.#core.folder(folder), (search) => search.search(among, query));
  }

  sort(folder: FolderId, uids: Uint32Array, criteria: readonly SortCriterion[]): Promise<Uint32Array> {
    return this.#core.withSearch(this.#core.folder(folder), (search) => search.sort(uids, criteria));
  }

  thread(folder: FolderId, uids: Uint32Array, algorithm: ThreadAlgorithm): Promise<readonly ThreadNode[]> {
    return this.#core.withSearch(this.#core.folder(folder), (search) => search.thread(uids, algorithm));
  }

  watch(listener: (event: MailboxEvent) => void): () => void {
    const watch = this.#core.feed.watch(listener);
    this.#watches = oneMore(this.#watches, watch);
    return () => {
      this.#watches = this.#watches.filter((other) => other !== watch);
      watch.stop();
    };
  }

  maintain(options: { retentionSeconds: number }): Promise<void> {
    return maintain(this.#core, options.retentionSeconds);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const watch of this.#watches) watch.stop();
    for (const view of this.#views) view.close();
    this.#released();
  }
}

/** A spread leaves room for sixteen more. */
const oneMore = <T>(list: readonly T[], item: T): readonly T[] => (list.length === 0 ? [item] : [...list, item]);

/** INBOX is written in any case, also as the first level of an inferior. */
function startsWithInbox(name: string, wanted: string): boolean {
  const level = INBOX.length;
  return (
    (name === INBOX || name.startsWith(`${INBOX}/`)) &&
    wanted.slice(0, level).toUpperCase() === INBOX &&
    wanted.slice(level) === name.slice(level)
  );
}
