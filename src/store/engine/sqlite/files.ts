/**
 * The few file operations of the engine, in one place so that a test can make the disk full or slow. Flushes are
 * always asynchronous: a flush that takes 10 ms must not stop every session of the process.
 */
import type { Buffer } from 'node:buffer';
import fs from 'node:fs';
import type { ReadRange } from '../../mailbox/storage.ts';

/** Up to this many octets are written or read in the calling turn: the page cache is quicker than a thread. */
export const SYNCHRONOUS_BYTES = 64 * 1024;
/** Buffers of one system call (IOV_MAX is 1024). */
const BUFFERS_PER_WRITE = 512;

export interface Files {
  /** Writes all buffers one behind the other at `position`. */
  write(fd: number, buffers: readonly Buffer[], position: number): Promise<void>;
  /** fdatasync. */
  flush(fd: number): Promise<void>;
}

export const realFiles: Files = {
  async write(fd, buffers, position) {
    let at = position;
    for (let i = 0; i < buffers.length; i += BUFFERS_PER_WRITE) {
      const group = buffers.slice(i, i + BUFFERS_PER_WRITE);
      at += await writeGroup(fd, group, at);
    }
  },
  flush: (fd) =>
    new Promise((resolve, reject) => {
      fs.fdatasync(fd, (error) => (error === null ? resolve() : reject(error)));
    }),
};

async function writeGroup(fd: number, buffers: Buffer[], position: number): Promise<number> {
  const size = buffers.reduce((sum, one) => sum + one.length, 0);
  let rest = buffers;
  let done = 0;
  while (done < size) {
    const written =
      size <= SYNCHRONOUS_BYTES
        ? fs.writevSync(fd, rest, position + done)
        : await new Promise<number>((resolve, reject) => {
            fs.writev(fd, rest, position + done, (error, count) => (error === null ? resolve(count) : reject(error)));
          });
    done += written;
    if (done < size) rest = behind(buffers, done);
  }
  return size;
}

/** What is left of buffers of which `done` octets are written: the disk may take less than it was given. */
function behind(buffers: readonly Buffer[], done: number): Buffer[] {
  let skip = done;
  const rest: Buffer[] = [];
  for (const one of buffers) {
    if (skip >= one.length) skip -= one.length;
    else {
      rest.push(one.subarray(skip));
      skip = 0;
    }
  }
  return rest;
}

/** Reads exactly `length` octets; fewer only at the end of the file. */
export async function readFully(
  fd: number,
  target: Buffer,
  at: number,
  length: number,
  position: number,
): Promise<number> {
  let done = 0;
  while (done < length) {
    const count = await new Promise<number>((resolve, reject) => {
      fs.read(fd, target, at + done, length - done, position + done, (error, n) =>
        error === null ? resolve(n) : reject(error),
      );
    });
    if (count === 0) break;
    done += count;
  }
  return done;
}

export function readFullySync(fd: number, target: Buffer, at: number, length: number, position: number): number {
  let done = 0;
  while (done < length) {
    const count = fs.readSync(fd, target, at + done, length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** Octets of a read that may be done in the calling turn. */
const IN_TURN_BYTES = 256 * 1024;
/** Octets of one read that holds the calling turn; from a warm page cache 10–20 µs. */
const PIECE_BYTES = 128 * 1024;
/** Milliseconds in which pieces may be read one after the other before the rest is left to a thread. */
const QUICK_MS = 1;
/** Reads left to a thread after a slow one. */
const THREADED_READS = 64;

/**
 * Decides which reads are done in the calling turn. Up to IN_TURN_BYTES the page cache is quicker than the way to a
 * thread and back (POP3 download: 426 → 561 MB/s). Longer reads belong to a thread: they overlap with what is done with
 * the batch before. (Which is quicker is not settled: BODY[] of all, in turn / in a thread, 980 / 725 ms in one pass on a
 * noisy machine and 1,105 / 1,635 in another; a thread holds no one up.) A piece that took long came from the disk: the rest and the next reads are left to threads, too, so that a cold mailbox holds the
 * event loop for one short read in many.
 */
export class CachedReads {
  #threaded = 0;

  /** Reads from the beginning of `ranges`; returns what is left to be read. */
  inThisTurn(ranges: readonly ReadRange[], target: Buffer, fdOf: (range: ReadRange) => number): readonly ReadRange[] {
    let octets = 0;
    for (const { length } of ranges) octets += length;
    if (octets > IN_TURN_BYTES) return ranges;
    const isSmall = ranges.length === 1 && octets <= SYNCHRONOUS_BYTES;
    if (this.#threaded > 0 && !isSmall) {
      this.#threaded -= 1;
      return ranges;
    }
    const until = performance.now() + QUICK_MS;
    for (const [i, range] of ranges.entries()) {
      const fd = fdOf(range);
      for (let done = 0; done < range.length; ) {
        const piece = Math.min(PIECE_BYTES, range.length - done);
        if (readFullySync(fd, target, range.at + done, piece, range.offset + done) < piece) return [range];
        done += piece;
        if (performance.now() <= until) continue;
        const rest = ranges.slice(i + 1);
        if (done < range.length) {
          const { segment, offset, length, at } = range;
          rest.unshift({ segment, offset: offset + done, length: length - done, at: at + done });
        }
        if (rest.length > 0) this.#threaded = THREADED_READS;
        return rest;
      }
    }
    return [];
  }
}

/** Makes names created, renamed or removed in a directory durable. */
export async function flushDirectory(directory: string): Promise<void> {
  const handle = await fs.promises.open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Replaces a small file as a whole. */
export function writeSmallFile(file: string, text: string): void {
  const temporary = `${file}.new`;
  fs.writeFileSync(temporary, text);
  fs.renameSync(temporary, file);
}
