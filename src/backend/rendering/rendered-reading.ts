/**
 * Bodies, parse results and pieces of messages as rendered, out of the store's batches: what is served as it came
 * passes through untouched, the rest is rendered on the way, in turns of the event loop.
 */
import { Buffer } from 'node:buffer';
import { readParts } from '../../message/fragment.ts';
import { cutFragment, FRAGMENT_PIECES, type FragmentPiece } from '../../message/fragment-pieces.ts';
import { mayChange } from '../../message/render/render.ts';
import type { BodyBatch, FragmentBatch, FragmentSlots, Mailbox } from '../../store/api.ts';
import type { FolderColumns, FolderId } from '../../store/model.ts';
import { RENDERED_MESSAGE_BYTES } from '../../wire/limits.ts';
import { ORIGINAL, type RenderedFacts, type RenderedMessage } from './rendered-facts.ts';
import { Turn } from './turn.ts';

/** Octets of joined messages after which a batch is handed on. */
const BATCH_BYTES = 1024 * 1024;
/** A rendered message above this is given in pieces of this size. */
const CHUNK_BYTES = 256 * 1024;
/** Messages whose parts are looked at before their bodies are read. */
const MEASURED_TOGETHER = 1000;

type Joined = BodyBatch & { kind: 'joined' };

/** Content of each UID; null: the message is expunged, what is rendered of it is not kept. */
export type Contents = ReadonlyArray<number | null>;

/** Learns the sizes of rows [first, end) of `columns`, which may move meanwhile: they are copied first. */
export async function measureRows(
  mailbox: Mailbox,
  folder: FolderId,
  columns: FolderColumns,
  rows: { readonly first: number; readonly end: number },
  facts: RenderedFacts,
): Promise<void> {
  const uids = columns.uid.slice(rows.first, rows.end);
  const contents = columns.content.slice(rows.first, rows.end);
  for (let at = 0; at < uids.length; at += MEASURED_TOGETHER) {
    const end = at + MEASURED_TOGETHER;
    await measureSome(mailbox, folder, uids.subarray(at, end), contents.subarray(at, end), facts);
  }
}

async function measureSome(
  mailbox: Mailbox,
  folder: FolderId,
  allUids: Uint32Array,
  allContents: Uint32Array,
  facts: RenderedFacts,
): Promise<void> {
  const isUnknown = (_: number, i: number): boolean => facts.sizeOf(allContents[i]!) === undefined;
  const uids = allUids.filter(isUnknown);
  const contents = allContents.filter(isUnknown);
  if (uids.length === 0) return;
  const turn = new Turn();
  const changed: number[] = [];
  for await (const { first, count, bytes, pieces } of mailbox.fragments(folder, uids, ['details'])) {
    const { offsets, lengths } = slots(pieces.details);
    for (let i = 0; i < count; i += 1) {
      if (lengths[i] === 0 || mayChange(readParts(bytes, offsets[i]!), facts.wish)) changed.push(first + i);
      else facts.note(contents[first + i]!, ORIGINAL);
    }
    await turn.over();
  }
  const wanted = Uint32Array.from(changed, (index) => uids[index]!);
  for await (const batch of mailbox.bodies(folder, wanted)) {
    const contentAt = (i: number): number => contents[changed[batch.first + i]!]!;
    if (batch.kind === 'streamed') {
      if (batch.size > RENDERED_MESSAGE_BYTES) facts.note(contentAt(0), ORIGINAL);
      else facts.measure(await collect(batch.chunks), contentAt(0));
      await turn.over();
      continue;
    }
    for (let i = 0; i < batch.count; i += 1) {
      // A message that is gone keeps its row until the store says so; nobody can read it any more.
      if (batch.lengths[i] === 0) facts.note(contentAt(i), ORIGINAL);
      else facts.measure(slice(batch, i), contentAt(i));
      await turn.over();
    }
    batch.release?.();
  }
}

