/**
 * The text workers of this process: threads that decode and fold messages for searching, so that no HTML part and no
 * odd charset holds the event loop. Started when first needed, not keeping the process alive, ended when idle.
 * Knows no folder and no store.
 */
import { Buffer } from 'node:buffer';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
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

interface Job {
  readonly messages: Packed;
  readonly resolve: (texts: ExtractedTexts) => void;
  readonly reject: (reason: Error) => void;
}

/** One thread with the job it works on. */
interface Thread {
  readonly worker: Worker;
  job: Job | null;
  timer: NodeJS.Timeout | null;
}

const waiting: Job[] = [];
const threads: Thread[] = [];

/**
 * Texts of each message of a batch, an empty header text where the message is empty. Never fails for what a message
 * holds: one that kills the worker twice is searched by its raw bytes.
 */
export async function extractTexts(messages: Packed): Promise<ExtractedTexts> {
  try {
    return await enqueue(messages);
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
export async function closeTextWorkers(): Promise<void> {
  await Promise.all(threads.map((thread) => thread.worker.terminate()));
}

function enqueue(messages: Packed): Promise<ExtractedTexts> {
  const { promise, resolve, reject } = Promise.withResolvers<ExtractedTexts>();
  waiting.push({ messages, resolve, reject });
  dispatch();
  return promise;
}

function dispatch(): void {
  while (waiting.length > 0) {
    const idle = threads.find((thread) => thread.job === null) ?? startThread();
    if (idle === null) return;
    const job = waiting.shift()!;
    if (idle.timer !== null) clearTimeout(idle.timer);
    idle.job = job;
    idle.timer = setTimeout(() => void idle.worker.terminate(), TEXT_BATCH_LIMIT_MS);
    idle.timer.unref();
    /* While someone waits for an answer the thread keeps the process alive. */
    idle.worker.ref();
    const request = requestOf(job.messages);
    idle.worker.postMessage(request, [request.bytes.buffer]);
  }
}

function startThread(): Thread | null {
  if (threads.length >= TEXT_WORKERS) return null;
  const worker = new Worker(new URL('./text-worker.ts', import.meta.url), {
    name: 'penfold-text',
    resourceLimits: { maxOldGenerationSizeMb: TEXT_WORKER_HEAP_MB },
  });
  const thread: Thread = { worker, job: null, timer: null };
  let cause = new Error('text worker ended');
  worker.on('message', (reply: TextReply) => finish(thread, reply));
  worker.on('error', (error: Error) => {
    cause = error;
  });
  worker.on('exit', () => {
    const at = threads.indexOf(thread);
    if (at >= 0) threads.splice(at, 1);
    if (thread.timer !== null) clearTimeout(thread.timer);
    const { job } = thread;
    thread.job = null;
    job?.reject(cause);
    dispatch();
  });
  threads.push(thread);
  return thread;
}

function finish(thread: Thread, reply: TextReply): void {
  const { job } = thread;
  thread.job = null;
  if (thread.timer !== null) clearTimeout(thread.timer);
  thread.timer = setTimeout(() => void thread.worker.terminate(), TEXT_WORKER_IDLE_MS);
  thread.timer.unref();
  thread.worker.unref();
  if (reply.failed === null) job?.resolve({ header: unpack(reply.header), body: unpack(reply.body) });
  else job?.reject(new Error(reply.failed));
  dispatch();
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
