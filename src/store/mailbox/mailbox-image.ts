/**
 * The state of a whole mailbox as a stream that no engine and no place on disk shows in: counters, folders, rows,
 * unique-ids, expunge logs, names. What two databases say of a mailbox is equal exactly when the octets are, so the
 * SHA-256 at the end is both the check of the way and the comparison of the two (ADR 11).
 *
 *   section: kind u8 · length u32 · payload      in this order, the last one `end` with the digest of all before it
 *
 * Rows leave out where contents and parse results lie, and go out by chunks as folding.ts keeps them. Contents and
 * thread keys are no part of it.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { Failure } from '../../observe/failure.ts';
import { FOLDER_KINDS, SPECIAL_USES, type SpecialUse } from '../model.ts';
import { ByteDecoder, ByteEncoder } from './byte-codec.ts';
import { Columns, lowerBound, type NumericArray } from './columns.ts';
import { CHUNK_BITS, type ExpungeLogEntry, type FolderFacts, type FolderState } from './folder-state.ts';
import type { MailboxState } from './mailbox-state.ts';
import type { MailboxCounters } from './storage.ts';

/** Raise when a section changes; another version is refused. */
export const IMAGE_VERSION = 1;
/** A longer section is none: the longest is one removal of very many messages. */
export const SECTION_BYTES = 16 * 1024 * 1024;
/** Messages all removals of a mailbox can name: a few octets may claim any number. */
export const EXPUNGED_UIDS = 16 * 1024 * 1024;
/** Rows of one section. */
const ROWS = 2 ** CHUNK_BITS;
/** Names of one section. */
const NAMES = 256;
const HEAD_BYTES = 5;
const DIGEST_BYTES = 32;

const SECTION = {
  end: 0,
  counters: 1,
  subscriptions: 2,
  formerFolders: 3,
  folder: 4,
  rows: 5,
  uidls: 6,
  expunges: 7,
} as const;
type SectionKind = (typeof SECTION)[keyof typeof SECTION];

const USES: readonly (SpecialUse | null)[] = [null, ...SPECIAL_USES];

export interface FolderImage {
  readonly facts: FolderFacts;
  /** Without places of contents and parse results. */
  readonly columns: Columns;
  readonly uidls: ReadonlyMap<number, string>;
  readonly expungeLog: readonly ExpungeLogEntry[];
}

export interface MailboxImage {
  readonly counters: MailboxCounters;
  readonly subscriptions: readonly string[];
  readonly formerFolders: ReadonlyMap<number, string>;
  readonly folders: readonly FolderImage[];
  /** Of the stream it came in, as hexadecimal digits. */
  readonly digest: string;
}

/** Sections of a mailbox in which nothing is committed meanwhile. */
export function* writeImage(state: MailboxState): Iterable<Buffer> {
  const hash = createHash('sha256');
  for (const [kind, payload] of sections(state)) {
    const bytes = section(kind, payload);
    hash.update(bytes);
    yield bytes;
  }
  yield section(SECTION.end, hash.digest());
}

function section(kind: SectionKind, payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafeSlow(HEAD_BYTES + payload.length);
  bytes.writeUInt8(kind, 0);
  bytes.writeUInt32LE(payload.length, 1);
  payload.copy(bytes, HEAD_BYTES);
  return bytes;
}

function encoded(write: (out: ByteEncoder) => void): Buffer {
  const out = new ByteEncoder();
  write(out);
  return out.bytes();
}

function* sections(state: MailboxState): Iterable<[SectionKind, Buffer]> {
  const { counters } = state;
  yield [
    SECTION.counters,
    encoded((out) => {
      out.number(IMAGE_VERSION);
      for (const key of COUNTERS) out.number(counters[key]);
    }),
  ];
  for (const names of grouped([...state.subscriptions].toSorted(), NAMES))
    yield [SECTION.subscriptions, encoded((out) => out.texts(names))];
  const former = [...state.formerFolders].toSorted(([a], [b]) => a - b);
  for (const group of grouped(former, NAMES)) yield [SECTION.formerFolders, encoded((out) => pairs(out, group))];
  const folders = [...state.folders.values()].toSorted((a, b) => a.id - b.id);
  for (const folder of folders) yield* folderSections(folder, state.rows(folder));
}

