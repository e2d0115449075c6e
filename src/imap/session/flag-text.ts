/**
 * Flags of messages as wire bytes (RFC 9051 §2.3.2, §7.5.2). Thirty-two combinations of system flags with and
 * without \Recent are written once per process; keyword lists are built when their bits first appear.
 */
import { Buffer } from 'node:buffer';
import type { FolderView } from '../../store/api.ts';
import { ANSWERED, DELETED, DRAFT, FLAGGED, SEEN } from '../../store/model.ts';
import type { ByteWriter } from '../../wire/byte-writer.ts';

/** Wire names of the system flags by bit, in the order clients are used to. */
const SYSTEM_FLAGS: readonly (readonly [name: string, bit: number])[] = [
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

/** The combinations without keywords, by what stands around them. There are a handful of surroundings. */
const tables = new Map<string, readonly Buffer[]>();

function withoutKeywords(before: string, behind: string): readonly Buffer[] {
  const key = `${before}|${behind}`;
  let table = tables.get(key);
  if (table === undefined) {
    table = Array.from({ length: 64 }, (_, flags) =>
      Buffer.from(`${before}FLAGS (${names(flags).join(' ')})${behind}`, 'latin1'),
    );
    tables.set(key, table);
  }
  return table;
}

export class FlagText {
  readonly #before: string;
  readonly #behind: string;
  readonly #table: readonly Buffer[];
  #low = 0;
  #high = 0;
  #flags = -1;
  #keywords: readonly string[] = [];
  #built: Buffer = Buffer.alloc(0);

  /** Surroundings leave with the flags in one copy: one of few fixed texts, never something of a message. */
  constructor(before: string, behind: string) {
    this.#before = before;
    this.#behind = behind;
    this.#table = withoutKeywords(before, behind);
  }

  /** `FLAGS (\Seen $Label)` of the message in `row`. */
  write(out: ByteWriter, view: FolderView, row: number, recent: boolean): void {
    const columns = view.columns;
    const flags = (columns.flags[row]! & 31) | (recent ? RECENT : 0);
    const low = columns.keywordsLow[row]!;
    const high = columns.keywordsHigh[row]!;
    if (low === 0 && high === 0) {
      out.bytes(this.#table[flags]!);
      return;
    }
    const keywords = view.folder.keywords;
    if (low !== this.#low || high !== this.#high || flags !== this.#flags || keywords !== this.#keywords) {
      this.#low = low;
      this.#high = high;
      this.#flags = flags;
      this.#keywords = keywords;
      const all = [...names(flags), ...keywordNames(keywords, low, high)].join(' ');
      this.#built = Buffer.from(`${this.#before}FLAGS (${all})${this.#behind}`, 'utf8');
    }
    out.bytes(this.#built);
  }
}

/** Names of the set bits. */
function keywordNames(keywords: readonly string[], low: number, high: number): string[] {
  return keywords.filter((_, bit) => ((bit < 32 ? low >>> bit : high >>> (bit - 32)) & 1) === 1);
}
