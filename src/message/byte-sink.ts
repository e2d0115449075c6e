/**
 * A growing buffer for building one fragment. Unlike wire's ByteWriter it has no sink behind it and lets earlier
 * bytes be patched, which the section table of a fragment needs. One instance is used again for every message.
 */
import { Buffer } from 'node:buffer';

const FIRST_BYTES = 16 * 1024;
/** A buffer that one large message has grown is given back afterwards. */
const KEPT_BYTES = 256 * 1024;
/** Below this many characters a loop beats the call into the runtime. */
const LOOP_CHARACTERS = 24;

export class ByteSink {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  length = 0;

  reset(): void {
    if (this.bytes.length > KEPT_BYTES) this.bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
    this.length = 0;
  }

  /** Makes sure that `size` more bytes fit; `bytes` may be another buffer afterwards. */
  room(size: number): void {
    if (this.length + size <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.length + size));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.room(1);
    this.bytes[this.length++] = value;
  }

  u16(value: number): void {
    this.room(2);
    this.bytes[this.length] = value;
    this.bytes[this.length + 1] = value >>> 8;
    this.length += 2;
  }

  u32(value: number): void {
    this.room(4);
    writeU32(this.bytes, this.length, value);
    this.length += 4;
  }

  /** An octet string: one character, one byte. */
  octets(text: string): void {
    const size = text.length;
    this.room(size);
    if (size > LOOP_CHARACTERS) {
      this.length += this.bytes.write(text, this.length, 'latin1');
      return;
    }
    const bytes = this.bytes;
    let at = this.length;
    for (let i = 0; i < size; i += 1) bytes[at++] = text.charCodeAt(i);
    this.length = at;
  }

  /** Text in UTF-8. */
  utf8(text: string): void {
    const size = text.length;
    this.room(size * 3);
    if (size > LOOP_CHARACTERS) {
      this.length += this.bytes.write(text, this.length, 'utf8');
      return;
    }
    const bytes = this.bytes;
    const start = this.length;
    for (let i = 0; i < size; i += 1) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) {
        this.length = start + bytes.write(text, start, 'utf8');
        return;
      }
      bytes[start + i] = code;
    }
    this.length = start + size;
  }

  /** UTF-8 text behind its length in bytes as u16; the caller keeps it under 21,845 characters. */
  counted(text: string): void {
    this.u16(0);
    const start = this.length;
    this.utf8(text);
    const size = this.length - start;
    this.bytes[start - 2] = size;
    this.bytes[start - 1] = size >>> 8;
  }

  /** A non-negative integer in decimal digits. */
  decimal(value: number): void {
    if (value < 10) this.byte(48 + value);
    else this.octets(String(value));
  }

  range(source: Uint8Array, start: number, end: number): void {
    this.room(end - start);
    this.bytes.set(source.subarray(start, end), this.length);
    this.length += end - start;
  }
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

export function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

export function readU16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}