export async function* renderedBodies(
  mailbox: Mailbox,
  folder: FolderId,
  uids: Uint32Array,
  contents: Contents,
  facts: RenderedFacts,
): AsyncIterable<BodyBatch> {
  const turn = new Turn();
  for await (const batch of mailbox.bodies(folder, uids)) {
    if (batch.kind === 'streamed') {
      yield* largeBody(batch, contents[batch.first] ?? null, facts);
      await turn.over();
      continue;
    }
    const isOriginal = (i: number): boolean =>
      batch.lengths[i] === 0 || sizeOf(facts, contents[batch.first + i] ?? null) === ORIGINAL;
    if (every(batch.count, isOriginal)) {
      yield batch;
      continue;
    }
    const joiner = new Joiner(batch.first);
    for (let i = 0; i < batch.count; i += 1) {
      const content = contents[batch.first + i] ?? null;
      const rendered = isOriginal(i) ? null : (facts.held(content) ?? facts.render(slice(batch, i), content));
      joiner.add(rendered?.bytes ?? slice(batch, i));
      if (joiner.bytes >= BATCH_BYTES) yield joiner.take();
      await turn.over();
    }
    if (joiner.count > 0) yield joiner.take();
    batch.release?.();
  }
}

async function* largeBody(
  batch: BodyBatch & { kind: 'streamed' },
  content: number | null,
  facts: RenderedFacts,
): AsyncIterable<BodyBatch> {
  if (batch.size > RENDERED_MESSAGE_BYTES || sizeOf(facts, content) === ORIGINAL) {
    yield batch;
    return;
  }
  const held = facts.held(content);
  const original = held === null ? await collect(batch.chunks) : null;
  const bytes = (held ?? (original === null ? null : facts.render(original, content)))?.bytes ?? original;
  if (bytes === null) return;
  yield { kind: 'streamed', first: batch.first, size: bytes.length, chunks: copies(bytes, 0, bytes.length) };
}

/** The message as rendered; null: it is served as it came, or is gone, and the store may answer for itself. */
export async function renderedMessage(
  mailbox: Mailbox,
  folder: FolderId,
  uid: number,
  content: number | null,
  facts: RenderedFacts,
): Promise<RenderedMessage | null> {
  if (sizeOf(facts, content) === ORIGINAL) return null;
  const held = facts.held(content);
  if (held !== null) return held;
  for await (const batch of mailbox.bodies(folder, Uint32Array.of(uid))) {
    if (batch.kind === 'streamed') {
      return batch.size > RENDERED_MESSAGE_BYTES ? null : facts.render(await collect(batch.chunks), content);
    }
    const rendered = batch.lengths[0] === 0 ? null : facts.render(Buffer.from(slice(batch, 0)), content);
    batch.release?.();
    return rendered;
  }
  return null;
}

export async function* renderedFragments(
  mailbox: Mailbox,
  folder: FolderId,
  uids: Uint32Array,
  want: readonly FragmentPiece[],
  contents: Contents,
  facts: RenderedFacts,
): AsyncIterable<FragmentBatch> {
  const turn = new Turn();
  for await (const batch of mailbox.fragments(folder, uids, want)) {
    const isGone = (i: number): boolean => want.every((piece) => batch.pieces[piece]?.lengths[i] === 0);
    const isOriginal = (i: number): boolean =>
      isGone(i) || sizeOf(facts, contents[batch.first + i] ?? null) === ORIGINAL;
    if (every(batch.count, isOriginal)) {
      yield batch;
      continue;
    }
    const own: Array<Buffer | null> = Array.from({ length: batch.count }, () => null);
    const unheld: number[] = [];
    for (let i = 0; i < batch.count; i += 1) {
      if (isOriginal(i)) continue;
      own[i] = facts.held(contents[batch.first + i] ?? null)?.fragment ?? null;
      if (own[i] === null) unheld.push(i);
    }
    const missing = Uint32Array.from(unheld, (i) => uids[batch.first + i]!);
    for await (const bodies of mailbox.bodies(folder, missing)) {
      const indexOf = (i: number): number => unheld[bodies.first + i]!;
      const render = (original: Buffer, i: number): void => {
        own[i] = facts.render(original, contents[batch.first + i] ?? null)?.fragment ?? null;
      };
      if (bodies.kind === 'streamed') {
        if (bodies.size <= RENDERED_MESSAGE_BYTES) render(await collect(bodies.chunks), indexOf(0));
        await turn.over();
        continue;
      }
      for (let i = 0; i < bodies.count; i += 1) {
        if (bodies.lengths[i] !== 0) render(slice(bodies, i), indexOf(i));
        await turn.over();
      }
      bodies.release?.();
    }
    yield withFragments(batch, own);
  }
}

