/**
 * Quotas of one mailbox (exchange-behaviour.md §9.2). The mailbox quota counts every folder but recoverable items and
 * refuses what would go over it; recoverable items have a quota of their own, above which the oldest go for good.
 * A ledger belongs to one draft, so that callers who share a commit count each other.
 */
import { Failure } from '../../observe/failure.ts';
import type { MailboxQuota, MailboxUsage } from '../api.ts';
import type { Columns } from './columns.ts';
import type { FolderState } from './folder-state.ts';
import type { MailboxState } from './mailbox-state.ts';

export const UNLIMITED: MailboxQuota = { prohibitSendReceive: Infinity, recoverableItems: Infinity };

export function usageOf(state: MailboxState): MailboxUsage {
  let bytes = 0;
  let messages = 0;
  let recoverableBytes = 0;
  let recoverableMessages = 0;
  for (const { facts } of state.folders.values()) {
    if (facts.kind === 'recoverable') {
      recoverableBytes += facts.bytes;
      recoverableMessages += facts.exists;
    } else {
      bytes += facts.bytes;
      messages += facts.exists;
    }
  }
  return { bytes, messages, recoverableBytes, recoverableMessages };
}

export function bytesOf(columns: Columns, rows: Int32Array): number {
  let bytes = 0;
  for (let i = 0; i < rows.length; i += 1) bytes += columns.size[rows[i]!]!;
  return bytes;
}

/** Messages this draft puts into recoverable items; not among the rows of that folder yet. */
interface Arrivals {
  readonly firstUid: number;
  readonly sizes: () => ArrayLike<number>;
}

export class QuotaLedger {
  readonly #state: MailboxState;
  readonly #quota: () => MailboxQuota;
  /** Octets this draft adds so far; null as long as nobody has asked. */
  #used: { mail: number; recoverable: number } | null = null;
  readonly #arrivals: Arrivals[] = [];
  /** UIDs in recoverable items up to this one are removed by this draft. */
  #purgedThrough = 0;

  constructor(state: MailboxState, quota: () => MailboxQuota) {
    this.#state = state;
    this.#quota = quota;
  }

  /** @throws Failure OVERQUOTA; recoverable items refuse nothing */
  admit(target: FolderState, bytes: number): void {
    if (target.facts.kind === 'recoverable') return;
    const limit = this.#quota().prohibitSendReceive;
    if (limit === Infinity) return;
    const used = this.#usage().mail;
    if (used + bytes <= limit) return;
    throw new Failure(
      'OVERQUOTA',
      `The mailbox is full: ${limit} octets are allowed, ${used} are in use, ${bytes} more are not possible.`,
    );
  }

  /** Octets put into a folder by a change of this draft, or (negative) taken out. */
  count(folder: FolderState, bytes: number): void {
    const usage = this.#usage();
    if (folder.facts.kind === 'recoverable') usage.recoverable += bytes;
    else usage.mail += bytes;
  }

  /** Messages with consecutive UIDs from `firstUid` come into recoverable items; counted with `count`. */
  arrive(firstUid: number, sizes: () => ArrayLike<number>): void {
    this.#arrivals.push({ firstUid, sizes });
  }

  /** UIDs, ascending, that have to leave recoverable items, and their octets: the oldest, those of this draft last. */
  takeExcess(recoverable: FolderState): { readonly uids: readonly number[]; readonly bytes: number } {
    const uids: number[] = [];
    let bytes = 0;
    const excess = this.#usage().recoverable - this.#quota().recoverableItems;
    if (excess <= 0) return { uids, bytes };
    for (const [uid, size] of this.#oldestFirst(recoverable)) {
      if (bytes >= excess) break;
      if (uid <= this.#purgedThrough) continue;
      uids.push(uid);
      bytes += size;
    }
    this.#purgedThrough = uids.at(-1) ?? this.#purgedThrough;
    return { uids, bytes };
  }

  *#oldestFirst(recoverable: FolderState): Iterable<readonly [uid: number, size: number]> {
    const { uid, size, length } = this.#state.rows(recoverable);
    for (let row = 0; row < length; row += 1) yield [uid[row]!, size[row]!];
    for (const { firstUid, sizes } of this.#arrivals) {
      const list = sizes();
      for (let i = 0; i < list.length; i += 1) yield [firstUid + i, list[i]!];
    }
  }

  #usage(): { mail: number; recoverable: number } {
    if (this.#used === null) {
      const { bytes, recoverableBytes } = usageOf(this.#state);
      this.#used = { mail: bytes, recoverable: recoverableBytes };
    }
    return this.#used;
  }
}
