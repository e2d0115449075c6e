/** System flags and keywords as JMAP has them (RFC 8621 §4.1.1): `$seen` for \Seen, lower case throughout. Pure. */
import type { FolderView } from '../../../store/api.ts';
import { ANSWERED, DRAFT, FLAGGED, SEEN } from '../../../store/model.ts';
import type { Placement } from './mail-view.ts';

export const FLAG_KEYWORDS: ReadonlyMap<string, number> = new Map([
  ['$seen', SEEN],
  ['$answered', ANSWERED],
  ['$flagged', FLAGGED],
  ['$draft', DRAFT],
]);

/** RFC 8621 §4.1.1: 1–255 characters of ASCII without those that IMAP cannot carry. */
const KEYWORD = /^[!#$&'+,\-./0-9:;<=>?@A-Z[^_`a-z|}~]{1,255}$/;
export const isKeyword = (text: string): boolean => KEYWORD.test(text);

export function keywordsOf(view: FolderView, row: number): Set<string> {
  const { flags, keywordsLow, keywordsHigh } = view.columns;
  const found = new Set<string>();
  for (const [keyword, bit] of FLAG_KEYWORDS) if ((flags[row]! & bit) !== 0) found.add(keyword);
  for (const [bit, name] of view.folder.keywords.entries()) {
    const word = bit < 32 ? keywordsLow[row]! : keywordsHigh[row]!;
    if (((word >>> (bit & 31)) & 1) === 1) found.add(name.toLowerCase());
  }
  return found;
}

/**
 * Of an Email in several Mailboxes: a keyword counts where any of its messages has it, but for `$seen`, which has to
 * be there in all (RFC 8621 §4.1.1 leaves that to the server; a copy that is unread keeps the Email unread).
 */
export function keywordsOfEmail(placements: readonly Placement[]): Readonly<Record<string, true>> {
  const sets = placements.map(({ view, row }) => keywordsOf(view, row));
  const all: Record<string, true> = {};
  for (const set of sets)
    for (const keyword of set) if (keyword !== '$seen' || sets.every((one) => one.has('$seen'))) all[keyword] = true;
  return all;
}

/** System flags as bits, the rest by name, as the store wants them. */
export function flagsOfKeywords(keywords: Iterable<string>): { readonly flags: number; readonly keywords: string[] } {
  let flags = 0;
  const rest: string[] = [];
  for (const keyword of keywords) {
    const bit = FLAG_KEYWORDS.get(keyword);
    if (bit === undefined) rest.push(keyword);
    else flags |= bit;
  }
  return { flags, keywords: rest };
}
