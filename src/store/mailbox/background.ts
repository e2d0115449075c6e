/**
 * What an open mailbox does when nobody waits for it: texts of new messages for search, and giving back memory and
 * handles when its sessions are idle. One timer for all mailboxes of a database (database.ts).
 */
import { fold, foldIsDue } from './folding.ts';
import type { MailboxCore } from './mailbox-core.ts';

/** Wall time of one step of indexing, ms; a pause of one sweep lies between bursts. */
const INDEX_STEP_MS = 50;
/** Steps of one burst. */
const INDEX_STEPS = 20;

/** After each commit: keeps the log's tail, and with it the time of the next open, short. */
export function foldWhenDue(core: MailboxCore): void {
  if (core.folding !== null || !foldIsDue(core)) return;
  fold(core, 'threshold').catch((reason: unknown) => {
    core.log.error({ err: reason, mailbox: core.id }, 'folding the log failed');
  });
}

/** Every few seconds for each open mailbox. */
export async function sweep(core: MailboxCore): Promise<void> {
  if (core.queue.busy || core.sweeping) return;
  if (core.active) {
    // Somebody changed something since the last sweep: wait for a quiet moment.
    core.active = false;
    return;
  }
  core.sweeping = true;
  try {
    const index = core.texts.load();
    if (index !== undefined) await index;
    for (let i = 0; i < INDEX_STEPS && !core.backlog.isEmpty && !core.active; i += 1) {
      await core.indexer.step(INDEX_STEP_MS);
    }
    if (core.backlog.isEmpty && !core.active) await rest(core);
  } finally {
    core.sweeping = false;
  }
}

/**
 * Lets go of rows nobody has looked at since the last sweep; open views read them again when they need them.
 * Sessions that idle for hours hold only their own view (design.md §9: 20 KiB each).
 */
async function rest(core: MailboxCore): Promise<void> {
  if (core.storage.reloads === 'never') return;
  const folders = [...core.state.folders.values()].filter((folder) => folder.columns !== null);
  const unused = folders.filter((folder) => core.isIdle(folder));
  for (const folder of folders) folder.used = false;
  if (unused.length === 0) return;
  if (core.storage.unfolded.changes > 0 || unused.some((folder) => folder.dirtyChunks.size > 0))
    await fold(core, 'maintenance');
  if (core.queue.busy || core.folding !== null) return;
  for (const folder of unused) if (core.isIdle(folder)) folder.release();
  if (core.isHeld || [...core.state.folders.values()].some((folder) => folder.columns !== null)) return;
  core.texts.rest();
  core.storage.rest();
}
