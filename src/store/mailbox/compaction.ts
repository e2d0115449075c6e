/**
 * Gives back the space of messages that are gone for good. A segment whose live share is below COMPACT_BELOW has its
 * live messages copied to the log's end through the commit queue, like any other change; after the next fold nothing
 * refers to it any more, and only then it is removed (order of dependencies.md §7: copy → flush → switch → flush the
 * switch → unlink). A crash at any point leaves either both copies or the new one.
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import type { Columns } from './columns.ts';
import { fold } from './folding.ts';
import type { MailboxCore } from './mailbox-core.ts';
import type { Payload } from './storage.ts';

/** Share of live octets below which a segment is copied out. */
const COMPACT_BELOW = 0.5;
/** Octets copied with one change; a larger message is one by itself. */
const COPY_BYTES = 4 * 1024 * 1024;

interface LiveContent {
  readonly content: number;
  readonly offset: number;
  readonly size: number;
}

export async function compact(core: MailboxCore): Promise<void> {
  const { compaction } = core.storage;
  if (compaction === null) return;
  const live = liveContents(core);
  for (const { segment, bytes } of compaction.segments()) {
    const contents = [...(live.get(segment)?.values() ?? [])].sort((a, b) => a.offset - b.offset);
    const liveBytes = contents.reduce((sum, one) => sum + one.size, 0);
    if (liveBytes >= bytes * COMPACT_BELOW) continue;
    await copyOut(core, segment, contents, compaction.prefixBytes);
    await fold(core, 'maintenance');
    await compaction.drop(segment);
    core.log.info({ mailbox: core.id, segment, bytes, liveBytes }, 'segment compacted');
  }
}

/** Every content some row, or some client's screen, still refers to: by segment, once. */
export function liveContents(core: MailboxCore): Map<number, Map<number, LiveContent>> {
  const live = new Map<number, Map<number, LiveContent>>();
  const add = (columns: Columns): void => {
    for (let row = 0; row < columns.length; row += 1) {
      const segment = columns.segment[row]!;
      let contents = live.get(segment);
      if (contents === undefined) {
        contents = new Map();
        live.set(segment, contents);
      }
      const content = columns.content[row]!;
      contents.set(content, { content, offset: columns.offset[row]!, size: columns.size[row]! });
    }
  };
  for (const folder of core.state.folders.values()) {
    add(core.state.rows(folder));
    for (const block of folder.limbo) add(block);
  }
  return live;
}

async function copyOut(
  core: MailboxCore,
  segment: number,
  contents: readonly LiveContent[],
  prefixBytes: number,
): Promise<void> {
  for (let from = 0; from < contents.length; ) {
    let to = from;
    let bytes = 0;
    while (to < contents.length && (to === from || bytes + contents[to]!.size <= COPY_BYTES)) {
      bytes += prefixBytes + contents[to]!.size;
      to += 1;
    }
    await copyGroup(core, segment, contents.slice(from, to), bytes, prefixBytes);
    from = to;
  }
}

async function copyGroup(
  core: MailboxCore,
  segment: number,
  group: readonly LiveContent[],
  bytes: number,
  prefixBytes: number,
): Promise<void> {
  const memory = Buffer.allocUnsafeSlow(bytes);
  const offsets = new Uint32Array(group.length);
  let at = 0;
  const ranges = group.map((one, i) => {
    const range = { segment, offset: one.offset - prefixBytes, length: prefixBytes + one.size, at };
    offsets[i] = at + prefixBytes;
    at += prefixBytes + one.size;
    return range;
  });
  await core.storage.readContent(ranges, memory);
  const payload: Payload = { size: bytes, crc: crc32(memory), memory, pieces: () => pieces(memory) };
  const contents = Uint32Array.from(group, (one) => one.content);
  await core.queue.submit({
    rows: [],
    alone: true,
    origin: null,
    plan: (draft) => draft.add({ kind: 'relocate', segment, contents, offsets }, null, payload),
  });
}

// oxlint-disable-next-line typescript/require-await -- the shape of a payload
async function* pieces(memory: Buffer): AsyncIterable<Buffer> {
  yield memory;
}
