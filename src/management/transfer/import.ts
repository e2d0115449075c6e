/**
 * Source → mailbox: in order, each message once, a bad one reported and passed over. Knows neither file formats nor
 * whether the mailbox is in this process or behind the control door (ImportTarget).
 */
import { createHash } from 'node:crypto';
import { Buffer } from 'node:buffer';
import { LineEndNormalizer } from '../../message/line-ends.ts';
import type { ImportJournal } from './journal.ts';
import type { FolderRecord, MessageRecord, SourceItem, SourceMessage } from './record.ts';
import { reason } from './source.ts';

/** Messages handed to the store whose commit is not yet known; what makes group commit work. */
const IN_FLIGHT_MESSAGES = 64;
const IN_FLIGHT_BYTES = 32 * 1024 * 1024;

export interface StoredDigest {
  readonly uid: number;
  readonly size: number;
  /** SHA-256 of the stored bytes, hex. */
  readonly sha256: string;
}

/** Where an import goes. One at a time; calls come one after the other. */
export interface ImportTarget {
  /** Makes the folder when it is not there. `name`: the one the mailbox has for it. */
  folder(folder: FolderRecord): Promise<{ name: string; uidNext: number }>;
  /**
   * Resolves when the bytes are taken; `stored` when they are durable. Messages are stored in the order of the calls.
   * @throws Failure for this message only; the next one may come
   */
  append(folder: string, message: MessageRecord): Promise<{ stored: Promise<number> }>;
  /** Messages from `uid` on. */
  digests(folder: string, uid: number): AsyncIterable<StoredDigest>;
}

export interface ImportProgress {
  messages: number;
  /** Bytes of the source behind us. */
  bytes: number;
  /** Imported by an earlier run. */
  skipped: number;
  problems: number;
}

export interface ImportOptions {
  /** Folder of the mailbox that stands for the root of the source; null: INBOX for loose messages. */
  readonly base: string | null;
  readonly onProgress?: (progress: ImportProgress) => void;
  readonly onProblem?: (origin: string, text: string) => void;
  /** Ends the import after the current message; what is stored stays, and the next run goes on from there. */
  readonly signal?: AbortSignal;
}

export async function importInto(
  target: ImportTarget,
  source: AsyncIterable<SourceItem>,
  journal: ImportJournal,
  options: ImportOptions,
): Promise<ImportProgress> {
  return new Import(target, journal, options).run(source);
}

class Import {
  readonly #target: ImportTarget;
  readonly #journal: ImportJournal;
  readonly #options: ImportOptions;
  readonly #progress: ImportProgress = { messages: 0, bytes: 0, skipped: 0, problems: 0 };
  /** Name in the source → name in the mailbox. */
  readonly #folders = new Map<string, string>();
  readonly #doubtful = new Map<string, Map<number, StoredDigest[]>>();
  readonly #inFlight = new Set<Promise<void>>();
  #inFlightBytes = 0;
  #lost: TargetLost | null = null;

  constructor(target: ImportTarget, journal: ImportJournal, options: ImportOptions) {
    this.#target = target;
    this.#journal = journal;
    this.#options = options;
  }

  async run(source: AsyncIterable<SourceItem>): Promise<ImportProgress> {
    try {
      for await (const item of source) {
        if (this.#options.signal?.aborted === true) break;
        if (item.kind === 'folder') {
          await this.#begin(item.folder);
          continue;
        }
        if (item.kind === 'problem') this.#problem(item.origin, item.text);
        else await this.#message(item.message);
        this.#progress.bytes = item.bytes;
        this.#options.onProgress?.(this.#progress);
      }
    } finally {
      await Promise.all(this.#inFlight);
    }
    if (this.#lost !== null) throw this.#lost;
    return this.#progress;
  }

  /** '' and INBOX stand for the base; everything else hangs below it. */
  #nameHere(name: string): string {
    const { base } = this.#options;
    if (name === '' || name.toUpperCase() === 'INBOX') return base ?? 'INBOX';
    return base === null ? name : `${base}/${name}`;
  }

  async #begin(record: FolderRecord): Promise<string> {
    const known = this.#folders.get(record.name);
    if (known !== undefined) return known;
    const specialUse = this.#options.base === null ? record.specialUse : null;
    const { name, uidNext } = await this.#target.folder({ ...record, specialUse, name: this.#nameHere(record.name) });
    const from = this.#journal.doubtFrom(name);
    if (from !== null && from < uidNext) await this.#collectDoubts(name, from);
    this.#journal.beginFolder(name, from ?? uidNext);
    this.#folders.set(record.name, name);
    return name;
  }

  async #collectDoubts(folder: string, from: number): Promise<void> {
    const bySize = new Map<number, StoredDigest[]>();
    for await (const digest of this.#target.digests(folder, from)) {
      const same = bySize.get(digest.size);
      if (same === undefined) bySize.set(digest.size, [digest]);
      else same.push(digest);
    }
    this.#doubtful.set(folder, bySize);
  }

  async #message(message: SourceMessage): Promise<void> {
    if (this.#journal.has(message.key)) {
      this.#progress.skipped += 1;
      return;
    }
    try {
      const folder = await this.#begin({
        name: message.folder,
        specialUse: null,
        subscribed: true,
        uidValidity: null,
        uidNext: null,
        messages: null,
      });
      if (await this.#isThereAlready(folder, message)) return;
      while (this.#inFlight.size >= IN_FLIGHT_MESSAGES || this.#inFlightBytes >= IN_FLIGHT_BYTES) {
        await Promise.race(this.#inFlight);
      }
      const { stored } = await this.#target.append(folder, message);
      this.#follow(message, folder, stored);
    } catch (error) {
      if (error instanceof TargetLost) throw error;
      this.#problem(message.origin, reason(error));
    }
  }

  #follow(message: SourceMessage, folder: string, stored: Promise<number>): void {
    this.#inFlightBytes += message.size;
    const settled = stored
      .then(
        (uid) => {
          this.#progress.messages += 1;
          this.#journal.add(message.key, folder, uid);
        },
        (error: unknown) => {
          if (error instanceof TargetLost) this.#lost = error;
          else this.#problem(message.origin, reason(error));
        },
      )
      .finally(() => {
        this.#inFlight.delete(settled);
        this.#inFlightBytes -= message.size;
      });
    this.#inFlight.add(settled);
  }

  /** Only after an import that was cut off, and only against what it left behind its last journal line. */
  async #isThereAlready(folder: string, message: SourceMessage): Promise<boolean> {
    const bySize = this.#doubtful.get(folder);
    if (bySize === undefined || bySize.size === 0) return false;
    const hash = createHash('sha256');
    const lineEnds = new LineEndNormalizer();
    let size = 0;
    for await (const chunk of message.chunks()) {
      const piece = lineEnds.push(Buffer.from(chunk));
      size += piece.length;
      hash.update(piece);
    }
    const sha256 = hash.digest('hex');
    const candidates = bySize.get(size) ?? [];
    const at = candidates.findIndex((candidate) => candidate.sha256 === sha256);
    const found = candidates[at];
    if (found === undefined) return false;
    candidates.splice(at, 1);
    this.#journal.add(message.key, folder, found.uid);
    this.#progress.skipped += 1;
    return true;
  }

  #problem(origin: string, text: string): void {
    this.#progress.problems += 1;
    this.#options.onProblem?.(origin, text);
  }
}

/** The way to the mailbox is gone: every further message would fail the same way. */
export class TargetLost extends Error {
  override readonly name = 'TargetLost';
}
