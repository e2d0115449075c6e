/** Tokens → statements. Knows the language, no cmdlet. Pure. */
import type { Argument, Command, Pipeline, Span, Stage, Statement, Value } from './ast.ts';
import { lex, type TextPart, type Token } from './lexer.ts';
import { ShellSyntaxError } from './syntax-error.ts';

const CONSTANTS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** `?` and `%` are aliases in PowerShell. */
const NAME = /^[A-Za-z?%][A-Za-z0-9_.-]*$/;
const VERB_NOUN = /^[a-z]+-[a-z][a-z0-9]*$/i;

/** @throws ShellSyntaxError */
export function parse(text: string): readonly Statement[] {
  const { tokens, trouble } = lex(text);
  if (trouble !== null) throw trouble;
  return new Parser(tokens, text.length).program();
}

/** True: what is there so far is no mistake, and does not end here. */
export function isIncomplete(text: string): boolean {
  try {
    parse(text);
    return false;
  } catch (error) {
    return error instanceof ShellSyntaxError && error.incomplete;
  }
}

/** The words of `{…}`: separated by commas or space, quotes allowed. @throws ShellSyntaxError */
export function blockWords(block: { readonly inner: string; readonly innerAt: number }): readonly string[] {
  const { tokens, trouble } = lex(block.inner);
  if (trouble !== null) {
    // `{<FQDN>:995:SSL}`: what a command line could not hold is an ordinary word here.
    if (!/['"`(){}]/.test(block.inner)) return block.inner.split(/[\s,;]+/).filter((word) => word !== '');
    throw new ShellSyntaxError(trouble.message, block.innerAt + trouble.at);
  }
  const words: string[] = [];
  for (const token of tokens) {
    switch (token.kind) {
      case 'word':
      case 'quoted':
        words.push(token.parts.map((part) => (typeof part === 'string' ? part : `$${part.name}`)).join(''));
        break;
      case ',':
      case ';':
      case 'newline':
        break;
      case 'variable':
      case 'parameter':
      case '=':
      case '!':
        words.push(block.inner.slice(token.at, token.end));
        break;
      default:
        throw new ShellSyntaxError('inside {…} stand words, separated by commas', block.innerAt + token.at);
    }
  }
  return words;
}

export class Parser {
  readonly #tokens: readonly Token[];
  readonly #end: number;
  #next = 0;

  /** `end`: where the text ends. */
  constructor(tokens: readonly Token[], end: number) {
    this.#tokens = tokens;
    this.#end = end;
  }

  program(): readonly Statement[] {
    const statements: Statement[] = [];
    for (;;) {
      while (this.#takeIf('newline', ';') !== null) {}
      if (this.peek() === undefined) return statements;
      statements.push(this.#statement());
      const after = this.peek();
      if (after !== undefined && after.kind !== 'newline' && after.kind !== ';') {
        throw new ShellSyntaxError('; or the end of the line is expected here', after.at);
      }
    }
  }

  peek(offset = 0): Token | undefined {
    return this.#tokens[this.#next + offset];
  }

  take(): Token | undefined {
    this.#next += 1;
    return this.#tokens[this.#next - 1];
  }

  #takeIf(...kinds: ReadonlyArray<Token['kind']>): Token | null {
    const token = this.peek();
    if (token === undefined || !kinds.includes(token.kind)) return null;
    this.#next += 1;
    return token;
  }

  #statement(): Statement {
    const first = this.peek();
    const at = first?.at ?? this.#end;
    let assignTo: string | null = null;
    if (first?.kind === 'variable' && this.peek(1)?.kind === '=') {
      if (first.path.length > 0) throw new ShellSyntaxError('a property cannot be assigned: use the Set- cmdlet', at);
      if (first.name === '_' || CONSTANTS.has(first.name.toLowerCase())) {
        throw new ShellSyntaxError(`$${first.name} cannot be assigned: choose another name`, at);
      }
      assignTo = first.name;
      this.#next += 2;
      if (this.peek() === undefined) {
        throw new ShellSyntaxError('a value or a cmdlet is expected here', this.#end, { incomplete: true });
      }
    }
    const pipeline = this.#pipeline(assignTo !== null);
    return { assignTo, pipeline, at, end: pipeline.end };
  }

  #pipeline(assigned: boolean): Pipeline {
    const stages: Stage[] = [this.#stage(true, assigned)];
    while (this.#takeIf('|') !== null) {
      while (this.#takeIf('newline') !== null) {}
      stages.push(this.#stage(false, false));
    }
    return { stages, at: stages[0]?.at ?? this.#end, end: stages.at(-1)?.end ?? this.#end };
  }

  #stage(first: boolean, assigned: boolean): Stage {
    const token = this.peek();
    if (token === undefined) {
      throw new ShellSyntaxError('the name of a cmdlet is expected here', this.#end, { incomplete: true });
    }
    // `$x = 5` and `$x = a,b` are values; `$x = Get-Mailbox` is a command.
    const isValue =
      token.kind === 'word' && assigned && (/^[\d.]/.test(textOf(token.parts)) || this.peek(1)?.kind === ',');
    if (token.kind === 'word' && !isValue) return this.#command(token);
    if (!isValue && !['quoted', 'variable', '(', '@('].includes(token.kind)) {
      throw new ShellSyntaxError('the name of a cmdlet is expected here; Tab shows them', token.at);
    }
    if (!first) {
      throw new ShellSyntaxError('a cmdlet is expected after |, such as Format-List or Where-Object', token.at);
    }
    const value = this.value();
    const after = this.peek();
    if (after !== undefined && !['|', ';', 'newline', ')'].includes(after.kind)) {
      throw new ShellSyntaxError('| or the end of the line is expected after a value', after.at);
    }
    return { kind: 'expression', value, at: value.at, end: value.end };
  }

  #command(token: Token & { readonly kind: 'word' }): Command {
    this.#next += 1;
    const name = textOf(token.parts);
    if (!NAME.test(name)) throw new ShellSyntaxError('the name of a cmdlet is expected here; Tab shows them', token.at);
    const args: Argument[] = [];
    let end = token.end;
    for (;;) {
      const next = this.peek();
      if (next === undefined || ['|', ';', 'newline', ')'].includes(next.kind)) break;
      const argument = this.#argument();
      args.push(argument);
      end = argument.end;
    }
    return { kind: 'command', name, arguments: args, at: token.at, end };
  }

  #argument(): Argument {
    const token = this.peek();
    if (token?.kind !== 'parameter') return this.value();
    this.#next += 1;
    if (!token.colon) return { kind: 'parameter', name: token.name, attached: null, at: token.at, end: token.end };
    const attached = this.value();
    return { kind: 'parameter', name: token.name, attached, at: token.at, end: attached.end };
  }

  /** One value, or a list with commas. */
  value(): Value {
    const first = this.#primary();
    if (this.peek()?.kind !== ',') return first;
    const items: Value[] = itemsOf(first);
    let end = first.end;
    while (this.#takeIf(',') !== null) {
      while (this.#takeIf('newline') !== null) {}
      const item = this.#primary();
      items.push(...itemsOf(item));
      end = item.end;
    }
    return { kind: 'list', items, at: first.at, end };
  }

  #primary(): Value {
    const token = this.take();
    if (token === undefined) throw new ShellSyntaxError('a value is expected here', this.#end, { incomplete: true });
    const { at, end } = token;
    switch (token.kind) {
      case 'word':
      case 'quoted':
        return textValue(token.parts, token);
      case 'variable': {
        const constant = token.path.length > 0 ? undefined : CONSTANTS.get(token.name.toLowerCase());
        if (constant !== undefined) return { kind: 'constant', value: constant, at, end };
        return { kind: 'variable', name: token.name, path: token.path, at, end };
      }
      case 'block':
        return { kind: 'block', inner: token.inner, innerAt: token.innerAt, at, end };
      case 'edit':
        return { kind: 'edit', entries: editEntries(token), at, end };
      case '@(':
        return this.#list(at);
      case '(': {
        const pipeline = this.#pipeline(true);
        const close = this.take();
        if (close?.kind !== ')') throw new ShellSyntaxError(') is expected here', close?.at ?? this.#end);
        return { kind: 'group', pipeline, path: close.path, at, end: close.end };
      }
      case 'parameter':
        throw new ShellSyntaxError(`a value is expected here; text that begins with a dash needs quotes`, at);
      default:
        throw new ShellSyntaxError('a value is expected here', at);
    }
  }

  #list(at: number): Value {
    const items: Value[] = [];
    for (;;) {
      while (this.#takeIf(';', 'newline') !== null) {}
      const close = this.peek();
      if (close?.kind === ')') {
        this.#next += 1;
        return { kind: 'list', items, at, end: close.end };
      }
      if (close?.kind === 'word' && VERB_NOUN.test(textOf(close.parts)) && this.peek(1)?.kind !== ',') {
        // `@(Get-Mailbox)`: what the pipeline leaves is the list.
        const pipeline = this.#pipeline(false);
        items.push({ kind: 'group', pipeline, path: [], at: pipeline.at, end: pipeline.end });
        continue;
      }
      items.push(...itemsOf(this.value()));
    }
  }
}

/** Lists inside lists are flattened. */
function itemsOf(value: Value): Value[] {
  return value.kind === 'list' ? [...value.items] : [value];
}

const textOf = (parts: readonly TextPart[]): string =>
  parts.map((part) => (typeof part === 'string' ? part : `$${part.name}`)).join('');

export function textValue(parts: readonly TextPart[], { at, end }: Span): Value {
  const only = parts[0];
  if (parts.length === 1 && typeof only === 'string') return { kind: 'text', text: only, at, end };
  return { kind: 'template', parts, at, end };
}

const KEY = /^\s*(?:'([^']*)'|"([^"]*)"|([A-Za-z_*][A-Za-z0-9_]*))\s*=/;

/** `Add=a,b; Remove=c`: entries separated by `;` or the end of a line. */
function editEntries(token: {
  readonly inner: string;
  readonly innerAt: number;
}): Array<{ key: string; value: Value }> {
  const entries: Array<{ key: string; value: Value }> = [];
  let at = 0;
  for (;;) {
    at += /^[\s;]*/.exec(token.inner.slice(at))?.[0].length ?? 0;
    if (at >= token.inner.length) return entries;
    const match = KEY.exec(token.inner.slice(at));
    if (match === null) {
      throw new ShellSyntaxError('a name and = are expected here, such as @{Add=a,b; Remove=c}', token.innerAt + at);
    }
    const key = match[1] ?? match[2] ?? match[3] ?? '';
    at += match[0].length;
    const value = valueIn(token.inner.slice(at), token.innerAt + at);
    at = value.end - token.innerAt;
    entries.push({ key, value });
  }
}

/** The value at the beginning of the text, which stands at offset `base` of a larger one. */
function valueIn(text: string, base: number): Value {
  try {
    const { tokens, trouble } = lex(text);
    const parser = new Parser(tokens, text.length);
    let value: Value;
    try {
      value = parser.value();
    } catch (error) {
      throw trouble ?? error;
    }
    const after = parser.peek();
    // What comes behind `;` is the next entry, read on its own.
    if (after === undefined && trouble !== null) throw trouble;
    if (after !== undefined && after.kind !== 'newline' && after.kind !== ';') {
      throw new ShellSyntaxError('; or } is expected here', after.at);
    }
    return moved(value, base);
  } catch (error) {
    if (!(error instanceof ShellSyntaxError)) throw error;
    throw new ShellSyntaxError(error.message, base + error.at);
  }
}

function moved(value: Value, by: number): Value {
  const place = { at: value.at + by, end: value.end + by };
  switch (value.kind) {
    case 'list':
      return { ...value, ...place, items: value.items.map((item) => moved(item, by)) };
    case 'edit':
      return {
        ...value,
        ...place,
        entries: value.entries.map(({ key, value: inner }) => ({ key, value: moved(inner, by) })),
      };
    case 'block':
      return { ...value, ...place, innerAt: value.innerAt + by };
    default:
      return { ...value, ...place };
  }
}
