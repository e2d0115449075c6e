/**
 * FETCH answers that need the message itself: BODY[…], RFC822. Many small messages come joined in one buffer and
 * leave from it; a large one streams from store to socket and is never held. Where only a piece of a large message is
 * asked for, only that is read.
 */
import { Buffer } from 'node:buffer';
import { Failure } from '../../../observe/failure.ts';
import type { FragmentPiece } from '../../../message/fragment-pieces.ts';
import type { BodyBatch, FragmentBatch } from '../../../store/api.ts';
import { giveBuffer } from '../../../wire/buffers.ts';
import { AnswerCutShort, type Session } from '../../session/context.ts';
import type { SelectedView, Targets } from '../../session/selected-view.ts';
import { indexOf, rowOf, Turns } from '../rows.ts';
import { beginAnswer } from './answer-columns.ts';
import { slotsOf, writeFields } from './answer-fragments.ts';
import { type Cut, needsFragment, Offsets, window } from './cut.ts';
import { fieldNameSet, selectFields } from './header-fields.ts';
import { type BodyItem, type FetchPlan, wantedPieces } from './plan.ts';

/** Pieces up to this size are read before their answer begins; larger ones stream inside it. */
const INLINE_BYTES = 256 * 1024;
/** With messages this small on average, reading them whole in batches beats reading pieces one by one. */
const BATCHED_AVERAGE_BYTES = 64 * 1024;
/** Below this many messages pieces are read one by one. */
const BATCHED_FROM = 4;

/** @returns whether a message was gone */
export function answerFromBodies(
  session: Session,
  view: SelectedView,
  targets: Targets,
  plan: FetchPlan,
): Promise<boolean> {
  const answer = new BodyAnswer(session, view, targets, plan);
  return takesWhole(view, targets, plan) ? answer.inBatches() : answer.inPieces();
}

function takesWhole(view: SelectedView, targets: Targets, plan: FetchPlan): boolean {
  const most = (item: BodyItem): boolean =>
    item.partial === null && item.section.part.length === 0 && (item.isWhole || item.section.text === 'TEXT');
  if (plan.bodies.some(most)) return true;
  const count = targets.uids.length;
  if (count < BATCHED_FROM) return false;
  const { size } = view.store.columns;
  let bytes = 0;
  for (let i = 0; i < count; i += 1) bytes += size[rowOf(view, indexOf(targets, i))] ?? 0;
  return bytes / count <= BATCHED_AVERAGE_BYTES;
}

class BodyAnswer {
  readonly #session: Session;
  readonly #view: SelectedView;
  readonly #targets: Targets;
  readonly #plan: FetchPlan;
  /** Field names of HEADER.FIELDS items, by item. */
  readonly #names: ReadonlyMap<BodyItem, ReadonlySet<string>>;
  readonly #fragments: Fragments | null;
  #missing = false;

  constructor(session: Session, view: SelectedView, targets: Targets, plan: FetchPlan) {
    this.#session = session;
    this.#view = view;
    this.#targets = targets;
    this.#plan = plan;
    this.#names = new Map(plan.bodies.map((item) => [item, fieldNameSet(item.section.fields)]));
    const want = wantedPieces(plan, plan.bodies.some(needsFragment));
    this.#fragments =
      want.length > 0 ? new Fragments(session.mailbox.fragments(view.id, targets.uids, want), want[0]!) : null;
  }

