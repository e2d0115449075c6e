/**
 * The segment files of one mailbox: append-only, `seg-000001` and so on, the truth about every message and change.
 * Knows octets and offsets, not what the records mean.
 */
import { Buffer } from 'node:buffer';
import fs from 'node:fs';
import path from 'node:path';
import type { Location, Payload, ReadRange } from '../../mailbox/storage.ts';
import { asFailure } from '../disk-failure.ts';
import { CachedReads, type Files, flushDirectory, readFully } from './files.ts';
import { Prewritten } from './prewritten.ts';

/** A segment is finished when it has reached this size. */
export const SEGMENT_BYTES = 256 * 1024 * 1024;
/** Segments kept open for reading. */
const OPEN_SEGMENTS = 16;
const HEAD = Buffer.from('penfold segment\n');
export const SEGMENT_HEAD_BYTES = HEAD.length;

export interface SegmentRecord {
  readonly head: Buffer;
  readonly payload: Payload | null;
}

interface OpenSegment {
  readonly fd: number;
  reading: number;
  /** Unlinked: a slow reader may have looked a place up before; kept open until the mailbox is closed. */
  dropped: boolean;
}

export class Segments {
  readonly #directory: string;
  readonly #files: Files;
  readonly #segmentBytes: number;
  readonly #open = new Map<number, OpenSegment>();
  readonly #reads = new CachedReads();
  readonly #prewritten: Prewritten;
  /** The one being written; 0: none yet. */
  #current = 0;
  #end = 0;
  #writeFd = -1;
  /** Octets behind this are not known to be durable. */
  #durable = 0;
  #broken = false;

  constructor(directory: string, files: Files, segmentBytes = SEGMENT_BYTES) {
    this.#directory = directory;
    this.#files = files;
    this.#prewritten = new Prewritten(files);
    this.#segmentBytes = segmentBytes;
  }

