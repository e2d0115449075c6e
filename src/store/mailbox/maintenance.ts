/**
 * What a mailbox needs from time to time: recoverable items older than the retention time or above their quota go for good, the log is
 * folded, segments that are mostly dead are copied out and removed, messages without searchable text get it. Called by the back end's schedule.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { compact } from './compaction.ts';
import { fold } from './folding.ts';
import type { MailboxCore } from './mailbox-core.ts';
import { expungeIntent, purgeExcessIntent } from './message-intents.ts';

/** Wall time of one step of indexing, ms. */
const INDEX_STEP_MS = 50;

export async function maintain(core: MailboxCore, retentionSeconds: number): Promise<void> {
  const letGo = await core.holdAll();
  try {
    await purgeRecoverable(core, retentionSeconds);
    core.state.pruneFormerFolders();
    await nextTurn();
    await fold(core, 'maintenance');
    await compact(core);
    core.backlog.collect();
    while (await core.indexer.step(INDEX_STEP_MS)) await nextTurn();
  } finally {
    letGo();
  }
}

/** Exchange's DeletedItemRetention: 14 days unless the database says otherwise (exchange-behaviour.md §9.2). */
async function purgeRecoverable(core: MailboxCore, retentionSeconds: number): Promise<void> {
  const folder = core.state.byUse('recoverable');
  if (folder === null || folder.facts.exists === 0) return;
  const columns = core.state.rows(folder);
  const before = core.now() - retentionSeconds;
  const old: number[] = [];
  for (let row = 0; row < columns.length; row += 1) {
    if (columns.saveDate[row]! < before) old.push(columns.uid[row]!);
  }
  if (old.length > 0) await core.queue.submit(expungeIntent(folder.id, Uint32Array.from(old), true, null));
  await core.queue.submit(purgeExcessIntent(folder.id));
}
