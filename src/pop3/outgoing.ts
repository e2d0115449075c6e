/**
 * A message as this client gets it: the original bytes, or, where the header holds UTF-8 and the client has not said
 * UTF8, a surrogate in ASCII (RFC 6856 §2.1, RFC 6858 §4: the lines of TOP are those of the surrogate, LIST may go on
 * telling the size of the original).
 */
import { Buffer, isAscii } from 'node:buffer';
import { readParts } from '../message/fragment.ts';
import { headerOctets } from '../message/mdn.ts';
import type { Part } from '../message/model.ts';
import { parseMessage } from '../message/scanner.ts';
import { type Edit, edited, editedChunks, growth, headersAreAscii, surrogateEdits } from '../message/surrogate.ts';
import type { Mailbox } from '../store/api.ts';
import type { FolderId } from '../store/model.ts';
import { HEADER_BYTES } from '../wire/limits.ts';
import type { Maildrop } from './maildrop.ts';
import { BodyReader } from './read-ahead.ts';
import { topLength } from './top.ts';

/** RFC 6856 §5: no surrogate can be made, the message is for clients that have said UTF8. */
export class NeedsUtf8 extends Error {
  override readonly name = 'NeedsUtf8';
}

export type Outgoing =
  /** bytes[start, end) is the whole text. `original`: what it was made from, null when it is the original itself. */
  | {
      readonly kind: 'held';
      readonly bytes: Buffer;
      readonly start: number;
      readonly end: number;
      readonly size: number;
      readonly original: Buffer | null;
    }
  | {
      readonly kind: 'streamed';
      readonly chunks: AsyncIterable<Buffer>;
      readonly size: number;
      /** Each chunk may be given back to wire/buffers.ts. */
      readonly isPooled: boolean;
    };

/** TOP reads this much first: most headers and a few lines fit (octets). */
const TOP_FIRST_BYTES = 16 * 1024;
/** Octets of a streamed message that are looked at for a receipt. */
const HEADER_LOOK_BYTES = 64 * 1024;
const COMPOSITE = /^content-type[ \t]*:\s*(?:multipart|message)\//im;

export class OutgoingMessages {
  readonly #mailbox: Mailbox;
  readonly #folder: FolderId;
  readonly #maildrop: Maildrop;
  readonly #bodies: BodyReader;
  readonly #utf8: boolean;

  /** @param utf8 the client has said UTF8: it gets every message as it is */
  constructor(mailbox: Mailbox, folder: FolderId, maildrop: Maildrop, utf8: boolean) {
    this.#mailbox = mailbox;
    this.#folder = folder;
    this.#maildrop = maildrop;
    this.#bodies = new BodyReader(mailbox, folder, maildrop);
    this.#utf8 = utf8;
  }

