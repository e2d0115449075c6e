/**
 * Messages on disk that have been accepted and not yet been sent: one file each, a line of JSON and behind it the
 * message. Written whole under another name, synced, renamed, the folder synced: what was acknowledged is there after a
 * crash, and nothing that is there is half a message. What became of it so far stands in a small file beside it.
 */
import { Buffer } from 'node:buffer';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';

const heldSchema = v.strictObject({
  id: v.string(),
  /** Id of the account whose mailbox it is sent from. */
  account: v.string(),
  /** Id of the person who sent it. */
  user: v.string(),
  reversePath: v.string(),
  /** `local@domain`, the local part unquoted. */
  recipients: v.array(v.string()),
  acceptedAt: v.number(),
  /** Milliseconds since 1970, as the times above. */
  releaseAt: v.number(),
  clientAddress: v.string(),
  /** With angle brackets. */
  messageId: v.string(),
  subject: v.string(),
  /** RFC 3461 §4.3, §4.4; null: nothing was said. */
  dsn: v.nullable(
    v.strictObject({ ret: v.nullable(v.picklist(['FULL', 'HDRS'])), envelopeId: v.nullable(v.string()) }),
  ),
  /** By recipient (RFC 3461 §4.1); missing: nothing was said. */
  notify: v.record(v.string(), v.array(v.picklist(['SUCCESS', 'FAILURE', 'DELAY']))),
  /** What whoever accepted it wants back with it; not looked into here. */
  memo: v.string(),
});
export type HeldMessageFacts = Readonly<v.InferOutput<typeof heldSchema>>;

const progressSchema = v.strictObject({
  attempts: v.number(),
  nextAt: v.number(),
  /** By recipient: the SMTP reply that ended it. */
  done: v.record(v.string(), v.strictObject({ delivered: v.boolean(), reply: v.string() })),
});
export type Progress = Readonly<v.InferOutput<typeof progressSchema>>;

export interface HeldEntry {
  readonly facts: HeldMessageFacts;
  readonly progress: Progress;
}

const MESSAGE = '.held';
const PROGRESS = '.progress';
const UNFINISHED = '.new';
/** Octets of the first line; a thousand recipients fit many times. */
const FACTS_BYTES = 4 * 1024 * 1024;
const READ_BYTES = 64 * 1024;
/** Ids are ours; what else lies in the folder is left alone. */
const NAME = /^([A-Za-z0-9_-]{1,64})\.held$/;

export class HeldFiles {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(directory: string): Promise<HeldFiles> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return new HeldFiles(directory);
  }

  /** Every message there is; what a crash left unfinished was never acknowledged and goes. */
  async all(onDamaged: (file: string, error: unknown) => void): Promise<readonly HeldEntry[]> {
    const entries: HeldEntry[] = [];
    for (const file of await readdir(this.#directory)) {
      if (file.endsWith(UNFINISHED)) await rm(path.join(this.#directory, file), { force: true });
      const id = NAME.exec(file)?.[1];
      if (id === undefined) continue;
      try {
        entries.push({ facts: await this.#facts(id), progress: await this.#progress(id) });
      } catch (error) {
        onDamaged(file, error);
      }
    }
    return entries;
  }

  /** Durable when it resolves. @throws what `bytes` throws, and errors of the disk */
  async write(facts: HeldMessageFacts, bytes: AsyncIterable<Buffer>): Promise<void> {
    await this.#replace(`${facts.id}${MESSAGE}`, async (file) => {
      await file.write(`${JSON.stringify(facts)}\n`);
      for await (const chunk of bytes) await file.write(chunk);
    });
  }

  async note(id: string, progress: Progress): Promise<void> {
    await this.#replace(`${id}${PROGRESS}`, async (file) => {
      await file.write(JSON.stringify(progress));
    });
  }

  /** The message alone. */
  async *message(id: string): AsyncGenerator<Buffer> {
    const file = await open(path.join(this.#directory, `${id}${MESSAGE}`), 'r');
    try {
      let inside = false;
      for (;;) {
        // Each its own: whoever takes a chunk may keep it.
        const buffer = Buffer.allocUnsafe(READ_BYTES);
        const { bytesRead } = await file.read(buffer, 0, READ_BYTES);
        if (bytesRead === 0) return;
        let chunk = buffer.subarray(0, bytesRead);
        if (!inside) {
          const lineEnd = chunk.indexOf(10);
          if (lineEnd < 0) continue;
          inside = true;
          chunk = chunk.subarray(lineEnd + 1);
        }
        if (chunk.length > 0) yield chunk;
      }
    } finally {
      await file.close();
    }
  }

  /** Gone for good when it resolves. */
  async remove(id: string): Promise<void> {
    await rm(path.join(this.#directory, `${id}${MESSAGE}`), { force: true });
    await rm(path.join(this.#directory, `${id}${PROGRESS}`), { force: true });
    await this.#sync();
  }

  async #facts(id: string): Promise<HeldMessageFacts> {
    const file = await open(path.join(this.#directory, `${id}${MESSAGE}`), 'r');
    try {
      let line = Buffer.alloc(0);
      while (line.length < FACTS_BYTES) {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(READ_BYTES), 0, READ_BYTES);
        if (bytesRead === 0) break;
        line = Buffer.concat([line, buffer.subarray(0, bytesRead)]);
        const lineEnd = line.indexOf(10);
        if (lineEnd >= 0) return v.parse(heldSchema, parsed(line.toString('utf8', 0, lineEnd)));
      }
      throw new Error('no first line');
    } finally {
      await file.close();
    }
  }

  async #progress(id: string): Promise<Progress> {
    let text: string;
    try {
      text = await readFile(path.join(this.#directory, `${id}${PROGRESS}`), 'utf8');
    } catch {
      return NO_PROGRESS;
    }
    return v.parse(progressSchema, parsed(text));
  }

  async #replace(name: string, fill: (file: FileHandle) => Promise<void>): Promise<void> {
    const target = path.join(this.#directory, name);
    const file = await open(`${target}${UNFINISHED}`, 'w', 0o600);
    try {
      await fill(file);
      await file.sync();
    } catch (error) {
      await file.close();
      await rm(`${target}${UNFINISHED}`, { force: true });
      throw error;
    }
    await file.close();
    await rename(`${target}${UNFINISHED}`, target);
    await this.#sync();
  }

  async #sync(): Promise<void> {
    const folder = await open(this.#directory, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

export const NO_PROGRESS: Progress = { attempts: 0, nextAt: 0, done: {} };

const parsed = (text: string): unknown => JSON.parse(text);
