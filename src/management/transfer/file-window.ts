/** Random reading and searching in a file of any size through one window of 1 MB. */
import { Buffer } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';

const WINDOW_BYTES = 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;

export class FileWindow {
  readonly #file: FileHandle;
  readonly size: number;
  readonly #buffer = Buffer.allocUnsafe(WINDOW_BYTES);
  #start = 0;
  #length = 0;

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.size = size;
  }

  /** Up to `length` bytes (at most half a window) from `at`: a view that holds until the next call. */
  async bytes(at: number, length: number): Promise<Buffer> {
    const end = Math.min(at + length, this.size);
    if (at < this.#start || end > this.#start + this.#length) await this.#load(at);
    return this.#buffer.subarray(at - this.#start, Math.min(end - this.#start, this.#length));
  }

  /** Offset of `pattern` at or behind `from` and before `until`, or -1. */
  async find(pattern: Buffer, from: number, until = this.size): Promise<number> {
    let at = from;
    while (at < until) {
      if (at < this.#start || at + pattern.length > this.#start + this.#length) await this.#load(at);
      const here = this.#buffer.subarray(0, this.#length).indexOf(pattern, at - this.#start);
      if (here >= 0) return this.#start + here < until ? this.#start + here : -1;
      const end = this.#start + this.#length;
      if (end >= this.size) return -1;
      at = Math.max(at + 1, end - pattern.length + 1);
    }
    return -1;
  }

  /** Fresh buffers, apart from the window. */
  async *range(start: number, end: number): AsyncIterable<Buffer> {
    let at = start;
    while (at < end) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - at));
      const { bytesRead } = await this.#file.read(chunk, 0, chunk.length, at);
      if (bytesRead === 0)
        throw new Error(`the file ends at byte ${at}, ${end} was expected: it changed while it was read`);
      at += bytesRead;
      yield chunk.subarray(0, bytesRead);
    }
  }

  async #load(at: number): Promise<void> {
    this.#start = at;
    this.#length = 0;
    while (this.#length < WINDOW_BYTES) {
      const { bytesRead } = await this.#file.read(
        this.#buffer,
        this.#length,
        WINDOW_BYTES - this.#length,
        this.#start + this.#length,
      );
      if (bytesRead === 0) break;
      this.#length += bytesRead;
    }
  }
}
