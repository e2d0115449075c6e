/**
 * Gives back the space of messages that are gone for good. A segment whose live share is below COMPACT_BELOW has its
 * live messages copied to the log's end through the commit queue, like any other change; after the next fold nothing
 * refers to it any more, and only then it is removed (order of dependencies.md §7: copy → flush → switch → flush the
 * switch → unlink). A crash at any point leaves either both copies or the new one.
 */
import { Buffer } from 'node:buffer';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
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
  // A move reads contents where it has found them.
  if (compaction === null || core.departing) return;
  const live = await liveBytes(core);
  const emptied: number[] = [];
  for (const { segment, bytes } of await compaction.segments()) {
    const alive = live.get(segment) ?? 0;
    if (alive >= bytes * COMPACT_BELOW) continue;
    if (alive > 0) await copyOut(core, segment, liveContents(core, segment), compaction.prefixBytes);
    emptied.push(segment);
  }
  if (emptied.length === 0) return;
  await fold(core, 'maintenance');
  // Counting took several turns in which rows may have moved between folders: who is still referred to stays.
  const needed = segmentsInUse(core);
  const dead = emptied.filter((segment) => !needed.has(segment));
  if (dead.length > 0) await compaction.drop(dead);
  core.log.info({ mailbox: core.id, segments: dead.length }, 'segments compacted');
}

function segmentsInUse(core: MailboxCore): ReadonlySet<number> {
  const used = new Set<number>();
  let last = -1;
  for (const folder of core.state.folders.values()) {
    for (const { segment, length } of [core.state.rows(folder), ...folder.limbo]) {
      for (let row = 0; row < length; row += 1) {
        if (segment[row] === last) continue;
        last = segment[row]!;
        used.add(last);
      }
    }
  }
  return used;
}

/** Octets of each segment that some row, or some client's screen, still refers to; a content counts once. */
async function liveBytes(core: MailboxCore): Promise<ReadonlyMap<number, number>> {
  const live = new Map<number, number>();
  const seen = new Uint8Array((core.state.counters.nextContent >>> 3) + 1);
  const folders = [...core.state.folders.values()];
  for (const folder of folders) {
    for (const { segment, content, size, length } of [core.state.rows(folder), ...folder.limbo]) {
      for (let row = 0; row < length; row += 1) {
        const id = content[row]!;
        const bit = 1 << (id & 7);
        if ((seen[id >>> 3]! & bit) !== 0) continue;
        seen[id >>> 3] = seen[id >>> 3]! | bit;
        const where = segment[row]!;
        live.set(where, (live.get(where) ?? 0) + size[row]!);
      }
    }
    await nextTurn();
  }
  return live;
}

/** What is alive in one segment now, in the order it lies there. */
function liveContents(core: MailboxCore, segment: number): readonly LiveContent[] {
  const found = new Map<number, LiveContent>();
  for (const folder of core.state.folders.values()) {
    for (const columns of [core.state.rows(folder), ...folder.limbo]) {
      for (let row = 0; row < columns.length; row += 1) {
        if (columns.segment[row] !== segment) continue;
        const content = columns.content[row]!;
        found.set(content, { content, offset: columns.offset[row]!, size: columns.size[row]! });
      }
    }
  }
  return [...found.values()].sort((a, b) => a.offset - b.offset);
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
    into: 'all',
    alone: true,
    origin: null,
    plan: (draft) => draft.add({ kind: 'relocate', segment, contents, offsets }, null, payload),
  });
}

// oxlint-disable-next-line typescript/require-await -- the shape of a payload
async function* pieces(memory: Buffer): AsyncIterable<Buffer> {
  yield memory;
}