/** The batch with the parse results of rendered messages in place of the store's, where there is one. */
function withFragments(batch: FragmentBatch, own: ReadonlyArray<Buffer | null>): FragmentBatch {
  const bytes: Buffer[] = [];
  let size = 0;
  const cuts = own.map((fragment) => (fragment === null ? null : cutFragment(fragment)));
  const pieces: Record<FragmentPiece, FragmentSlots | null> = { list: null, search: null, details: null };
  for (const piece of FRAGMENT_PIECES) {
    const before = batch.pieces[piece];
    if (before === null) continue;
    const offsets = new Uint32Array(batch.count);
    const lengths = new Uint32Array(batch.count);
    for (let i = 0; i < batch.count; i += 1) {
      const start = before.offsets[i]!;
      const one = cuts[i]?.[piece] ?? batch.bytes.subarray(start, start + before.lengths[i]!);
      offsets[i] = size;
      lengths[i] = one.length;
      size += one.length;
      bytes.push(one);
    }
    pieces[piece] = { offsets, lengths };
  }
  return { first: batch.first, count: batch.count, bytes: Buffer.concat(bytes, size), pieces };
}

/** Pieces that belong to whoever reads them: what is cached must not come back as a free buffer. */
export async function* copies(bytes: Buffer, start: number, end: number): AsyncIterable<Buffer> {
  const last = Math.min(end, bytes.length);
  for (let at = start; at < last; at += CHUNK_BYTES) {
    yield await Promise.resolve(Buffer.from(bytes.subarray(at, Math.min(last, at + CHUNK_BYTES))));
  }
}

/** Puts messages into one buffer. */
class Joiner {
  #first: number;
  #pieces: Buffer[] = [];
  bytes = 0;

  constructor(first: number) {
    this.#first = first;
  }

  get count(): number {
    return this.#pieces.length;
  }

  add(message: Buffer): void {
    this.#pieces.push(message);
    this.bytes += message.length;
  }

  take(): BodyBatch {
    const pieces = this.#pieces;
    const offsets = new Uint32Array(pieces.length);
    const lengths = Uint32Array.from(pieces, (piece) => piece.length);
    for (let i = 1; i < pieces.length; i += 1) offsets[i] = offsets[i - 1]! + lengths[i - 1]!;
    const batch: BodyBatch = {
      kind: 'joined',
      first: this.#first,
      count: pieces.length,
      bytes: Buffer.concat(pieces, this.bytes),
      offsets,
      lengths,
    };
    this.#first += pieces.length;
    this.#pieces = [];
    this.bytes = 0;
    return batch;
  }
}

function slice(batch: Joined, i: number): Buffer {
  const start = batch.offsets[i]!;
  return batch.bytes.subarray(start, start + batch.lengths[i]!);
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const chunk of chunks) pieces.push(chunk);
  return Buffer.concat(pieces);
}

function sizeOf(facts: RenderedFacts, content: number | null): number | undefined {
  return content === null ? undefined : facts.sizeOf(content);
}

function slots(of: FragmentSlots | null): FragmentSlots {
  if (of === null) throw new Error('the store gave no parts of the parse results');
  return of;
}

function every(count: number, holds: (i: number) => boolean): boolean {
  for (let i = 0; i < count; i += 1) if (!holds(i)) return false;
  return true;
}
