/**
 * `-Filter "PopEnabled -eq $false -and Name -like 'a*'"`: the conditions of Exchange's OPATH that recipient cmdlets
 * take (exchange-behaviour.md §2), on the objects a cmdlet makes. -and binds tighter than -or. Pure.
 */
import { nearestName } from '../../config/nearest-name.ts';
import { byteSize } from '../../directory/settings/value-types.ts';
import { type ValueType, text } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type { Cell, CmdletObject, Parameter } from '../cmdlet.ts';

export type Filter = (object: CmdletObject) => boolean;

const FILTER_LENGTH = 4096;
/** Brackets and -not within each other. */
const FILTER_DEPTH = 50;

type Literal = string | number | boolean | null;
type Token =
  | { readonly kind: '(' | ')' }
  /** `-eq`, without the dash, in lower case. */
  | { readonly kind: 'operator'; readonly word: string }
  | { readonly kind: 'word' | 'quoted'; readonly word: string };

const COMPARISONS = ['eq', 'ne', 'gt', 'ge', 'lt', 'le', 'like', 'notlike'] as const;
type Comparison = (typeof COMPARISONS)[number];
const isComparison = (word: string): word is Comparison => COMPARISONS.some((one) => one === word);

const bad = (why: string): Failure =>
  new Failure('CANNOT', `-Filter: ${why}. It looks like: PopEnabled -eq $false -and Name -like 'a*'`);

const WORD = /\s*(?:([()])|'((?:[^']|'')*)'|"((?:[^"]|"")*)"|-([a-z]+)(?![\w.-])|([^\s()'"]+))/iy;

/** @throws Failure CANNOT */
function tokens(typed: string): readonly Token[] {
  const found: Token[] = [];
  WORD.lastIndex = 0;
  while (WORD.lastIndex < typed.trimEnd().length) {
    const at = WORD.lastIndex;
    const match = WORD.exec(typed);
    if (match === null) throw bad(`a quotation mark is not closed at "${typed.slice(at, at + 20).trim()}"`);
    const [, bracket, single, double, operator, word] = match;
    if (bracket === '(' || bracket === ')') found.push({ kind: bracket });
    else if (single !== undefined) found.push({ kind: 'quoted', word: single.replaceAll("''", "'") });
    else if (double !== undefined) found.push({ kind: 'quoted', word: double.replaceAll('""', '"') });
    else if (operator !== undefined) found.push({ kind: 'operator', word: operator.toLowerCase() });
    else found.push({ kind: 'word', word: word ?? '' });
  }
  return found;
}

/** @throws Failure CANNOT naming what is expected */
export function parseFilter(typed: string): Filter {
  const all = tokens(typed);
  let at = 0;
  const peek = (): Token | undefined => all[at];
  const isOperator = (word: string): boolean => {
    const token = peek();
    return token?.kind === 'operator' && token.word === word;
  };

  const either = (depth: number): Filter => {
    const parts = [both(depth)];
    while (isOperator('or')) {
      at += 1;
      parts.push(both(depth));
    }
    return (object) => parts.some((part) => part(object));
  };
  const both = (depth: number): Filter => {
    const parts = [one(depth)];
    while (isOperator('and')) {
      at += 1;
      parts.push(one(depth));
    }
    return (object) => parts.every((part) => part(object));
  };
  const one = (depth: number): Filter => {
    if (depth > FILTER_DEPTH) throw bad('brackets go too deep');
    const token = peek();
    at += 1;
    if (token?.kind === 'operator' && token.word === 'not') {
      const inner = one(depth + 1);
      return (object) => !inner(object);
    }
    if (token?.kind === '(') {
      const inner = either(depth + 1);
      if (peek()?.kind !== ')') throw bad('a bracket is not closed');
      at += 1;
      return inner;
    }
    if (token?.kind !== 'word') throw bad('the name of a property is expected');
    return comparison(token.word.replace(/^\$_\./, ''));
  };
  const comparison = (property: string): Filter => {
    const operator = peek();
    if (operator?.kind !== 'operator' || !isComparison(operator.word))
      throw bad(`after ${property} one of ${COMPARISONS.map((word) => `-${word}`).join(' ')} is expected`);
    at += 1;
    const value = peek();
    if (value?.kind !== 'word' && value?.kind !== 'quoted') throw bad(`after -${operator.word} a value is expected`);
    at += 1;
    const literal = value.kind === 'quoted' ? value.word : literalOf(value.word);
    const { word } = operator;
    return (object) => holds(cellOf(object, property), word, literal);
  };

  const filter = either(0);
  if (at < all.length) throw bad('-and or -or is expected between two conditions');
  return filter;
}

