/**
 * Group commit of one mailbox. Callers hand in intents; while one commit is on its way to the disk, the next ones
 * gather, and all of them share one write and one flush (design.md §4). Order of each: plan → log (durable) → memory →
 * watchers → callers. So nobody ever sees or hears of a change that a crash could take back. One commit is planned on
 * the memory of the one before; its write begins before the callers of that one are answered, so that the disk does
 * not wait for them. What a plan looks at (rows, conversations) is in memory before it is made: where that takes
 * waiting, the queue waits, not the plan.
 */
import { Failure } from '../../observe/failure.ts';
import type { Log } from '../../observe/log.ts';
import type { MailboxEvent, MailboxQuota, Origin } from '../api.ts';
import type { ChangeFeed } from './change-feed.ts';
import { Draft } from './draft.ts';
import type { FolderState } from './folder-state.ts';
import { Effects, type MailboxState } from './mailbox-state.ts';
import { type Location, type MailboxStorage, StorageLost } from './storage.ts';

/** Callers whose changes may share one commit. */
const INTENTS_PER_COMMIT = 1000;
/** Octets of messages in one commit, above which the next caller waits for its own. */
const BYTES_PER_COMMIT = 8 * 1024 * 1024;

/** By id, or recoverable items, whichever folder that is when the change is planned. */
type Into = readonly (number | 'recoverable')[] | 'all';

/** What one caller wants to do. */
export interface Intent<T> {
  /** Folders whose present rows decide what happens: an earlier change of these has to be applied first. */
  readonly rows: readonly number[];
  /** Folders that messages come into. */
  readonly into: Into;
  /** Message-ID hashes whose conversation is asked for. */
  readonly threadKeys?: readonly number[];
  /** Changes the folder tree: gets a commit of its own. */
  readonly alone: boolean;
  readonly origin: Origin | null;
  /** Checks, then adds changes to the draft. Throwing (before the first `add`) refuses this caller only. */
  plan(draft: Draft): T;
}

interface Waiting {
  readonly rows: readonly number[];
  readonly into: Into;
  readonly threadKeys: readonly number[];
  readonly alone: boolean;
  /** Returns what to call when the draft is durable. */
  readonly plan: (draft: Draft) => () => void;
  readonly reject: (reason: unknown) => void;
}

interface Planned {
  readonly done: () => void;
  readonly reject: (reason: unknown) => void;
}

/** Changes of several callers on their way to the disk. */
interface Commit {
  readonly draft: Draft;
  readonly planned: readonly Planned[];
  readonly durable: Promise<readonly Location[]>;
}

export class CommitQueue {
  readonly #state: MailboxState;
  readonly #storage: MailboxStorage;
  readonly #feed: ChangeFeed;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #quota: () => MailboxQuota;
  readonly #committed: (contents: readonly number[]) => void;
  readonly #broke: (reason: Failure) => void;
  #waiting: Waiting[] = [];
  #running: Promise<void> | null = null;
  #broken: Failure | null = null;
  #held = false;

  /** `broke` is called once, when no change can be made any more until the mailbox is opened anew. */
  constructor(
    state: MailboxState,
    storage: MailboxStorage,
    feed: ChangeFeed,
    log: Log,
    now: () => number,
    quota: () => MailboxQuota,
    committed: (contents: readonly number[]) => void,
    broke: (reason: Failure) => void,
  ) {
    this.#state = state;
    this.#storage = storage;
    this.#feed = feed;
    this.#log = log;
    this.#now = now;
    this.#quota = quota;
    this.#committed = committed;
    this.#broke = broke;
  }

  get busy(): boolean {
    return this.#running !== null;
  }

