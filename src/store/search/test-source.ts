/**
 * A SearchSource over plain objects, for tests and for bench/search.ts: real fragments in the real layout, texts that
 * may be missing, messages that may be removed while a search runs.
 */
import { Buffer } from 'node:buffer';
import { ByteSink } from '../../message/byte-sink.ts';
import { foldText } from '../../message/fold.ts';
import {
  SECTION,
  type SortFields,
  beginFragment,
  endSection,
  finishFragment,
  writeSearchText,
  writeSortFields,
} from '../../message/fragment.ts';
import type { BodyBatch, FolderView } from '../api.ts';
import { type Folder, folderId, modSeq, uid as asUid, uidValidity } from '../model.ts';
import {
  NOT_INDEXED,
  type PieceBatch,
  type SearchSource,
  type TextBatch,
  type TextEntry,
  type TextKind,
} from './source.ts';

export interface TestMessage {
  readonly uid: number;
  readonly content: number;
  readonly thread: number;
  readonly flags: number;
  readonly keywordsLow: number;
  readonly keywordsHigh: number;
  readonly modSeq: number;
  readonly size: number;
  readonly internalDate: number;
  readonly saveDate: number;
  readonly sentDate: number;
  readonly sentDay: number;
  readonly subject: string;
  readonly from: string;
  readonly to: string;
  readonly cc: string;
  readonly bcc: string;
  readonly sort: SortFields;
  /** Null: not indexed yet. */
  readonly header: string | null;
  readonly body: string | null;
  readonly bytes: Buffer;
  /** Null: made from what stands here. */
  readonly fragment: Buffer | null;
}

const NO_SORT_FIELDS: SortFields = {
  baseSubject: '',
  subjectIsReply: false,
  from: '',
  to: '',
  cc: '',
  displayFrom: '',
  displayTo: '',
  messageId: null,
  references: [],
};

/** A message with everything empty but what is given. */
export function testMessage(
  uid: number,
  given: Omit<Partial<TestMessage>, 'sort'> & { readonly sort?: Partial<SortFields> },
): TestMessage {
  return {
    uid,
    content: uid,
    thread: 1,
    flags: 0,
    keywordsLow: 0,
    keywordsHigh: 0,
    modSeq: 1,
    size: 100,
    internalDate: 0,
    saveDate: 0,
    sentDate: 0,
    sentDay: 0,
    subject: '',
    from: '',
    to: '',
    cc: '',
    bcc: '',
    header: '\n',
    body: '',
    bytes: Buffer.alloc(0),
    fragment: null,
    ...given,
    sort: { ...NO_SORT_FIELDS, ...given.sort },
  };
}

const KEYWORDS = Array.from({ length: 40 }, (_, bit) => `key${bit}`);

export class TestSource implements SearchSource {
  readonly view: FolderView;
  readonly stored: TextEntry[] = [];
  /** Called before each batch of anything is read: the place to remove messages under a running search. */
  onRead: () => void = () => {};
  fragmentsRead = 0;
  bodiesRead = 0;
  textsRead = 0;
  readonly batch: number;
  #messages: TestMessage[];
  #generation = 0;
  #columns: FolderView['columns'];
  readonly #fragments = new Map<number, Buffer>();
  readonly #texts = new Map<string, Buffer>();

  constructor(messages: readonly TestMessage[], options: { readonly batch?: number } = {}) {
    this.batch = options.batch ?? 256;
    this.#messages = [...messages];
    this.#columns = columnsOf(this.#messages);
    for (const message of messages) this.#prepare(message);
    this.view = this.#makeView();
  }

  add(message: TestMessage): void {
    this.#messages.push(message);
    this.#prepare(message);
    this.#columns = columnsOf(this.#messages);
  }

  remove(uid: number): void {
    this.#messages = this.#messages.filter((message) => message.uid !== uid);
    this.#columns = columnsOf(this.#messages);
    this.#generation += 1;
  }

  get uids(): Uint32Array {
    return this.#columns.uid;
  }

