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

let used = false;
let rest: NodeJS.Timeout | null = null;

/** At least `size` octets of any content; larger than the largest class: a fresh buffer. */
export function takeBuffer(size: number): Buffer {
  for (const one of CLASSES) {
    if (one.size < size) continue;
    used = true;
    return one.free.pop() ?? Buffer.allocUnsafeSlow(one.size);
  }
  return Buffer.allocUnsafeSlow(size);
}

/** `buffer` as takeBuffer returned it, once, when its content is of no use to anybody. */
export function giveBuffer(buffer: Buffer): void {
  for (const one of CLASSES) {
    if (one.size !== buffer.length) continue;
    if (one.free.length < one.most) one.free.push(buffer);
    rest ??= setTimeout(letGo, REST_MS).unref();
    return;
  }
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
