/** A line of the shell as the words that the system's shell hands over when each is quoted as it should be. */
import type { Argument, Span, Statement } from '../../src/cli/shell/grammar/ast.ts';

export function wordsOfStatement(statement: Statement, source: string): readonly string[] {
  const words: string[] = [];
  for (const stage of statement.pipeline.stages) {
    if (words.length > 0) words.push('|');
    if (stage.kind === 'expression') throw new Error('a one-shot begins with a cmdlet');
    words.push(stage.name, ...stage.arguments.flatMap((one) => wordsOfArgument(one, source)));
  }
  return words;
}

const textOf = (span: Span, source: string): string => source.slice(span.at, span.end);

function wordsOfArgument(argument: Argument, source: string): readonly string[] {
  if (argument.kind === 'parameter') {
    if (argument.attached === null) return [`-${argument.name}`];
    return [`-${argument.name}:${wordsOfArgument(argument.attached, source).join('')}`];
  }
  // Quotes are gone when a program gets its words.
  if (argument.kind === 'text') return [argument.text];
  if (argument.kind === 'list') return [argument.items.flatMap((item) => wordsOfArgument(item, source)).join(',')];
  return [textOf(argument, source)];
}
