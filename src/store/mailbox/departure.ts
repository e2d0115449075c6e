/**
 * The source of a move (moving.ts Departure): reads a mailbox while it is in use, stops its commits for the last part,
 * seals it when the move is completed. What was sent is decided anew for each pass from what is there then, so nothing
 * has to be remembered about changes.
 */
import { Buffer } from 'node:buffer';
import { createHash, hash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Failure } from '../../observe/failure.ts';
import type { MailboxId } from '../model.ts';
import { type ContentFrame, type Departure, MovedAway, type Standing, type ThreadKey } from '../moving.ts';
import type { Columns } from './columns.ts';
import type { FolderState } from './folder-state.ts';
import type { MailboxCore } from './mailbox-core.ts';
import { writeImage } from './mailbox-image.ts';
import { BATCH_BYTES, batchEnd, emptyPlaces, type Places, planReads, readPieces } from './reading.ts';

/** Contents looked up and read together. */
const AT_ONCE = 256;
/** Rows looked at in one turn. */
const ROWS_PER_TURN = 64 * 1024;
/** Thread keys of one batch. */
const KEYS_PER_BATCH = 2048;

/** What a departure needs of the database. */
export interface DepartureGate {
  setStanding(standing: Standing | null): Promise<void>;
  /** Nobody opens the mailbox here any more. */
  sealed(): void;
  /** The departure no longer needs it open. */
  closed(): void;
}

export class MailboxDeparture implements Departure {
  readonly mailbox: MailboxId;
  readonly #core: MailboxCore;
  readonly #gate: DepartureGate;
  #held: string | null = null;
  #sealed = false;
  #closed = false;

  constructor(core: MailboxCore, gate: DepartureGate) {
    this.mailbox = core.id;
    this.#core = core;
    this.#gate = gate;
  }

