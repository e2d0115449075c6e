/**
 * Flags of messages as wire bytes (RFC 9051 §2.3.2, §7.5.2). Thirty-two combinations of system flags with and
 * without \Recent are written once per process; keyword lists are built when their bits first appear.
 */
import { Buffer } from 'node:buffer';
import type { FolderView } from '../../store/api.ts';
import { ANSWERED, DELETED, DRAFT, FLAGGED, SEEN } from '../../store/model.ts';
import type { ByteWriter } from '../../wire/byte-writer.ts';

/** Wire names of the system flags by bit, in the order clients are used to. */
export const SYSTEM_FLAGS: readonly (readonly [name: string, bit: number])[] = [
  ['\\Answered', ANSWERED],
  ['\\Flagged', FLAGGED],
  ['\\Deleted', DELETED],
  ['\\Seen', SEEN],
  ['\\Draft', DRAFT],
];

const RECENT = 32;

const names = (flags: number): string[] => [
  ...SYSTEM_FLAGS.filter(([, bit]) => (flags & bit) !== 0).map(([name]) => name),
  ...((flags & RECENT) === 0 ? [] : ['\\Recent']),
];

const WITHOUT_KEYWORDS: readonly Buffer[] = Array.from({ length: 64 }, (_, flags) =>
  Buffer.from(`FLAGS (${names(flags).join(' ')})`, 'latin1'),
);

export class FlagText {
  readonly #view: FolderView;
  #low = 0;
  #high = 0;
  #flags = -1;
  #keywords: readonly string[] = [];
  #built: Buffer = Buffer.alloc(0);

  constructor(view: FolderView) {
    this.#view = view;
  }

  /** `FLAGS (\Seen $Label)` of the message in `row`. */
  write(out: ByteWriter, row: number, recent: boolean): void {
    const columns = this.#view.columns;
    const flags = (columns.flags[row] ?? 0) | (recent ? RECENT : 0);
    const low = columns.keywordsLow[row] ?? 0;
    const high = columns.keywordsHigh[row] ?? 0;
    if (low === 0 && high === 0) {
      out.bytes(WITHOUT_KEYWORDS[flags & 63] ?? this.#built);
      return;
    }
    const keywords = this.#view.folder.keywords;
    if (low !== this.#low || high !== this.#high || flags !== this.#flags || keywords !== this.#keywords) {
      this.#low = low;
      this.#high = high;
      this.#flags = flags;
      this.#keywords = keywords;
      this.#built = Buffer.from(`FLAGS (${[...names(flags), ...keywordNames(keywords, low, high)].join(' ')})`, 'utf8');
    }
    out.bytes(this.#built);
  }
}

/** Names of the set bits. */
export function keywordNames(keywords: readonly string[], low: number, high: number): string[] {
  return keywords.filter((_, bit) => ((bit < 32 ? low >>> bit : high >>> (bit - 32)) & 1) === 1);
}
