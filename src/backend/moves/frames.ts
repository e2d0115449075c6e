/**
 * What the source of a move sends another server, as bytes:
 *
 *   frame: kind u8 · length u32 little-endian · payload
 *
 *   0 end        nothing follows
 *   1 rest       contents, octets: numbers
 *   2 whole      content: number · SHA-256: 32 octets · the message
 *   3 begin      content, size: numbers
 *   4 piece      octets of the message begun
 *   5 end of it  SHA-256: 32 octets
 *   6 keys       any count of: key, thread: numbers
 *   7 failure    code, text: what went wrong at the source behind the first octet
 *
 * Numbers are unsigned LEB128 (store/mailbox/byte-codec.ts). The version is part of the path (peer-moves.ts).
 */
import { Buffer } from 'node:buffer';
import { Failure, type FailureCode } from '../../observe/failure.ts';
import { ByteDecoder, ByteEncoder } from '../../store/mailbox/byte-codec.ts';
import type { ContentFrame, ThreadKey } from '../../store/moving.ts';

/** A source sends at most a batch of bodies (1 MiB) with its head in one frame. */
export const FRAME_BYTES = 2 * 1024 * 1024;
const HEAD_BYTES = 5;
const HASH_BYTES = 32;

const KIND = { end: 0, rest: 1, whole: 2, begin: 3, piece: 4, contentEnd: 5, keys: 6, failure: 7 } as const;

export type MoveFrame = ContentFrame | { readonly kind: 'keys'; readonly keys: readonly ThreadKey[] };

function frame(kind: number, ...parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeUInt8(kind, 0);
  head.writeUInt32LE(length, 1);
  return Buffer.concat([head, ...parts], HEAD_BYTES + length);
}

function numbers(...values: readonly number[]): Buffer {
  const out = new ByteEncoder();
  for (const value of values) out.number(value);
  return out.bytes();
}

export function encodeFrame(one: MoveFrame): Buffer {
  switch (one.kind) {
    case 'rest':
      return frame(KIND.rest, numbers(one.contents, one.bytes));
    case 'whole':
      return frame(KIND.whole, numbers(one.content), one.sha256, one.bytes);
    case 'begin':
      return frame(KIND.begin, numbers(one.content, one.size));
    case 'piece':
      return frame(KIND.piece, one.bytes);
    case 'end':
      return frame(KIND.contentEnd, one.sha256);
    case 'keys':
      return frame(KIND.keys, numbers(...one.keys.flatMap(({ key, thread }) => [key, thread])));
  }
}

export const encodeEnd = (): Buffer => frame(KIND.end);

export function encodeFailure({ code, message }: Failure): Buffer {
  const out = new ByteEncoder();
  out.text(code);
  out.text(message);
  return frame(KIND.failure, out.bytes());
}

/**
 * Frames out of a stream of octets cut anywhere; keeps at most one. A stream that ends without its end frame was
 * broken off. @throws Failure UNAVAILABLE (broken off, no frames), or what failed at the source
 */
export async function* decodeFrames(stream: AsyncIterable<Buffer>): AsyncIterable<MoveFrame> {
  const reader = new FrameReader();
  for await (const bytes of stream) {
    yield* reader.push(bytes);
    if (reader.isEnded) return;
  }
  throw new Failure('UNAVAILABLE', 'The source of a move broke off what it was sending.');
}

export class FrameReader {
  /** The end frame has come. */
  isEnded = false;
  readonly #gathered = new Gathering();

  /** Those that are whole by now. */
  *push(bytes: Buffer): Iterable<MoveFrame> {
    this.#gathered.add(bytes);
    while (!this.isEnded) {
      const next = this.#gathered.take();
      if (next === null) return;
      const decoded = decode(next.kind, next.payload);
      if (decoded === null) this.isEnded = true;
      else yield decoded;
    }
  }
}

/** Octets until a frame is whole; joined once for each frame. */
class Gathering {
  #chunks: Buffer[] = [];
  #size = 0;

  add(bytes: Buffer): void {
    this.#chunks.push(bytes);
    this.#size += bytes.length;
  }

  take(): { readonly kind: number; readonly payload: Buffer } | null {
    if (this.#size < HEAD_BYTES) return null;
    const [first] = this.#chunks;
    const head = first !== undefined && first.length >= HEAD_BYTES ? first : this.#joined();
    const length = head.readUInt32LE(1);
    if (length > FRAME_BYTES) throw noFrame(`a frame of ${length} octets`);
    if (this.#size < HEAD_BYTES + length) return null;
    const all = this.#joined();
    const payload = all.subarray(HEAD_BYTES, HEAD_BYTES + length);
    const kind = all.readUInt8(0);
    const rest = all.subarray(HEAD_BYTES + length);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#size = rest.length;
    return { kind, payload };
  }

  #joined(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks, this.#size)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }
}

/** Null: the end. */
function decode(kind: number, payload: Buffer): MoveFrame | null {
  const from = new ByteDecoder(payload);
  try {
    switch (kind) {
      case KIND.end:
        return null;
      case KIND.rest:
        return { kind: 'rest', contents: from.number(), bytes: from.number() };
      case KIND.whole: {
        const content = from.number();
        const at = numbers(content).length;
        if (payload.length < at + HASH_BYTES) throw noFrame('a content without its hash');
        const bytes = payload.subarray(at + HASH_BYTES);
        return { kind: 'whole', content, sha256: payload.subarray(at, at + HASH_BYTES), bytes };
      }
      case KIND.begin:
        return { kind: 'begin', content: from.number(), size: from.number() };
      case KIND.piece:
        return { kind: 'piece', bytes: payload };
      case KIND.contentEnd:
        if (payload.length !== HASH_BYTES) throw noFrame('a hash of another length');
        return { kind: 'end', sha256: payload };
      case KIND.keys: {
        const keys: ThreadKey[] = [];
        while (from.hasMore) keys.push({ key: from.number(), thread: from.number() });
        return { kind: 'keys', keys };
      }
      case KIND.failure: {
        const [word, text] = [from.text(), from.text()];
        throw new Failure(LASTING.find((code) => code === word) ?? 'UNAVAILABLE', text);
      }
      default:
        throw noFrame(`a frame of kind ${kind}`);
    }
  } catch (error) {
    if (error instanceof RangeError) throw noFrame(error.message);
    throw error;
  }
}

/** What a source may say that trying again does not mend; anything else may be better next time. */
const LASTING: readonly FailureCode[] = ['CORRUPTION', 'NONEXISTENT', 'INUSE', 'CANNOT'];

const noFrame = (why: string): Failure =>
  new Failure('UNAVAILABLE', `The source of a move sends something else than it should: ${why}.`);