  async inBatches(): Promise<boolean> {
    const { connection, mailbox } = this.#session;
    const turns = new Turns(this.#session);
    try {
      for await (const batch of mailbox.bodies(this.#view.id, this.#targets.uids)) {
        if (batch.kind === 'joined') {
          await this.#answerJoined(batch, turns);
          batch.release?.();
        } else await this.#answerLarge(batch.first, batch.size, batch.chunks);
        await connection.drained();
        if (!connection.isOpen || (turns.isOver && !(await turns.next()))) break;
      }
    } finally {
      await this.#fragments?.close();
    }
    return this.#missing;
  }

  async inPieces(): Promise<boolean> {
    const { connection } = this.#session;
    const turns = new Turns(this.#session);
    try {
      for (let i = 0; i < this.#targets.uids.length; i += 1) {
        const row = rowOf(this.#view, indexOf(this.#targets, i));
        if (row < 0) this.#missing = true;
        else await this.#answerLarge(i, this.#view.store.columns.size[row] ?? 0, null);
        await connection.drained();
        if (!connection.isOpen || (turns.isOver && !(await turns.next()))) break;
      }
    } finally {
      await this.#fragments?.close();
    }
    return this.#missing;
  }

  async #answerJoined(batch: BodyBatch & { kind: 'joined' }, turns: Turns): Promise<void> {
    const { offsets, lengths, bytes, first, count } = batch;
    const { out } = this.#session;
    const plan = this.#plan;
    for (let i = 0; i < count; i += 1) {
      const at = first + i;
      const fragments = this.#fragments;
      if (fragments !== null && !fragments.holds(at)) await fragments.advance(at);
      if (turns.isOver && !(await turns.next())) return;
      const index = indexOf(this.#targets, at);
      const row = plan.needsRow ? rowOf(this.#view, index) : 0;
      if (lengths[i] === 0 || row < 0 || fragments?.isGone(at) === true) {
        this.#missing = true;
        continue;
      }
      const start = offsets[i]!;
      const message = bytes.subarray(start, start + lengths[i]!);
      this.#begin(index, row, at);
      const where = this.#offsets(at, message.length);
      for (const item of plan.bodies) {
        if (item.commonFields !== null && fragments !== null) {
          writeFields(out, item, fragments.bytes, fragments.at(at, 'details'));
          continue;
        }
        const cut = where.cut(item);
        if (cut === null) out.ascii(item.label).ascii('NIL');
        else if (cut.selects) this.#writeLiteral(item, this.#select(item, message.subarray(cut.start, cut.end)));
        else this.#writeLiteral(item, message, cut.start, cut.end);
      }
      out.ascii(')\r\n');
    }
  }

  /** One message piece by piece; `chunks`: all of it, to be read at most once. */
  async #answerLarge(at: number, size: number, chunks: AsyncIterable<Buffer> | null): Promise<void> {
    const fragments = this.#fragments;
    if (fragments !== null && !fragments.holds(at)) await fragments.advance(at);
    const index = indexOf(this.#targets, at);
    if (fragments?.isGone(at) === true) {
      this.#missing = true;
      return;
    }
    const where = this.#offsets(at, size);
    const cuts = this.#plan.bodies.map((item) => (item.commonFields === null ? where.cut(item) : null));
    let inline: Array<Buffer | null>;
    try {
      inline = await this.#readInline(at, cuts);
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'EXPUNGEISSUED') throw error;
      this.#missing = true;
      return;
    }
    const row = this.#plan.needsRow ? rowOf(this.#view, index) : 0;
    if (row < 0) {
      this.#missing = true;
      return;
    }
    this.#begin(index, row, at);
    let unread = chunks;
    for (const [i, item] of this.#plan.bodies.entries()) {
      const cut = cuts[i] ?? null;
      const ready = inline[i] ?? null;
      if (item.commonFields !== null && fragments !== null) {
        writeFields(this.#session.out, item, fragments.bytes, fragments.at(at, 'details'));
      } else if (cut === null) {
        this.#session.out.ascii(item.label).ascii('NIL');
      } else if (ready !== null) {
        this.#writeLiteral(item, cut.selects ? this.#select(item, ready) : ready);
      } else {
        const source = item.isWhole && unread !== null ? unread : this.#read(at, cut);
        if (source === unread) unread = null;
        await this.#stream(item, cut.end - cut.start, source);
      }
    }
    this.#session.out.ascii(')\r\n');
  }

  #begin(index: number, row: number, at: number): void {
    const { out } = this.#session;
    beginAnswer(out, this.#view, index, row, this.#plan.columns);
    const fragments = this.#fragments;
    if (fragments === null) return;
    for (const { piece, write } of this.#plan.fragments) write(out, fragments.bytes, fragments.at(at, piece));
  }

  #offsets(at: number, size: number): Offsets {
    const fragments = this.#fragments;
    return fragments?.hasDetails === true
      ? new Offsets(size, fragments.bytes, fragments.at(at, 'details'))
      : new Offsets(size, null, 0);
  }

  async #readInline(at: number, cuts: ReadonlyArray<Cut | null>): Promise<Array<Buffer | null>> {
    const inline: Array<Buffer | null> = [];
    for (const cut of cuts) {
      const small = cut !== null && (cut.selects || cut.end - cut.start <= INLINE_BYTES);
      inline.push(small ? await this.#collect(at, cut) : null);
    }
    return inline;
  }

  async #collect(at: number, cut: Cut): Promise<Buffer> {
    if (cut.start === cut.end) return Buffer.alloc(0);
    const chunks: Buffer[] = [];
    for await (const chunk of this.#read(at, cut)) chunks.push(chunk);
    const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
    if (bytes.length !== cut.end - cut.start) throw new Failure('CORRUPTION', 'A message could not be read.');
    return bytes;
  }

  #read(at: number, cut: Cut): AsyncIterable<Buffer> {
    return this.#session.mailbox.read(this.#view.id, this.#targets.uids[at]!, cut.start, cut.end);
  }

  #select(item: BodyItem, header: Buffer): Buffer {
    const selected = selectFields(header, this.#names.get(item)!, item.section.text === 'HEADER.FIELDS.NOT');
    const { start, end } = window(0, selected.length, item.partial);
    return selected.subarray(start, end);
  }

  #writeLiteral(item: BodyItem, bytes: Buffer, start = 0, end = bytes.length): void {
    const { out } = this.#session;
    out
      .ascii(item.label)
      .byte(0x7b)
      .number(end - start)
      .ascii('}\r\n')
      .range(bytes, start, end);
  }

  /** Behind `{size}` nothing but the octets themselves can save the framing. */
  async #stream(item: BodyItem, size: number, source: AsyncIterable<Buffer>): Promise<void> {
    const { out, connection } = this.#session;
    out.ascii(item.label).byte(0x7b).number(size).ascii('}\r\n');
    let sent = 0;
    try {
      for await (const chunk of source) {
        out.bytes(chunk);
        sent += chunk.length;
        giveBuffer(chunk);
        await connection.drained();
        this.#session.touch();
        if (!connection.isOpen) return;
      }
    } catch (error) {
      throw new AnswerCutShort('a message broke off while it was sent', { cause: error });
    }
    if (sent !== size) throw new AnswerCutShort(`a message of ${size} octets had ${sent}`);
  }
}

/** The fragments of the same list of messages, read as far as they are needed. */
class Fragments {
  readonly #batches: AsyncIterator<FragmentBatch>;
  /** One of those asked for: a message that is gone has none of them. */
  readonly #piece: FragmentPiece;
  #batch: FragmentBatch | null = null;

  constructor(batches: AsyncIterable<FragmentBatch>, piece: FragmentPiece) {
    this.#batches = batches[Symbol.asyncIterator]();
    this.#piece = piece;
  }

  get hasDetails(): boolean {
    return this.#now.pieces.details !== null;
  }

  get bytes(): Buffer {
    return this.#now.bytes;
  }

  holds(i: number): boolean {
    return this.#batch !== null && i >= this.#batch.first && i < this.#batch.first + this.#batch.count;
  }

  async advance(i: number): Promise<void> {
    while (!this.holds(i)) {
      const next = await this.#batches.next();
      if (next.done === true) throw new Error('the store gave fewer parse results than messages');
      this.#batch = next.value;
    }
  }

  /** Offset in `bytes` of a piece of message `i` of the list. */
  at(i: number, piece: FragmentPiece): number {
    return slotsOf(this.#now.pieces, piece).offsets[i - this.#now.first]!;
  }

  isGone(i: number): boolean {
    return slotsOf(this.#now.pieces, this.#piece).lengths[i - this.#now.first] === 0;
  }

  async close(): Promise<void> {
    await this.#batches.return?.();
  }

  get #now(): FragmentBatch {
    if (this.#batch === null) throw new Error('no parse result has been read');
    return this.#batch;
  }
}
