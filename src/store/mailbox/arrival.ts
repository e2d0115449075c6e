/**
 * The target of a move (moving.ts Arrival). Contents come in as messages of one folder that the mailbox does not have
 * in the end: so every engine keeps them, finds them again after a crash and parses them as any message. At the end
 * the state of the source takes the place of all folders, its rows pointed to where the contents lie here, and is
 * written as a fold writes any state (folding.ts); then it is read back from the storage and has to be the same.
 */
import type { Buffer } from 'node:buffer';
import { createHash, hash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Failure } from '../../observe/failure.ts';
import type { MessageSink } from '../api.ts';
import type { MailboxId } from '../model.ts';
import type { Arrival, ArrivalWatch, ContentFrame, Standing, ThreadKey } from '../moving.ts';
import { type Columns, LINE_END } from './columns.ts';
import type { Intent } from './commit-queue.ts';
import { fold } from './folding.ts';
import { FOLDERS_END } from './folder-state.ts';
import { setFragment } from './fragment-places.ts';
import type { MailboxCore } from './mailbox-core.ts';
import { ImageReader, type FolderImage, type MailboxImage, writeImage } from './mailbox-image.ts';
import { readPieces } from './reading.ts';
import { Staged } from './staging.ts';

/** The folder contents come in through: a number no folder of a mailbox has. */
const GATE_FOLDER = FOLDERS_END;
/** Octets and contents written and read back together. */
const GROUP_BYTES = 4 * 1024 * 1024;
const GROUP_CONTENTS = 256;
/** Rows pointed to their contents in one turn. */
const ROWS_PER_TURN = 16 * 1024;

/** What an arrival needs of the database. */
export interface ArrivalGate {
  stage(): MessageSink;
  setStanding(standing: Standing | null): Promise<void>;
  /** Closes the core and opens the mailbox again from what is stored; the same one where nothing would be left. */
  reopen(core: MailboxCore): Promise<MailboxCore>;
  /** Everybody may open the mailbox. */
  opened(core: MailboxCore): void;
  closed(core: MailboxCore): Promise<void>;
  abandoned(core: MailboxCore): Promise<void>;
}

/** Where a content lies: a row of some folder. */
interface Place {
  readonly columns: Columns;
  readonly row: number;
}

interface Coming {
  readonly content: number;
  readonly staged: Staged;
  readonly sha256: Buffer;
}

export class MailboxArrival implements Arrival {
  readonly mailbox: MailboxId;
  readonly #move: string;
  readonly #gate: ArrivalGate;
  #core: MailboxCore;
  #places: Map<number, Place>;
  #ended = false;

  private constructor(move: string, core: MailboxCore, gate: ArrivalGate, places: Map<number, Place>) {
    this.mailbox = core.id;
    this.#move = move;
    this.#core = core;
    this.#gate = gate;
    this.#places = places;
  }

  /** Goes on with what an interrupted arrival has left; a content that is not whole comes again. */
  static async of(move: string, core: MailboxCore, gate: ArrivalGate): Promise<MailboxArrival> {
    const places = new Map<number, Place>();
    // They stay: nobody sweeps a mailbox that is not open to everybody.
    await core.state.loadAll();
    for (const folder of core.state.folders.values()) {
      const columns = core.state.rows(folder);
      for (let row = 0; row < columns.length; row += 1) {
        const content = columns.content[row]!;
        if (places.has(content)) continue;
        const problem = await core.storage.checkContent(
          columns.segment[row]!,
          columns.offset[row]!,
          columns.size[row]!,
        );
        if (problem === null) places.set(content, { columns, row });
      }
    }
    const arrival = new MailboxArrival(move, core, gate, places);
    if (!core.state.folders.has(GATE_FOLDER)) await core.queue.submit(gateIntent());
    return arrival;
  }

