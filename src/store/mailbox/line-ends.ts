/**
 * Whether messages end with CRLF, for those stored before that was kept with them: their last two octets are read
 * once, when their folder is first opened, and the answer is folded like any other fact. Messages that come in bring
 * it along (staging.ts).
 */
import { Buffer } from 'node:buffer';
import { LINE_END } from './columns.ts';
import type { FolderState } from './folder-state.ts';
import type { MailboxCore } from './mailbox-core.ts';
import type { ReadRange } from './storage.ts';

const CR = 0x0d;
const LF = 0x0a;
/** Octets of a line end. */
const TAIL = 2;
/** Messages read together. */
const AT_ONCE = 1024;

/** Resolves when they are known, as far as the messages can be read; null: they are. */
export function findLineEnds(core: MailboxCore, folder: FolderState): Promise<void> | null {
  return folder.lineEndsKnown ? null : find(core, folder);
}

async function find(core: MailboxCore, folder: FolderState): Promise<void> {
  for (let uids = unknownIn(core, folder); uids.length > 0; uids = unknownIn(core, folder)) {
    const tails = Buffer.alloc(uids.length * TAIL);
    const columns = core.state.rows(folder);
    const ranges: ReadRange[] = [];
    for (const [i, uid] of uids.entries()) {
      const row = columns.rowOf(uid);
      const size = columns.size[row]!;
      if (size < TAIL) continue;
      ranges.push({
        segment: columns.segment[row]!,
        offset: columns.offset[row]! + size - TAIL,
        length: TAIL,
        at: i * TAIL,
      });
    }
    try {
      await core.storage.readContent(ranges, tails);
    } catch (reason) {
      // The folder stays usable: what cannot be read is not answered for, and verify names it.
      core.log.error({ err: reason, mailbox: core.id, folder: folder.id }, 'the ends of messages could not be read');
      return;
    }
    for (const [i, uid] of uids.entries()) settle(core, folder, uid, tails, i * TAIL);
  }
  folder.lineEndsKnown = true;
}

function settle(core: MailboxCore, folder: FolderState, uid: number, tails: Buffer, at: number): void {
  const columns = core.state.rows(folder);
  const row = columns.rowOf(uid);
  if (row < 0) return;
  const isComplete = columns.size[row] === 0 || (tails[at] === CR && tails[at + 1] === LF);
  columns.lineEnd[row] = isComplete ? LINE_END.present : LINE_END.missing;
  folder.markChunk(uid);
  core.relearned += 1;
}

function unknownIn(core: MailboxCore, folder: FolderState): number[] {
  const { lineEnd, uid, length } = core.state.rows(folder);
  const uids: number[] = [];
  let row = lineEnd.indexOf(LINE_END.unknown);
  while (row >= 0 && row < length && uids.length < AT_ONCE) {
    uids.push(uid[row]!);
    row = lineEnd.indexOf(LINE_END.unknown, row + 1);
  }
  return uids;
}
