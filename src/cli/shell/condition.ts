/** Whether an object fulfils the condition of Where-Object. */
import { Failure, unreachable } from '../../observe/failure.ts';
import type { Cell, CmdletObject } from '../../management/cmdlet.ts';
import { holds } from './compare.ts';
import type { Value } from './grammar/ast.ts';
import type { Predicate } from './grammar/predicate.ts';
import { property } from './items.ts';

/** Values of variables other than `$_`, looked up once, before the first object comes. */
export type Lookup = (value: Value) => Cell;

/** @throws Failure CANNOT when -match has no regular expression */
export function fulfils(predicate: Predicate, object: CmdletObject, lookup: Lookup): boolean {
  switch (predicate.kind) {
    case 'and':
      return fulfils(predicate.left, object, lookup) && fulfils(predicate.right, object, lookup);
    case 'or':
      return fulfils(predicate.left, object, lookup) || fulfils(predicate.right, object, lookup);
    case 'not':
      return !fulfils(predicate.of, object, lookup);
    case 'truth':
      return isTrue(operand(predicate.of, object, lookup));
    case 'compare':
      try {
        return holds(
          predicate.operator,
          operand(predicate.left, object, lookup),
          operand(predicate.right, object, lookup),
        );
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        throw new Failure('CANNOT', `-${predicate.operator} needs a regular expression: ${error.message}`, {
          cause: error,
        });
      }
    default:
      return unreachable(predicate);
  }
}

/** The values in a condition that are not properties of the object at hand. */
export function* outerValues(predicate: Predicate): Iterable<Value> {
  switch (predicate.kind) {
    case 'and':
    case 'or':
      yield* outerValues(predicate.left);
      yield* outerValues(predicate.right);
      return;
    case 'not':
      yield* outerValues(predicate.of);
      return;
    case 'truth':
      if (!isAtHand(predicate.of)) yield predicate.of;
      return;
    case 'compare':
      for (const side of [predicate.left, predicate.right]) if (!isAtHand(side)) yield side;
      return;
    default:
      unreachable(predicate);
  }
}

const isAtHand = (value: Value): value is Value & { kind: 'variable' } =>
  value.kind === 'variable' && value.name === '_';

function operand(value: Value, object: CmdletObject, lookup: Lookup): Cell {
  if (!isAtHand(value)) return lookup(value);
  return valueAt(object, value.path);
}

/** `$_.Name`; `$_` alone is the object's identity; `.Count` and `.Length` of a list and `.Value` of a quantity work. */
export function valueAt(object: CmdletObject, path: readonly string[]): Cell {
  const [first, ...rest] = path;
  if (first === undefined) return property(object, 'Identity') ?? property(object, 'Name') ?? null;
  let cell = property(object, first) ?? null;
  for (const name of rest) cell = partOf(cell, name);
  return cell;
}

function partOf(cell: Cell, name: string): Cell {
  const word = name.toLowerCase();
  if (Array.isArray(cell) && (word === 'count' || word === 'length')) return cell.length;
  if (typeof cell === 'string' && word === 'length') return cell.length;
  if (typeof cell === 'object' && cell !== null && 'text' in cell && word === 'value') return cell;
  return null;
}

export function isTrue(cell: Cell): boolean {
  if (Array.isArray(cell)) return cell.length > 0;
  return cell !== null && cell !== false && cell !== 0 && cell !== '';
}
