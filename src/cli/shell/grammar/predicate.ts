/**
 * The condition of Where-Object: `{ $_.Name -like "a*" -and -not $_.Enabled }`, or without braces `Name -like a*`.
 * -and and -or have the same rank and are read from the left, as in PowerShell and unlike most languages. Pure.
 */
import type { Argument, Value } from './ast.ts';
import { lex, type Token } from './lexer.ts';
import { Parser } from './parser.ts';
import { ShellSyntaxError } from './syntax-error.ts';

export const COMPARISONS = [
  'eq',
  'ne',
  'gt',
  'ge',
  'lt',
  'le',
  'like',
  'notlike',
  'match',
  'notmatch',
  'contains',
  'notcontains',
  'in',
  'notin',
] as const;
export type Comparison = (typeof COMPARISONS)[number];

export type Predicate =
  | { readonly kind: 'and' | 'or'; readonly left: Predicate; readonly right: Predicate }
  | { readonly kind: 'not'; readonly of: Predicate }
  | { readonly kind: 'compare'; readonly operator: Comparison; readonly left: Value; readonly right: Value }
  /** True when the value is neither false, nor null, nor 0, nor empty. */
  | { readonly kind: 'truth'; readonly of: Value };

const DEEPEST = 64;
const OPERATORS = COMPARISONS.map((name) => `-${name}`).join(' ');

/** @throws ShellSyntaxError with offsets of the whole line */
export function parsePredicate(block: { readonly inner: string; readonly innerAt: number }): Predicate {
  const { tokens, trouble } = lex(block.inner);
  try {
    if (trouble !== null) throw trouble;
    return new PredicateParser(tokens, block.inner.length).whole();
  } catch (error) {
    if (!(error instanceof ShellSyntaxError)) throw error;
    throw new ShellSyntaxError(error.message, block.innerAt + error.at);
  }
}

/** `Name -eq x`, `Enabled`, `-not Enabled`. @throws ShellSyntaxError */
export function simplePredicate(args: readonly Argument[], at: number): Predicate {
  const [first, ...rest] = args;
  if (first?.kind === 'parameter') {
    if (first.name.toLowerCase() !== 'not') throw unknownOperator(first.name, first.at);
    return { kind: 'not', of: simplePredicate(rest, first.end) };
  }
  if (first === undefined) {
    throw new ShellSyntaxError('a condition is expected: Where-Object { $_.Name -like "a*" } or Name -like a*', at);
  }
  const left = propertyOf(first);
  const [operator, right, more] = rest;
  if (operator === undefined) return { kind: 'truth', of: left };
  if (operator.kind !== 'parameter') throw new ShellSyntaxError(`one of ${OPERATORS} is expected here`, operator.at);
  const value = operator.attached ?? right;
  if (value === undefined || value.kind === 'parameter') {
    throw new ShellSyntaxError('a value to compare with is expected here', value?.at ?? operator.end);
  }
  const extra = operator.attached === null ? more : right;
  if (extra !== undefined) {
    throw new ShellSyntaxError('for more than one condition use braces: { $_.Name -eq "a" -and … }', extra.at);
  }
  return { kind: 'compare', operator: comparison(operator.name, operator.at), left, right: value };
}

function propertyOf(value: Value): Value {
  if (value.kind === 'text' && value.text !== '') {
    return { kind: 'variable', name: '_', path: value.text.split('.'), at: value.at, end: value.end };
  }
  if (value.kind === 'variable') return value;
  throw new ShellSyntaxError('the name of a property is expected here', value.at);
}

function comparison(name: string, at: number): Comparison {
  // `-ieq` says what is true anyhow: case does not matter.
  const word = name.toLowerCase();
  const found = COMPARISONS.find((one) => one === word || `i${one}` === word);
  if (found === undefined) throw unknownOperator(name, at);
  return found;
}

const unknownOperator = (name: string, at: number): ShellSyntaxError =>
  new ShellSyntaxError(`there is no operator -${name}; there are ${OPERATORS}, -and -or -not`, at);

class PredicateParser {
  readonly #parser: Parser;
  readonly #end: number;
  #depth = 0;

  constructor(tokens: readonly Token[], end: number) {
    this.#parser = new Parser(
      tokens.filter((token) => token.kind !== 'newline'),
      end,
    );
    this.#end = end;
  }

  whole(): Predicate {
    if (this.#parser.peek() === undefined) {
      throw new ShellSyntaxError('a condition is expected in the braces, such as { $_.Name -like "a*" }', this.#end);
    }
    const predicate = this.#joined();
    const after = this.#parser.peek();
    if (after !== undefined) throw this.#unexpected(after);
    return predicate;
  }

  #unexpected(token: Token): ShellSyntaxError {
    if (token.kind === 'parameter') return unknownOperator(token.name, token.at);
    if (token.kind === '=') return new ShellSyntaxError('= compares nothing here: use -eq', token.at);
    return new ShellSyntaxError(`one of ${OPERATORS} -and -or is expected here`, token.at);
  }

  #takeWord(name: string): boolean {
    const token = this.#parser.peek();
    if (token?.kind !== 'parameter' || token.name.toLowerCase() !== name) return false;
    this.#parser.take();
    return true;
  }

  #joined(): Predicate {
    let left = this.#not();
    for (;;) {
      if (this.#takeWord('and')) left = { kind: 'and', left, right: this.#not() };
      else if (this.#takeWord('or')) left = { kind: 'or', left, right: this.#not() };
      else return left;
    }
  }

  #not(): Predicate {
    this.#depth += 1;
    try {
      if (this.#depth > DEEPEST) throw new ShellSyntaxError('the condition is nested too deeply', this.#end);
      const token = this.#parser.peek();
      if (token?.kind === '!' || (token?.kind === 'parameter' && token.name.toLowerCase() === 'not')) {
        this.#parser.take();
        return { kind: 'not', of: this.#not() };
      }
      if (token?.kind !== '(') return this.#comparison();
      this.#parser.take();
      const inner = this.#joined();
      const close = this.#parser.take();
      if (close?.kind !== ')') throw new ShellSyntaxError(') is expected here', close?.at ?? this.#end);
      return inner;
    } finally {
      this.#depth -= 1;
    }
  }

  #comparison(): Predicate {
    const left = this.#parser.value();
    const token = this.#parser.peek();
    if (token?.kind !== 'parameter' || ['and', 'or'].includes(token.name.toLowerCase())) {
      return { kind: 'truth', of: left };
    }
    const operator = comparison(token.name, token.at);
    this.#parser.take();
    return { kind: 'compare', operator, left, right: this.#parser.value() };
  }
}
