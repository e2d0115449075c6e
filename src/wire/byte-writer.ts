/**
 * Output in few, large buffers. Protocol code writes small pieces (`* 12 FETCH (UID 7 …`); this class packs them
 * into buffers of OUTPUT_BUFFER_BYTES and hands each full one to its sink. The buffer exists only while something
 * is being written, so an idle session holds none; buffers come from buffers.ts and go back there.
 */
import { Buffer } from 'node:buffer';
import { giveBuffer, takeBuffer } from './buffers.ts';
import { OUTPUT_BUFFER_BYTES } from './limits.ts';

const FIRST_BUFFER_BYTES = 4 * 1024;
/** 4 → 64 → 256 KiB: an answer of one ordinary message does not pay for a large buffer. */
const GROWTH = 16;
/** Octets of UTF-8 for one unit of UTF-16, at most. */
const UTF8_BYTES = 3;
/** Shorter ranges are quicker copied byte by byte than by a call into the engine. */
const COPIED_BY_BYTE = 48;

/** Takes a full buffer; calls `written` when it has no more use for it, so that it can be filled again. */
export type ByteSink = (chunk: Buffer, written: () => void) => void;

export class ByteWriter {
  readonly #sink: ByteSink;
  #buffer: Buffer | null = null;
  #length = 0;
  #grown = false;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** Bytes written and not yet given to the sink. */
  get pending(): number {
    return this.#length;
  }

  /** Text of ISO-8859-1 range; protocol text is ASCII. */
  ascii(text: string): this {
    const size = text.length;
    if (size > OUTPUT_BUFFER_BYTES) return this.bytes(Buffer.from(text, 'latin1'));
    const buffer = this.#room(size);
    if (size < 24) {
      let at = this.#length;
      for (let i = 0; i < size; i += 1) buffer[at++] = text.charCodeAt(i);
      this.#length = at;
      return this;
    }
    this.#length += buffer.write(text, this.#length, 'latin1');
    return this;
  }

  utf8(text: string): this {
    const most = text.length * UTF8_BYTES;
    if (most > FIRST_BUFFER_BYTES) return this.bytes(Buffer.from(text, 'utf8'));
    const buffer = this.#room(most);
    this.#length += buffer.write(text, this.#length, 'utf8');
    return this;
  }

  /** A non-negative integer up to 2^53. */
  number(value: number): this {
    if (value > 0xffffffff) return this.ascii(String(value));
    const buffer = this.#room(10);
    let rest = value;
    let digits = 1;
    for (let bound = 10; rest >= bound && digits < 10; bound *= 10) digits += 1;
    let at = this.#length + digits;
    this.#length = at;
    do {
      const next = Math.floor(rest / 10);
      buffer[--at] = 48 + (rest - next * 10);
      rest = next;
    } while (rest > 0);
    return this;
  }

  byte(value: number): this {
    const buffer = this.#room(1);
    buffer[this.#length++] = value;
    return this;
  }

  bytes(data: Uint8Array): this {
    return this.range(data, 0, data.length);
  }

  /** Copies data[start, end): the caller may use its buffer again at once. */
  range(data: Uint8Array, start: number, end: number): this {
    const size = end - start;
    if (size < COPIED_BY_BYTE) {
      const buffer = this.#room(size);
      let at = this.#length;
      for (let i = start; i < end; i += 1) buffer[at++] = data[i]!;
      this.#length = at;
      return this;
    }
    if (size > OUTPUT_BUFFER_BYTES / 4) return this.#longRange(data, start, end);
    const buffer = this.#room(size);
    // A plain view: a Buffer's own subarray costs half as much again.
    buffer.set(new Uint8Array(data.buffer, data.byteOffset + start, size), this.#length);
    this.#length += size;
    return this;
  }

  /** Give what is written to the sink and let go of the buffer. */
  flush(): void {
    const buffer = this.#buffer;
    if (buffer === null || this.#length === 0) return;
    const full = buffer.subarray(0, this.#length);
    this.#buffer = null;
    this.#length = 0;
    this.#sink(full, () => giveBuffer(buffer));
  }

  /** Fills buffer after buffer. */
  #longRange(data: Uint8Array, start: number, end: number): this {
    for (let from = start; from < end; ) {
      const buffer = this.#room(Math.min(end - from, OUTPUT_BUFFER_BYTES / 4));
      const size = Math.min(end - from, buffer.length - this.#length);
      buffer.set(data.subarray(from, from + size), this.#length);
      this.#length += size;
      from += size;
    }
    return this;
  }

  /** Start small: most answers are one line. Only a long answer earns a large buffer. */
  #room(size: number): Buffer {
    const buffer = this.#buffer;
    if (buffer !== null && buffer.length - this.#length >= size) return buffer;
    if (buffer !== null && buffer.length < OUTPUT_BUFFER_BYTES && this.#length + size <= OUTPUT_BUFFER_BYTES) {
      const needed = Math.max(this.#length + size, buffer.length * GROWTH);
      const larger = takeBuffer(Math.min(OUTPUT_BUFFER_BYTES, needed));
      larger.set(buffer.subarray(0, this.#length), 0);
      giveBuffer(buffer);
      this.#buffer = larger;
      this.#grown = true;
      return larger;
    }
    const long = this.#grown && buffer !== null;
    this.flush();
    this.#grown = long;
    const fresh = takeBuffer(Math.max(long ? OUTPUT_BUFFER_BYTES : FIRST_BUFFER_BYTES, size));
    this.#buffer = fresh;
    return fresh;
  }
}
