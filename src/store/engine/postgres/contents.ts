/**
 * Contents of messages in the database: single binary parameters, a row for each PART_BYTES, so that a large message
 * passes through memory in parts both ways.
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import type { BlobRange, Blobs, NewBlob } from '../../blobs/api.ts';
import type { Payload, SegmentSize } from '../../mailbox/storage.ts';
import type { Connections, Session } from './connections.ts';
import { type Claim, checkClaim } from './fence.ts';
import { insertRows, numberIn, type Value } from './rows.ts';
import { readSlices, type Slice } from './slices.ts';

export const PART_BYTES = 1024 * 1024;
/** Contents removed with one statement. */
const REMOVED_AT_ONCE = 1000;

export const CONTENT_TYPES = ['bigint', 'integer', 'bigint', 'bigint', 'bytea'] as const;
const INSERT = 'INSERT INTO penfold_mail.content (mailbox, number, part, size, crc, data)';
/** A move sends a content again that it found damaged. */
export const AGAIN = `ON CONFLICT (mailbox, number, part)
  DO UPDATE SET size = excluded.size, crc = excluded.crc, data = excluded.data`;

/** The row of a content that has only one part, behind its mailbox. */
export function onlyPart(number: number, { size, crc }: Payload, bytes: Buffer): readonly Value[] {
  return [number, 0, size, crc, bytes];
}

export class Contents implements Blobs<Session> {
  readonly #connections: Connections;
  readonly #claim: Claim;

  constructor(connections: Connections, claim: Claim) {
    this.#connections = connections;
    this.#claim = claim;
  }

  async put(blobs: readonly NewBlob[], transaction: Session): Promise<void> {
    const types = ['bigint', ...CONTENT_TYPES];
    const small: (readonly Value[])[] = [];
    for (const { number, payload } of blobs) {
      if (payload.memory !== null && payload.size <= PART_BYTES) {
        small.push([this.#claim.key, ...onlyPart(number, payload, payload.memory)]);
        continue;
      }
      let part = 0;
      for await (const bytes of parts(payload)) {
        const row = [this.#claim.key, number, part, payload.size, payload.crc, bytes];
        await insertRows(transaction, INSERT, types, [row], AGAIN);
        part += 1;
      }
    }
    await insertRows(transaction, INSERT, types, small, AGAIN);
  }

  async read(ranges: readonly BlobRange[], target: Buffer): Promise<void> {
    const slices: Slice[] = [];
    for (const { number, offset, length, at } of ranges) {
      for (let done = 0; done < length; ) {
        const part = Math.floor((offset + done) / PART_BYTES);
        const skip = offset + done - part * PART_BYTES;
        const take = Math.min(PART_BYTES - skip, length - done);
        slices.push({ key: [number, part], skip, take, at: at + done });
        done += take;
      }
    }
    await readSlices(this.#connections, 'content', this.#claim.key, slices, target);
  }

  async check(number: number, size: number): Promise<string | null> {
    const rows = await this.#connections.query(
      `SELECT part, size, crc, octet_length(data) AS length FROM penfold_mail.content
       WHERE mailbox = $1 AND number = $2 ORDER BY part`,
      [this.#claim.key, number],
    );
    const [first] = rows;
    if (first === undefined) return `content ${number} is missing`;
    const length = rows.reduce((sum, row) => sum + numberIn(row, 'length'), 0);
    if (length !== size || numberIn(first, 'size') !== size) {
      return `has ${length} bytes in content ${number}, should have ${size}`;
    }
    let crc = 0;
    for (let offset = 0; offset < size; offset += PART_BYTES) {
      const bytes = Buffer.allocUnsafe(Math.min(PART_BYTES, size - offset));
      await this.read([{ number, offset, length: bytes.length, at: 0 }], bytes);
      crc = crc32(bytes, crc);
    }
    return crc === numberIn(first, 'crc') ? null : `is damaged in content ${number}`;
  }

  async list(): Promise<readonly SegmentSize[]> {
    const rows = await this.#connections.query(
      'SELECT number, size FROM penfold_mail.content WHERE mailbox = $1 AND part = 0 ORDER BY number',
      [this.#claim.key],
    );
    // An empty message has something to remove, too.
    return rows.map((row) => ({ segment: numberIn(row, 'number'), bytes: Math.max(1, numberIn(row, 'size')) }));
  }

  async remove(numbers: readonly number[]): Promise<void> {
    for (let from = 0; from < numbers.length; from += REMOVED_AT_ONCE) {
      const some = numbers.slice(from, from + REMOVED_AT_ONCE);
      await this.#connections.transaction(async (session) => {
        await checkClaim(session, this.#claim);
        await session.query('DELETE FROM penfold_mail.content WHERE mailbox = $1 AND number = ANY($2::bigint[])', [
          this.#claim.key,
          some,
        ]);
      });
    }
  }
}

/** All octets in pieces of PART_BYTES, the last one shorter; one empty piece of nothing. */
async function* parts(payload: Payload): AsyncIterable<Buffer> {
  if (payload.size === 0) {
    yield Buffer.alloc(0);
    return;
  }
  let waiting: Buffer[] = [];
  let bytes = 0;
  for await (const piece of payload.pieces()) {
    let rest = piece;
    while (bytes + rest.length >= PART_BYTES) {
      const cut = PART_BYTES - bytes;
      yield Buffer.concat([...waiting, rest.subarray(0, cut)]);
      rest = rest.subarray(cut);
      waiting = [];
      bytes = 0;
    }
    if (rest.length > 0) waiting.push(rest);
    bytes += rest.length;
  }
  if (bytes > 0) yield Buffer.concat(waiting);
}