function* folderSections(folder: FolderState, columns: Columns): Iterable<[SectionKind, Buffer]> {
  yield [SECTION.folder, encoded((out) => writeFacts(out, folder.facts))];
  for (let from = 0; from < columns.length; ) {
    const behind = ((columns.uid[from]! >>> CHUNK_BITS) + 1) * ROWS;
    const to = lowerBound(columns.uid, columns.length, behind);
    yield [SECTION.rows, writeRows(columns, from, to)];
    from = to;
  }
  const uidls = [...folder.uidls].toSorted(([a], [b]) => a - b);
  for (const group of grouped(uidls, NAMES)) yield [SECTION.uidls, encoded((out) => pairs(out, group))];
  for (const { modSeq, uids } of folder.expungeLog)
    yield [
      SECTION.expunges,
      encoded((out) => {
        out.number(modSeq);
        out.uids(uids);
      }),
    ];
}

const COUNTERS: readonly (keyof MailboxCounters)[] = [
  'highestModSeq',
  'nextFolder',
  'nextContent',
  'nextThread',
  'lastUidValidity',
];

function writeFacts(out: ByteEncoder, facts: FolderFacts): void {
  out.number(facts.id);
  out.text(facts.name);
  out.byte(FOLDER_KINDS.indexOf(facts.kind));
  out.byte(USES.indexOf(facts.specialUse));
  out.byte(facts.hidden ? 1 : 0);
  for (const key of FACT_NUMBERS) out.number(facts[key]);
  out.texts(facts.keywords);
}

const FACT_NUMBERS = [
  'uidValidity',
  'uidNext',
  'highestModSeq',
  'exists',
  'unseen',
  'deleted',
  'bytes',
  'firstRecentUid',
  'modSeqFloor',
  'expungeFloor',
] as const satisfies readonly (keyof FolderFacts)[];

/** What of a row is the same wherever its message lies; the widest columns first. */
function placeless(columns: Columns): readonly NumericArray[] {
  return [
    columns.modSeq,
    columns.internalDate,
    columns.saveDate,
    columns.sentDate,
    columns.uid,
    columns.keywordsLow,
    columns.keywordsHigh,
    columns.size,
    columns.sentDay,
    columns.content,
    columns.thread,
    columns.deletedFrom,
    columns.flags,
    columns.lineEnd,
  ];
}

function writeRows(columns: Columns, from: number, to: number): Buffer {
  const arrays = placeless(columns);
  const rows = Buffer.allocUnsafeSlow(4 + (to - from) * rowBytes(arrays));
  let at = rows.writeUInt32LE(to - from, 0);
  for (const column of arrays) {
    const width = column.BYTES_PER_ELEMENT;
    rows.set(new Uint8Array(column.buffer, column.byteOffset + from * width, (to - from) * width), at);
    at += (to - from) * width;
  }
  return rows;
}

const rowBytes = (arrays: readonly NumericArray[]): number =>
  arrays.reduce((sum, column) => sum + column.BYTES_PER_ELEMENT, 0);

function pairs(out: ByteEncoder, entries: readonly (readonly [number, string])[]): void {
  out.number(entries.length);
  for (const [number, text] of entries) {
    out.number(number);
    out.text(text);
  }
}

function* grouped<T>(all: readonly T[], size: number): Iterable<readonly T[]> {
  for (let i = 0; i < all.length; i += size) yield all.slice(i, i + size);
}

/** Takes an image in pieces of any size; keeps what it has read and at most one section. */
export class ImageReader {
  readonly #hash = createHash('sha256');
  #rest: Buffer = Buffer.alloc(0);
  #counters: MailboxCounters | null = null;
  readonly #subscriptions: string[] = [];
  readonly #formerFolders = new Map<number, string>();
  readonly #folders: ReadFolder[] = [];
  #digest: string | null = null;
  #expunged = 0;

