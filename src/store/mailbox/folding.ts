/**
 * Folding: brings the packed index on disk up to the log's end, so that the next open has little to replay. The image
 * is taken in one turn between two commits; writing it happens in small steps while commits go on.
 */
import type { Buffer } from 'node:buffer';
import { packChunk } from './chunk.ts';
import { CHUNK_BITS, type FolderState } from './folder-state.ts';
import type { MailboxCore } from './mailbox-core.ts';
import type { FoldedFolder, FoldImage } from './storage.ts';

/** Octets and changes logged since the last fold at which a fold starts by itself. */
export const FOLD_AFTER_BYTES = 64 * 1024 * 1024;
export const FOLD_AFTER_CHANGES = 4096;
/** When a mailbox is closed, a shorter tail than this is left for the next open to replay (or, of parse results, to redo). */
const CLOSE_FOLD_CHANGES = 64;

export type FoldReason = 'threshold' | 'closing' | 'maintenance';

export function foldIsDue(core: MailboxCore): boolean {
  const { bytes, changes } = core.storage.unfolded;
  return changes >= FOLD_AFTER_CHANGES || bytes >= FOLD_AFTER_BYTES;
}

/** One fold at a time; who comes second finds little left to do. */
export async function fold(core: MailboxCore, reason: FoldReason): Promise<void> {
  while (core.folding !== null) await core.folding;
  const done = foldNow(core, reason);
  core.folding = done.then(
    () => void (core.folding = null),
    () => void (core.folding = null),
  );
  await done;
}

async function foldNow(core: MailboxCore, reason: FoldReason): Promise<void> {
  const least = reason === 'closing' ? CLOSE_FOLD_CHANGES : 1;
  if (reason !== 'maintenance' && core.storage.unfolded.changes + core.relearned < least) return;
  let image: FoldImage | null = null;
  let written: Promise<void> = Promise.resolve();
  // A turn of the commit queue with nothing under way: memory and the log's end say the same.
  await core.queue.submit({
    rows: [],
    into: [],
    alone: true,
    origin: null,
    plan() {
      image = takeImage(core);
      written = core.storage.fold(image);
      written.catch(() => {});
    },
  });
  try {
    await written;
  } catch (failure) {
    if (image !== null) putBack(core, image);
    throw failure;
  }
}

function takeImage(core: MailboxCore): FoldImage {
  const { state } = core;
  const folders: FoldedFolder[] = [];
  for (const folder of state.folders.values()) {
    if (folder.dirty || folder.dirtyChunks.size > 0) folders.push(takeFolder(folder));
  }
  const image: FoldImage = {
    counters: { ...state.counters },
    subscriptions: state.subscriptionsDirty ? [...state.subscriptions] : null,
    folders,
    removedFolders: [...state.removedFolders],
    formerFolders: state.formerFoldersDirty ? new Map(state.formerFolders) : null,
    threadKeys: new Map(state.newThreadKeys),
  };
  core.relearned = 0;
  state.subscriptionsDirty = false;
  state.formerFoldersDirty = false;
  state.removedFolders.length = 0;
  // Known to the storage from now on: it answers for the image while that is being written.
  state.newThreadKeys.clear();
  return image;
}

function takeFolder(folder: FolderState): FoldedFolder {
  const chunks = new Map<number, Buffer | null>();
  const { columns } = folder;
  const dirty = folder.takeDirtyChunks();
  if (columns !== null) for (const chunk of dirty) chunks.set(chunk, packChunk(columns, chunk));
  const folded: FoldedFolder = {
    facts: { ...folder.facts, keywords: [...folder.facts.keywords] },
    chunks,
    uidls: folder.uidlsDirty ? new Map(folder.uidls) : null,
    newExpunges: folder.newExpunges,
  };
  folder.newExpunges = [];
  folder.uidlsDirty = false;
  folder.dirty = false;
  return folded;
}

/** The image could not be written: everything in it is due again. */
function putBack(core: MailboxCore, image: FoldImage): void {
  const { state } = core;
  if (image.subscriptions !== null) state.subscriptionsDirty = true;
  if (image.formerFolders !== null) state.formerFoldersDirty = true;
  state.removedFolders.push(...image.removedFolders);
  for (const [key, thread] of image.threadKeys) state.newThreadKeys.set(key, thread);
  for (const folded of image.folders) {
    const folder = state.folders.get(folded.facts.id);
    if (folder === undefined) continue;
    folder.dirty = true;
    for (const chunk of folded.chunks.keys()) folder.markChunk(chunk * 2 ** CHUNK_BITS);
    folder.newExpunges = [...folded.newExpunges, ...folder.newExpunges];
    if (folded.uidls !== null) folder.uidlsDirty = true;
  }
}
