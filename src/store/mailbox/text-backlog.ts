/**
 * Which contents still lack searchable text, for indexing in the background (search/source.ts TextSource). Between
 * maintenance runs only messages that arrived in this opening are known; maintenance looks at all.
 */
import type { BodyBatch } from '../api.ts';
import type { TextEntry, TextSource } from '../search/source.ts';
import type { MailboxState } from './mailbox-state.ts';
import { bodyBatches, emptyPlaces } from './reading.ts';
import type { MailboxStorage } from './storage.ts';
import type { Texts } from './texts.ts';

export class TextBacklog implements TextSource {
  readonly #state: MailboxState;
  readonly #storage: MailboxStorage;
  readonly #texts: Texts;
  /** Ascending; may hold contents that have their text by now. */
  #waiting: number[] = [];

  constructor(state: MailboxState, storage: MailboxStorage, texts: Texts) {
    this.#state = state;
    this.#storage = storage;
    this.#texts = texts;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** A message arrived. Content ids only rise. */
  note(content: number): void {
    this.#waiting.push(content);
  }

  /** Looks at every message of the mailbox, removed ones excepted. */
  collect(): void {
    const found = new Set<number>();
    for (const folder of this.#state.folders.values()) {
      if (folder.facts.kind === 'recoverable') continue;
      const columns = this.#state.rows(folder);
      for (let row = 0; row < columns.length; row += 1) {
        const content = columns.content[row]!;
        if (!this.#texts.has(content)) found.add(content);
      }
    }
    this.#waiting = [...found].sort((a, b) => a - b);
  }

  untexted(limit: number): Promise<Uint32Array> {
    const found: number[] = [];
    let at = 0;
    for (; at < this.#waiting.length && found.length < limit; at += 1) {
      if (!this.#texts.has(this.#waiting[at]!)) found.push(this.#waiting[at]!);
    }
    // Those found stay until they have their text; the indexer gives one even to contents that are gone.
    this.#waiting = [...found, ...this.#waiting.slice(at)];
    return Promise.resolve(Uint32Array.from(found));
  }

  messages(contents: Uint32Array): AsyncIterable<BodyBatch> {
    const batches = (): AsyncIterable<BodyBatch> =>
      bodyBatches({
        count: contents.length,
        places: (from, count) => this.#places(contents, from, count),
        read: (ranges, target) => this.#storage.readContent(ranges, target),
      });
    return this.#storage.reloads === 'awaited' ? this.#withRows(contents, batches) : batches();
  }

  putTexts(entries: readonly TextEntry[]): Promise<void> {
    return this.#texts.put(entries);
  }

  /** Reads in folder after folder until these contents are found, those in memory first. */
  async *#withRows(contents: Uint32Array, batches: () => AsyncIterable<BodyBatch>): AsyncIterable<BodyBatch> {
    const missing = new Set(contents);
    const folders = [...this.#state.folders.values()].filter((folder) => folder.facts.exists > 0);
    folders.sort((a, b) => Number(a.columns === null) - Number(b.columns === null));
    for (const folder of folders) {
      if (missing.size === 0) break;
      const loading = this.#state.load(folder);
      if (loading !== undefined) await loading;
      const { content, length } = this.#state.rows(folder);
      for (let row = 0; row < length; row += 1) missing.delete(content[row]!);
    }
    yield* batches();
  }

  #places(contents: Uint32Array, from: number, count: number): ReturnType<typeof emptyPlaces> {
    const places = emptyPlaces(count);
    const wanted = new Map<number, number>();
    for (let i = 0; i < count; i += 1) wanted.set(contents[from + i]!, i);
    for (const folder of this.#state.folders.values()) {
      if (wanted.size === 0) break;
      // Where reading in takes waiting, what is needed was read in before.
      if (folder.facts.exists === 0 || (folder.columns === null && this.#storage.reloads === 'awaited')) continue;
      const columns = this.#state.rows(folder);
      for (let row = 0; row < columns.length && wanted.size > 0; row += 1) {
        const index = wanted.get(columns.content[row]!);
        if (index === undefined) continue;
        wanted.delete(columns.content[row]!);
        places.segment[index] = columns.segment[row]!;
        places.offset[index] = columns.offset[row]!;
        places.length[index] = columns.size[row]!;
      }
    }
    return places;
  }
}
