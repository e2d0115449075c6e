/**
 * Append-only bytes of a mailbox that are a cache: parse results and searchable texts, many to a row. What is appended
 * waits for company before it is written, and no commit waits for it; a crash loses what was not written, and offsets
 * beyond what is stored are then not believed (`covers`). An offset is never given out twice.
 */
import { Buffer } from 'node:buffer';
import type { FragmentPiece } from '../../../message/fragment-pieces.ts';
import { PARSER_VERSION } from '../../../message/model.ts';
import type { ReadRange } from '../../mailbox/storage.ts';
import type { Connections, Session } from './connections.ts';
import { type Claim, checkClaim } from './fence.ts';
import { insertRows, numberIn, type Value } from './rows.ts';
import { readSlices, type Slice } from './slices.ts';

/** By number of its kind in the table: add at the end. */
export const PACKED_KINDS = ['list', 'search', 'details', 'header', 'body', 'index'] as const;
export type PackedKind = (typeof PACKED_KINDS)[number];

/** Octets of one kind that wait for company. */
const UNWRITTEN_BYTES = 64 * 1024;
/** Octets of one row at most. */
const ROW_BYTES = 1024 * 1024;
/** Octets of a piece that may wait while they cannot be written; what comes then is not kept. */
const MOST_UNWRITTEN_BYTES = 8 * 1024 * 1024;
/** Columns of a folder hold offsets of 32 bits. */
const FRAGMENT_BYTES = 2 ** 32 - 1;

interface Unwritten {
  readonly start: number;
  readonly bytes: Buffer;
}

/** One kind: which rows are stored, ascending, and what is not written yet. */
class Space {
  readonly starts: number[] = [];
  readonly lengths: number[] = [];
  readonly unwritten: Unwritten[] = [];
  unwrittenBytes = 0;
  end = 0;

  stored(start: number, length: number): void {
    this.starts.push(start);
    this.lengths.push(length);
    this.end = Math.max(this.end, start + length);
  }

  append(bytes: Buffer): number {
    const at = this.end;
    this.unwritten.push({ start: at, bytes });
    this.unwrittenBytes += bytes.length;
    this.end = at + bytes.length;
    return at;
  }

