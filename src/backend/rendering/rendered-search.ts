/** SEARCH LARGER and SMALLER by the sizes a client is told (RFC 9051 §6.4.4): the store knows those of originals only. */
import type { SearchQuery } from '../../store/search/query.ts';
import type { FolderColumns, UidRange } from '../../store/model.ts';

export function asksForSizes(query: SearchQuery): boolean {
  switch (query.kind) {
    case 'larger':
    case 'smaller':
      return true;
    case 'and':
    case 'or':
      return query.terms.some(asksForSizes);
    case 'not':
      return asksForSizes(query.term);
    default:
      return false;
  }
}

/** The same question with sizes answered from `columns`. */
export function withSizes(query: SearchQuery, columns: FolderColumns): SearchQuery {
  switch (query.kind) {
    case 'larger':
      return { kind: 'uids', ranges: uidsWhere(columns, (size) => size > query.octets) };
    case 'smaller':
      return { kind: 'uids', ranges: uidsWhere(columns, (size) => size < query.octets) };
    case 'and':
    case 'or':
      return { kind: query.kind, terms: query.terms.map((term) => withSizes(term, columns)) };
    case 'not':
      return { kind: 'not', term: withSizes(query.term, columns) };
    default:
      return query;
  }
}

function uidsWhere({ uid, size, length }: FolderColumns, holds: (size: number) => boolean): UidRange[] {
  const ranges: UidRange[] = [];
  let first = -1;
  for (let row = 0; row < length; row += 1) {
    if (holds(size[row]!)) {
      if (first < 0) first = row;
    } else if (first >= 0) {
      ranges.push({ first: uid[first]!, last: uid[row - 1]! });
      first = -1;
    }
  }
  if (first >= 0) ranges.push({ first: uid[first]!, last: uid[length - 1]! });
  return ranges;
}
