/**
 * Packed index: rows of one chunk (UIDs that agree above CHUNK_BITS) as one blob, column after column in the byte
 * order of this machine (little-endian on every platform Node 24 runs on but s390x). Loading 50,000 rows is 50 memory
 * copies; rows in a table would take thirty times as long (dependencies.md §4).
 */
import { Buffer } from 'node:buffer';
import { Failure } from '../../observe/failure.ts';
import { type Columns, lowerBound, type NumericArray } from './columns.ts';
import { CHUNK_BITS } from './folder-state.ts';

/**
 * Raise when the columns or their order change, with a migration in mailbox-file.ts, so that older releases refuse the
 * file. Chunks of earlier versions are read as they are and written anew when a row of theirs changes.
 */
export const CHUNK_VERSION = 2;
/** Version, count of rows. Keeps what follows on an 8 byte border. */
const HEAD_BYTES = 8;

/** Null when no row of the chunk is left. */
export function packChunk(columns: Columns, chunk: number): Buffer | null {
  const from = lowerBound(columns.uid, columns.length, chunk * 2 ** CHUNK_BITS);
  const behind = (chunk + 1) * 2 ** CHUNK_BITS;
  let to = from;
  while (to < columns.length && columns.uid[to]! < behind) to += 1;
  const count = to - from;
  if (count === 0) return null;
  const arrays = storedArrays(columns, CHUNK_VERSION);
  const blob = Buffer.allocUnsafe(HEAD_BYTES + count * arrays.reduce((sum, one) => sum + one.BYTES_PER_ELEMENT, 0));
  blob.writeUInt32LE(CHUNK_VERSION, 0);
  blob.writeUInt32LE(count, 4);
  let at = HEAD_BYTES;
  for (const column of arrays) {
    const width = column.BYTES_PER_ELEMENT;
    blob.set(new Uint8Array(column.buffer, column.byteOffset + from * width, count * width), at);
    at += count * width;
  }
  return blob;
}

/** Appends the rows of a blob. @throws Failure CORRUPTION */
export function unpackChunk(blob: Uint8Array, columns: Columns): void {
  const head = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength);
  const count = blob.length < HEAD_BYTES ? 0 : head.readUInt32LE(4);
  const version = blob.length < HEAD_BYTES ? 0 : head.readUInt32LE(0);
  const first = columns.length;
  columns.reserve(count);
  const arrays = storedArrays(columns, version);
  const rowBytes = arrays.reduce((sum, one) => sum + one.BYTES_PER_ELEMENT, 0);
  if (count === 0 || version < 1 || version > CHUNK_VERSION || blob.length !== HEAD_BYTES + count * rowBytes) {
    throw new Failure('CORRUPTION', 'The index of a folder cannot be read.');
  }
  let at = HEAD_BYTES;
  for (const column of arrays) {
    const bytes = count * column.BYTES_PER_ELEMENT;
    const target = new Uint8Array(column.buffer, column.byteOffset + first * column.BYTES_PER_ELEMENT, bytes);
    target.set(blob.subarray(at, at + bytes));
    at += bytes;
  }
  for (const column of columns.arrays()) if (!arrays.includes(column)) column.fill(0, first, first + count);
  columns.length = first + count;
}

/**
 * The columns a version of chunks holds; those it lacks are 0. What version 1 knew of fragments was of another file
 * (mailbox-file.ts loadRows forgets it).
 */
function storedArrays(columns: Columns, version: number): readonly NumericArray[] {
  const all = columns.arrays();
  if (version >= 2) return all;
  const since2: readonly NumericArray[] = [
    columns.listOffset,
    columns.listLength,
    columns.searchOffset,
    columns.searchLength,
    columns.deletedFrom,
    columns.lineEnd,
  ];
  return all.filter((column) => !since2.includes(column));
}
