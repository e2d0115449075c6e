/** A file as chunks: a small one read at once into a buffer of its size, which is what most messages are. */
import type { Buffer } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';

const AT_ONCE_BYTES = 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;

/** `size`: as far as known, to choose the way. */
export async function* fileChunks(file: string, size: number): AsyncIterable<Buffer> {
  if (size <= AT_ONCE_BYTES) yield await readFile(file);
  else yield* createReadStream(file, { highWaterMark: CHUNK_BYTES });
}