  /** @throws Failure CORRUPTION */
  push(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    while (this.#rest.length - at >= HEAD_BYTES) {
      const length = this.#rest.readUInt32LE(at + 1);
      if (length > SECTION_BYTES) throw damaged(`a section of ${length} octets`);
      const end = at + HEAD_BYTES + length;
      if (end > this.#rest.length) break;
      this.#take(this.#rest.subarray(at, end));
      at = end;
    }
    // A copy: the caller's buffer may be used again.
    this.#rest = Buffer.from(this.#rest.subarray(at));
  }

  /** @throws Failure CORRUPTION when it is not whole */
  end(): MailboxImage {
    if (this.#digest === null || this.#counters === null) throw damaged('it ends early');
    return {
      counters: this.#counters,
      subscriptions: this.#subscriptions,
      formerFolders: this.#formerFolders,
      folders: this.#folders,
      digest: this.#digest,
    };
  }

  #take(bytes: Buffer): void {
    if (this.#digest !== null) throw damaged('something follows its end');
    const kind = bytes.readUInt8(0);
    try {
      if (kind === SECTION.end) this.#end(bytes.subarray(HEAD_BYTES));
      else {
        this.#hash.update(bytes);
        this.#read(kind, new ByteDecoder(bytes, HEAD_BYTES), bytes.subarray(HEAD_BYTES));
      }
    } catch (reason) {
      if (reason instanceof RangeError) throw damaged(reason.message, reason);
      throw reason;
    }
  }

  #end(digest: Buffer): void {
    const own = this.#hash.digest();
    if (digest.length !== DIGEST_BYTES || !own.equals(digest)) throw damaged('it does not have its digest');
    this.#digest = own.toString('hex');
  }

  #read(kind: number, from: ByteDecoder, payload: Buffer): void {
    if ((kind === SECTION.counters) !== (this.#counters === null)) throw damaged('its sections are out of order');
    switch (kind) {
      case SECTION.counters:
        this.#counters = readCounters(from);
        break;
      case SECTION.subscriptions:
        this.#subscriptions.push(...from.texts());
        break;
      case SECTION.formerFolders:
        readPairs(from, this.#formerFolders);
        break;
      case SECTION.folder:
        this.#folders.push({ facts: readFacts(from), columns: new Columns(), uidls: new Map(), expungeLog: [] });
        break;
      case SECTION.rows:
        readRows(payload, this.#folder().columns);
        return;
      case SECTION.uidls:
        readPairs(from, this.#folder().uidls);
        break;
      case SECTION.expunges: {
        const entry = { modSeq: from.number(), uids: from.uids(EXPUNGED_UIDS - this.#expunged) };
        this.#expunged += entry.uids.length;
        this.#folder().expungeLog.push(entry);
        break;
      }
      default:
        throw damaged(`a section of kind ${kind}`);
    }
    if (from.hasMore) throw damaged('a section is longer than what it holds');
  }

  #folder(): ReadFolder {
    return this.#folders.at(-1) ?? outOfOrder();
  }
}

interface ReadFolder extends FolderImage {
  readonly uidls: Map<number, string>;
  readonly expungeLog: ExpungeLogEntry[];
}

function readCounters(from: ByteDecoder): MailboxCounters {
  const version = from.number();
  if (version !== IMAGE_VERSION)
    throw new Failure(
      'UNAVAILABLE',
      `The other server sends mailboxes in format ${version}, this one reads ${IMAGE_VERSION}.`,
    );
  return {
    highestModSeq: from.number(),
    nextFolder: from.number(),
    nextContent: from.number(),
    nextThread: from.number(),
    lastUidValidity: from.number(),
  };
}

function readFacts(from: ByteDecoder): FolderFacts {
  const id = from.number();
  const name = from.text();
  const kind = FOLDER_KINDS[from.byte()] ?? outOfOrder();
  const specialUse = USES[from.byte()];
  if (specialUse === undefined) return outOfOrder();
  const hidden = from.byte() === 1;
  return {
    id,
    name,
    kind,
    specialUse,
    hidden,
    uidValidity: from.number(),
    uidNext: from.number(),
    highestModSeq: from.number(),
    exists: from.number(),
    unseen: from.number(),
    deleted: from.number(),
    bytes: from.number(),
    firstRecentUid: from.number(),
    modSeqFloor: from.number(),
    expungeFloor: from.number(),
    keywords: from.texts(),
  };
}

function readRows(payload: Buffer, columns: Columns): void {
  const count = payload.readUInt32LE(0);
  if (count === 0 || count > ROWS || payload.length !== 4 + count * rowBytes(placeless(columns)))
    throw damaged('rows of another length');
  const first = columns.length;
  columns.reserve(count);
  let at = 4;
  for (const column of placeless(columns)) {
    const bytes = count * column.BYTES_PER_ELEMENT;
    const target = new Uint8Array(column.buffer, column.byteOffset + first * column.BYTES_PER_ELEMENT, bytes);
    target.set(payload.subarray(at, at + bytes));
    at += bytes;
  }
  columns.length = first + count;
  for (let row = Math.max(1, first); row < columns.length; row += 1)
    if (columns.uid[row]! <= columns.uid[row - 1]!) throw damaged('rows out of order');
}

function readPairs(from: ByteDecoder, into: Map<number, string>): void {
  const count = from.number();
  for (let i = 0; i < count; i += 1) into.set(from.number(), from.text());
}

function damaged(why: string, cause?: unknown): Failure {
  return new Failure('CORRUPTION', `The state of a mailbox that is being moved cannot be read: ${why}.`, { cause });
}

function outOfOrder(): never {
  throw damaged('its sections are out of order');
}
