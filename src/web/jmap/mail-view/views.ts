/**
 * Views of messages made in threads of their own, each within a time limit. A body that takes longer, or breaks what
 * reads it, is shown as its text; one that even so cannot be read is not shown, and can be downloaded.
 */
import { availableParallelism } from 'node:os';
import type { BodySource, MessageView, ViewWish } from '../../../message/safe-html/message-view.ts';
import { Failure } from '../../../observe/failure.ts';
import { ThreadPool } from '../../../wire/thread-pool.ts';

export const VIEW_WORKERS = Math.max(1, Math.min(4, availableParallelism() >> 1));
/** VIEW_BYTES of ordinary HTML take half a second on a slow machine. */
export const VIEW_LIMIT_MS = 5000;
const VIEW_WORKER_IDLE_MS = 60_000;
const VIEW_WORKER_HEAP_MB = 256;
/** Views that wait for a thread, of all people; each holds VIEW_BYTES at most. */
export const VIEWS_WAITING = 200;

export interface ViewRequest {
  readonly bodies: readonly BodySource[];
  readonly wish: ViewWish;
}

export type ViewReply = { readonly view: MessageView; readonly failed: null } | { readonly failed: string };

export interface ShownView extends MessageView {
  /** `text`: the sender's HTML was too much; `none`: nothing can be shown. */
  readonly reducedTo: 'text' | 'none' | null;
}

const pool = new ThreadPool<ViewRequest, ViewReply>({
  module: new URL('./view-worker.ts', import.meta.url),
  name: 'penfold-view',
  threads: VIEW_WORKERS,
  idleMs: VIEW_WORKER_IDLE_MS,
  limitMs: VIEW_LIMIT_MS,
  heapMb: VIEW_WORKER_HEAP_MB,
});

/** @throws Failure UNAVAILABLE when too many wait */
export async function viewOf(bodies: readonly BodySource[], wish: Omit<ViewWish, 'textOnly'>): Promise<ShownView> {
  if (pool.waiting >= VIEWS_WAITING)
    throw new Failure('UNAVAILABLE', 'the server shows as many messages as it can; try again in a moment');
  for (const textOnly of [false, true]) {
    const view = await attempt({ bodies, wish: { ...wish, textOnly } });
    if (view !== null) return { ...view, reducedTo: view.isReduced ? 'text' : null };
  }
  return { ...EMPTY, reducedTo: 'none' };
}

/** Ends the threads. For tests. */
export const closeViews = (): Promise<void> => pool.close();

/** Null: it took too long, or broke. */
async function attempt(request: ViewRequest): Promise<MessageView | null> {
  try {
    // Not transferred: a second attempt needs the bytes again.
    const reply = await pool.run(() => ({ request, transfer: [] }));
    if (reply.failed === null) return reply.view;
    warn(reply.failed);
  } catch (error) {
    warn(error instanceof Error ? error.message : String(error));
  }
  return null;
}

/** This module has no log of its own; a message that gets here is worth a bug report. */
function warn(reason: string): void {
  process.emitWarning(`a message could not be made ready to be shown: ${reason}`, { code: 'PENFOLD_VIEW' });
}

const EMPTY: MessageView = {
  html: '',
  css: '',
  isPlain: true,
  hasOwnColours: false,
  remotePictures: 0,
  trackingPixels: 0,
  misleadingLinks: 0,
  usedPictures: new Set(),
  isReduced: true,
};
