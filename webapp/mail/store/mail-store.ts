/**
 * What this browser knows of one mailbox: its folders, the Emails and conversations it has seen, lists by their query.
 * Windows of lists are asked for when they come near; a push is followed by one request that brings all that has
 * changed (Email/changes with what it names, the window that is shown, counts of folders). Changes by the person are
 * shown at once and taken back when the server refuses. Knows no React.
 */
import type { JmapClient } from '../../jmap/client.ts';
import { MethodRefused, type SetRefused } from '../../jmap/errors.ts';
import { CAPABILITIES } from '../../jmap/session.ts';
import {
  type Email,
  EMAIL_PROPERTIES,
  emailGet,
  type Mailbox,
  MAILBOX_PROPERTIES,
  mailboxGet,
  type Placed,
  threadGet,
} from '../methods.ts';
import { changed, recounted } from './email-change.ts';
import { type Edits, MailRequests, type NewsWindow } from './mail-requests.ts';
import { EmailCache } from './email-cache.ts';
import { MessageList, PAGE } from './message-list.ts';
import { listKey, type ListSpec } from './list-spec.ts';

/** Emails named in one /get of conversations. */
const GET_AT_ONCE = 500;
/** Lists kept, so that a folder seen a moment ago is there at once. */
const LISTS_KEPT = 12;

interface ShownList {
  readonly spec: ListSpec;
  readonly list: MessageList;
  from: number;
  to: number;
  isLoading: boolean;
  failure: unknown;
}

/** What is in sight, with a page above it: so much new mail is seen to push the rest down. */
function windowOf({ spec, from, to }: ShownList): NewsWindow {
  const position = Math.max(0, Math.floor(from / PAGE) * PAGE - PAGE);
  return { spec, position, limit: Math.ceil((to - position + 1) / PAGE) * PAGE };
}

export class MailStore {
  readonly client: JmapClient;
  readonly accountId: string;
  readonly isReadOnly: boolean;
  readonly #requests: MailRequests;
  #version = 0;
  readonly #listeners = new Set<() => void>();
  readonly #arrivalListeners = new Set<(emails: readonly Email[]) => void>();
  #mailboxes: readonly Mailbox[] | null = null;
  #mailboxFailure: unknown = null;
  readonly #cache = new EmailCache();
  readonly #lists = new Map<string, ShownList>();
  #active: ShownList | null = null;
  /** Of the Emails known; null: none yet. */
  #state: string | null = null;
  #isSyncing = false;
  #isSyncWanted = false;
  #changesUnderWay = 0;
  /** Answers to what was asked in another epoch say nothing about now. */
  #epoch = 0;
  #beginnings = 0;

  constructor(client: JmapClient, accountId: string) {
    this.client = client;
    this.accountId = accountId;
    this.#requests = new MailRequests(client, accountId);
    this.isReadOnly = client.session.accounts[accountId]?.isReadOnly ?? true;
  }

