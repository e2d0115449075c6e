/**
 * The words that the system's shell leaves of `penfold Set-PopSettings -ExternalConnectionSettings {mail:995:SSL}`.
 * Quotes are gone already, so a word with spaces is one value; `$True` without quotes has been taken away; bash makes
 * `{a,b}` into two words. What a word means beyond that depends on the parameter it is for: see `wordValue`. Pure.
 */
import type { Argument, Command, Pipeline, Value } from './ast.ts';
import { Parser } from './parser.ts';
import { lex } from './lexer.ts';
import { ShellSyntaxError } from './syntax-error.ts';

const PARAMETER = /^[-\u2013\u2014](?:([A-Za-z_][A-Za-z0-9_-]*)(?::([\s\S]*))?|(\?))$/;
const CONSTANTS: ReadonlyMap<string, boolean | null> = new Map([
  ['$true', true],
  ['$false', false],
  ['$null', null],
]);

/**
 * A word that is `|` begins the next stage. Offsets are places in the words joined by one space, which is what errors
 * show.
 * @throws ShellSyntaxError
 */
export function pipelineOfWords(words: readonly string[]): Pipeline {
  const stages: Command[] = [];
  let at = 0;
  let name: { text: string; at: number } | null = null;
  let args: Argument[] = [];
  const finish = (end: number): void => {
    if (name === null) throw new ShellSyntaxError('the name of a cmdlet is expected here', end);
    stages.push({ kind: 'command', name: name.text, arguments: args, at: name.at, end });
    name = null;
    args = [];
  };
  for (const word of words) {
    const end = at + word.length;
    if (word === '|') finish(at);
    else if (name === null) name = { text: word, at };
    else args.push(argument(word, at));
    at = end + 1;
  }
  finish(Math.max(0, at - 1));
  return { stages, at: 0, end: Math.max(0, at - 1) };
}

function argument(word: string, at: number): Argument {
  const end = at + word.length;
  const match = PARAMETER.exec(word);
  if (match === null) return wordValue(word, at);
  const attached = match[2] === undefined ? null : wordValue(match[2], end - match[2].length);
  return { kind: 'parameter', name: match[1] ?? match[3] ?? '', attached, at, end };
}

/** `$true`, `$null`, `{…}`, `@{…}`, `@(…)` and `(…)` as in the shell; everything else is text, whatever is in it. */
export function wordValue(word: string, at: number): Value {
  const end = at + word.length;
  const constant = CONSTANTS.get(word.toLowerCase());
  if (constant !== undefined) return { kind: 'constant', value: constant, at, end };
  if (word.startsWith('{') && word.endsWith('}') && word.length > 1) {
    return { kind: 'block', inner: word.slice(1, -1), innerAt: at + 1, at, end };
  }
  if (/^@[{(]/.test(word) || (word.startsWith('(') && word.endsWith(')'))) {
    const { tokens, trouble } = lex(word);
    if (trouble !== null) throw new ShellSyntaxError(trouble.message, at + trouble.at);
    const parser = new Parser(tokens, word.length);
    const value = parser.value();
    if (parser.peek() === undefined) return { ...value, at, end };
  }
  return { kind: 'text', text: word, at, end };
}
