/**
 * How cells compare: quantities and numbers by value, `unlimited` above all, text in any case with numbers in it by
 * value (`Database 9` before `Database 10`). The right side of a comparison is read as what the left one is:
 * `$_.TotalItemSize -gt 1GB`.
 */
import { unreachable } from '../../observe/failure.ts';
import type { Cell } from '../../management/cmdlet.ts';
import { byteSize, duration } from '../../directory/settings/value-types.ts';
import { rawText } from './cell-text.ts';
import type { Comparison } from './grammar/predicate.ts';
import { wildcard } from './items.ts';

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'accent' });
const sizes = byteSize({ min: 0, max: Number.MAX_SAFE_INTEGER, unlimited: true });
const spans = duration({ min: 0, max: 2_147_483_647 });

/** Null: not a number of any kind. */
export function numberOf(cell: Cell | undefined): number | null {
  if (typeof cell === 'number') return cell;
  if (typeof cell === 'object' && cell !== null && 'text' in cell) return cell.value ?? Number.POSITIVE_INFINITY;
  return null;
}

function numberMeant(cell: Cell): number | null {
  if (typeof cell !== 'string') return numberOf(cell);
  const text = cell.trim();
  if (/^[+-]?\d+(\.\d+)?$/.test(text)) return Number(text);
  return sizes.parse(text) ?? spans.parse(text) ?? null;
}

const rank = (cell: Cell | undefined): number => {
  if (cell === null || cell === undefined) return 0;
  if (numberOf(cell) !== null) return 1;
  return typeof cell === 'boolean' ? 2 : 3;
};

/** For sorting: nothing first, then numbers, then no and yes, then text. */
export function compareCells(a: Cell | undefined, b: Cell | undefined): number {
  const left = numberOf(a);
  const right = numberOf(b);
  if (left !== null && right !== null) return left === right ? 0 : left - right;
  const ranks = rank(a) - rank(b);
  if (ranks !== 0) return ranks;
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  return collator.compare(rawText(a), rawText(b));
}

const isList = (cell: Cell): cell is readonly Cell[] => Array.isArray(cell);

/** What one comparison of a condition says. @throws SyntaxError when -match has no regular expression */
export function holds(operator: Comparison, left: Cell, right: Cell): boolean {
  switch (operator) {
    case 'notlike':
      return !holds('like', left, right);
    case 'notmatch':
      return !holds('match', left, right);
    case 'notcontains':
      return !holds('contains', left, right);
    case 'notin':
      return !holds('in', left, right);
    case 'ne':
      return !holds('eq', left, right);
    case 'contains':
      return (isList(left) ? left : [left]).some((one) => compareAs(one, right) === 0);
    case 'in':
      return (isList(right) ? right : [right]).some((one) => compareAs(left, one) === 0);
    case 'eq':
    case 'gt':
    case 'ge':
    case 'lt':
    case 'le':
    case 'like':
    case 'match':
      // A list on the left: one of its values is enough.
      if (isList(left)) return left.some((one) => holds(operator, one, right));
      return holdsForOne(operator, left, right);
    default:
      return unreachable(operator);
  }
}

function holdsForOne(operator: 'eq' | 'gt' | 'ge' | 'lt' | 'le' | 'like' | 'match', left: Cell, right: Cell): boolean {
  switch (operator) {
    case 'like':
      return wildcard(rawText(right))(rawText(left));
    case 'match':
      return new RegExp(rawText(right), 'iu').test(rawText(left));
    case 'eq':
      return compareAs(left, right) === 0;
    case 'gt':
      return compareAs(left, right) > 0;
    case 'ge':
      return compareAs(left, right) >= 0;
    case 'lt':
      return compareAs(left, right) < 0;
    case 'le':
      return compareAs(left, right) <= 0;
    default:
      return unreachable(operator);
  }
}

/** NaN, which is in no order with anything, when one of them is nothing and the other is not. */
function compareAs(left: Cell, right: Cell): number {
  if (left === null || right === null) return left === right ? 0 : Number.NaN;
  const number = numberOf(left);
  const meant = number === null ? null : numberMeant(right);
  if (number !== null && meant !== null) return number === meant ? 0 : number - meant;
  return collator.compare(rawText(left), rawText(right));
}
