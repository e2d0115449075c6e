/**
 * A message on its way in: line ends normalized, parsed and check-summed while it arrives, kept in memory up to
 * STAGED_IN_MEMORY_BYTES and in a spool file above. Nothing here knows a mailbox; one staged message may be appended
 * to many.
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { LineEndNormalizer } from '../../message/line-ends.ts';
import type { ParsedMessage } from '../../message/model.ts';
import { MessageScanner, parseMessage } from '../../message/scanner.ts';
import { Failure } from '../../observe/failure.ts';
import { giveBuffer, takeBuffer } from '../../wire/buffers.ts';
import { MESSAGE_BYTES } from '../../wire/limits.ts';
import type { MessageSink, StagedMessage, StageOptions } from '../api.ts';
import type { Payload } from './storage.ts';

/** Larger messages go to a spool file. */
export const STAGED_IN_MEMORY_BYTES = 1024 * 1024;

/** Joined messages from this size on stand in buffers that are used again: fresh ones make V8 collect garbage. */
const REUSED_FROM_BYTES = 8 * 1024;
/** CR and LF as one number. */
const CRLF = 0x0d0a;

/** Where a message too large for memory waits for its append. */
export interface Spool {
  write(chunk: Buffer): Promise<void>;
  /** Reads everything written, from the beginning. */
  pieces(): AsyncIterable<Buffer>;
  remove(): Promise<void>;
}

/** What has to be given back after the last append. */
interface Kept {
  readonly spool: Spool | null;
  /** The payload stands in a buffer taken for it. */
  readonly taken: Buffer | null;
}

export class Staged implements StagedMessage {
  readonly parsed: ParsedMessage;
  readonly payload: Payload;
  /** The last octets are no CRLF; false for an empty message. */
  readonly lineEndMissing: boolean;
  readonly #spool: Spool | null;
  readonly #taken: Buffer | null;
  #uses = 0;
  #released = false;
  #returned = false;

  constructor(parsed: ParsedMessage, payload: Payload, lineEndMissing: boolean, kept: Kept) {
    this.parsed = parsed;
    this.payload = payload;
    this.lineEndMissing = lineEndMissing;
    this.#spool = kept.spool;
    this.#taken = kept.taken;
  }

  get size(): number {
    return this.payload.size;
  }

  mayHold(mediaType: string): boolean {
    return this.parsed.fragment.includes(mediaType, 0, 'latin1');
  }

  /** An append that reads the payload is under way until `done` settles: released before that, it is kept so long. */
  use<T>(done: Promise<T>): Promise<T> {
    this.#uses += 1;
    const ended = (): void => {
      this.#uses -= 1;
      this.#giveBack();
    };
    done.then(ended, ended);
    return done;
  }

  async release(): Promise<void> {
    this.#released = true;
    this.#giveBack();
    await this.#spool?.remove();
  }

  #giveBack(): void {
    if (!this.#released || this.#uses > 0 || this.#returned) return;
    this.#returned = true;
    if (this.#taken !== null) giveBuffer(this.#taken);
  }
}

export class StagingSink implements MessageSink {
  readonly #maxBytes: number;
  readonly #createSpool: () => Promise<Spool>;
  readonly #normalizer = new LineEndNormalizer();
  #memory: Buffer[] = [];
  #spool: Spool | null = null;
  #scanner: MessageScanner | null = null;
  #size = 0;
  #crc = 0;
  /** The last two octets so far. */
  #tail = 0;
  #ended = false;

  constructor(options: StageOptions, createSpool: () => Promise<Spool>) {
    this.#maxBytes = Math.min(options.maxBytes ?? MESSAGE_BYTES, MESSAGE_BYTES);
    this.#createSpool = createSpool;
  }

  write(chunk: Buffer): Promise<void> | void {
    if (this.#ended) throw new Error('write after the end of a staged message');
    return this.#take(this.#normalizer.push(chunk));
  }

  // oxlint-disable-next-line typescript/require-await -- the shape of the interface; parsing may move to a worker
  async finish(): Promise<StagedMessage> {
    this.#ended = true;
    const size = this.#size;
    const crc = this.#crc;
    const lineEndMissing = size > 0 && this.#tail !== CRLF;
    const spool = this.#spool;
    if (spool !== null && this.#scanner !== null) {
      const payload: Payload = { size, crc, memory: null, pieces: () => spool.pieces() };
      return new Staged(this.#scanner.end(), payload, lineEndMissing, { spool, taken: null });
    }
    const { bytes, taken } = joined(this.#memory, size);
    this.#memory = [];
    const payload: Payload = { size, crc: crc32(bytes), memory: bytes, pieces: () => once(bytes) };
    return new Staged(parseMessage(bytes), payload, lineEndMissing, { spool: null, taken });
  }

  async abort(): Promise<void> {
    this.#ended = true;
    this.#memory = [];
    await this.#spool?.remove();
    this.#spool = null;
  }

  #take(bytes: Buffer): Promise<void> | void {
    if (bytes.length === 0) return undefined;
    this.#size += bytes.length;
    const last = bytes[bytes.length - 1]!;
    this.#tail = ((bytes.length > 1 ? bytes[bytes.length - 2]! : this.#tail & 0xff) << 8) | last;
    if (this.#size > this.#maxBytes) {
      throw new Failure('TOOBIG', `The message is larger than the ${this.#maxBytes} bytes allowed here.`);
    }
    if (this.#spool === null && this.#size <= STAGED_IN_MEMORY_BYTES) {
      this.#memory.push(bytes);
      return undefined;
    }
    return this.#toSpool(bytes);
  }

  async #toSpool(bytes: Buffer): Promise<void> {
    this.#spool ??= await this.#createSpool();
    this.#scanner ??= new MessageScanner();
    const waiting = this.#memory;
    this.#memory = [];
    for (const piece of [...waiting, bytes]) {
      this.#crc = crc32(piece, this.#crc);
      this.#scanner.write(piece);
      await this.#spool.write(piece);
    }
  }
}

/** One piece stays what it is; several go into a buffer that `release` gives back. */
function joined(pieces: readonly Buffer[], size: number): { bytes: Buffer; taken: Buffer | null } {
  const [first] = pieces;
  if (pieces.length === 1 && first !== undefined) return { bytes: first, taken: null };
  if (size < REUSED_FROM_BYTES) return { bytes: Buffer.concat(pieces, size), taken: null };
  const taken = takeBuffer(size);
  let at = 0;
  for (const piece of pieces) at += piece.copy(taken, at);
  return { bytes: taken.subarray(0, size), taken };
}

// oxlint-disable-next-line typescript/require-await -- one shape for memory and spool
async function* once(bytes: Buffer): AsyncIterable<Buffer> {
  yield bytes;
}
