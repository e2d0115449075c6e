/** Messages too large for memory on their way in: one file each in the database's spool directory. */
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Spool } from '../mailbox/staging.ts';
import { asFailure } from './disk-failure.ts';

const PIECE_BYTES = 1024 * 1024;

export async function createSpoolFile(directory: string): Promise<Spool> {
  const file = path.join(directory, randomUUID());
  const handle = await fs.promises.open(file, 'wx+').catch((reason: unknown) => {
    throw asFailure(reason);
  });
  let size = 0;
  return {
    async write(chunk) {
      let done = 0;
      while (done < chunk.length) {
        try {
          done += (await handle.write(chunk, done, chunk.length - done, size + done)).bytesWritten;
        } catch (reason) {
          throw asFailure(reason);
        }
      }
      size += chunk.length;
    },
    async *pieces(): AsyncIterable<Buffer> {
      for (let at = 0; at < size; ) {
        const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, size - at));
        const { bytesRead } = await handle.read(piece, 0, piece.length, at);
        if (bytesRead === 0) throw new Error('a spool file became shorter');
        yield piece.subarray(0, bytesRead);
        at += bytesRead;
      }
    },
    async remove() {
      await handle.close();
      await fs.promises.rm(file, { force: true });
    },
  };
}

/** Left behind by a crash: nothing refers to them. */
export async function clearSpool(directory: string): Promise<void> {
  await fs.promises.rm(directory, { recursive: true, force: true });
  await fs.promises.mkdir(directory, { recursive: true });
}
