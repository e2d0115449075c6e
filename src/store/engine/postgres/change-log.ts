/**
 * The log of a mailbox: one row for each commit, with all its changes; the contents that came with them are written by
 * the same transaction. A commit that is small enough is one statement, so one way to the server and one flush there.
 */
import { Buffer } from 'node:buffer';
import { PARSER_VERSION } from '../../../message/model.ts';
import type { Change } from '../../mailbox/change.ts';
import { NO_FRAGMENT } from '../../mailbox/fragment-places.ts';
import type { LogEntry } from '../../mailbox/storage.ts';
import type { NewBlob } from '../../blobs/api.ts';
import { ByteDecoder, ByteEncoder } from '../../mailbox/byte-codec.ts';
import { decodeChange, encodeChange } from '../change-codec.ts';
import type { Connections, Session } from './connections.ts';
import { AGAIN, CONTENT_TYPES, type Contents, onlyPart, PART_BYTES } from './contents.ts';
import { type Claim, checkClaim, claimLost, HELD } from './fence.ts';
import { bytesIn, numberIn, tuples, type Value } from './rows.ts';

/** Contents, and their octets, of a commit that is one statement. */
const ONE_STATEMENT_CONTENTS = 32;
const ONE_STATEMENT_BYTES = 4 * 1024 * 1024;
/** Rows of the tail read at a time. */
const TAIL_ROWS = 256;

/** Parameters of a commit before its contents: key, epoch, position, parser, changes. */
const FRONT = 5;

function commitStatement(contents: number): string {
  const log = `INSERT INTO penfold_mail.log (mailbox, position, parser, changes)
    SELECT key, $3::bigint, $4::int, $5::bytea FROM held RETURNING position`;
  if (contents === 0) return `WITH ${HELD} ${log}`;
  return `WITH ${HELD}, contents AS (
      INSERT INTO penfold_mail.content (mailbox, number, part, size, crc, data)
      SELECT held.key, v.number, v.part, v.size, v.crc, v.data
      FROM held, (VALUES ${tuples(CONTENT_TYPES, contents, FRONT + 1)}) AS v(number, part, size, crc, data)
      ${AGAIN})
    ${log}`;
}

const COMMITS = Array.from({ length: ONE_STATEMENT_CONTENTS + 1 }, (_, contents) => commitStatement(contents));

export class ChangeLog {
  readonly #connections: Connections;
  readonly #claim: Claim;
  readonly #contents: Contents;
  /** Of the last record. */
  position: number;

  constructor(connections: Connections, claim: Claim, contents: Contents, position: number) {
    this.#connections = connections;
    this.#claim = claim;
    this.#contents = contents;
    this.position = position;
  }

  /** Returns the octets of the record. @throws StorageLost, Failure UNAVAILABLE */
  async append(entries: readonly LogEntry[]): Promise<number> {
    const { key, epoch } = this.#claim;
    const changes = encodeChanges(entries.map(({ change }) => change));
    const front: readonly Value[] = [key, epoch, this.position + 1, PARSER_VERSION, changes];
    const blobs = blobsOf(entries);
    const small = inOneStatement(blobs);
    if (small === null) await this.#appendLarge(front, blobs);
    else {
      const name = `commit-${blobs.length}`;
      const written = await this.#connections.change(name, COMMITS[blobs.length]!, [...front, ...small]);
      if (written.length === 0) claimLost();
    }
    this.position += 1;
    return changes.length;
  }

  #appendLarge(front: readonly Value[], blobs: readonly NewBlob[]): Promise<void> {
    return this.#connections.transaction(async (session) => {
      await checkClaim(session, this.#claim);
      await this.#contents.put(blobs, session);
      await session.query(COMMITS[0]!, front);
    });
  }
}

/** Changes logged behind `folded`, in order. What another parser version says of parse results is forgotten. */
export async function readTail(
  session: Session,
  key: number,
  folded: number,
): Promise<{ changes: Change[]; position: number; bytes: number }> {
  const changes: Change[] = [];
  let position = folded;
  let bytes = 0;
  for (;;) {
    const rows = await session.query(
      `SELECT position, parser, changes FROM penfold_mail.log WHERE mailbox = $1 AND position > $2
       ORDER BY position LIMIT ${TAIL_ROWS}`,
      [key, position],
    );
    for (const row of rows) {
      const record = bytesIn(row, 'changes');
      const isOurs = numberIn(row, 'parser') === PARSER_VERSION;
      for (const change of decodeChanges(record)) {
        changes.push(change.kind === 'append' && !isOurs ? { ...change, ...NO_FRAGMENT } : change);
      }
      position = numberIn(row, 'position');
      bytes += record.length;
    }
    if (rows.length < TAIL_ROWS) return { changes, position, bytes };
  }
}

/** Values behind the front; null: too large for one statement. */
function inOneStatement(blobs: readonly NewBlob[]): readonly Value[] | null {
  if (blobs.length > ONE_STATEMENT_CONTENTS) return null;
  const values: Value[] = [];
  let bytes = 0;
  for (const { number, payload } of blobs) {
    bytes += payload.size;
    if (payload.memory === null || payload.size > PART_BYTES || bytes > ONE_STATEMENT_BYTES) return null;
    values.push(...onlyPart(number, payload, payload.memory));
  }
  return values;
}

function blobsOf(entries: readonly LogEntry[]): readonly NewBlob[] {
  const blobs: NewBlob[] = [];
  for (const { change, payload } of entries) {
    if (payload === null) continue;
    if (change.kind !== 'append') throw new Error(`a change of kind ${change.kind} brings no content here`);
    blobs.push({ number: change.content, payload });
  }
  return blobs;
}

/** Each with its length in front: what a later version adds at the end is told from the next change. */
function encodeChanges(changes: readonly Change[]): Buffer {
  const parts: Buffer[] = [];
  for (const change of changes) {
    const out = new ByteEncoder();
    out.u32(0);
    encodeChange(change, out);
    const bytes = out.bytes();
    bytes.writeUInt32LE(bytes.length - 4, 0);
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}

function decodeChanges(bytes: Buffer): Change[] {
  const changes: Change[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32LE(at);
    changes.push(decodeChange(new ByteDecoder(bytes.subarray(at + 4, end))));
    at = end;
  }
  return changes;
}
