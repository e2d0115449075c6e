/**
 * One record of the log:
 *
 *   magic u32 · change length u32 · change bytes · head checksum u32 · payload length u32 · payload checksum u32 · payload
 *
 * Checksums are CRC-32; the head's covers everything before the payload but itself. The eight octets before a message
 * are therefore always its length and checksum, also inside the payload of a compaction (compaction.ts), so that a
 * message can be checked wherever it lies.
 */
import type { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import type { Change } from '../../mailbox/change.ts';
import { ByteDecoder, ByteEncoder } from '../../mailbox/byte-codec.ts';
import { decodeChange, encodeChange } from '../change-codec.ts';

const MAGIC = 0x31524650;
/** Octets before the change. */
export const RECORD_FRONT_BYTES = 8;
/** Octets between change and payload. */
export const RECORD_TAIL_BYTES = 12;
/** Length and checksum in front of each message. */
export const MESSAGE_PREFIX_BYTES = 8;
/** A longer change is no change. 100,000 folders' names would fit. */
const CHANGE_BYTES = 64 * 1024 * 1024;

/** Everything of a record but its payload. */
export function encodeRecordHead(change: Change, payloadLength: number, payloadCrc: number): Buffer {
  const out = new ByteEncoder();
  out.u32(MAGIC);
  out.u32(0);
  encodeChange(change, out);
  const end = out.length;
  out.u32(0);
  out.u32(payloadLength);
  out.u32(payloadCrc);
  const bytes = out.bytes();
  bytes.writeUInt32LE(end - RECORD_FRONT_BYTES, 4);
  bytes.writeUInt32LE(headChecksum(bytes, end), end);
  return bytes;
}

/** Change length of a record that begins with these octets; null when none does. */
export function changeLength(front: Buffer): number | null {
  if (front.length < RECORD_FRONT_BYTES || front.readUInt32LE(0) !== MAGIC) return null;
  const length = front.readUInt32LE(4);
  return length > CHANGE_BYTES ? null : length;
}

export interface RecordHead {
  readonly change: Change;
  readonly payloadLength: number;
  readonly payloadCrc: number;
}

/** `head`: all octets before the payload. Null: damaged, or torn off by a crash. */
export function decodeRecordHead(head: Buffer): RecordHead | null {
  const end = head.length - RECORD_TAIL_BYTES;
  if (end < RECORD_FRONT_BYTES || head.readUInt32LE(end) !== headChecksum(head, end)) return null;
  return {
    change: decodeChange(new ByteDecoder(head.subarray(0, end), RECORD_FRONT_BYTES)),
    payloadLength: head.readUInt32LE(end + 4),
    payloadCrc: head.readUInt32LE(end + 8),
  };
}

function headChecksum(head: Buffer, end: number): number {
  return crc32(head.subarray(end + 4, end + RECORD_TAIL_BYTES), crc32(head.subarray(0, end)));
}
