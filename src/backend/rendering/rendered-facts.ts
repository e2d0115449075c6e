/**
 * What is known of the messages of one mailbox under one wish: the size of each when rendered, or that it is served
 * as it came. Original bytes never change and rendering is a pure function, so nothing here grows stale; sessions of
 * the mailbox with the same wish share it.
 */
import { parseMessage } from '../../message/scanner.ts';
import { renderMessage } from '../../message/render/render.ts';
import { type RenderingWish, wishKey } from '../../message/render/wish.ts';
import type { Folder, FolderId, MailboxId } from '../../store/model.ts';
import { RENDERED_CACHE_BYTES, RENDERED_SIZES } from '../../wire/limits.ts';

/** In place of a rendered size: the original is served. */
export const ORIGINAL = -1;

export interface RenderedMessage {
  readonly bytes: Buffer;
  /** Parse result of `bytes` (message/fragment.ts). */
  readonly fragment: Buffer;
}

export class RenderedFacts {
  readonly wish: RenderingWish;
  readonly key: string;
  readonly #cache: RenderedCache;
  readonly #sizes = new Map<number, number>();
  readonly #folders = new Map<FolderId, { readonly contents: string; readonly bytes: number }>();
  /** One measurement at a time, so that a second session finds what the first one has found. */
  #measuring: Promise<void> = Promise.resolve();
  users = 0;

  constructor(wish: RenderingWish, key: string, cache: RenderedCache) {
    this.wish = wish;
    this.key = key;
    this.#cache = cache;
  }

  get known(): number {
    return this.#sizes.size;
  }

  /** Octets, ORIGINAL, or undefined: not measured yet. */
  sizeOf(content: number): number | undefined {
    return this.#sizes.get(content);
  }

  note(content: number, size: number): void {
    this.#sizes.set(content, size);
  }

  /** The sum of a folder whose messages are all measured. */
  noteFolder(folder: Folder, bytes: number): void {
    this.#folders.set(folder.id, { contents: contentsOf(folder), bytes });
  }

  /** Null: it was never measured, or other messages are in it now. */
  bytesOf(folder: Folder): number | null {
    const noted = this.#folders.get(folder.id);
    return noted !== undefined && noted.contents === contentsOf(folder) ? noted.bytes : null;
  }

  inTurn(measure: () => Promise<void>): Promise<void> {
    const turn = this.#measuring.then(measure);
    // A failure is told to whoever asked for it, not to the next in line.
    this.#measuring = turn.catch(() => {});
    return turn;
  }

  /** What is at hand of a message; null: render it. */
  held(content: number | null): RenderedMessage | null {
    return content === null ? null : this.#cache.get(`${content} ${this.key}`);
  }

  /** Null: the original is served. `content` null: nothing is kept (the message is expunged). */
  render(original: Buffer, content: number | null): RenderedMessage | null {
    const rendered = renderMessage(original, this.wish);
    if (content !== null) this.note(content, rendered?.bytes.length ?? ORIGINAL);
    if (rendered === null) return null;
    const message = { bytes: rendered.bytes, fragment: parseMessage(rendered.bytes).fragment };
    if (content !== null) this.#cache.set(`${content} ${this.key}`, message);
    return message;
  }

  /** The size alone: the bytes are not kept. */
  measure(original: Buffer, content: number): void {
    if (!this.#sizes.has(content)) this.note(content, renderMessage(original, this.wish)?.bytes.length ?? ORIGINAL);
  }
}

/** Equal for a folder with the same messages in it: UIDs only rise, and what goes makes the count fall. */
const contentsOf = ({ uidValidity, uidNext, exists }: Folder): string => `${uidValidity} ${uidNext} ${exists}`;

/** Rendered messages that were read lately, up to RENDERED_CACHE_BYTES. */
class RenderedCache {
  /** Least recently used first. */
  readonly #held = new Map<string, RenderedMessage>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): RenderedMessage | null {
    const found = this.#held.get(key);
    if (found === undefined) return null;
    this.#held.delete(key);
    this.#held.set(key, found);
    return found;
  }

  set(key: string, message: RenderedMessage): void {
    const size = sizeOf(message);
    if (this.#held.has(key) || size > RENDERED_CACHE_BYTES / 2) return;
    this.#held.set(key, message);
    this.#bytes += size;
    for (const [oldest, held] of this.#held) {
      if (this.#bytes <= RENDERED_CACHE_BYTES) break;
      this.#held.delete(oldest);
      this.#bytes -= sizeOf(held);
    }
  }
}

const sizeOf = ({ bytes, fragment }: RenderedMessage): number => bytes.length + fragment.length;

/** The facts of all mailboxes of a back end. Those no session uses go, the longest unused first. */
export class FactsRegistry {
  readonly #facts = new Map<string, RenderedFacts>();
  readonly #cache = new RenderedCache();

  /** Give back with `release`. */
  take(mailbox: MailboxId, wish: RenderingWish): RenderedFacts {
    const key = `${mailbox} ${wishKey(wish)}`;
    const facts = this.#facts.get(key) ?? new RenderedFacts(wish, key, this.#cache);
    this.#facts.delete(key);
    this.#facts.set(key, facts);
    facts.users += 1;
    return facts;
  }

  release(facts: RenderedFacts): void {
    facts.users -= 1;
    let known = this.sizesKnown;
    for (const [key, held] of this.#facts) {
      if (known <= RENDERED_SIZES) return;
      if (held.users > 0) continue;
      this.#facts.delete(key);
      known -= held.known;
    }
  }

  get sizesKnown(): number {
    let known = 0;
    for (const facts of this.#facts.values()) known += facts.known;
    return known;
  }

  get cachedBytes(): number {
    return this.#cache.bytes;
  }
}