  have(): Uint32Array {
    return Uint32Array.from(this.#places.keys()).sort();
  }

  async take(frames: AsyncIterable<ContentFrame>, watch: ArrivalWatch = {}): Promise<void> {
    const reading = new IncomingContents(() => this.#gate.stage());
    try {
      for await (const frame of frames) {
        if (frame.kind === 'rest') watch.expected?.(frame.contents, frame.bytes);
        else await reading.take(frame);
        if (reading.bytes >= GROUP_BYTES || reading.waiting.length >= GROUP_CONTENTS)
          await this.#write(reading.hand(), watch);
      }
      reading.end();
      await this.#write(reading.hand(), watch);
    } finally {
      await reading.drop();
    }
  }

  async takeThreadKeys(batches: AsyncIterable<readonly ThreadKey[]>): Promise<void> {
    for await (const batch of batches)
      for (const { key, thread } of batch) this.#core.state.newThreadKeys.set(key, thread);
  }

  settle(): Promise<void> {
    return fold(this.#core, 'maintenance');
  }

  async adopt(state: AsyncIterable<Buffer>): Promise<void> {
    const reader = new ImageReader();
    for await (const bytes of state) reader.push(bytes);
    const image = reader.end();
    for (const folder of image.folders) await this.#point(folder);
    await this.#replace(image);
    this.#core = await this.#gate.reopen(this.#core);
    const found = await digestOf(this.#core);
    if (found !== image.digest) {
      throw new Failure('CORRUPTION', 'The mailbox read back from its new place differs from the one that was sent.');
    }
    await this.#gate.setStanding({ kind: 'received', move: this.#move, at: Date.now() });
  }

  async open(): Promise<void> {
    await this.#gate.setStanding(null);
    this.#ended = true;
    this.#gate.opened(this.#core);
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#gate.closed(this.#core);
  }

  async abandon(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#gate.abandoned(this.#core);
  }

  /** One commit, one flush; then every content is read from where it lies now. */
  async #write(coming: readonly Coming[], watch: ArrivalWatch): Promise<void> {
    if (coming.length === 0) return;
    let bytes = 0;
    try {
      await Promise.all(coming.map((one) => one.staged.use(this.#core.queue.submit(contentIntent(one)))));
      const columns = this.#core.state.rows(this.#core.folder(GATE_FOLDER));
      for (const [i, { content, staged, sha256 }] of coming.entries()) {
        const row = columns.length - coming.length + i;
        await this.#readBack(columns, row, content, sha256);
        this.#places.set(content, { columns, row });
        bytes += staged.size;
      }
    } finally {
      for (const { staged } of coming) await staged.release();
    }
    watch.written?.(coming.length, bytes);
  }

  async #readBack(columns: Columns, row: number, content: number, sha256: Buffer): Promise<void> {
    const digest = createHash('sha256');
    const { storage } = this.#core;
    const size = columns.size[row]!;
    const read = storage.readContent.bind(storage);
    if (columns.content[row] !== content) throw new Error(`content ${content} is not where it was written`);
    for await (const piece of readPieces(read, columns.segment[row]!, columns.offset[row]!, size)) digest.update(piece);
    if (!digest.digest().equals(sha256)) throw differs(content);
  }

  /** Gives each row of the image the place of its content. @throws Failure CORRUPTION when one has not come */
  async #point({ columns, facts }: FolderImage): Promise<void> {
    for (let row = 0; row < columns.length; row += 1) {
      if (row % ROWS_PER_TURN === ROWS_PER_TURN - 1) await nextTurn();
      const place = this.#places.get(columns.content[row]!);
      if (place === undefined || place.columns.size[place.row] !== columns.size[row])
        throw new Failure('CORRUPTION', `${facts.name}: the message of UID ${columns.uid[row]} has not come along.`);
      const { columns: from, row: at } = place;
      columns.segment[row] = from.segment[at]!;
      columns.offset[row] = from.offset[at]!;
      setFragment(columns, row, {
        listOffset: from.listOffset[at]!,
        listLength: from.listLength[at]!,
        searchOffset: from.searchOffset[at]!,
        searchLength: from.searchLength[at]!,
        detailsOffset: from.detailsOffset[at]!,
        detailsLength: from.detailsLength[at]!,
      });
    }
  }

  async #replace(image: MailboxImage): Promise<void> {
    while (this.#core.folding !== null) await this.#core.folding;
    await this.#core.queue.hold();
    try {
      this.#core.state.replace(image);
    } finally {
      this.#core.queue.resume();
    }
    // Of what the folders say now; kept while the old columns are needed by nobody.
    this.#places = new Map();
    await fold(this.#core, 'maintenance');
  }
}

/** Puts frames together to staged contents. */
class IncomingContents {
  waiting: Coming[] = [];
  bytes = 0;
  readonly #stage: () => MessageSink;
  #open: { readonly content: number; readonly size: number; readonly sink: MessageSink; done: number } | null = null;
  #digest = createHash('sha256');

  constructor(stage: () => MessageSink) {
    this.#stage = stage;
  }

  /** @throws Failure CORRUPTION */
  async take(frame: Exclude<ContentFrame, { readonly kind: 'rest' }>): Promise<void> {
    switch (frame.kind) {
      case 'whole': {
        if (this.#open !== null) throw unexpected();
        if (!hash('sha256', frame.bytes, 'buffer').equals(frame.sha256)) throw differs(frame.content);
        const sink = this.#stage();
        await sink.write(frame.bytes);
        await this.#add(frame.content, frame.bytes.length, sink, frame.sha256);
        return;
      }
      case 'begin':
        if (this.#open !== null) throw unexpected();
        this.#digest = createHash('sha256');
        this.#open = { content: frame.content, size: frame.size, sink: this.#stage(), done: 0 };
        return;
      case 'piece': {
        if (this.#open === null) throw unexpected();
        this.#open.done += frame.bytes.length;
        if (this.#open.done > this.#open.size) throw differs(this.#open.content);
        this.#digest.update(frame.bytes);
        await this.#open.sink.write(frame.bytes);
        return;
      }
      case 'end': {
        const open = this.#open;
        if (open === null) throw unexpected();
        if (open.done !== open.size || !this.#digest.digest().equals(frame.sha256)) throw differs(open.content);
        this.#open = null;
        await this.#add(open.content, open.size, open.sink, frame.sha256);
        return;
      }
    }
  }

  /** @throws Failure CORRUPTION when the last content is not whole */
  end(): void {
    if (this.#open !== null) throw unexpected();
  }

  /** They are the caller's from now on. */
  hand(): readonly Coming[] {
    const handed = this.waiting;
    this.waiting = [];
    this.bytes = 0;
    return handed;
  }

  async drop(): Promise<void> {
    await this.#open?.sink.abort();
    this.#open = null;
    for (const { staged } of this.hand()) await staged.release();
  }

  async #add(content: number, size: number, sink: MessageSink, sha256: Buffer): Promise<void> {
    const staged = await sink.finish();
    if (!(staged instanceof Staged)) throw new TypeError('the message was staged by another kind of database');
    // Line ends were put right when it first came in; the same rule must find nothing left to do.
    if (staged.size !== size) {
      await staged.release();
      throw differs(content);
    }
    this.waiting.push({ content, staged, sha256 });
    this.bytes += size;
  }
}

/** Makes the folder contents come in through, in a mailbox that has no other. */
function gateIntent(): Intent<void> {
  return {
    rows: [],
    into: [],
    alone: true,
    origin: null,
    plan: (draft) =>
      draft.add(
        {
          kind: 'create-folder',
          folder: GATE_FOLDER,
          modSeq: draft.nextModSeq(),
          name: 'on its way',
          folderKind: 'recoverable',
          specialUse: null,
          uidValidity: draft.nextUidValidity(),
          hidden: true,
        },
        null,
      ),
  };
}

function contentIntent({ content, staged }: Coming): Intent<void> {
  return {
    rows: [],
    into: [GATE_FOLDER],
    alone: false,
    origin: null,
    plan(draft) {
      draft.add(
        {
          kind: 'append',
          folder: GATE_FOLDER,
          uid: draft.takeUids(draft.folder(GATE_FOLDER), 1),
          modSeq: draft.nextModSeq(),
          flags: 0,
          keywordsLow: 0,
          keywordsHigh: 0,
          newKeywords: [],
          internalDate: 0,
          saveDate: 0,
          sentDate: 0,
          sentDay: 0,
          size: staged.size,
          content,
          thread: 0,
          threadKeys: [],
          uidl: null,
          ...draft.putFragment(staged.parsed.fragment),
          lineEnd: staged.lineEndMissing ? LINE_END.missing : LINE_END.present,
        },
        null,
        staged.payload,
      );
    },
  };
}

async function digestOf(core: MailboxCore): Promise<string> {
  const reader = new ImageReader();
  await core.state.loadAll();
  for (const bytes of writeImage(core.state)) {
    reader.push(bytes);
    await nextTurn();
  }
  return reader.end().digest;
}

function differs(content: number): Failure {
  return new Failure('CORRUPTION', `Content ${content} of a mailbox that is being moved was damaged on its way.`);
}

function unexpected(): Failure {
  return new Failure('CORRUPTION', 'The contents of a mailbox that is being moved came in a wrong order.');
}