  /** For RETR; `size` is what will be sent. @throws Failure EXPUNGEISSUED when the message is gone for good, NeedsUtf8 */
  async whole(row: number): Promise<Outgoing> {
    const size = this.#maildrop.size(row);
    if (size === 0) return { kind: 'held', bytes: Buffer.alloc(0), start: 0, end: 0, size, original: null };
    const held = await this.#bodies.held(row);
    if (held === null) {
      const edits = this.#utf8 ? [] : await this.#edits(row, null);
      const chunks = this.#bodies.stream(row);
      if (edits.length === 0) return { kind: 'streamed', chunks, size, isPooled: true };
      return { kind: 'streamed', chunks: editedChunks(chunks, edits), size: size + growth(edits), isPooled: false };
    }
    const { bytes, start, end } = held;
    const same: Outgoing = { kind: 'held', bytes, start, end, size, original: null };
    if (this.#utf8 || isAscii(new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start))) return same;
    const original = bytes.subarray(start, end);
    const edits = await this.#edits(row, original);
    if (edits.length === 0) return same;
    const surrogate = edited(original, edits);
    return { kind: 'held', bytes: surrogate, start: 0, end: surrogate.length, size: size + growth(edits), original };
  }

  /** For TOP: the header, the empty line and `lines` lines of the body. @throws Failure EXPUNGEISSUED, NeedsUtf8 */
  async top(row: number, lines: number): Promise<Outgoing> {
    this.#bodies.release();
    const octets = this.#maildrop.octets(row);
    const first = await joined(this.#bodies.part(row, 0, Math.min(octets, TOP_FIRST_BYTES)));
    const scan = topLength(lines);
    const isWhole = first.length >= octets;
    const end = scan.next(first) ?? (isWhole ? first.length : null);
    // One short read answers almost every TOP.
    if (end !== null && (this.#utf8 || isAscii(first.subarray(0, end)))) {
      return { kind: 'held', bytes: first, start: 0, end, size: end, original: null };
    }
    const edits = this.#utf8 ? [] : await this.#edits(row, isWhole ? first : null);
    const text = (): AsyncIterable<Buffer> => editedChunks(this.#bodies.part(row, 0, octets), edits);
    // A longer one is measured first and then sent, without being held.
    scan.restart();
    let length: number | null = null;
    for await (const chunk of text()) {
      length = scan.next(chunk);
      if (length !== null) break;
    }
    const size = length ?? octets + growth(edits);
    return { kind: 'streamed', chunks: firstOctets(text(), size), size, isPooled: false };
  }

  /** The first octets of a message that was streamed: its header, if possible. */
  start(row: number): Promise<Buffer> {
    return joined(this.#bodies.part(row, 0, Math.min(this.#maildrop.octets(row), HEADER_LOOK_BYTES)));
  }

  release(): void {
    this.#bodies.release();
  }

  /** @param message the whole message where it is at hand; it is not plain ASCII then */
  async #edits(row: number, message: Buffer | null): Promise<readonly Edit[]> {
    if (message !== null) {
      const header = message.subarray(0, headerOctets(message));
      const text = header.toString('latin1');
      if (!COMPOSITE.test(text)) return surrogateEdits(header, 0);
      // Eight-bit text below headers of plain ASCII is the usual case, and costs no parsing.
      if (headersAreAscii(message, header)) return [];
    }
    const edits: Edit[] = [];
    let last = 0;
    const parts = message === null ? await this.#parts(row) : readParts(parseMessage(message).fragment, 0);
    for (const { headerStart, bodyStart, bodyEnd, mediaType } of parts) {
      if (headerStart < last) continue;
      // What is signed stays as it was signed (RFC 1847 §2.1).
      last = mediaType === 'multipart/signed' ? bodyEnd : bodyStart;
      if (bodyStart - headerStart > HEADER_BYTES) {
        await this.#mustBeAscii(row, headerStart, bodyStart);
        continue;
      }
      const header =
        message === null
          ? await joined(this.#bodies.part(row, headerStart, bodyStart))
          : message.subarray(headerStart, bodyStart);
      edits.push(...surrogateEdits(header, headerStart));
    }
    return edits;
  }

  /** A header too large to be rewritten. @throws NeedsUtf8 */
  async #mustBeAscii(row: number, start: number, end: number): Promise<void> {
    for await (const chunk of this.#bodies.part(row, start, end)) {
      if (!isAscii(chunk)) throw new NeedsUtf8('the header is too large for a surrogate');
    }
  }

  async #parts(row: number): Promise<readonly Part[]> {
    const uids = Uint32Array.of(this.#maildrop.uid(row));
    for await (const { bytes, pieces } of this.#mailbox.fragments(this.#folder, uids, ['details'])) {
      const offset = pieces.details?.offsets[0];
      if (offset !== undefined && (pieces.details?.lengths[0] ?? 0) > 0) return readParts(bytes, offset);
    }
    return [];
  }
}

async function joined(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const chunk of chunks) pieces.push(chunk);
  return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
}

async function* firstOctets(chunks: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  let left = size;
  for await (const chunk of chunks) {
    yield chunk.length > left ? chunk.subarray(0, left) : chunk;
    left -= chunk.length;
    if (left <= 0) return;
  }
}
