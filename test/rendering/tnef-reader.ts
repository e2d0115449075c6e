/**
 * Reads a winmail.dat stream by MS-OXTNEF, written apart from the writer: attributes with their checksums, property
 * lists with named and multi-valued properties. Throws where the stream is not what the specification says.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';

export interface TnefAttribute {
  readonly level: 1 | 2;
  /** Number and type, as in ATTRIBUTE of tnef-writer.ts. */
  readonly id: number;
  readonly data: Buffer;
}

export type PropertyValue = number | bigint | boolean | string | Buffer;
/** Values by property tag (id and type). */
export type Properties = ReadonlyMap<number, readonly PropertyValue[]>;

export interface TnefAttachmentRead {
  title: string;
  data: Buffer;
  properties: Properties;
}

export interface TnefRead {
  readonly attributes: readonly TnefAttribute[];
  readonly properties: Properties;
  readonly attachments: readonly TnefAttachmentRead[];
  text(id: number): string | null;
}

const ATTACH_RENDER_DATA = 0x0006_9002;
const ATTACH_TITLE = 0x0001_8010;
const ATTACH_DATA = 0x0006_800f;
const ATTACHMENT = 0x0006_9005;
const MESSAGE_PROPERTIES = 0x0006_9003;

export function readTnef(stream: Buffer): TnefRead {
  const attributes = readAttributes(stream);
  const none: Properties = new Map();
  const attachments: TnefAttachmentRead[] = [];
  let properties = none;
  for (const { level, id, data } of attributes) {
    if (level === 1) {
      if (id === MESSAGE_PROPERTIES) properties = readProperties(data);
      continue;
    }
    if (id === ATTACH_RENDER_DATA) attachments.push({ title: '', data: Buffer.alloc(0), properties: none });
    const attachment = attachments.at(-1);
    assert.ok(attachment !== undefined, 'an attachment begins with its render data');
    if (id === ATTACH_TITLE) attachment.title = terminated(data);
    else if (id === ATTACH_DATA) attachment.data = data;
    else if (id === ATTACHMENT) attachment.properties = readProperties(data);
  }
  return {
    attributes,
    properties,
    attachments,
    text: (id) => {
      const found = attributes.find((attribute) => attribute.id === id);
      return found === undefined ? null : terminated(found.data);
    },
  };
}

export function readAttributes(stream: Buffer): TnefAttribute[] {
  assert.equal(stream.readUInt32LE(0), 0x223e9f78, 'signature');
  const attributes: TnefAttribute[] = [];
  for (let at = 6; at < stream.length; ) {
    const level = stream.readUInt8(at);
    assert.ok(level === 1 || level === 2, `level ${level} at ${at}`);
    const id = stream.readUInt32LE(at + 1);
    const length = stream.readUInt32LE(at + 5);
    const data = stream.subarray(at + 9, at + 9 + length);
    assert.equal(data.length, length, 'the attribute is whole');
    let sum = 0;
    for (const byte of data) sum = (sum + byte) & 0xffff;
    assert.equal(stream.readUInt16LE(at + 9 + length), sum, `checksum of attribute ${id.toString(16)}`);
    attributes.push({ level, id, data });
    at += 9 + length + 2;
  }
  return attributes;
}

/** MS-OXTNEF 2.1.3.4: MsgPropertyList. */
export function readProperties(data: Buffer): Properties {
  const found = new Map<number, PropertyValue[]>();
  let at = 4;
  const count = data.readUInt32LE(0);
  const word = (): number => {
    at += 4;
    return data.readUInt32LE(at - 4);
  };
  const padded = (): Buffer => {
    const length = word();
    const bytes = data.subarray(at, at + length);
    assert.equal(bytes.length, length, 'the value is whole');
    at += Math.ceil(length / 4) * 4;
    return bytes;
  };
  for (let i = 0; i < count; i += 1) {
    const tag = word();
    const type = tag & 0xffff;
    if (tag >>> 16 >= 0x8000) {
      at += 16;
      if (word() === 0) word();
      else padded();
    }
    const isVariable = [0x001e, 0x001f, 0x0102, 0x000d].includes(type & 0xfff);
    const values: PropertyValue[] = [];
    for (let left = isVariable || (type & 0x1000) !== 0 ? word() : 1; left > 0; left -= 1) {
      switch (type & 0xfff) {
        case 0x0002:
        case 0x0003:
        case 0x0004:
        case 0x000a:
          values.push(word());
          break;
        case 0x000b:
          values.push((word() & 0xffff) !== 0);
          break;
        case 0x0005:
        case 0x0006:
        case 0x0007:
        case 0x0014:
        case 0x0040:
          values.push(data.readBigInt64LE(at));
          at += 8;
          break;
        case 0x0048:
          values.push(data.subarray(at, at + 16));
          at += 16;
          break;
        case 0x001e:
          values.push(terminated(padded()));
          break;
        case 0x001f:
          values.push(padded().toString('utf16le').replace(/\0$/, ''));
          break;
        case 0x0102:
        case 0x000d:
          values.push(padded());
          break;
        default:
          throw new Error(`property type ${type.toString(16)}`);
      }
    }
    found.set(tag, values);
  }
  assert.equal(at, data.length, 'nothing stands behind the last property');
  return found;
}

function terminated(data: Buffer): string {
  assert.equal(data[data.length - 1], 0, 'a string ends with NUL');
  return data.toString('latin1', 0, data.length - 1);
}
