/** Back-pressure of the control door. */
import type { Writable } from 'node:stream';

/** Resolves when the stream takes more, or is gone; leaves no listener behind. */
export async function drained(stream: Writable): Promise<void> {
  if (stream.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.on('drain', resolve);
  stream.on('close', resolve);
  try {
    await promise;
  } finally {
    stream.off('drain', resolve);
    stream.off('close', resolve);
  }
}
