/**
 * Compact binary values for log records, blobs and what servers send each other of a mailbox: unsigned LEB128 numbers,
 * little-endian floats, UTF-8 text, UID sets.
 */
import { Buffer } from 'node:buffer';

export class ByteEncoder {
  #bytes = Buffer.allocUnsafe(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  u32(value: number): void {
    this.#room(4);
    this.#length = this.#bytes.writeUInt32LE(value, this.#length);
  }

  float(value: number): void {
    this.#room(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  /** A whole number from 0 to 2^53 - 1. */
  number(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  text(value: string): void {
    const size = Buffer.byteLength(value);
    this.number(size);
    this.#room(size);
    this.#length += this.#bytes.write(value, this.#length, 'utf8');
  }

  texts(values: readonly string[]): void {
    this.number(values.length);
    for (const value of values) this.text(value);
  }

  numbers(values: ArrayLike<number>): void {
    this.number(values.length);
    for (let i = 0; i < values.length; i += 1) this.number(values[i]!);
  }

  /** Ascending UIDs as ranges: distance to the range, then its length less one. */
  uids(uids: Uint32Array): void {
    const count = this.#length;
    this.u32(0);
    let ranges = 0;
    let last = 0;
    for (let i = 0; i < uids.length; ) {
      let end = i + 1;
      while (end < uids.length && uids[end] === uids[end - 1]! + 1) end += 1;
      this.number(uids[i]! - last);
      this.number(end - i - 1);
      last = uids[end - 1]!;
      ranges += 1;
      i = end;
    }
    this.#bytes.writeUInt32LE(ranges, count);
  }

  #room(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(needed * 2);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** @throws RangeError when the bytes end early */
export class ByteDecoder {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get hasMore(): boolean {
    return this.#at < this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes.readUInt8(this.#at);
    this.#at += 1;
    return value;
  }

  u32(): number {
    const value = this.#bytes.readUInt32LE(this.#at);
    this.#at += 4;
    return value;
  }

  float(): number {
    const value = this.#bytes.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }

  number(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  }

  text(): string {
    const size = this.number();
    if (this.#at + size > this.#bytes.length) throw new RangeError('text ends early');
    const value = this.#bytes.toString('utf8', this.#at, this.#at + size);
    this.#at += size;
    return value;
  }

  texts(): string[] {
    return Array.from({ length: this.number() }, () => this.text());
  }

  numbers(): number[] {
    return Array.from({ length: this.number() }, () => this.number());
  }

  /** @throws RangeError for more than `most`: a few octets may claim any number */
  uids(most = Infinity): Uint32Array {
    const ranges = this.u32();
    const firsts: number[] = [];
    const counts: number[] = [];
    let last = 0;
    let total = 0;
    for (let i = 0; i < ranges; i += 1) {
      const first = last + this.number();
      const count = this.number() + 1;
      if (total + count > most) throw new RangeError(`more than ${most} UIDs`);
      firsts.push(first);
      counts.push(count);
      last = first + count - 1;
      total += count;
    }
    const uids = new Uint32Array(total);
    let at = 0;
    for (let i = 0; i < ranges; i += 1) {
      const first = firsts[i]!;
      for (let k = 0; k < counts[i]!; k += 1) uids[at++] = first + k;
    }
    return uids;
  }
}

export function encodeUids(uids: Uint32Array): Buffer {
  const encoder = new ByteEncoder();
  encoder.uids(uids);
  return encoder.bytes();
}
