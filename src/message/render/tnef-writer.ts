/**
 * The stream of winmail.dat (MS-OXTNEF 2.1): attributes with checksums, and in some of them MAPI property lists
 * (2.1.3.4). Knows no mail.
 */
import { Buffer } from 'node:buffer';

const SIGNATURE = 0x223e9f78;
/** The key only has to be there (2.1.3.1); the same for all, so that streams are equal. */
const KEY = 1;

/** Attribute numbers with their type in the upper half (2.1.3.2). */
export const ATTRIBUTE = {
  tnefVersion: 0x0008_9006,
  oemCodepage: 0x0006_9007,
  messageClass: 0x0007_8008,
  subject: 0x0001_8004,
  messageId: 0x0001_8009,
  body: 0x0002_800c,
  messageProperties: 0x0006_9003,
  attachRenderData: 0x0006_9002,
  attachData: 0x0006_800f,
  attachTitle: 0x0001_8010,
  attachment: 0x0006_9005,
} as const;
export type Attribute = (typeof ATTRIBUTE)[keyof typeof ATTRIBUTE];

const MESSAGE_LEVEL = 1;
const ATTACHMENT_LEVEL = 2;

export class TnefWriter {
  readonly #pieces: Buffer[] = [];

  constructor() {
    const head = Buffer.alloc(6);
    head.writeUInt32LE(SIGNATURE, 0);
    head.writeUInt16LE(KEY, 4);
    this.#pieces.push(head);
  }

  message(attribute: Attribute, data: Buffer): void {
    this.#attribute(MESSAGE_LEVEL, attribute, data);
  }

  attachment(attribute: Attribute, data: Buffer): void {
    this.#attribute(ATTACHMENT_LEVEL, attribute, data);
  }

  finish(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  #attribute(level: number, attribute: Attribute, data: Buffer): void {
    const head = Buffer.alloc(9);
    head.writeUInt8(level, 0);
    head.writeUInt32LE(attribute, 1);
    head.writeUInt32LE(data.length, 5);
    const sum = Buffer.alloc(2);
    sum.writeUInt16LE(checksum(data), 0);
    this.#pieces.push(head, data, sum);
  }
}

/** Sum of the octets modulo 65536. */
function checksum(data: Buffer): number {
  let sum = 0;
  for (let i = 0; i < data.length; i += 1) sum += data[i]!;
  return sum & 0xffff;
}

/** A NUL-terminated string of 8-bit characters. */
export function shortString(text: string): Buffer {
  return Buffer.from(`${text.replaceAll('\0', '')}\0`, 'latin1');
}

/** What a code page of one octet cannot say becomes a question mark; the Unicode property beside it says it. */
export function legacyString(text: string): Buffer {
  return shortString(text.replaceAll(/[^\u0000-\u00ff]/gu, '?'));
}

export function longWords(...values: readonly number[]): Buffer {
  const out = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) out.writeUInt32LE(value >>> 0, i * 4);
  return out;
}

/* MS-OXCDATA 2.11.1 */
const INTEGER_32 = 0x0003;
const BOOLEAN = 0x000b;
const TIME = 0x0040;
const UNICODE = 0x001f;
const BINARY = 0x0102;
/** 100-nanosecond steps from 1601 to 1970. */
const FILETIME_OF_1970 = 116_444_736_000_000_000n;

/** A property list; properties keep the order in which they are added. */
export class PropertyList {
  readonly #pieces: Buffer[] = [];
  #count = 0;

  integer(id: number, value: number): this {
    return this.#add(id, INTEGER_32, longWords(value));
  }

  boolean(id: number, value: boolean): this {
    return this.#add(id, BOOLEAN, longWords(value ? 1 : 0));
  }

  /** `seconds` since 1970. */
  time(id: number, seconds: number): this {
    const data = Buffer.alloc(8);
    data.writeBigInt64LE(BigInt(Math.round(seconds)) * 10_000_000n + FILETIME_OF_1970);
    return this.#add(id, TIME, data);
  }

  unicode(id: number, text: string): this {
    return this.#variable(id, UNICODE, Buffer.from(`${text}\0`, 'utf16le'));
  }

  binary(id: number, data: Buffer): this {
    return this.#variable(id, BINARY, data);
  }

  bytes(): Buffer {
    return Buffer.concat([longWords(this.#count), ...this.#pieces]);
  }

  /** One value, its length, the value filled up to four octets. */
  #variable(id: number, type: number, data: Buffer): this {
    const padding = Buffer.alloc((4 - (data.length % 4)) % 4);
    return this.#add(id, type, Buffer.concat([longWords(1, data.length), data, padding]));
  }

  #add(id: number, type: number, data: Buffer): this {
    this.#count += 1;
    this.#pieces.push(longWords(id * 0x1_0000 + type), data);
    return this;
  }
}