  /** Resolves when the intent's changes are durable and published. */
  submit<T>(intent: Intent<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#waiting.push({
      rows: intent.rows,
      into: intent.into,
      threadKeys: intent.threadKeys ?? NO_KEYS,
      alone: intent.alone,
      plan: (draft) => {
        const result = intent.plan(draft);
        return () => resolve(result);
      },
      reject,
    });
    this.#start();
    return promise;
  }

  /** Stops commits: resolves when none is under way. What is handed in meanwhile waits. */
  async hold(): Promise<void> {
    this.#held = true;
    await this.drained();
  }

  resume(): void {
    this.#held = false;
    this.#start();
  }

  /** Everybody who waits is refused, and whoever comes. */
  refuse(reason: Failure): void {
    this.#broken = reason;
    this.resume();
  }

  /** Resolves when everything handed in so far is done. */
  async drained(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  #start(): void {
    if (!this.#held && this.#waiting.length > 0) this.#running ??= this.#run();
  }

  /** Refuses whoever comes from now on; commits on their way end as they end. */
  break(reason: Failure): void {
    if (this.#broken !== null) return;
    this.#broken = reason;
    this.#broke(reason);
  }

  async #run(): Promise<void> {
    // Whoever is served in the same turn shares the first commit.
    await Promise.resolve();
    let commit: Commit | null = null;
    for (;;) {
      commit ??= this.#isReady() ? this.#begin() : null;
      if (commit === null) {
        if (this.#held || this.#waiting.length === 0) break;
        await this.#readIn();
        continue;
      }
      let failed: { readonly reason: unknown } | null = null;
      let locations: readonly Location[] = [];
      try {
        locations = await commit.durable;
      } catch (reason) {
        failed = { reason };
        if (reason instanceof StorageLost) this.break(reason);
      }
      const effects = failed === null ? this.#apply(commit, locations) : null;
      // The next callers' records are on their way to the disk before this commit's callers are answered.
      const next: Commit | null = this.#isReady() ? this.#begin() : null;
      if (failed !== null) for (const one of commit.planned) one.reject(failed.reason);
      else if (effects !== null) this.#finish(commit, effects);
      commit = next;
    }
    this.#running = null;
    // Stopped and let go on again while the last commit was being answered.
    this.#start();
  }

  /** Everything that the plans of the next commit look at is in memory. */
  #isReady(): boolean {
    if (this.#broken !== null) return true;
    for (const one of this.#next()) {
      for (const folder of this.#foldersOf(one)) if (this.#state.load(folder) !== undefined) return false;
      if (one.threadKeys.some((key) => this.#state.threadOf(key) === undefined)) return false;
    }
    return true;
  }

  /** Reads in what the next callers need; those for whom that fails are refused. */
  async #readIn(): Promise<void> {
    const needs: { readonly one: Waiting; readonly ready: Promise<unknown> }[] = [];
    const keys = new Set<number>();
    const asking: Waiting[] = [];
    for (const one of this.#next()) {
      for (const folder of this.#foldersOf(one)) {
        const ready = this.#state.load(folder);
        if (ready !== undefined) needs.push({ one, ready });
      }
      const unknown = one.threadKeys.filter((key) => this.#state.threadOf(key) === undefined);
      if (unknown.length > 0) asking.push(one);
      for (const key of unknown) keys.add(key);
    }
    if (keys.size > 0) {
      const ready = this.#state.lookUpThreads([...keys]);
      for (const one of asking) needs.push({ one, ready });
    }
    const refused = new Set<Waiting>();
    const settle = async ({ one, ready }: (typeof needs)[number]): Promise<void> => {
      try {
        await ready;
      } catch (reason) {
        refused.add(one);
        one.reject(reason);
      }
    };
    await Promise.all(needs.map(settle));
    if (refused.size > 0) this.#waiting = this.#waiting.filter((one) => !refused.has(one));
  }

  /** Those that can be part of the next commit. */
  #next(): readonly Waiting[] {
    return this.#waiting.length <= INTENTS_PER_COMMIT ? this.#waiting : this.#waiting.slice(0, INTENTS_PER_COMMIT);
  }

  *#foldersOf({ rows, into }: Waiting): Iterable<FolderState> {
    const { folders } = this.#state;
    if (into === 'all') {
      yield* folders.values();
      return;
    }
    for (const id of [...rows, ...into]) {
      const folder = id === 'recoverable' ? this.#state.byUse(id) : folders.get(id);
      if (folder !== undefined && folder !== null) yield folder;
    }
  }

  /** Plans and starts writing what is waiting; null when nobody is. */
  #begin(): Commit | null {
    if (this.#held || this.#waiting.length === 0) return null;
    const draft = new Draft(this.#state, this.#storage, this.#now(), this.#quota);
    const planned = this.#gather(draft);
    const durable = draft.entries.length === 0 ? NOTHING : this.#storage.append(draft.entries, draft.mustFlush);
    // It is awaited later; until then a failure must not count as unhandled.
    durable.catch(() => {});
    return { draft, planned, durable };
  }

  #finish({ draft, planned }: Commit, effects: Effects): void {
    this.#publish(effects);
    for (const one of planned) one.done();
    if (draft.entries.length > 0) this.#committed(effects.contents);
  }

  #gather(draft: Draft): Planned[] {
    const planned: Planned[] = [];
    let taken = 0;
    for (const one of this.#waiting) {
      if (planned.length >= INTENTS_PER_COMMIT || draft.bytes >= BYTES_PER_COMMIT) break;
      if (one.alone && draft.entries.length > 0) break;
      if (one.rows.some((folder) => draft.touched.has(folder))) break;
      taken += 1;
      try {
        if (this.#broken !== null) throw this.#broken;
        planned.push({ done: one.plan(draft), reject: one.reject });
      } catch (reason) {
        one.reject(reason);
      }
      if (one.alone && draft.entries.length > 0) break;
    }
    this.#waiting = this.#waiting.slice(taken);
    return planned;
  }

  /** Null when memory no longer tells the truth: the callers are refused, the next open reads it from disk. */
  #apply({ draft, planned }: Commit, locations: readonly Location[]): Effects | null {
    const effects = new Effects();
    try {
      for (const [i, entry] of draft.entries.entries()) {
        this.#state.apply(entry.change, locations[i] ?? NOWHERE, draft.origins[i] ?? null, effects);
      }
      return effects;
    } catch (reason) {
      const failure = new Failure('SERVERBUG', 'The mailbox has to be reopened.', { cause: reason });
      this.#log.error({ err: reason }, 'a durable change could not be applied');
      for (const one of planned) one.reject(failure);
      this.break(failure);
      return null;
    }
  }

  #publish(effects: Effects): void {
    const { created, changed, removed, events } = effects;
    const list: MailboxEvent[] = [];
    if (created.length > 0) list.push({ kind: 'folders', created, changed: [], removed: [] });
    if (events.length > 0) list.push({ kind: 'messages', events });
    if (changed.length > 0 || removed.length > 0) list.push({ kind: 'folders', created: [], changed, removed });
    for (const event of list) this.#feed.publish(event);
  }
}

const NO_KEYS: readonly number[] = [];
const NOWHERE: Location = { segment: 0, offset: 0 };
const NOTHING: Promise<readonly Location[]> = Promise.resolve([]);