  /** Index of the last stored row that begins at or before `offset`; -1: none. */
  rowAt(offset: number): number {
    let low = 0;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.starts[middle]! <= offset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

export class PackedBytes {
  readonly #connections: Connections;
  readonly #claim: Claim;
  readonly #spaces: Readonly<Record<PackedKind, Space>>;
  #flushing: Promise<void> | null = null;

  private constructor(connections: Connections, claim: Claim) {
    this.#connections = connections;
    this.#claim = claim;
    const space = (): Space => new Space();
    this.#spaces = {
      list: space(),
      search: space(),
      details: space(),
      header: space(),
      body: space(),
      index: space(),
    };
  }

  /** What another parser version wrote is worth nothing and removed. */
  static async open(connections: Connections, claim: Claim): Promise<PackedBytes> {
    const packed = new PackedBytes(connections, claim);
    const rows = await connections.query(
      'SELECT kind, start, parser, octet_length(data) AS length FROM penfold_mail.packed WHERE mailbox = $1 ORDER BY kind, start',
      [claim.key],
    );
    if (rows.some((row) => numberIn(row, 'parser') !== PARSER_VERSION)) {
      await connections.transaction(async (session) => {
        await checkClaim(session, claim);
        const others = 'DELETE FROM penfold_mail.packed WHERE mailbox = $1 AND parser <> $2';
        await session.query(others, [claim.key, PARSER_VERSION]);
        // Texts lean on their index: all or none.
        const texts = 'DELETE FROM penfold_mail.packed WHERE mailbox = $1 AND kind >= $2';
        await session.query(texts, [claim.key, PACKED_KINDS.indexOf('header')]);
      });
      return PackedBytes.open(connections, claim);
    }
    for (const row of rows) {
      const kind = PACKED_KINDS[numberIn(row, 'kind')];
      if (kind !== undefined) packed.#spaces[kind].stored(numberIn(row, 'start'), numberIn(row, 'length'));
    }
    return packed;
  }

  /** Offsets up to `end` were given out once. */
  reserve(kind: PackedKind, end: number): void {
    const space = this.#spaces[kind];
    space.end = Math.max(space.end, end);
  }

  /** All these octets are stored. */
  covers(kind: PackedKind, offset: number, length: number): boolean {
    const space = this.#spaces[kind];
    const { starts, lengths } = space;
    let at = offset;
    for (let row = space.rowAt(offset); row >= 0 && row < starts.length; row += 1) {
      const end = starts[row]! + lengths[row]!;
      if (at < starts[row]! || at >= end) return false;
      if (end >= offset + length) return true;
      at = end;
    }
    return false;
  }

  append(kind: PackedKind, bytes: Buffer): number {
    return this.#spaces[kind].append(bytes);
  }

  /** A parse result; null: there is no room, and it is made each time it is asked for. */
  appendFragment(piece: FragmentPiece, bytes: Buffer): number | null {
    const space = this.#spaces[piece];
    if (space.end + bytes.length > FRAGMENT_BYTES || space.unwrittenBytes > MOST_UNWRITTEN_BYTES) return null;
    return space.append(bytes);
  }

  /** Enough has gathered to be written. */
  get isDue(): boolean {
    return PACKED_KINDS.some((kind) => this.#spaces[kind].unwrittenBytes >= UNWRITTEN_BYTES);
  }

  /** Everything appended before this call is stored when it resolves. */
  async flush(): Promise<void> {
    while (this.#flushing !== null) await this.#flushing;
    const work = PACKED_KINDS.map((kind) => {
      const space = this.#spaces[kind];
      return { kind, space, items: [...space.unwritten] };
    }).filter(({ items }) => items.length > 0);
    if (work.length === 0) return;
    const rows = work.flatMap(({ kind, space, items }) => rowsOf(items).map((row) => ({ kind, space, ...row })));
    const written = this.#connections.transaction(async (session) => {
      await checkClaim(session, this.#claim);
      await this.#write(session, rows);
    });
    this.#flushing = written.then(
      () => void (this.#flushing = null),
      () => void (this.#flushing = null),
    );
    await written;
    for (const { space, start, bytes } of rows) space.stored(start, bytes.length);
    for (const { space, items } of work) {
      space.unwritten.splice(0, items.length);
      for (const { bytes } of items) space.unwrittenBytes -= bytes.length;
    }
  }

  async read(kind: PackedKind, ranges: readonly ReadRange[], target: Buffer): Promise<void> {
    const space = this.#spaces[kind];
    const slices: Slice[] = [];
    for (const { offset, length, at } of ranges) {
      for (let done = 0; done < length; ) {
        const from = offset + done;
        const row = space.rowAt(from);
        const stored = row < 0 ? 0 : space.starts[row]! + space.lengths[row]! - from;
        if (stored > 0) {
          const take = Math.min(stored, length - done);
          const start = space.starts[row]!;
          slices.push({ key: [PACKED_KINDS.indexOf(kind), start], skip: from - start, take, at: at + done });
          done += take;
          continue;
        }
        const unwritten = space.unwritten.find(({ start, bytes }) => start <= from && from < start + bytes.length);
        // Between wanted octets there may be some that were never stored (reading.ts GAP_BYTES).
        if (unwritten === undefined) {
          done = Math.min(length, nextAfter(space, from) - offset);
          continue;
        }
        done += unwritten.bytes.copy(target, at + done, from - unwritten.start, from - unwritten.start + length - done);
      }
    }
    await readSlices(this.#connections, 'packed', this.#claim.key, slices, target);
  }

  /** All octets of a kind that has no holes. */
  async whole(kind: PackedKind): Promise<Buffer> {
    await this.flush();
    const { starts, lengths } = this.#spaces[kind];
    const bytes = lengths.reduce((sum, length) => sum + length, 0);
    const target = Buffer.allocUnsafe(bytes);
    const ranges: ReadRange[] = [];
    let at = 0;
    for (const [i, offset] of starts.entries()) {
      ranges.push({ segment: 0, offset, length: lengths[i]!, at });
      at += lengths[i]!;
    }
    await this.read(kind, ranges, target);
    return target;
  }

  #write(session: Session, rows: readonly { kind: PackedKind; start: number; bytes: Buffer }[]): Promise<void> {
    const values = rows.map(({ kind, start, bytes }): readonly Value[] => [
      this.#claim.key,
      PACKED_KINDS.indexOf(kind),
      start,
      PARSER_VERSION,
      bytes,
    ]);
    return insertRows(
      session,
      'INSERT INTO penfold_mail.packed (mailbox, kind, start, parser, data)',
      ['bigint', 'smallint', 'bigint', 'integer', 'bytea'],
      values,
    );
  }
}

/** Where the next octet that is known of lies. */
function nextAfter({ starts, unwritten }: Space, offset: number): number {
  const stored = starts.find((start) => start > offset) ?? Infinity;
  const waiting = unwritten.find(({ start }) => start > offset)?.start ?? Infinity;
  return Math.min(stored, waiting);
}

/** Consecutive items joined, in rows of bounded size. */
function rowsOf(items: readonly Unwritten[]): { start: number; bytes: Buffer }[] {
  const rows: { start: number; bytes: Buffer }[] = [];
  let joined: Buffer[] = [];
  let start = 0;
  let end = -1;
  const close = (): void => {
    const bytes = Buffer.concat(joined);
    for (let at = 0; at < bytes.length; at += ROW_BYTES)
      rows.push({ start: start + at, bytes: bytes.subarray(at, at + ROW_BYTES) });
    joined = [];
  };
  for (const item of items) {
    if (item.start !== end) {
      close();
      start = item.start;
    }
    joined.push(item.bytes);
    end = item.start + item.bytes.length;
  }
  close();
  return rows;
}