  /** Where the next record goes. */
  get position(): Location {
    return { segment: this.#current, offset: this.#end };
  }

  numbers(): number[] {
    return fs
      .readdirSync(this.#directory)
      .map((name) => /^seg-(\d{6,})$/.exec(name)?.[1])
      .filter((digits) => digits !== undefined)
      .map(Number)
      .sort((a, b) => a - b);
  }

  size(segment: number): number {
    return segment === this.#current ? this.#end : fs.fstatSync(this.#reader(segment).fd).size;
  }

  /** Continues at `offset` of a segment; what stands behind it was torn off by a crash and goes. */
  resume(at: Location): void {
    this.#current = at.segment;
    this.#end = at.offset;
    if (at.segment === 0) return;
    this.#writeFd = fs.openSync(this.#path(at.segment), 'r+');
    if (fs.fstatSync(this.#writeFd).size > at.offset) fs.ftruncateSync(this.#writeFd, at.offset);
    this.#durable = 0;
  }

  /** All records or none. Returns the location of each payload. */
  async append(records: readonly SegmentRecord[], flush: boolean): Promise<Location[]> {
    if (this.#broken) throw asFailure(Object.assign(new Error('the log could not be cut back'), { code: 'EIO' }));
    if (this.#current === 0 || this.#end >= this.#segmentBytes) await this.#roll();
    const start = this.#end;
    try {
      const locations = await this.#write(records);
      if (flush) await this.flush();
      return locations;
    } catch (reason) {
      await this.#cut(start);
      throw asFailure(reason);
    }
  }

  /** Everything appended so far is durable. */
  async flush(): Promise<void> {
    const end = this.#end;
    if (this.#current === 0 || this.#durable >= end) return;
    await this.#files.flush(this.#writeFd);
    this.#durable = end;
  }

  /** Fills `target`; in this turn when the page cache is quick. */
  read(ranges: readonly ReadRange[], target: Buffer): Promise<void> | void {
    const rest = this.#reads.inThisTurn(ranges, target, ({ segment }) => this.#reader(segment).fd);
    return rest.length === 0 ? undefined : this.#readAll(rest, target);
  }

  async drop(segment: number): Promise<void> {
    this.#reader(segment).dropped = true;
    await fs.promises.unlink(this.#path(segment));
    await flushDirectory(this.#directory);
  }

  /** Closes what is only read. */
  rest(): void {
    for (const [segment, { fd, reading, dropped }] of this.#open) {
      if (reading > 0 || dropped) continue;
      fs.closeSync(fd);
      this.#open.delete(segment);
    }
  }

  async close(): Promise<void> {
    await this.#finish();
    for (const { fd } of this.#open.values()) fs.closeSync(fd);
    this.#open.clear();
  }

  async #write(records: readonly SegmentRecord[]): Promise<Location[]> {
    const locations: Location[] = [];
    let buffers: Buffer[] = [];
    let at = this.#end;
    let written = at;
    const drain = async (): Promise<void> => {
      await this.#prewritten.ready(at);
      await this.#files.write(this.#writeFd, buffers, written);
      buffers = [];
      written = at;
    };
    for (const { head, payload } of records) {
      buffers.push(head);
      at += head.length;
      locations.push(payload === null ? { segment: 0, offset: 0 } : { segment: this.#current, offset: at });
      if (payload === null) continue;
      if (payload.memory !== null) {
        if (payload.size > 0) buffers.push(payload.memory);
        at += payload.size;
        continue;
      }
      for await (const piece of payload.pieces()) {
        buffers.push(piece);
        at += piece.length;
        await drain();
      }
    }
    if (buffers.length > 0) await drain();
    this.#prewritten.appended(this.#writeFd, this.#end, at);
    this.#end = at;
    return locations;
  }

  /** Ends the segment being written where the log ends. */
  async #finish(): Promise<void> {
    if (this.#writeFd < 0) return;
    await this.#prewritten.reset();
    if (fs.fstatSync(this.#writeFd).size > this.#end) fs.ftruncateSync(this.#writeFd, this.#end);
    this.#durable = -1;
    await this.flush();
    fs.closeSync(this.#writeFd);
    this.#writeFd = -1;
  }

  async #roll(): Promise<void> {
    try {
      await this.#finish();
      const next = (this.numbers().at(-1) ?? 0) + 1;
      this.#writeFd = fs.openSync(this.#path(next), 'wx+');
      this.#current = next;
      this.#end = 0;
      this.#durable = 0;
      await this.#files.write(this.#writeFd, [HEAD], 0);
      this.#end = HEAD.length;
      await flushDirectory(this.#directory);
    } catch (reason) {
      // Nothing of use is in it: the next append tries again with the next number.
      this.#end = this.#segmentBytes;
      throw asFailure(reason);
    }
  }

  /** Takes back what a failed append left: nobody was told of it. */
  async #cut(to: number): Promise<void> {
    this.#end = to;
    await this.#prewritten.reset();
    try {
      fs.ftruncateSync(this.#writeFd, to);
      this.#durable = Math.min(this.#durable, to);
    } catch {
      // Records nobody was told of would come back to life after a restart: nothing more may be written behind them.
      this.#broken = true;
    }
  }

  async #readAll(ranges: readonly ReadRange[], target: Buffer): Promise<void> {
    await Promise.all(
      ranges.map(async (range) => {
        const open = this.#reader(range.segment);
        open.reading += 1;
        try {
          complete(await readFully(open.fd, target, range.at, range.length, range.offset), range);
        } finally {
          open.reading -= 1;
        }
      }),
    );
  }

  #reader(segment: number): OpenSegment {
    let open = this.#open.get(segment);
    if (open !== undefined) {
      if (this.#open.size > 1) {
        // Youngest last: the map is the LRU list.
        this.#open.delete(segment);
        this.#open.set(segment, open);
      }
      return open;
    }
    open = { fd: fs.openSync(this.#path(segment), 'r'), reading: 0, dropped: false };
    this.#open.set(segment, open);
    for (const [other, { fd, reading, dropped }] of this.#open) {
      if (this.#open.size <= OPEN_SEGMENTS) break;
      if (reading > 0 || dropped || other === segment) continue;
      fs.closeSync(fd);
      this.#open.delete(other);
    }
    return open;
  }

  #path(segment: number): string {
    return path.join(this.#directory, `seg-${String(segment).padStart(6, '0')}`);
  }
}

function complete(got: number, range: ReadRange): void {
  if (got !== range.length) {
    throw new Error(`segment ${range.segment} ends before offset ${range.offset + range.length}`);
  }
}
