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
