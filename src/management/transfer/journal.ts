/**
 * What makes an import go on where it was cut off: one file per mailbox and source, a line for every message that is
 * durable in the mailbox. A message may be in the mailbox and not yet in the journal when the power goes; so each
 * folder's line says from which UID on messages are the import's own doing, and those are compared by content (import.ts).
 */
import { createHash } from 'node:crypto';
import { createReadStream, type WriteStream, createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import * as v from 'valibot';

const line = v.union([
  v.object({ folder: v.string(), from: v.number() }),
  v.object({ key: v.string(), folder: v.string(), uid: v.number() }),
  v.object({ end: v.literal(true) }),
]);

export class ImportJournal {
  readonly file: string;
  /** Messages that need no second look. */
  readonly #done = new Set<string>();
  /** Per folder: all UIDs at or above may be ours without a line here. */
  readonly #doubtFrom = new Map<string, number>();
  /** False when the last run came to its end: nothing is in doubt. */
  interrupted = false;
  #out: WriteStream | null = null;

  private constructor(file: string) {
    this.file = file;
  }

  /** `scope`: whatever makes two imports different: mailbox, target folder, source paths. */
  static async open(
    directory: string,
    scope: readonly string[],
    options?: { again?: boolean },
  ): Promise<ImportJournal> {
    const name = createHash('sha256').update(JSON.stringify(scope)).digest('hex').slice(0, 24);
    const journal = new ImportJournal(path.join(directory, `import-${name}.jsonl`));
    await mkdir(directory, { recursive: true });
    if (options?.again === true) await rm(journal.file, { force: true });
    await journal.#read();
    journal.#out = createWriteStream(journal.file, { flags: 'a', mode: 0o600 });
    await once(journal.#out, 'open');
    // A line that was cut off must not swallow the next one.
    if (journal.interrupted) journal.#out.write('\n');
    return journal;
  }

  get size(): number {
    return this.#done.size;
  }

  has(key: string): boolean {
    return this.#done.has(shortened(key));
  }

  /** Null: nothing in this folder is in doubt. */
  doubtFrom(folder: string): number | null {
    return this.interrupted ? (this.#doubtFrom.get(folder) ?? null) : null;
  }

  beginFolder(folder: string, uidNext: number): void {
    this.#write({ folder, from: uidNext });
  }

  /** Call when the message is durable in the mailbox. */
  add(key: string, folder: string, uid: number): void {
    this.#done.add(shortened(key));
    this.#write({ key: shortened(key), folder, uid });
  }

  async close(complete: boolean): Promise<void> {
    const out = this.#out;
    if (out === null) return;
    if (complete) this.#write({ end: true });
    out.end();
    await once(out, 'close');
  }

  #write(entry: v.InferOutput<typeof line>): void {
    this.#out?.write(`${JSON.stringify(entry)}\n`);
  }

  async #read(): Promise<void> {
    const stream = createReadStream(this.file, 'utf8');
    try {
      for await (const text of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
        const entry = parseLine(text);
        if (entry === null) continue;
        this.interrupted = !('end' in entry);
        if ('from' in entry) this.#doubtFrom.set(entry.folder, entry.from);
        else if ('key' in entry) {
          this.#done.add(entry.key);
          this.#doubtFrom.set(entry.folder, Math.max(this.#doubtFrom.get(entry.folder) ?? 0, entry.uid + 1));
        }
      }
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
}

/** Paths are long, and a journal may hold millions of keys. */
function shortened(key: string): string {
  return createHash('sha256').update(key).digest('base64url').slice(0, 16);
}

function parseLine(text: string): v.InferOutput<typeof line> | null {
  try {
    const result = v.safeParse(line, JSON.parse(text));
    return result.success ? result.output : null;
  } catch {
    return null;
  }
}
