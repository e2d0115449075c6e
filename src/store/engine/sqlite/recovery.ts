/**
 * Reading the log's tail: every complete record behind the folded position, in order. A record torn off by a crash can
 * only be the last thing in the last segment; it is cut off. Damage anywhere else is reported, never skipped.
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { Failure } from '../../../observe/failure.ts';
import type { Change } from '../../mailbox/change.ts';
import type { Location } from '../../mailbox/storage.ts';
import { changeLength, decodeRecordHead, RECORD_FRONT_BYTES, RECORD_TAIL_BYTES, type RecordHead } from './record.ts';
import { SEGMENT_HEAD_BYTES, type Segments } from './segments.ts';

const CHECK_BYTES = 1024 * 1024;
/** Octets read at first of each record: most changes fit. */
const GUESS_BYTES = 512;

export interface LoggedChange {
  readonly change: Change;
  /** Of the record. */
  readonly at: Location;
  /** Of its payload, segment 0 without one. */
  readonly payload: Location;
  readonly end: number;
}

/** `checked`: payloads are read and compared too, as after an unclean shutdown. */
export async function* logTail(segments: Segments, from: Location, checked: boolean): AsyncIterable<LoggedChange> {
  const numbers = segments.numbers().filter((number) => number >= from.segment);
  for (const [index, segment] of numbers.entries()) {
    const size = segments.size(segment);
    let offset = segment === from.segment ? Math.max(from.offset, SEGMENT_HEAD_BYTES) : SEGMENT_HEAD_BYTES;
    while (offset < size) {
      const record = await readRecord(segments, segment, offset, size, checked);
      if (record === null) {
        const followed = numbers.slice(index + 1).some((later) => segments.size(later) > SEGMENT_HEAD_BYTES);
        if (followed) {
          throw new Failure('CORRUPTION', `The mailbox log is damaged (segment ${segment}, offset ${offset}).`);
        }
        return;
      }
      yield record;
      offset = record.end;
    }
  }
}

async function readRecord(
  segments: Segments,
  segment: number,
  offset: number,
  size: number,
  checked: boolean,
): Promise<LoggedChange | null> {
  const guess = await readAt(segments, segment, offset, Math.min(GUESS_BYTES, size - offset));
  const length = changeLength(guess);
  if (length === null) return null;
  const headBytes = RECORD_FRONT_BYTES + length + RECORD_TAIL_BYTES;
  if (offset + headBytes > size) return null;
  const head =
    headBytes <= guess.length ? guess.subarray(0, headBytes) : await readAt(segments, segment, offset, headBytes);
  const record = decodeRecordHead(head);
  if (record === null) return null;
  const start = offset + headBytes;
  const end = start + record.payloadLength;
  if (end > size) return null;
  if (checked && !(await payloadIsWhole(segments, segment, start, record))) return null;
  const hasPayload = record.change.kind === 'append' || record.change.kind === 'relocate';
  return {
    change: record.change,
    at: { segment, offset },
    payload: hasPayload ? { segment, offset: start } : { segment: 0, offset: 0 },
    end,
  };
}

async function payloadIsWhole(
  segments: Segments,
  segment: number,
  start: number,
  record: RecordHead,
): Promise<boolean> {
  return (await checksum(segments, segment, start, record.payloadLength)) === record.payloadCrc;
}

/** CRC-32 of stored octets, read in pieces. */
export async function checksum(segments: Segments, segment: number, start: number, size: number): Promise<number> {
  let crc = 0;
  for (let done = 0; done < size; done += CHECK_BYTES) {
    crc = crc32(await readAt(segments, segment, start + done, Math.min(CHECK_BYTES, size - done)), crc);
  }
  return crc;
}

export async function readAt(segments: Segments, segment: number, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  await segments.read([{ segment, offset, length, at: 0 }], bytes);
  return bytes;
}