  /** Whole fragments, whatever piece is asked for. */
  async *fragments(uids: Uint32Array): AsyncGenerator<PieceBatch, void, undefined> {
    for (const [first, asked] of this.#batches(uids)) {
      this.fragmentsRead += asked.length;
      yield { first, ...pack(asked.map((uid) => this.#fragments.get(uid) ?? Buffer.alloc(0))) };
    }
  }

  async *bodies(uids: Uint32Array): AsyncGenerator<BodyBatch, void, undefined> {
    for (const [first, asked] of this.#batches(uids)) {
      this.bodiesRead += asked.length;
      const bodies = asked.map((uid) => this.#messages.find((m) => m.uid === uid)?.bytes ?? Buffer.alloc(0));
      if (bodies.length !== 1) yield { kind: 'joined', first, ...pack(bodies) };
      else {
        const chunks = (async function* () {
          yield bodies[0]!.subarray(0, 7);
          yield bodies[0]!.subarray(7);
        })();
        yield { kind: 'streamed', first, size: bodies[0]!.length, chunks };
      }
    }
  }

  async *texts(kind: TextKind, uids: Uint32Array): AsyncGenerator<TextBatch, void, undefined> {
    for (const [first, asked] of this.#batches(uids)) {
      this.textsRead += asked.length;
      const found = asked.map((uid) => this.#texts.get(`${kind} ${uid}`));
      const packed = pack(found.map((text) => text ?? Buffer.alloc(0)));
      found.forEach((text, i) => {
        if (text === undefined) packed.lengths[i] = NOT_INDEXED;
      });
      yield { first, ...packed };
    }
  }

  async putTexts(entries: readonly TextEntry[]): Promise<void> {
    this.stored.push(...entries);
    for (const entry of entries) {
      const message = this.#messages.find((candidate) => candidate.content === entry.content);
      if (message === undefined) continue;
      this.#texts.set(`header ${message.uid}`, Buffer.from(entry.header));
      this.#texts.set(`body ${message.uid}`, Buffer.from(entry.body));
    }
  }

  *#batches(uids: Uint32Array): Generator<[number, number[]]> {
    for (let first = 0; first < uids.length; first += this.batch) {
      this.onRead();
      yield [first, Array.from(uids.subarray(first, first + this.batch))];
    }
  }

  #prepare(message: TestMessage): void {
    this.#fragments.set(message.uid, message.fragment ?? fragmentOf(message));
    if (message.header !== null) this.#texts.set(`header ${message.uid}`, Buffer.from(foldText(message.header)));
    if (message.body !== null) this.#texts.set(`body ${message.uid}`, Buffer.from(foldText(message.body)));
  }

  #makeView(): FolderView {
    // oxlint-disable-next-line typescript/no-this-alias -- the view's getters have a `this` of their own
    const source = this;
    const rowOf = (uid: number): number => this.#columns.uid.indexOf(uid);
    return {
      get folder(): Folder {
        return folderOf(source.#messages);
      },
      get columns() {
        return source.#columns;
      },
      get generation() {
        return source.#generation;
      },
      rowOf,
      locate(uids, from, count, rows) {
        const byUid = new Map(Array.from(source.#columns.uid, (uid, row) => [uid, row]));
        for (let i = 0; i < count; i += 1) rows[i] = byUid.get(uids[from + i]!) ?? -1;
      },
      keywordBit: (name) => KEYWORDS.indexOf(name.toLowerCase()),
      uidl: String,
      lineEndMissing: () => false,
      recoverableOrigin: () => null,
      expungedSince: async () => null,
      close: () => {},
    };
  }
}

function folderOf(messages: readonly TestMessage[]): Folder {
  return {
    id: folderId(1),
    name: 'INBOX',
    kind: 'mail',
    specialUse: 'inbox',
    subscribed: true,
    hidden: false,
    uidValidity: uidValidity(1),
    uidNext: asUid((messages.at(-1)?.uid ?? 0) + 1),
    highestModSeq: modSeq(1),
    exists: messages.length,
    unseen: 0,
    deleted: 0,
    bytes: 0,
    keywords: KEYWORDS,
    firstRecentUid: asUid(1),
  };
}

function columnsOf(messages: readonly TestMessage[]): FolderView['columns'] {
  return {
    length: messages.length,
    uid: Uint32Array.from(messages, (m) => m.uid),
    flags: Uint8Array.from(messages, (m) => m.flags),
    keywordsLow: Uint32Array.from(messages, (m) => m.keywordsLow),
    keywordsHigh: Uint32Array.from(messages, (m) => m.keywordsHigh),
    modSeq: Float64Array.from(messages, (m) => m.modSeq),
    size: Uint32Array.from(messages, (m) => m.size),
    internalDate: Float64Array.from(messages, (m) => m.internalDate),
    saveDate: Float64Array.from(messages, (m) => m.saveDate),
    sentDate: Float64Array.from(messages, (m) => m.sentDate),
    sentDay: Int32Array.from(messages, (m) => m.sentDay),
    content: Uint32Array.from(messages, (m) => m.content),
    thread: Uint32Array.from(messages, (m) => m.thread),
  };
}

const sink = new ByteSink();

function fragmentOf(message: TestMessage): Buffer {
  beginFragment(sink);
  /* Hits here must not count. */
  sink.utf8(` ENVELOPE ("${foldText(`${message.subject} ${message.from} ${message.to}`)}")`);
  endSection(sink, SECTION.envelope);
  endSection(sink, SECTION.bodyStructure);
  endSection(sink, SECTION.body);
  sink.u16(0);
  endSection(sink, SECTION.fields);
  sink.u16(0);
  endSection(sink, SECTION.parts);
  writeSearchText(sink, (field) => sink.utf8(foldText(message[field])));
  endSection(sink, SECTION.search);
  writeSortFields(sink, message.sort);
  endSection(sink, SECTION.sort);
  sink.utf8(foldText(message.subject));
  endSection(sink, SECTION.preview);
  finishFragment(sink, 0);
  return Buffer.from(sink.bytes.subarray(0, sink.length));
}

function pack(parts: readonly Buffer[]): { count: number; bytes: Buffer; offsets: Uint32Array; lengths: Uint32Array } {
  const offsets = new Uint32Array(parts.length);
  let at = 0;
  parts.forEach((part, i) => {
    offsets[i] = at;
    at += part.length;
  });
  return {
    count: parts.length,
    bytes: Buffer.concat(parts, at),
    offsets,
    lengths: Uint32Array.from(parts, (part) => part.length),
  };
}