  async *contents(have: Uint32Array): AsyncIterable<ContentFrame> {
    const wanted = await listMissing(this.#core, have);
    yield { kind: 'rest', contents: wanted.count, bytes: wanted.bytes };
    for (let from = 0; from < wanted.count; from += AT_ONCE)
      yield* this.#group(wanted, from, Math.min(AT_ONCE, wanted.count - from));
  }

  async *threadKeys(): AsyncIterable<readonly ThreadKey[]> {
    const { state, storage } = this.#core;
    const young = [...state.newThreadKeys].map(([key, thread]) => ({ key, thread }));
    for (let i = 0; i < young.length; i += KEYS_PER_BATCH) yield young.slice(i, i + KEYS_PER_BATCH);
    yield* storage.threadKeys();
  }

  async hold(move: string): Promise<void> {
    await this.#core.queue.hold();
    this.#held = move;
    try {
      await this.#gate.setStanding({ kind: 'leaving', move, at: Date.now() });
    } catch (reason) {
      this.#held = null;
      this.#core.queue.resume();
      throw reason;
    }
  }

  async *state(): AsyncIterable<Buffer> {
    if (this.#held === null) throw new Error('the state of a mailbox is taken while its commits are stopped');
    for (const bytes of writeImage(this.#core.state)) {
      yield bytes;
      await nextTurn();
    }
  }

  async resume(): Promise<void> {
    if (this.#held === null || this.#sealed) return;
    await this.#gate.setStanding(null);
    this.#held = null;
    this.#core.queue.resume();
  }

  async seal(): Promise<void> {
    if (this.#held === null) throw new Error('a mailbox is sealed while its commits are stopped');
    if (this.#sealed) return;
    this.#sealed = true;
    this.#gate.sealed();
    this.#core.queue.refuse(new MovedAway());
    await this.#gate.setStanding({ kind: 'moved', move: this.#held, at: Date.now() });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // Held and not sealed: nobody knows how the move ends, so nothing may be committed; the next open finds out.
    if (this.#held !== null && !this.#sealed) {
      this.#gate.sealed();
      this.#core.queue.refuse(new Failure('UNAVAILABLE', 'The mailbox is being moved; try again in a moment.'));
    }
    this.#gate.closed();
  }

  async *#group(wanted: Wanted, from: number, count: number): AsyncIterable<ContentFrame> {
    const { storage } = this.#core;
    const places = this.#placesOf(wanted, from, count);
    for (let i = 0; i < count; ) {
      if (places.length[i]! > BATCH_BYTES) {
        await this.#check(wanted, from + i, places, i);
        yield* this.#large(wanted.content[from + i]!, places, i);
        i += 1;
        continue;
      }
      const end = batchEnd(places, i, count, AT_ONCE);
      for (let k = i; k < end; k += 1) await this.#check(wanted, from + k, places, k);
      const plan = planReads(places, i, end - i);
      const bytes = Buffer.allocUnsafeSlow(plan.bytes);
      await storage.readContent(plan.ranges, bytes);
      for (let k = i; k < end; k += 1) {
        if (places.segment[k] === 0) continue;
        const start = plan.offsets[k - i]!;
        const whole = bytes.subarray(start, start + places.length[k]!);
        yield {
          kind: 'whole',
          content: wanted.content[from + k]!,
          bytes: whole,
          sha256: hash('sha256', whole, 'buffer'),
        };
      }
      i = end;
    }
  }

  async *#large(content: number, places: Places, i: number): AsyncIterable<ContentFrame> {
    const size = places.length[i]!;
    const digest = createHash('sha256');
    yield { kind: 'begin', content, size };
    const read = this.#core.storage.readContent.bind(this.#core.storage);
    for await (const bytes of readPieces(read, places.segment[i]!, places.offset[i]!, size)) {
      digest.update(bytes);
      yield { kind: 'piece', bytes };
    }
    yield { kind: 'end', sha256: digest.digest() };
  }

  /** A damaged message would get a good checksum at the target, and nobody would ever find out. */
  async #check(wanted: Wanted, index: number, places: Places, i: number): Promise<void> {
    if (places.segment[i] === 0) return;
    const problem = await this.#core.storage.checkContent(places.segment[i]!, places.offset[i]!, places.length[i]!);
    if (problem === null) return;
    const name = wanted.folders[wanted.folder[index]!]?.name ?? '';
    throw new Failure(
      'CORRUPTION',
      `${name}: UID ${wanted.uid[index]} ${problem}; repair the mailbox, or remove the message, then resume the move.`,
    );
  }

  /** Where they lie now; segment 0: gone for good. */
  #placesOf(wanted: Wanted, from: number, count: number): Places {
    const places = emptyPlaces(count);
    for (let i = 0; i < count; i += 1) {
      const content = wanted.content[from + i]!;
      const folder = wanted.folders[wanted.folder[from + i]!];
      const found =
        (folder === undefined ? null : this.#rowOf(folder, wanted.uid[from + i]!, content)) ?? this.#elsewhere(content);
      if (found === null) continue;
      const { columns, row } = found;
      places.segment[i] = columns.segment[row]!;
      places.offset[i] = columns.offset[row]!;
      places.length[i] = columns.size[row]!;
    }
    return places;
  }

  #rowOf(folder: FolderState, uid: number, content: number): Found | null {
    if (this.#core.state.folders.get(folder.id) !== folder) return null;
    const columns = this.#core.state.rows(folder);
    const row = columns.rowOf(uid);
    return row >= 0 && columns.content[row] === content ? { columns, row } : null;
  }

  /** Moved to another folder since it was listed, most likely to recoverable items. */
  #elsewhere(content: number): Found | null {
    for (const folder of this.#core.state.folders.values()) {
      const columns = this.#core.state.rows(folder);
      const row = columns.content.subarray(0, columns.length).lastIndexOf(content);
      if (row >= 0) return { columns, row };
    }
    return null;
  }
}

interface Found {
  readonly columns: Columns;
  readonly row: number;
}

/** Contents to send, ascending, each with one row that refers to it. */
interface Wanted {
  readonly count: number;
  readonly bytes: number;
  readonly content: Uint32Array;
  /** Index into `folders`. */
  readonly folder: Uint32Array;
  readonly uid: Uint32Array;
  readonly folders: readonly FolderState[];
}

async function listMissing(core: MailboxCore, have: Uint32Array): Promise<Wanted> {
  const known = new Set(have);
  const folders = [...core.state.folders.values()];
  const found = new Map<number, { readonly folder: number; readonly uid: number; readonly size: number }>();
  for (const [index, folder] of folders.entries()) {
    if (core.state.folders.get(folder.id) !== folder) continue;
    for (let row = 0; row < core.state.rows(folder).length; row += ROWS_PER_TURN) {
      const columns = core.state.rows(folder);
      const end = Math.min(row + ROWS_PER_TURN, columns.length);
      for (let at = row; at < end; at += 1) {
        const content = columns.content[at]!;
        if (known.has(content) || found.has(content)) continue;
        found.set(content, { folder: index, uid: columns.uid[at]!, size: columns.size[at]! });
      }
      await nextTurn();
    }
  }
  const content = Uint32Array.from(found.keys()).sort();
  const wanted = { folder: new Uint32Array(content.length), uid: new Uint32Array(content.length) };
  let bytes = 0;
  for (let i = 0; i < content.length; i += 1) {
    const one = found.get(content[i]!);
    if (one === undefined) continue;
    wanted.folder[i] = one.folder;
    wanted.uid[i] = one.uid;
    bytes += one.size;
  }
  return { count: content.length, bytes, content, ...wanted, folders };
}
