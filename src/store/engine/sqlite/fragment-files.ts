/**
 * The fragment files of one mailbox: `frag-list-N`, `frag-search-N` and `frag-details-N` (message/fragment-pieces.ts).
 * The three of a number belong together; a lost one, or one of another parser version, makes the number go up and all
 * parse results be made again as they are asked for.
 *
 * A cache: what is appended waits for company before it is written, and nothing waits for it. So after a crash nothing
 * that the log's tail says about these files is believed (open-mailbox.ts).
 */
import type { Buffer } from 'node:buffer';
import fs from 'node:fs';
import path from 'node:path';
import { FRAGMENT_PIECES, type FragmentPiece } from '../../../message/fragment-pieces.ts';
import { PARSER_VERSION } from '../../../message/model.ts';
import type { ReadRange } from '../../mailbox/storage.ts';
import { CacheFile } from './cache-file.ts';
import type { Files } from './files.ts';

/** Octets of a piece appended and not yet written. */
const UNWRITTEN_BYTES = 64 * 1024;
/** Columns hold offsets of 32 bits: some four million messages that ever were in the mailbox. */
const FILE_BYTES = 2 ** 32 - 1;
/** Also the single file of the first format. */
const FRAGMENT_FILE = /^frag-(?:[a-z]+-)?(\d{6,})$/;

export class FragmentFiles {
  readonly #files: Readonly<Record<FragmentPiece, CacheFile>>;

  readonly #most: number;

  /** @param most octets of each file; for tests */
  constructor(directory: string, number: number, most = FILE_BYTES) {
    this.#most = most;
    const of = (piece: FragmentPiece): CacheFile =>
      new CacheFile(
        path.join(directory, `frag-${piece}-${String(number).padStart(6, '0')}`),
        `fragments ${piece}`,
        PARSER_VERSION,
      );
    this.#files = { list: of('list'), search: of('search'), details: of('details') };
  }

  exist(): boolean {
    return FRAGMENT_PIECES.every((piece) => this.#files[piece].exists());
  }

  /** Null when the file is full: the message is parsed each time it is asked for. */
  append(piece: FragmentPiece, bytes: Buffer): number | null {
    const file = this.#files[piece];
    if (file.size + bytes.length > this.#most) return null;
    const at = file.append(bytes);
    if (file.unwritten >= UNWRITTEN_BYTES) file.write();
    return at;
  }

  read(piece: FragmentPiece, ranges: readonly ReadRange[], target: Buffer): Promise<void> | void {
    return this.#files[piece].read(ranges, target);
  }

  async flush(files: Files): Promise<void> {
    await Promise.all(FRAGMENT_PIECES.map((piece) => this.#files[piece].flush(files)));
  }

  rest(): void {
    for (const piece of FRAGMENT_PIECES) this.#files[piece].rest();
  }

  close(): void {
    for (const piece of FRAGMENT_PIECES) this.#files[piece].close();
  }
}

/** Files of numbers before `number`: nothing refers to them any more. */
export function removeOldFragments(directory: string, number: number): void {
  for (const name of fs.readdirSync(directory)) {
    const digits = FRAGMENT_FILE.exec(name)?.[1];
    if (digits !== undefined && Number(digits) < number) fs.rmSync(path.join(directory, name), { force: true });
  }
}
