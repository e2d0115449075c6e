/**
 * SEARCH LARGER and SMALLER and SORT by SIZE go by the sizes a client is told (RFC 9051 §6.4.4, RFC 5256 §3): the
 * store knows those of the originals only.
 */
import type { SearchQuery, SortCriterion } from '../../store/search/query.ts';
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

type Sort = (uids: Uint32Array, criteria: readonly SortCriterion[]) => Promise<Uint32Array>;

/**
 * `uids` in the asked order, `sort` being the store's, which knows every criterion but the size. Criteria behind the
 * size are sorted by first and kept by stable sorting. Which messages the criteria before it hold for equal shows in
 * sorting the other way round: equal ones keep their order among themselves (RFC 5256 §3).
 */
export async function sortBySize(
  uids: Uint32Array,
  criteria: readonly SortCriterion[],
  sizeOf: (uid: number) => number,
  sort: Sort,
): Promise<Uint32Array> {
  const at = criteria.findIndex(({ key }) => key === 'size');
  if (at < 0) return criteria.length === 0 ? uids : sort(uids, criteria);
  const sign = criteria[at]?.reverse === true ? -1 : 1;
  const ordered = Array.from(await sortBySize(uids, criteria.slice(at + 1), sizeOf, sort));
  ordered.sort((one, other) => sign * (sizeOf(one) - sizeOf(other)));
  const before = criteria.slice(0, at);
  if (before.length === 0) return Uint32Array.from(ordered);
  const groups = await groupsOf(uids, before, sort);
  ordered.sort((one, other) => (groups.get(one) ?? 0) - (groups.get(other) ?? 0));
  return Uint32Array.from(ordered);
}

/** A number for each message: equal where the criteria are, else in their order. */
async function groupsOf(
  uids: Uint32Array,
  criteria: readonly SortCriterion[],
  sort: Sort,
): Promise<Map<number, number>> {
  const forward = await sort(uids, criteria);
  const backward = await sort(
    uids,
    criteria.map(({ key, reverse }) => ({ key, reverse: !reverse })),
  );
  const position = new Map(Array.from(backward, (uid, index) => [uid, index]));
  const groups = new Map<number, number>();
  let group = 0;
  for (let i = 0; i < forward.length; i += 1) {
    const isEqual = i > 0 && position.get(forward[i]!)! > position.get(forward[i - 1]!)!;
    if (!isEqual) group += 1;
    groups.set(forward[i]!, group);
  }
  return groups;
}
