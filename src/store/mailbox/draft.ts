/**
 * One commit while it is put together: the changes of several callers, each planned against the state all earlier
 * commits have left plus the cursors kept here (next UID, MODSEQ, content id, new keywords). Nothing is visible to
 * anyone before the draft is durable; a draft that fails is dropped with all its cursors.
 */
import type { Buffer } from 'node:buffer';
import { cutFragment } from '../../message/fragment-pieces.ts';
import { Failure } from '../../observe/failure.ts';
import { KEYWORD_BYTES, KEYWORDS_PER_FOLDER } from '../../wire/limits.ts';
import type { MailboxQuota, Origin } from '../api.ts';
import type { Change } from './change.ts';
import type { FolderState } from './folder-state.ts';
import { type FragmentPlaces, putFragment } from './fragment-places.ts';
import type { MailboxState } from './mailbox-state.ts';
import { QuotaLedger } from './quota.ts';
import type { LogEntry, MailboxStorage, Payload } from './storage.ts';

export const HIGHEST_UID = 0xffffffff;

export interface KeywordBits {
  readonly low: number;
  readonly high: number;
  /** Those the folder learns with this change. */
  readonly learned: readonly string[];
}

const NO_KEYWORDS: KeywordBits = { low: 0, high: 0, learned: [] };

export class Draft {
  readonly state: MailboxState;
  readonly entries: LogEntry[] = [];
  readonly origins: (Origin | null)[] = [];
  /** Folders whose present rows are changed or removed by this draft: who reads those rows has to wait. */
  readonly touched = new Set<number>();
  /** Something other than flags: has to reach the disk before anyone hears of it. */
  mustFlush = false;
  /** Octets of payload. */
  bytes = 0;
  /** Seconds since 1970. */
  readonly now: number;
  readonly quota: QuotaLedger;
  readonly #storage: MailboxStorage;
  readonly #uidNext = new Map<number, number>();
  readonly #learned = new Map<number, string[]>();
  readonly #threads = new Map<number, number>();
  #modSeq: number;
  #folder: number;
  #uidValidity: number;
  #content: number;
  #thread: number;

  constructor(state: MailboxState, storage: MailboxStorage, now: number, quota: () => MailboxQuota) {
    this.state = state;
    this.#storage = storage;
    this.now = now;
    this.quota = new QuotaLedger(state, quota);
    this.#modSeq = state.counters.highestModSeq;
    this.#folder = state.counters.nextFolder;
    this.#uidValidity = state.counters.lastUidValidity;
    this.#content = state.counters.nextContent;
    this.#thread = state.counters.nextThread;
  }

  /** @throws Failure NONEXISTENT */
  folder(id: number): FolderState {
    const folder = this.state.folders.get(id);
    if (folder === undefined) throw new Failure('NONEXISTENT', 'The folder no longer exists.');
    return folder;
  }

  add(change: Change, origin: Origin | null, payload: Payload | null = null): void {
    this.entries.push({ change, payload });
    this.origins.push(origin);
    this.bytes += payload?.size ?? 0;
    if (change.kind !== 'flags' && change.kind !== 'recent') this.mustFlush = true;
    if (change.kind === 'flags' || change.kind === 'move' || change.kind === 'expunge') this.touched.add(change.folder);
  }

  nextModSeq(): number {
    this.#modSeq += 1;
    return this.#modSeq;
  }

  nextFolder(): number {
    return this.#folder++;
  }

  /** From the clock, but always above the last one: a name created again gets a higher value (RFC 9051 §2.3.1.1). */
  nextUidValidity(): number {
    this.#uidValidity = Math.max(this.#uidValidity + 1, Math.floor(this.now));
    return this.#uidValidity;
  }

  nextContent(): number {
    return this.#content++;
  }

  /**
   * First of `count` consecutive UIDs.
   * @throws Failure LIMIT when the folder has used up its UIDs, CANNOT when `wanted` is below UIDNEXT
   */
  takeUids(folder: FolderState, count: number, wanted?: number): number {
    const next = this.#uidNext.get(folder.id) ?? folder.facts.uidNext;
    if (wanted !== undefined && wanted < next) throw new Failure('CANNOT', `The UID has to be ${next} or higher.`);
    const first = wanted ?? next;
    if (first + count - 1 >= HIGHEST_UID) throw new Failure('LIMIT', 'The folder has used up its message numbers.');
    this.#uidNext.set(folder.id, first + count);
    return first;
  }

  /** @throws Failure LIMIT, CANNOT for a keyword that is too long or empty */
  keywordBits(folder: FolderState, names: readonly string[]): KeywordBits {
    if (names.length === 0) return NO_KEYWORDS;
    for (const name of names) {
      if (name === '' || name.length > KEYWORD_BYTES) {
        throw new Failure('LIMIT', `A keyword can have 1 to ${KEYWORD_BYTES} characters.`);
      }
    }
    const bits = this.#tryKeywordBits(folder, names);
    if (bits.missing > 0) {
      throw new Failure('LIMIT', `A folder can have at most ${KEYWORDS_PER_FOLDER} different keywords.`);
    }
    return bits;
  }

  /** For copies: keywords that no longer fit are left behind. */
  learnable(folder: FolderState, names: readonly string[]): readonly string[] {
    return names.length === 0 ? [] : this.#tryKeywordBits(folder, names).learned;
  }

  /** Conversation of a message with these Message-ID hashes, and which of them are new. */
  threadOf(keys: readonly number[]): { thread: number; unknown: readonly number[] } {
    let known: number | null = null;
    const unknown: number[] = [];
    for (const key of keys) {
      const before = this.#threads.get(key) ?? this.state.threadOf(key);
      if (before === undefined) throw new Error('a conversation was not looked up before its message was planned');
      if (before === null) unknown.push(key);
      else known ??= before;
    }
    const thread = known ?? this.#thread++;
    for (const key of unknown) this.#threads.set(key, thread);
    return { thread, unknown };
  }

  putFragment(fragment: Buffer): FragmentPlaces {
    return putFragment(this.#storage, cutFragment(fragment));
  }

  #tryKeywordBits(folder: FolderState, names: readonly string[]): KeywordBits & { missing: number } {
    const before = this.#learned.get(folder.id) ?? [];
    let low = 0;
    let high = 0;
    let missing = 0;
    let pending = false;
    for (const name of names) {
      let bit = folder.keywordBit(name);
      if (bit < 0) {
        const known = folder.facts.keywords.length;
        const wanted = name.toLowerCase();
        let at = before.findIndex((keyword) => keyword.toLowerCase() === wanted);
        if (at < 0 && known + before.length < KEYWORDS_PER_FOLDER) at = before.push(name) - 1;
        if (at < 0) {
          missing += 1;
          continue;
        }
        bit = known + at;
        pending = true;
      }
      if (bit < 32) low |= 1 << bit;
      else high |= 1 << (bit - 32);
    }
    if (before.length > 0) this.#learned.set(folder.id, before);
    // All that this draft taught the folder so far, in bit order: an earlier caller may have been refused after asking.
    return { low: low >>> 0, high: high >>> 0, learned: pending ? [...before] : [], missing };
  }
}