function literalOf(word: string): Literal {
  switch (word.toLowerCase()) {
    case '$true':
    case 'true':
      return true;
    case '$false':
    case 'false':
      return false;
    case '$null':
      return null;
    default:
      return /^-?\d+(\.\d+)?$/.test(word) ? Number(word) : word;
  }
}

/** @throws Failure CANNOT with the nearest name */
function cellOf(object: CmdletObject, property: string): Cell {
  const key = Object.keys(object).find((name) => name.toLowerCase() === property.toLowerCase());
  if (key !== undefined) return object[key] ?? null;
  const nearest = nearestName(property, Object.keys(object));
  throw bad(`there is no property ${property}${nearest === null ? '' : `; did you mean ${nearest}?`}`);
}

const anySize = byteSize({ min: 0, max: Number.MAX_SAFE_INTEGER, unlimited: true });

function holds(cell: Cell, operator: Comparison, literal: Literal): boolean {
  if (operator === 'ne') return !holds(cell, 'eq', literal);
  if (operator === 'notlike') return !holds(cell, 'like', literal);
  if (cell !== null && typeof cell === 'object' && !('text' in cell)) {
    // A list is equal to each of its items, and $null when it is empty.
    return literal === null ? cell.length === 0 : cell.some((one) => holds(one, operator, literal));
  }
  if (literal === null || cell === null) return operator === 'eq' && literal === null && (cell === null || cell === '');
  if (operator === 'like') return like(String(literal))(textOf(cell));
  const order = compare(cell, literal);
  switch (operator) {
    case 'eq':
      return order === 0;
    case 'gt':
      return order > 0;
    case 'ge':
      return order >= 0;
    case 'lt':
      return order < 0;
    case 'le':
      return order <= 0;
  }
}

type Single = Exclude<Cell, readonly Cell[] | null>;
const textOf = (cell: Single): string => (typeof cell === 'object' ? cell.text : String(cell));

/** As numbers where both are, sizes and `Unlimited` included; as text without case otherwise. */
function compare(cell: Single, literal: Exclude<Literal, null>): number {
  const number = typeof cell === 'object' ? (cell.value ?? Infinity) : typeof cell === 'number' ? cell : null;
  if (number !== null) {
    const wanted = typeof literal === 'number' ? literal : anySize.parse(String(literal));
    if (wanted !== undefined) return number === wanted ? 0 : number - wanted;
  }
  const [a, b] = [textOf(cell).toLowerCase(), String(literal).toLowerCase()];
  return a === b ? 0 : a < b ? -1 : 1;
}

/** `*` stands for any characters; case does not matter. */
export function like(pattern: string): (text: string) => boolean {
  const parts = pattern.toLowerCase().split('*');
  const [first = '', last = ''] = [parts[0], parts.at(-1)];
  if (parts.length === 1) return (text) => text.toLowerCase() === first;
  return (text) => {
    const word = text.toLowerCase();
    if (word.length < first.length + last.length || !word.startsWith(first) || !word.endsWith(last)) return false;
    let at = first.length;
    for (const part of parts.slice(1, -1)) {
      const next = word.indexOf(part, at);
      if (next < 0) return false;
      at = next + part.length;
    }
    return at <= word.length - last.length;
  };
}

const filterType: ValueType<string> = {
  ...text({ min: 1, max: FILTER_LENGTH, accepts: "a condition such as PopEnabled -eq $false -and Name -like 'a*'" }),
  kind: 'Filter',
};

export const filterParameter: Parameter<string> = {
  name: 'Filter',
  type: filterType,
  help: "Only objects for which the condition holds: properties with -eq -ne -gt -ge -lt -le -like -notlike, joined by -and -or -not and brackets. $true, $false, $null, 'text', sizes such as 10MB.",
};