  // —— for React's useSyncExternalStore ——

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };
  readonly version = (): number => this.#version;

  onArrival(listener: (emails: readonly Email[]) => void): () => void {
    this.#arrivalListeners.add(listener);
    return () => void this.#arrivalListeners.delete(listener);
  }

  // —— what is known ——

  /** Null: not loaded yet. */
  get mailboxes(): readonly Mailbox[] | null {
    return this.#mailboxes;
  }

  get mailboxFailure(): unknown {
    return this.#mailboxFailure;
  }

  email(id: string): Email | null {
    return this.#cache.email(id);
  }

  /** Ids of a conversation, oldest first; null: not known. */
  thread(id: string): readonly string[] | null {
    return this.#cache.thread(id);
  }

  /** Emails of a conversation as far as they are known, oldest first. */
  emailsOf(threadId: string): readonly Email[] {
    return (this.thread(threadId) ?? []).map((id) => this.email(id)).filter((one) => one !== null);
  }

  /** Another number: what was known is forgotten, and what is open has to be asked for again. */
  get beginnings(): number {
    return this.#beginnings;
  }

  list(spec: ListSpec): MessageList {
    return this.#listOf(spec).list;
  }

  listFailure(spec: ListSpec): unknown {
    return this.#listOf(spec).failure;
  }

  // —— loading ——

  async loadMailboxes(): Promise<void> {
    try {
      const answer = await this.client.call(mailboxGet, {
        accountId: this.accountId,
        ids: null,
        properties: MAILBOX_PROPERTIES,
      });
      this.#mailboxes = answer.list;
      this.#mailboxFailure = null;
    } catch (reason) {
      this.#mailboxFailure = reason;
    }
    this.#tell();
  }

  /** These rows are looked at: what is missing of them is fetched. */
  show(spec: ListSpec, from: number, to: number): void {
    const shown = this.#listOf(spec);
    shown.from = from;
    shown.to = to;
    this.#active = shown;
    if (!shown.isLoading) void this.#load(shown);
  }

  retry(spec: ListSpec): void {
    const shown = this.#listOf(spec);
    shown.failure = null;
    if (!shown.isLoading) void this.#load(shown);
    this.#tell();
  }

  /** A conversation is opened: its messages are fetched where they are not known. @throws MethodRefused … */
  async openThread(threadId: string): Promise<void> {
    const answer = await this.client.together(async (call) => {
      const threads = call(threadGet, { accountId: this.accountId, ids: [threadId] });
      const emails = call(emailGet, {
        accountId: this.accountId,
        '#ids': threads.ref('/list/*/emailIds'),
        properties: EMAIL_PROPERTIES,
      });
      return Promise.all([threads.answer, emails.answer]);
    });
    this.#cache.keepThreads(answer[0].list);
    this.#keep(answer[1].list, answer[1].state);
    this.#tell();
  }

  /** @throws MethodRefused, ConnectionLost … */
  async openEmails(ids: readonly string[]): Promise<void> {
    for (let at = 0; at < ids.length; at += GET_AT_ONCE) {
      const answer = await this.client.call(emailGet, {
        accountId: this.accountId,
        ids: ids.slice(at, at + GET_AT_ONCE),
        properties: EMAIL_PROPERTIES,
      });
      this.#keep(answer.list, answer.state);
      for (const id of answer.notFound) this.#cache.forget(id);
    }
    this.#tell();
  }

  /** All ids of a query in its order, without what comes meanwhile. @throws MethodRefused … */
  idsOf(spec: ListSpec, range: { readonly from: number; readonly to: number } | null = null): Promise<string[]> {
    return this.#requests.ids(spec, range);
  }

  // —— changing ——

  /**
   * Shown at once; taken back where the server refuses. `progress` from 0 to 1.
   * @throws SetRefused the first refusal; ConnectionLost …
   */
  async change(edits: Edits, progress?: (part: number) => void): Promise<void> {
    const before = new Map<string, Email>();
    for (const id of edits.keys()) {
      const known = this.email(id);
      if (known !== null) before.set(id, known);
    }
    this.#epoch += 1;
    this.#changesUnderWay += 1;
    this.#preempt(edits);
    let refused: SetRefused | null = null;
    try {
      const ids = [...edits.keys()];
      const most = this.client.session.capabilities[CAPABILITIES.core].maxObjectsInSet;
      for (let at = 0; at < ids.length; at += most) {
        const refusals = await this.#requests.set(ids.slice(at, at + most), edits);
        for (const [id, refusal] of refusals) {
          refused ??= refusal;
          this.#takeBack(id, before);
        }
        progress?.(Math.min(1, (at + most) / ids.length));
      }
    } catch (reason) {
      for (const id of edits.keys()) this.#takeBack(id, before);
      throw reason;
    } finally {
      this.#epoch += 1;
      this.#changesUnderWay -= 1;
      void this.sync();
    }
    if (refused !== null) throw refused;
  }

  #preempt(edits: Edits): void {
    const pairs: Array<readonly [Placed, Placed | null]> = [];
    const gone = new Set<string>();
    for (const [id, edit] of edits) {
      const email = this.email(id);
      if (edit === null) gone.add(id);
      if (email === null) continue;
      const after = edit === null ? null : changed(email, edit);
      pairs.push([email, after]);
      if (after === null) this.#cache.forget(id);
      else this.#cache.keep([after]);
    }
    for (const { spec, list } of this.#lists.values()) {
      const leaving = new Set(gone);
      for (const [{ id }, after] of pairs)
        if (spec.mailboxId !== null && after !== null && after.mailboxIds[spec.mailboxId] !== true) leaving.add(id);
      list.remove(leaving);
    }
    if (this.#mailboxes !== null) this.#mailboxes = recounted(this.#mailboxes, pairs);
    this.#tell();
  }

  #takeBack(id: string, before: ReadonlyMap<string, Email>): void {
    const email = before.get(id);
    if (email !== undefined) this.#cache.keep([email]);
  }

  // —— following ——

  /** Something has changed on the server, as push says; `state` of Email when it is known. */
  async sync(state?: string): Promise<void> {
    if (state !== undefined && state === this.#state) return;
    this.#isSyncWanted = true;
    if (this.#isSyncing) return;
    this.#isSyncing = true;
    try {
      while (this.#isSyncWanted && this.#changesUnderWay === 0) {
        this.#isSyncWanted = false;
        await this.#follow();
      }
    } finally {
      this.#isSyncing = false;
    }
  }

  async #follow(): Promise<void> {
    const active = this.#active;
    const epoch = this.#epoch;
    if (this.#state === null) return this.#beginAnew();
    let answers;
    try {
      answers = await this.#requests.news(this.#state, active === null ? null : windowOf(active));
    } catch (reason) {
      // Refused: what has changed cannot be named any more. Not connected: push comes again behind a gap.
      if (reason instanceof MethodRefused) await this.#beginAnew();
      return;
    }
    if (epoch !== this.#epoch) {
      this.#isSyncWanted = true;
      return;
    }
    const [changes, created, updated, threads, folders, window] = answers;
    const fresh = created.list.filter(({ id }) => this.email(id) === null);
    this.#cache.keep(created.list);
    this.#cache.place(updated.list);
    for (const id of changes.destroyed) this.#cache.forget(id);
    this.#cache.keepThreads(threads.list);
    this.#mailboxes = folders.list;
    this.#state = changes.newState;
    for (const { list } of this.#lists.values()) if (list !== active?.list) list.stale();
    if (active !== null && window !== null) {
      active.list.accept(window.position, window.ids, window.total ?? window.ids.length);
      void this.#load(active);
    }
    this.#tell();
    if (fresh.length > 0) for (const listener of this.#arrivalListeners) listener(fresh);
  }

  async #beginAnew(): Promise<void> {
    this.#epoch += 1;
    this.#state = null;
    for (const { list } of this.#lists.values()) list.stale();
    // What is shown stays until its successor is there; the rest is forgotten.
    const active = this.#active;
    this.#cache.forgetAllBut(this.#shownIds());
    this.#beginnings += 1;
    await Promise.all([this.loadMailboxes(), active === null || active.isLoading ? null : this.#load(active)]);
  }

  // —— within ——

  async #load(shown: ShownList): Promise<void> {
    if (shown.isLoading || shown.failure !== null) return;
    shown.isLoading = true;
    let last = '';
    try {
      for (;;) {
        const wanted = shown.list.wanted(shown.from, shown.to);
        if (wanted === null) break;
        const epoch = this.#epoch;
        const asked = `${epoch} ${wanted.position} ${wanted.limit}`;
        if (asked === last) throw new MethodRefused('serverFail', 'the server left out a part of the list');
        last = asked;
        const [query, emails, threads] = await this.#requests.window(shown.spec, wanted.position, wanted.limit);
        if (epoch !== this.#epoch) continue;
        shown.list.accept(query.position, query.ids, query.total ?? query.ids.length);
        this.#keep(emails.list, emails.state);
        if (threads !== null) this.#cache.keepThreads(threads.list);
        this.#tell();
        if (emails.state !== this.#state) void this.sync();
      }
      await this.#loadMissing(shown);
      if (this.#cache.prune(this.#shownIds()))
        for (const { list } of this.#lists.values()) if (list !== shown.list) list.stale();
    } catch (reason) {
      shown.failure = reason;
      this.#tell();
    } finally {
      shown.isLoading = false;
    }
    const { list, from, to } = shown;
    if (shown.failure === null && this.#active === shown && list.wanted(from, to) !== null) void this.#load(shown);
  }

  /** Rows that are known by id only, and the other messages of the conversations shown. */
  async #loadMissing({ spec, list, from, to }: ShownList): Promise<void> {
    const missing = new Set<string>();
    for (const id of list.between(from, to)) {
      const email = this.email(id);
      if (email === null) missing.add(id);
      else if (spec.isCollapsed)
        for (const member of this.thread(email.threadId) ?? []) if (this.email(member) === null) missing.add(member);
    }
    if (missing.size > 0) await this.openEmails([...missing]);
  }

  #listOf(spec: ListSpec): ShownList {
    const key = listKey(spec);
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    const made: ShownList = { spec, list: new MessageList(), from: 0, to: 0, isLoading: false, failure: null };
    this.#lists.set(key, made);
    for (const [old, { isLoading }] of this.#lists) {
      if (this.#lists.size <= LISTS_KEPT) break;
      if (old !== key && !isLoading && this.#lists.get(old) !== this.#active) this.#lists.delete(old);
    }
    return made;
  }

  #keep(emails: readonly Email[], state: string): void {
    this.#cache.keep(emails);
    this.#state ??= state;
  }

  #shownIds(): ReadonlySet<string> {
    return new Set(this.#active?.list.between(this.#active.from, this.#active.to));
  }

  #tell(): void {
    this.#version += 1;
    for (const listener of this.#listeners) listener();
  }
}
