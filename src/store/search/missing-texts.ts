/**
 * Makes the texts of messages that have none yet, from their original bytes, in the text worker; keeps them through
 * the source so that the next search finds them. Used by searches (on the spot) and by the background indexer.
 */
import { Buffer } from 'node:buffer';
import type { BodyBatch } from '../api.ts';
import type { Candidates } from './candidates.ts';
import type { Packed } from './scan.ts';
import { pick } from './selection.ts';
import type { SearchSource, TextEntry } from './source.ts';
import { type ExtractedTexts, TEXT_WORKERS, extractTexts } from './text-extraction.ts';

/**
 * Bytes of one message that are read for its searchable text. What stands behind them can only be an attachment or a
 * flood, and one message must not take the memory of the process.
 */
export const SEARCHED_MESSAGE_BYTES = 64 * 1024 * 1024;

/** Texts of consecutive messages of a list; both batches have the same entries. */
export interface MadeTexts extends ExtractedTexts {
  readonly first: number;
}

/** Texts of the candidates at `positions` (ascending), in order, covering them all. */
export async function* makeTexts(
  source: SearchSource,
  candidates: Candidates,
  positions: Uint32Array,
): AsyncGenerator<MadeTexts, void, undefined> {
  const rows = candidates.rows();
  const { content } = candidates.view.columns;
  const contents = Float64Array.from(positions, (position) => {
    const row = rows[position]!;
    return row < 0 ? -1 : content[row]!;
  });
  for await (const made of extractAll(source.bodies(pick(candidates.uids, positions)))) {
    await source.putTexts(entriesOf(made, contents, { empty: false }));
    yield made;
  }
}

/** Extracts batch after batch, as many at once as there are workers, and one more that waits for them. */
export async function* extractAll(bodies: AsyncIterable<BodyBatch>): AsyncGenerator<MadeTexts, void, undefined> {
  const underWay: Array<Promise<MadeTexts>> = [];
  for await (const batch of bodies) {
    const messages = await joined(batch);
    const made = extractTexts(messages).then((texts) => ({ ...texts, first: batch.first }));
    /* Thrown where it is awaited, in order; until then it is not an unhandled rejection. */
    made.catch(() => undefined);
    underWay.push(made);
    if (underWay.length > TEXT_WORKERS) yield await underWay.shift()!;
  }
  for (const made of underWay) yield await made;
}

/**
 * What to keep: `contents[i]` is the content id of message i, negative when it is not known any more. `empty`: also
 * the texts of messages whose bytes were not there.
 */
export function entriesOf(
  made: MadeTexts,
  contents: Float64Array | Uint32Array,
  options: { readonly empty: boolean },
): TextEntry[] {
  const entries: TextEntry[] = [];
  for (let i = 0; i < made.header.count; i += 1) {
    const content = contents[made.first + i]!;
    if (content < 0 || (made.header.lengths[i] === 0 && !options.empty)) continue;
    entries.push({ content, header: slice(made.header, i), body: slice(made.body, i) });
  }
  return entries;
}

function slice(batch: Packed, entry: number): Buffer {
  const start = batch.offsets[entry]!;
  return batch.bytes.subarray(start, start + batch.lengths[entry]!);
}

async function joined(batch: BodyBatch): Promise<Packed> {
  if (batch.kind === 'joined') return batch;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of batch.chunks) {
    const room = SEARCHED_MESSAGE_BYTES - length;
    chunks.push(chunk.subarray(0, room));
    length += Math.min(room, chunk.length);
    if (length === SEARCHED_MESSAGE_BYTES) break;
  }
  return {
    count: 1,
    bytes: Buffer.concat(chunks, length),
    offsets: Uint32Array.of(0),
    lengths: Uint32Array.of(length),
  };
}
