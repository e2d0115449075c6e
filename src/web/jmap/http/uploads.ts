/**
 * Uploaded blobs (RFC 8620 §6.1): files that nobody refers to yet, of one person in one account each. A blob is there
 * when its file has its name: what a crash leaves half written goes at the next start. They outlive a restart, not the
 * time they are kept for; a mailbox that moves to another server leaves them behind, and clients upload again.
 */
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { createReadStream, type Dirent } from 'node:fs';
import { mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { Failure } from '../../../observe/failure.ts';
import type { Log } from '../../../observe/log.ts';
import { isId } from '../arguments.ts';
import type { UploadedBlob, UploadedBlobs } from '../blobs.ts';
import { JMAP_LIMITS } from '../request.ts';
import { UPLOAD_KEPT_AT_LEAST_MS, UPLOAD_KEPT_MS, UPLOADS_BYTES, UPLOADS_NUMBER } from './limits.ts';

/** How often what has expired is looked for. */
const SWEEP_MS = 10 * 60_000;
const READ_BYTES = 256 * 1024;
/** `Bx` names parts of messages (mail/ids.ts). */
const BLOB_ID = /^U[A-Za-z0-9_-]{22}$/;
/** Suffix of a file that is still being written. */
const PARTIAL = '.part';
/** The media type stands in front of the content, filled up with spaces. */
const HEAD_BYTES = 256;

export interface UploadsOptions {
  /** Below it a folder an account and one a person. */
  readonly folder: string;
  readonly log: Log;
  readonly now?: () => number;
  /** Blobs of one person in one account; for tests. */
  readonly most?: number;
}

interface Kept {
  /** Octets of its content. */
  readonly size: number;
  /** Milliseconds since 1970; of the file as well, so that it is known behind a restart. */
  used: number;
}

/** What one person has uploaded for one account. */
class Shelf {
  readonly folder: string;
  readonly blobs = new Map<string, Kept>();
  /** Octets of all blobs, those on their way in included. */
  bytes = 0;
  /** Number of those. */
  arriving = 0;

  constructor(folder: string) {
    this.folder = folder;
  }
}

export class Uploads {
  readonly #folder: string;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #most: number;
  readonly #shelves = new Map<string, Shelf>();
  readonly #sweeps: NodeJS.Timeout;

  private constructor({ folder, log, now, most }: UploadsOptions) {
    this.#folder = folder;
    this.#log = log;
    this.#now = now ?? Date.now;
    this.#most = most ?? UPLOADS_NUMBER;
    this.#sweeps = setInterval(
      () => void this.sweep().catch((error: unknown) => this.#log.warn({ err: error }, 'old uploads could not go')),
      SWEEP_MS,
    );
    this.#sweeps.unref();
  }

  static async open(options: UploadsOptions): Promise<Uploads> {
    const uploads = new Uploads(options);
    await uploads.#load();
    await uploads.sweep();
    return uploads;
  }

  close(): void {
    clearInterval(this.#sweeps);
  }

  of(account: string, uploader: string): UploadedBlobs {
    return { find: (blobId) => this.#find(account, uploader, blobId) };
  }

  /** @throws Failure TOOBIG, OVERQUOTA; whatever `body` throws */
  async take(
    account: string,
    uploader: string,
    type: string,
    body: AsyncIterable<Buffer>,
  ): Promise<{ readonly blobId: string; readonly size: number }> {
    const shelf = this.#shelf(account, uploader);
    const blobId = `U${randomBytes(16).toString('base64url')}`;
    const file = path.join(shelf.folder, blobId);
    shelf.arriving += 1;
    let size = 0;
    try {
      await mkdir(shelf.folder, { recursive: true, mode: 0o700 });
      await this.#write(file + PARTIAL, type, body, async (octets) => {
        size += octets;
        shelf.bytes += octets;
        if (size > JMAP_LIMITS.maxSizeUpload)
          throw new Failure('TOOBIG', `An upload has at most ${JMAP_LIMITS.maxSizeUpload} bytes (maxSizeUpload).`);
        await this.#makeRoom(shelf);
      });
      await rename(file + PARTIAL, file);
      shelf.blobs.set(blobId, { size, used: this.#now() });
      return { blobId, size };
    } catch (error) {
      shelf.bytes -= size;
      await rm(file + PARTIAL, { force: true });
      throw error;
    } finally {
      shelf.arriving -= 1;
    }
  }

  /** Takes away what has expired. */
  async sweep(): Promise<void> {
    const before = this.#now() - UPLOAD_KEPT_MS;
    for (const [key, shelf] of this.#shelves) {
      for (const [blobId, { used }] of shelf.blobs) if (used < before) await drop(shelf, blobId);
      if (shelf.blobs.size > 0 || shelf.arriving > 0) continue;
      this.#shelves.delete(key);
      await rmdir(shelf.folder).catch(() => {});
    }
  }

  async #write(
    file: string,
    type: string,
    body: AsyncIterable<Buffer>,
    coming: (octets: number) => Promise<void>,
  ): Promise<void> {
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(headOf(type));
      for await (const chunk of body) {
        await coming(chunk.length);
        await handle.writeFile(chunk);
      }
    } finally {
      await handle.close();
    }
  }

  /** @throws Failure OVERQUOTA */
  async #makeRoom(shelf: Shelf): Promise<void> {
    const isFull = (): boolean => shelf.bytes > UPLOADS_BYTES || shelf.blobs.size + shelf.arriving > this.#most;
    if (!isFull()) return;
    const before = this.#now() - UPLOAD_KEPT_AT_LEAST_MS;
    for (const [blobId, { used }] of [...shelf.blobs].sort(([, a], [, b]) => a.used - b.used)) {
      if (used >= before) break;
      await drop(shelf, blobId);
      if (!isFull()) return;
    }
    throw new Failure(
      'OVERQUOTA',
      `You have uploaded ${UPLOADS_BYTES} bytes or ${this.#most} files within an hour and not used them; wait.`,
    );
  }

  async #find(account: string, uploader: string, blobId: string): Promise<UploadedBlob | null> {
    const shelf = this.#shelves.get(keyOf(account, uploader));
    const kept = shelf?.blobs.get(blobId);
    if (shelf === undefined || kept === undefined) return null;
    kept.used = this.#now();
    const file = path.join(shelf.folder, blobId);
    const handle = await open(file).catch(() => null);
    if (handle === null) return null;
    try {
      const used = new Date(kept.used);
      await handle.utimes(used, used);
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      const { size } = kept;
      return {
        size,
        type: buffer.toString('latin1', 0, bytesRead).trimEnd(),
        read: (start = 0, end = size) => readFile(file, start, Math.min(end, size)),
      };
    } finally {
      await handle.close();
    }
  }

  #shelf(account: string, uploader: string): Shelf {
    if (!isId(account) || !isId(uploader)) throw new Failure('NONEXISTENT', 'there is no such account');
    const key = keyOf(account, uploader);
    let shelf = this.#shelves.get(key);
    if (shelf === undefined) {
      shelf = new Shelf(path.join(this.#folder, account, uploader));
      this.#shelves.set(key, shelf);
    }
    return shelf;
  }

  /** What an earlier run has left. */
  async #load(): Promise<void> {
    for (const account of await foldersIn(this.#folder))
      for (const uploader of await foldersIn(path.join(this.#folder, account)))
        if (isId(account) && isId(uploader)) await this.#loadShelf(this.#shelf(account, uploader));
  }

  async #loadShelf(shelf: Shelf): Promise<void> {
    for (const name of await readdir(shelf.folder)) {
      const file = path.join(shelf.folder, name);
      if (!BLOB_ID.test(name)) {
        await rm(file, { force: true, recursive: true });
        continue;
      }
      const { size, mtimeMs } = await stat(file);
      shelf.blobs.set(name, { size: Math.max(0, size - HEAD_BYTES), used: mtimeMs });
      shelf.bytes += Math.max(0, size - HEAD_BYTES);
    }
  }
}

async function drop(shelf: Shelf, blobId: string): Promise<void> {
  const kept = shelf.blobs.get(blobId);
  if (kept === undefined) return;
  shelf.blobs.delete(blobId);
  shelf.bytes -= kept.size;
  await rm(path.join(shelf.folder, blobId), { force: true });
}

const keyOf = (account: string, uploader: string): string => `${account}/${uploader}`;

const headOf = (type: string): Buffer => Buffer.from(type.slice(0, HEAD_BYTES).padEnd(HEAD_BYTES), 'latin1');

async function foldersIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown): readonly Dirent[] => {
    if (error instanceof Error && Reflect.get(error, 'code') === 'ENOENT') return [];
    throw error;
  });
  return entries.filter((one) => one.isDirectory()).map(({ name }) => name);
}

async function* readFile(file: string, start: number, end: number): AsyncIterable<Buffer> {
  if (start >= end) return;
  const stream = createReadStream(file, {
    start: HEAD_BYTES + start,
    end: HEAD_BYTES + end - 1,
    highWaterMark: READ_BYTES,
  });
  try {
    for await (const chunk of stream) {
      const bytes: unknown = chunk;
      if (Buffer.isBuffer(bytes)) yield bytes;
    }
  } catch (cause) {
    if (cause instanceof Error && Reflect.get(cause, 'code') === 'ENOENT')
      throw new Failure('NONEXISTENT', 'The uploaded blob has expired.', { cause });
    throw cause;
  }
}
