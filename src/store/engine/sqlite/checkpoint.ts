/**
 * Checkpoints of mailbox.db files in one worker thread for the whole process: they flush twice, which on a slow disk
 * would stop every session for tens of milliseconds (dependencies.md §6).
 */
import { Worker } from 'node:worker_threads';

export interface CheckpointRequest {
  readonly id: number;
  readonly path: string;
}

export interface CheckpointReply {
  readonly id: number;
  readonly failed: string | null;
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

/** The thread ends when nothing has been asked of it for this time. */
const IDLE_MS = 10_000;

let worker: Worker | null = null;
let idle: NodeJS.Timeout | null = null;
let lastId = 0;
const waiting = new Map<number, Waiting>();

/** Resolves when everything committed to the file so far is durable. */
export function checkpoint(path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  if (idle !== null) clearTimeout(idle);
  idle = null;
  const thread = (worker ??= start());
  lastId += 1;
  waiting.set(lastId, { resolve, reject });
  thread.ref();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  thread.postMessage({ id: lastId, path } satisfies CheckpointRequest);
  return promise;
}

function start(): Worker {
  const thread = new Worker(new URL('./checkpoint-worker.ts', import.meta.url), { name: 'penfold-checkpoint' });
  let cause = new Error('the checkpoint thread ended');
  thread.on('message', (reply: CheckpointReply) => finish(thread, reply));
  thread.on('error', (reason: Error) => {
    cause = reason;
  });
  thread.on('exit', () => {
    if (worker === thread) worker = null;
    for (const one of waiting.values()) one.reject(cause);
    waiting.clear();
  });
  return thread;
}

function finish(thread: Worker, reply: CheckpointReply): void {
  const one = waiting.get(reply.id);
  waiting.delete(reply.id);
  if (reply.failed === null) one?.resolve();
  else one?.reject(new Error(`checkpoint: ${reply.failed}`));
  if (waiting.size > 0) return;
  // Nothing under way: the thread must not keep the process alive.
  thread.unref();
  idle = setTimeout(() => {
    if (waiting.size > 0 || worker !== thread) return;
    worker = null;
    thread.terminate().catch(() => undefined);
  }, IDLE_MS);
  idle.unref();
}
