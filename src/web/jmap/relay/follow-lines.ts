/**
 * Changes of many mailboxes over one request between two servers: a line of JSON each way for each thing that happens.
 * Pure.
 */
import { Buffer } from 'node:buffer';
import * as v from 'valibot';
import { Failure } from '../../../observe/failure.ts';
import type { CallerFacts } from './caller-facts.ts';

export const LINE_BYTES = 64 * 1024;
/** Both sides say so much at least, so that each notices when the other is gone. */
export const BEAT_MS = 10_000;
/** Behind so long a silence it is. */
export const SILENCE_MS = 25_000;

const STATES = v.record(v.string(), v.string());
const FOLLOWING = v.pipe(v.number(), v.integer(), v.minValue(1));

const wishSchema = v.union([
  v.object({ follow: FOLLOWING, owner: v.string(), session: v.string(), caller: v.unknown() }),
  v.object({ leave: FOLLOWING }),
  v.object({ beat: v.literal(true) }),
]);
const wordSchema = v.union([
  v.object({ following: FOLLOWING, states: STATES }),
  v.object({ changed: FOLLOWING, states: STATES }),
  v.object({ ended: FOLLOWING }),
  v.object({ refused: FOLLOWING, code: v.string(), text: v.string(), owner: v.nullable(v.string()) }),
  v.object({ beat: v.literal(true) }),
]);

/** What the server of the clients says. */
export type FollowWish = v.InferOutput<typeof wishSchema>;
/** What the server of the mailboxes says. */
export type FollowWord = v.InferOutput<typeof wordSchema>;

export interface FollowAsk {
  readonly follow: number;
  readonly owner: string;
  readonly session: string;
  readonly caller: CallerFacts;
}

export const line = (said: FollowAsk | FollowWish | FollowWord): string => `${JSON.stringify(said)}\n`;

export const wishes = (pieces: AsyncIterable<unknown>): AsyncIterable<FollowWish> => linesOf(pieces, wishSchema);
export const words = (pieces: AsyncIterable<unknown>): AsyncIterable<FollowWord> => linesOf(pieces, wordSchema);

/** @throws Failure CLIENTBUG, TOOBIG */
async function* linesOf<T>(pieces: AsyncIterable<unknown>, schema: v.GenericSchema<unknown, T>): AsyncIterable<T> {
  let held = Buffer.alloc(0);
  for await (const piece of pieces) {
    if (!Buffer.isBuffer(piece)) continue;
    held = held.length === 0 ? Buffer.from(piece) : Buffer.concat([held, piece]);
    for (let end = held.indexOf(10); end >= 0; end = held.indexOf(10)) {
      const text = held.toString('utf8', 0, end);
      held = held.subarray(end + 1);
      yield parsed(text, schema);
    }
    if (held.length > LINE_BYTES) throw new Failure('TOOBIG', `a line has at most ${LINE_BYTES} bytes`);
  }
}

function parsed<T>(text: string, schema: v.GenericSchema<unknown, T>): T {
  try {
    return v.parse(schema, JSON.parse(text));
  } catch (cause) {
    throw new Failure('CLIENTBUG', 'another server speaks what is not understood here', { cause });
  }
}
