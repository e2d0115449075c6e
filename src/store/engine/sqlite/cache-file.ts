/**
 * Append-only files that can be made again from the log: fragments and texts. Written without flush, read like segments.
 * A first line names kind and version; a file of another version is not continued.
 */
import { Buffer } from 'node:buffer';
import fs from 'node:fs';
import type { ReadRange } from '../../mailbox/storage.ts';
import { CachedReads, type Files, readFully, readFullySync } from './files.ts';

/** Octets of the first line, padded. */
export const CACHE_HEAD_BYTES = 32;

export class CacheFile {
  readonly #path: string;
  readonly #head: Buffer;
  readonly #reads = new CachedReads();
  #fd = -1;
  #end = 0;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #reading = 0;

  constructor(path: string, kind: string, version: number) {
    this.#path = path;
    this.#head = Buffer.alloc(CACHE_HEAD_BYTES, ' ');
    this.#head.write(`penfold ${kind} ${version}`);
    this.#head[CACHE_HEAD_BYTES - 1] = 10;
  }

  /** True when there is such a file of this version. */
  exists(): boolean {
    if (this.#fd >= 0) return true;
    if (!fs.existsSync(this.#path)) return false;
    const fd = fs.openSync(this.#path, 'r');
    try {
      const head = Buffer.alloc(CACHE_HEAD_BYTES);
      return readFullySync(fd, head, 0, CACHE_HEAD_BYTES, 0) === CACHE_HEAD_BYTES && head.equals(this.#head);
    } finally {
      fs.closeSync(fd);
    }
  }

  /** Octets, those not yet written included; 0 when there is no file. */
  get size(): number {
    if (this.#fd < 0 && !this.exists()) return 0;
    this.#openForUse();
    return this.#end + this.#pendingBytes;
  }

  /** Octets appended that `write` has not handed over. */
  get unwritten(): number {
    return this.#pendingBytes;
  }

  /** Returns the offset of the first octet. Written with the next `write`. */
  append(bytes: Buffer): number {
    this.#openForUse();
    const at = this.#end + this.#pendingBytes;
    if (bytes.length > 0) {
      this.#pending.push(bytes);
      this.#pendingBytes += bytes.length;
    }
    return at;
  }

  /** Hands everything appended to the operating system. */
  write(): void {
    if (this.#pendingBytes === 0) return;
    const all = this.#pending.length === 1 ? this.#pending[0]! : Buffer.concat(this.#pending, this.#pendingBytes);
    let done = 0;
    while (done < all.length) done += fs.writeSync(this.#fd, all, done, all.length - done, this.#end + done);
    this.#end += all.length;
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  async flush(files: Files): Promise<void> {
    if (this.#fd < 0) return;
    this.write();
    await files.flush(this.#fd);
  }

  read(ranges: readonly ReadRange[], target: Buffer): Promise<void> | void {
    this.#openForUse();
    this.write();
    const rest = this.#reads.inThisTurn(ranges, target, () => this.#fd);
    return rest.length === 0 ? undefined : this.#readAll(rest, target);
  }

  whole(): Buffer {
    if (!this.exists()) return Buffer.alloc(0);
    this.#openForUse();
    this.write();
    const bytes = Buffer.allocUnsafe(this.#end - CACHE_HEAD_BYTES);
    const got = readFullySync(this.#fd, bytes, 0, bytes.length, CACHE_HEAD_BYTES);
    return bytes.subarray(0, got);
  }

  remove(): void {
    this.close();
    fs.rmSync(this.#path, { force: true });
  }

  /** Gives the handle back unless it is in use. */
  rest(): void {
    if (this.#reading === 0) this.close();
  }

  close(): void {
    if (this.#fd < 0) return;
    this.write();
    fs.closeSync(this.#fd);
    this.#fd = -1;
  }

  async #readAll(ranges: readonly ReadRange[], target: Buffer): Promise<void> {
    this.#reading += 1;
    try {
      await Promise.all(ranges.map((range) => readFully(this.#fd, target, range.at, range.length, range.offset)));
    } finally {
      this.#reading -= 1;
    }
  }

  #openForUse(): void {
    if (this.#fd >= 0) return;
    const usable = this.exists();
    this.#fd = fs.openSync(this.#path, usable ? 'r+' : 'w+');
    if (!usable) fs.writeSync(this.#fd, this.#head, 0, CACHE_HEAD_BYTES, 0);
    this.#end = fs.fstatSync(this.#fd).size;
  }
}
