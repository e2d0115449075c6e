/**
 * Buffers used again: a fresh megabyte costs its page faults, and every 32 MB of them make V8 collect garbage
 * (measured: 45 % of the time of BODY[] of a whole mailbox, 25 % of FETCH ENVELOPE). Whoever takes a buffer may give
 * it back when nobody reads it any more; one that is never given back is ordinary garbage, so forgetting is no leak.
 * What is kept is bounded, and let go of when nothing was taken for a while.
 */
import { Buffer } from 'node:buffer';

interface SizeClass {
  /** Octets of each buffer. */
  readonly size: number;
  /** Free buffers kept at most. */
  readonly most: number;
  readonly free: Buffer[];
}

/** The first answer of a command, an answer of one message, an output buffer, a read of many messages with its gaps. */
const CLASSES: readonly SizeClass[] = [
  { size: 4 * 1024, most: 256, free: [] },
  { size: 64 * 1024, most: 64, free: [] },
  { size: 256 * 1024, most: 32, free: [] },
  { size: 1152 * 1024, most: 16, free: [] },
];
/** Milliseconds without use after which all free buffers are let go of. */
const REST_MS = 5_000;

/** Memory that came from here: anything else is not taken back. */
const made = new WeakSet<ArrayBufferLike>();
let used = false;
let rest: NodeJS.Timeout | null = null;

/** At least `size` octets of any content; larger than the largest class: a fresh buffer. */
export function takeBuffer(size: number): Buffer {
  for (const one of CLASSES) {
    if (one.size < size) continue;
    used = true;
    return one.free.pop() ?? fresh(one.size);
  }
  return Buffer.allocUnsafeSlow(size);
}

/**
 * Once for each buffer taken, as it was or a part of it, when its content is of no use to anybody. Memory that was
 * not taken here is left alone.
 */
export function giveBuffer(buffer: Buffer): void {
  const memory = buffer.buffer;
  const size = memory.byteLength;
  for (const one of CLASSES) {
    if (one.size !== size || !made.has(memory)) continue;
    if (one.free.length < one.most) one.free.push(buffer.length === size ? buffer : Buffer.from(memory, 0, size));
    rest ??= setTimeout(letGo, REST_MS).unref();
    return;
  }
}

function fresh(size: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(size);
  made.add(buffer.buffer);
  return buffer;
}

/** Octets kept at the moment. */
export function freeOctets(): number {
  return CLASSES.reduce((sum, { free, size }) => sum + free.length * size, 0);
}

function letGo(): void {
  rest = null;
  if (used) {
    used = false;
    rest = setTimeout(letGo, REST_MS).unref();
    return;
  }
  for (const { free } of CLASSES) free.length = 0;
}
