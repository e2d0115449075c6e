/** Where a line ends. Knows no socket. */
import type { Buffer } from 'node:buffer';

const LF = 10;
const CR = 13;

/** A line without its CRLF or LF. */
export function withoutLineEnd(line: Buffer): Buffer {
  let end = line.length;
  if (end > 0 && line[end - 1] === LF) end -= 1;
  if (end > 0 && line[end - 1] === CR) end -= 1;
  return line.subarray(0, end);
}

/** Offset of the first LF at or behind `from` in chunks of which the first counts from `head`; -1: none. */
export function indexOfLf(chunks: readonly Buffer[], head: number, from: number): number {
  // Not `-head`: minus zero is no small integer, and would box all that is computed from it.
  let base = 0 - head;
  for (const chunk of chunks) {
    const end = base + chunk.length;
    if (end > from) {
      const at = chunk.indexOf(LF, Math.max(from - base, base < 0 ? head : 0));
      if (at >= 0) return base + at;
    }
    base = end;
  }
  return -1;
}
