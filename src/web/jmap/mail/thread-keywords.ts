/** Keywords of whole conversations, for filters and orders of Email/query (RFC 8621 §4.4.1, §4.4.2). Reads rows only. */
import type { FolderView } from '../../../store/api.ts';
import type { UidRange } from '../../../store/model.ts';
import type { SearchQuery } from '../../../store/search/query.ts';
import { FLAG_KEYWORDS } from './keywords.ts';
import type { MailView } from './mail-view.ts';
import { NumberSet } from './number-set.ts';

/** Whether a row of a folder has a keyword (lower case), quickly for many rows. */
export function keywordTest(view: FolderView, keyword: string): (row: number) => boolean {
  const { columns } = view;
  const flag = FLAG_KEYWORDS.get(keyword);
  if (flag !== undefined) return (row) => (columns.flags[row]! & flag) !== 0;
  const bit = view.keywordBit(keyword);
  if (bit < 0) return () => false;
  const words = bit < 32 ? columns.keywordsLow : columns.keywordsHigh;
  return (row) => ((words[row]! >>> (bit & 31)) & 1) === 1;
}

/** Threads in which one Email has the keyword, and those in which one lacks it: all of the account's Emails count. */
export function threadsByKeyword(
  { views }: MailView,
  keyword: string,
): { readonly having: NumberSet; readonly lacking: NumberSet } {
  const having = new NumberSet();
  const lacking = new NumberSet();
  for (const view of views.values()) {
    const has = keywordTest(view, keyword);
    const { thread, length } = view.columns;
    for (let row = 0; row < length; row += 1) (has(row) ? having : lacking).add(thread[row]!);
  }
  return { having, lacking };
}

export function threadQuery(mail: MailView, view: FolderView, keyword: string, on: 'all' | 'some'): SearchQuery {
  const { having, lacking } = threadsByKeyword(mail, keyword);
  const { thread } = view.columns;
  return uidQuery(view, (row) => having.has(thread[row]!) && (on === 'some' || !lacking.has(thread[row]!)));
}

/** The messages of a folder for which `fits` holds, as a term of a search. */
export function uidQuery({ columns: { uid, length } }: FolderView, fits: (row: number) => boolean): SearchQuery {
  const ranges: UidRange[] = [];
  for (let row = 0; row < length; row += 1) {
    if (!fits(row)) continue;
    const first = uid[row]!;
    while (row + 1 < length && fits(row + 1)) row += 1;
    ranges.push({ first, last: uid[row]! });
  }
  return ranges.length === 0 ? { kind: 'not', term: { kind: 'all' } } : { kind: 'uids', ranges };
}
