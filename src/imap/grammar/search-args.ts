/**
 * What stands before the search keys of SEARCH, SORT and THREAD: RETURN options (RFC 4731 §3.1, RFC 5182, RFC 9394),
 * sort criteria and thread algorithm (RFC 5256 §3).
 */
import { ProtocolViolation } from '../../observe/failure.ts';
import type { SortCriterion, SortKey, ThreadAlgorithm } from '../../store/search/query.ts';
import type { SearchReturn } from './ast.ts';
import type { Cursor } from './cursor.ts';

const MINUS = 0x2d;
const COLON = 0x3a;

const SORT_KEYS = new Map<string, SortKey>([
  ['ARRIVAL', 'arrival'],
  ['CC', 'cc'],
  ['DATE', 'date'],
  ['DISPLAYFROM', 'displayfrom'],
  ['DISPLAYTO', 'displayto'],
  ['FROM', 'from'],
  ['SIZE', 'size'],
  ['SUBJECT', 'subject'],
  ['TO', 'to'],
]);

const ALGORITHMS = new Map<string, ThreadAlgorithm>([
  ['ORDEREDSUBJECT', 'orderedsubject'],
  ['REFERENCES', 'references'],
  ['REFS', 'refs'],
]);

/** `RETURN (MIN COUNT) ` with the space behind it; null when it does not stand here. */
export function parseReturn(cursor: Cursor): SearchReturn | null {
  if (!cursor.acceptKeyword('RETURN')) return null;
  cursor.space('return options');
  const wanted = new Set<string>();
  let partial: SearchReturn['partial'] = null;
  cursor.possiblyEmptyList('return options', () => {
    const option = cursor.keyword('MIN, MAX, ALL, COUNT, SAVE or PARTIAL');
    if (option === 'PARTIAL') {
      cursor.space('a range');
      partial = parsePartialRange(cursor);
    } else if (!['MIN', 'MAX', 'ALL', 'COUNT', 'SAVE'].includes(option)) {
      throw new ProtocolViolation(`${cursor.command}: return options are MIN, MAX, ALL, COUNT, SAVE and PARTIAL`);
    }
    wanted.add(option);
  });
  cursor.space('search keys');
  if (partial !== null && wanted.has('ALL')) {
    throw new ProtocolViolation(`${cursor.command}: ALL and PARTIAL exclude each other`);
  }
  return {
    min: wanted.has('MIN'),
    max: wanted.has('MAX'),
    all: wanted.has('ALL') || wanted.size === 0,
    count: wanted.has('COUNT'),
    save: wanted.has('SAVE'),
    partial,
  };
}

/** RFC 9394 §3.1: `1:100`, or `-1:-100` counted from the end. */
function parsePartialRange(cursor: Cursor): { first: number; last: number } {
  const one = (): number => (cursor.accept(MINUS) ? -1 : 1) * cursor.nzNumber('a position');
  const first = one();
  cursor.expect(COLON, '":" and a position');
  const last = one();
  if (first > 0 !== last > 0) {
    throw new ProtocolViolation(`${cursor.command}: both ends of PARTIAL count from the same side`);
  }
  return Math.abs(first) <= Math.abs(last) ? { first, last } : { first: last, last: first };
}

export function printReturn(returns: SearchReturn | null): string {
  if (returns === null) return '';
  const options = [
    returns.min ? 'MIN' : '',
    returns.max ? 'MAX' : '',
    returns.all ? 'ALL' : '',
    returns.count ? 'COUNT' : '',
    returns.save ? 'SAVE' : '',
    returns.partial === null ? '' : `PARTIAL ${returns.partial.first}:${returns.partial.last}`,
  ].filter((option) => option !== '');
  return `RETURN (${options.join(' ')}) `;
}

/** `(REVERSE DATE SUBJECT)`. */
export function parseSortCriteria(cursor: Cursor): readonly SortCriterion[] {
  const criteria: SortCriterion[] = [];
  cursor.list('sort criteria', () => {
    const reverse = cursor.acceptKeyword('REVERSE');
    if (reverse) cursor.space('a sort key');
    const key = SORT_KEYS.get(cursor.keyword('a sort key'));
    if (key === undefined) throw new ProtocolViolation(`${cursor.command}: there is no such sort key`);
    criteria.push({ key, reverse });
    if (criteria.length > SORT_KEYS.size * 2) throw new ProtocolViolation(`${cursor.command}: too many sort keys`);
  });
  return criteria;
}

export const printSortCriteria = (criteria: readonly SortCriterion[]): string =>
  `(${criteria.map(({ key, reverse }) => (reverse ? 'REVERSE ' : '') + key.toUpperCase()).join(' ')})`;

export function parseThreadAlgorithm(cursor: Cursor): ThreadAlgorithm {
  const algorithm = ALGORITHMS.get(cursor.keyword('a threading algorithm'));
  if (algorithm === undefined) {
    throw new ProtocolViolation(`${cursor.command}: algorithms are ${[...ALGORITHMS.keys()].join(', ')}`);
  }
  return algorithm;
}
