/**
 * The text workers of this process: threads that decode and fold messages for searching, so that no HTML part and no
 * odd charset holds the event loop. Started when first needed, not keeping the process alive, ended when idle.
 * Knows no folder and no store.
 */
import { Buffer } from 'node:buffer';
import { availableParallelism } from 'node:os';
import { ThreadPool } from '../../wire/thread-pool.ts';
import type { Packed } from './scan.ts';
import { rawTexts } from './text-entry.ts';

/** Half of the cores, so that sessions keep theirs; each worker holds some 30 MB. */
export const TEXT_WORKERS = Math.max(1, Math.min(4, availableParallelism() >> 1));
/** A worker without work for so long is ended. */
export const TEXT_WORKER_IDLE_MS = 20_000;
/** One batch of messages (about 1 MB) takes some 50 ms; one that takes longer than this is taken for a trap. */
export const TEXT_BATCH_LIMIT_MS = 20_000;
const TEXT_WORKER_HEAP_MB = 512;

export interface ExtractedTexts {
  readonly header: Packed;
  readonly body: Packed;
}

/** Sent to text-worker.ts with `bytes` transferred. */
export interface TextRequest {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
}

export interface PackedTexts {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
}

/** Answer of text-worker.ts, in the order of the requests; `failed` when a message broke the extractor. */
export type TextReply =
  | { readonly header: PackedTexts; readonly body: PackedTexts; readonly failed: null }
  | { readonly failed: string };

const pool = new ThreadPool<TextRequest, TextReply>({
  module: new URL('./text-worker.ts', import.meta.url),
  name: 'penfold-text',
  threads: TEXT_WORKERS,
  idleMs: TEXT_WORKER_IDLE_MS,
  limitMs: TEXT_BATCH_LIMIT_MS,
  heapMb: TEXT_WORKER_HEAP_MB,
});

/**
 * Texts of each message of a batch, an empty header text where the message is empty. Never fails for what a message
 * holds: one that kills the worker twice is searched by its raw bytes.
 */
export async function extractTexts(messages: Packed): Promise<ExtractedTexts> {
  try {
    return await inThread(messages);
  } catch (error) {
    if (messages.count === 1) return packRaw(messages, error);
  }
  /* One of them is the cause; the others get their real text. */
  const parts: ExtractedTexts[] = [];
  for (let i = 0; i < messages.count; i += 1) {
    parts.push(
      await extractTexts({
        count: 1,
        bytes: messages.bytes,
        offsets: messages.offsets.slice(i, i + 1),
        lengths: messages.lengths.slice(i, i + 1),
      }),
    );
  }
  return { header: concat(parts.map((part) => part.header)), body: concat(parts.map((part) => part.body)) };
}

/** Ends all workers; running extractions fall back to raw bytes. For tests and for the end of the process. */
export const closeTextWorkers = (): Promise<void> => pool.close();

async function inThread(messages: Packed): Promise<ExtractedTexts> {
  const reply = await pool.run(() => {
    const request = requestOf(messages);
    return { request, transfer: [request.bytes.buffer] };
  });
  if (reply.failed !== null) throw new Error(reply.failed);
  return { header: unpack(reply.header), body: unpack(reply.body) };
}

/** A copy that can be transferred: the batch itself may be a pooled buffer that others read. */
function requestOf(messages: Packed): TextRequest {
  let total = 0;
  for (let i = 0; i < messages.count; i += 1) total += messages.lengths[i]!;
  const bytes = new Uint8Array(total);
  const offsets = new Uint32Array(messages.count);
  let at = 0;
  for (let i = 0; i < messages.count; i += 1) {
    const start = messages.offsets[i]!;
    const length = messages.lengths[i]!;
    bytes.set(messages.bytes.subarray(start, start + length), at);
    offsets[i] = at;
    at += length;
  }
  return { bytes, offsets, lengths: messages.lengths.slice(0, messages.count) };
}

function unpack(texts: PackedTexts): Packed {
  const { bytes, offsets, lengths } = texts;
  return { count: lengths.length, bytes: Buffer.from(bytes.buffer), offsets, lengths };
}

function packRaw(messages: Packed, cause: unknown): ExtractedTexts {
  /* This module serves all mailboxes and has no log of its own; a message that gets here is worth a bug report. */
  const reason = cause instanceof Error ? cause.message : String(cause);
  process.emitWarning(`a message of ${messages.lengths[0]} octets is searched by its raw bytes: ${reason}`, {
    code: 'PENFOLD_TEXT',
  });
  const start = messages.offsets[0]!;
  const { header, body } = rawTexts(messages.bytes.subarray(start, start + messages.lengths[0]!));
  return { header: single(header), body: single(body) };
}

function single(bytes: Buffer): Packed {
  return { count: 1, bytes, offsets: Uint32Array.of(0), lengths: Uint32Array.of(bytes.length) };
}

function concat(parts: readonly Packed[]): Packed {
  const bytes = Buffer.concat(parts.map((part) => part.bytes));
  const offsets = new Uint32Array(parts.length);
  const lengths = new Uint32Array(parts.length);
  let at = 0;
  parts.forEach((part, i) => {
    offsets[i] = at;
    lengths[i] = part.lengths[0]!;
    at += part.bytes.length;
  });
  return { count: parts.length, bytes, offsets, lengths };
}
