/**
 * Folders and messages as one byte stream, for the control door: frames of a 4-byte length, a type byte and a payload.
 * A message is a head (JSON), data frames and an end; `broken` ends one whose source could not be read to its end.
 */
import { Buffer } from 'node:buffer';
import * as v from 'valibot';
import { SPECIAL_USES } from '../../store/model.ts';
import type { ExportItem, FolderRecord, MessageRecord } from './record.ts';

/** Larger frames are an error of the other side. */
const FRAME_BYTES = 1024 * 1024;
const HEAD_BYTES = 5;

const TYPES = ['folder', 'message', 'data', 'end', 'broken'] as const;
export type FrameType = (typeof TYPES)[number];

export interface Frame {
  readonly type: FrameType;
  readonly payload: Buffer;
}

export function frame(type: FrameType, payload: Uint8Array): Buffer[] {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(payload.length, 0);
  head[4] = TYPES.indexOf(type);
  return payload.length === 0 ? [head] : [head, Buffer.from(payload.buffer, payload.byteOffset, payload.length)];
}

export function jsonFrame(type: FrameType, value: object): Buffer[] {
  return frame(type, Buffer.from(JSON.stringify(value)));
}

export function* dataFrames(chunk: Buffer): Iterable<Buffer> {
  for (let at = 0; at < chunk.length; at += FRAME_BYTES) yield* frame('data', chunk.subarray(at, at + FRAME_BYTES));
}

/** @throws Error when the stream is cut off within a frame, or is none of ours */
export async function* readFrames(stream: AsyncIterable<Uint8Array>): AsyncIterable<Frame> {
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    const more = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    held = held.length === 0 ? more : Buffer.concat([held, more]);
    while (held.length >= HEAD_BYTES) {
      const length = held.readUInt32BE(0);
      const type = TYPES[held[4] ?? TYPES.length];
      if (type === undefined || length > FRAME_BYTES) throw new Error('the stream is damaged: no such frame');
      if (held.length < HEAD_BYTES + length) break;
      yield { type, payload: held.subarray(HEAD_BYTES, HEAD_BYTES + length) };
      held = held.subarray(HEAD_BYTES + length);
    }
  }
  if (held.length > 0) throw new Error('the stream was cut off');
}

const nullableNumber = v.nullable(v.number());
const folderSchema = v.object({
  n: v.number(),
  name: v.string(),
  specialUse: v.nullable(v.picklist(SPECIAL_USES)),
  subscribed: v.boolean(),
  uidValidity: nullableNumber,
  uidNext: nullableNumber,
  messages: nullableNumber,
});
const messageSchema = v.object({
  n: v.number(),
  folder: v.string(),
  flags: v.number(),
  keywords: v.array(v.string()),
  internalDate: nullableNumber,
  saveDate: nullableNumber,
  uid: nullableNumber,
  uidl: v.nullable(v.string()),
  size: v.number(),
});

/** `n` numbers what the other side answers to. */
export const folderFrame = (n: number, folder: FolderRecord): Buffer[] => jsonFrame('folder', { ...folder, n });
export const messageFrame = (n: number, message: MessageRecord): Buffer[] => {
  const { folder, flags, keywords, internalDate, saveDate, uid, uidl, size } = message;
  return jsonFrame('message', { n, folder, flags, keywords, internalDate, saveDate, uid, uidl, size });
};

export type Incoming =
  | { readonly kind: 'folder'; readonly n: number; readonly folder: FolderRecord }
  | { readonly kind: 'message'; readonly n: number; readonly message: MessageRecord };

/** What `folderFrame` and `messageFrame` wrote. What is left unread of a message is skipped before the next item. */
export async function* readItems(stream: AsyncIterable<Uint8Array>): AsyncIterable<Incoming> {
  const frames = readFrames(stream)[Symbol.asyncIterator]();
  for (;;) {
    const next = await frames.next();
    if (next.done === true) return;
    const { type, payload } = next.value;
    if (type === 'folder') {
      const { n, ...folder } = v.parse(folderSchema, JSON.parse(payload.toString('utf8')));
      yield { kind: 'folder', n, folder };
    } else if (type === 'message') {
      const { n, ...head } = v.parse(messageSchema, JSON.parse(payload.toString('utf8')));
      const body = new FramedBody(frames);
      yield { kind: 'message', n, message: { ...head, chunks: () => body.chunks() } };
      await body.skip();
    } else {
      throw new Error(`the stream is damaged: a ${type} frame outside of a message`);
    }
  }
}

class FramedBody {
  readonly #frames: AsyncIterator<Frame>;
  #ended = false;

  constructor(frames: AsyncIterator<Frame>) {
    this.#frames = frames;
  }

  async *chunks(): AsyncIterable<Buffer> {
    while (!this.#ended) {
      const next = await this.#frames.next();
      if (next.done === true) throw new Error('the stream was cut off within a message');
      const { type, payload } = next.value;
      if (type === 'data') {
        yield payload;
        continue;
      }
      this.#ended = true;
      if (type === 'broken') throw new Error(payload.toString('utf8'));
      if (type !== 'end') throw new Error(`the stream is damaged: a ${type} frame within a message`);
    }
  }

  async skip(): Promise<void> {
    while (!this.#ended) {
      const next = await this.#frames.next();
      if (next.done === true || next.value.type !== 'data') this.#ended = true;
    }
  }
}

/** An export as frames. */
export async function* framesOf(items: AsyncIterable<ExportItem>): AsyncIterable<Buffer> {
  let n = 0;
  for await (const item of items) {
    n += 1;
    if (item.kind === 'folder') {
      yield* folderFrame(n, item.folder);
      continue;
    }
    yield* messageFrame(n, item.message);
    for await (const chunk of item.message.chunks()) yield* dataFrames(chunk);
    yield* frame('end', Buffer.alloc(0));
  }
}
