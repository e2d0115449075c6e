/**
 * Flags and keywords (RFC 9051 §2.3.2, §9 flag-list): system flags as bits, keywords as names.
 */
import { ProtocolViolation } from '../../observe/failure.ts';
import { ANSWERED, DELETED, DRAFT, FLAGGED, SEEN } from '../../store/model.ts';
import type { ByteWriter } from '../../wire/byte-writer.ts';
import { KEYWORD_BYTES, KEYWORDS_PER_FOLDER } from '../../wire/limits.ts';
import type { FlagList } from './ast.ts';
import type { Cursor } from './cursor.ts';

const BACKSLASH = 0x5c;
const OPEN = 0x28;

const SYSTEM_FLAGS = new Map([
  ['SEEN', SEEN],
  ['ANSWERED', ANSWERED],
  ['FLAGGED', FLAGGED],
  ['DELETED', DELETED],
  ['DRAFT', DRAFT],
]);

/** The 32 combinations of the system flags, each beginning with a space, so that writing one is a single copy. */
const COMBINATIONS: readonly string[] = Array.from({ length: 32 }, (_, bits) =>
  [
    [ANSWERED, '\\Answered'],
    [FLAGGED, '\\Flagged'],
    [DELETED, '\\Deleted'],
    [SEEN, '\\Seen'],
    [DRAFT, '\\Draft'],
  ]
    .filter(([bit]) => (bits & Number(bit)) !== 0)
    .map(([, name]) => ` ${name}`)
    .join(''),
);

export const NO_FLAGS: FlagList = { flags: 0, keywords: [] };

/** `(\Seen $Forwarded)`, possibly empty; with `bare`, STORE's form without parentheses too. */
export function parseFlagList(cursor: Cursor, bare = false): FlagList {
  let flags = 0;
  const keywords = new Map<string, string>();
  const one = (): void => {
    if (cursor.accept(BACKSLASH)) {
      const name = cursor.keyword('a flag');
      const bit = SYSTEM_FLAGS.get(name);
      // Recent belongs to the server; a client that copies FLAGS back with it (mbsync does) means the others.
      if (bit === undefined && name !== 'RECENT') {
        throw new ProtocolViolation(`${cursor.command}: there is no system flag of that name`);
      }
      flags |= bit ?? 0;
      return;
    }
    const name = cursor.atom('a flag or keyword');
    if (name.length > KEYWORD_BYTES) {
      throw new ProtocolViolation(`${cursor.command}: a keyword may have at most ${KEYWORD_BYTES} bytes`);
    }
    const key = name.toLowerCase();
    if (!keywords.has(key)) keywords.set(key, name);
    if (keywords.size > KEYWORDS_PER_FOLDER) {
      throw new ProtocolViolation(`${cursor.command}: more than ${KEYWORDS_PER_FOLDER} keywords`);
    }
  };
  if (bare && cursor.peek() !== OPEN) {
    do one();
    while (cursor.acceptSpace());
  } else cursor.possiblyEmptyList('flags', one);
  return flags === 0 && keywords.size === 0 ? NO_FLAGS : { flags, keywords: [...keywords.values()] };
}

/** ` \Answered \Seen …` for these bits: what stands between `FLAGS (` and `)` after its first character. */
export const systemFlagNames = (bits: number): string => COMBINATIONS[bits & 31]!;

export function printFlagList(list: FlagList): string {
  const names = systemFlagNames(list.flags) + list.keywords.map((name) => ` ${name}`).join('');
  return `(${names.slice(1)})`;
}

/** `(\Seen $Forwarded \Recent)`. */
export function writeFlagList(
  out: ByteWriter,
  bits: number,
  keywords: readonly string[] = [],
  recent = false,
): ByteWriter {
  let text = systemFlagNames(bits);
  for (const name of keywords) text += ` ${name}`;
  if (recent) text += ' \\Recent';
  return out.ascii(text === '' ? '()' : `(${text.slice(1)})`);
}
