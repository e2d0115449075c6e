/**
 * Text → tokens. Quotation is PowerShell's: '…' is literal (`''` is one quote), "…" knows backtick escapes, `""` and
 * `$variables`; a backtick at the end of a line continues it, and so does an open bracket. Curly quotation marks and
 * long dashes, which come with text pasted from documents, count as the plain ones. Pure.
 */
import type { Span, VariableReference } from './ast.ts';
import { ShellSyntaxError } from './syntax-error.ts';

/** Characters of one input, a script's line with all its continuations included. */
export const MOST_CHARACTERS = 1 << 20;
/** Brackets within brackets. */
export const DEEPEST_NESTING = 32;

export type TextPart = string | VariableReference;

export type Token = Span &
  (
    | { readonly kind: 'word'; readonly parts: readonly TextPart[] }
    | { readonly kind: 'quoted'; readonly parts: readonly TextPart[] }
    /** `-Name` or `-Name:`. */
    | { readonly kind: 'parameter'; readonly name: string; readonly colon: boolean }
    | ({ readonly kind: 'variable' } & VariableReference)
    | { readonly kind: 'block'; readonly inner: string; readonly innerAt: number }
    | { readonly kind: 'edit'; readonly inner: string; readonly innerAt: number }
    /** `)`, with what stands right behind it: `(…).Name`. */
    | { readonly kind: ')'; readonly path: readonly string[] }
    | { readonly kind: '@(' | '(' | '|' | ';' | ',' | '=' | '!' | 'newline' }
  );

export interface Lexed {
  readonly tokens: readonly Token[];
  /** Why reading stopped before the end; the tokens before are good. */
  readonly trouble: ShellSyntaxError | null;
}

const SINGLE = "'\u2018\u2019\u201a\u201b";
const DOUBLE = '"\u201c\u201d\u201e';
const PARAMETER = /[-\u2013\u2014\u2015](?:([A-Za-z_][A-Za-z0-9_-]*)(:)?|(\?)(?=[\s|;)]|$))/y;
const VARIABLE = /\$([A-Za-z_][A-Za-z0-9_]*)((?:\.[A-Za-z_][A-Za-z0-9_]*)*)/y;
const TEMPLATE_VARIABLE = /\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))/y;
const PATH = /(?:\.[A-Za-z_][A-Za-z0-9_]*)+/y;
/** `<Server Name>`, as it stands in examples. */
const PLACEHOLDER = /<[A-Za-z][A-Za-z ]*>/y;
const CONTINUATION = /`[ \t]*(\r?\n|$)/y;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['0', '\0'],
]);

const isQuote = (character: string): boolean => SINGLE.includes(character) || DOUBLE.includes(character);
const isSpace = (character: string): boolean => /[ \t\v\f\u00a0\ufeff]/.test(character);
const endsWord = (character: string): boolean => isSpace(character) || '\r\n|;,(){}'.includes(character);
const pathOf = (text: string): string[] => (text === '' ? [] : text.slice(1).split('.'));

export function lex(text: string): Lexed {
  const lexer = new Lexer(text);
  try {
    lexer.run();
    return { tokens: lexer.tokens, trouble: null };
  } catch (error) {
    if (!(error instanceof ShellSyntaxError)) throw error;
    return { tokens: lexer.tokens, trouble: error };
  }
}

class Lexer {
  readonly tokens: Token[] = [];
  readonly #text: string;
  /** Offsets of brackets that are open. */
  readonly #open: number[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  run(): void {
    if (this.#text.length > MOST_CHARACTERS) {
      throw new ShellSyntaxError(`a line has at most ${MOST_CHARACTERS} characters`, MOST_CHARACTERS);
    }
    while (this.#at < this.#text.length) this.#next();
    const open = this.#open.at(-1);
    if (open !== undefined) throw new ShellSyntaxError('this bracket is not closed: add )', open, { incomplete: true });
  }

  #next(): void {
    const at = this.#at;
    const character = this.#text.charAt(at);
    const rest = (): string => this.#text.slice(at, at + 2);
    if (isSpace(character) || character === '\r') {
      this.#at += 1;
    } else if (character === '\n') {
      this.#at += 1;
      // Inside brackets the end of a line is only space.
      if (this.#open.length === 0) this.tokens.push({ kind: 'newline', at, end: at + 1 });
    } else if (character === '#') {
      const end = this.#text.indexOf('\n', at);
      this.#at = end === -1 ? this.#text.length : end;
    } else if (character === '`' && this.#skipContinuation()) {
      // Space.
    } else if (rest() === '@{') {
      this.#braces('edit', 2);
    } else if (rest() === '@(') {
      this.#bracket('@(', 2);
    } else if (character === '{') {
      this.#braces('block', 1);
    } else if (character === '(') {
      this.#bracket('(', 1);
    } else if (character === ')') {
      this.#close();
    } else if (character === '|' || character === ';' || character === ',') {
      this.#at += 1;
      this.tokens.push({ kind: character, at, end: this.#at });
    } else if (isQuote(character)) {
      const parts = this.#quotation();
      this.tokens.push({ kind: 'quoted', parts, at, end: this.#at });
      this.#mustEndHere();
    } else if (character === '=' && this.tokens.at(-1)?.kind === 'variable') {
      this.#at += 1;
      this.tokens.push({ kind: '=', at, end: this.#at });
    } else if (character === '!' && /^![\s($]/.test(rest())) {
      this.#at += 1;
      this.tokens.push({ kind: '!', at, end: this.#at });
    } else if (character === '$') {
      this.#variable();
    } else if (this.#match(PARAMETER) !== null) {
      this.#parameter();
    } else {
      this.#word();
    }
  }

  #match(pattern: RegExp, at = this.#at): RegExpExecArray | null {
    pattern.lastIndex = at;
    return pattern.exec(this.#text);
  }

  /** A backtick and the end of a line count as space; one at the very end waits for the next line. */
  #skipContinuation(): boolean {
    const match = this.#match(CONTINUATION);
    if (match === null) return false;
    if (match[1] === '' && this.#at + match[0].length === this.#text.length) {
      throw new ShellSyntaxError('the line goes on after `', this.#at, { incomplete: true });
    }
    if (match[1] === '') return false;
    this.#at += match[0].length;
    return true;
  }

  #bracket(kind: '(' | '@(', length: number): void {
    const at = this.#at;
    if (this.#open.length >= DEEPEST_NESTING) {
      throw new ShellSyntaxError(`at most ${DEEPEST_NESTING} brackets within brackets`, at);
    }
    this.#open.push(at);
    this.#at += length;
    this.tokens.push({ kind, at, end: this.#at });
  }

  #close(): void {
    const at = this.#at;
    if (this.#open.pop() === undefined) {
      throw new ShellSyntaxError('this ) closes nothing: take it away, or put the text in quotes', at);
    }
    this.#at += 1;
    const path = this.#match(PATH)?.[0] ?? '';
    this.#at += path.length;
    this.tokens.push({ kind: ')', path: pathOf(path), at, end: this.#at });
    if (this.#text.charAt(this.#at) === '[') this.#noIndexes();
  }

  #variable(): void {
    const at = this.#at;
    const match = this.#match(VARIABLE);
    if (match === null) {
      const hint =
        this.#text.charAt(at + 1) === '('
          ? '$(…) is not there: use (…)'
          : 'a variable is $ and a name, such as $mailbox; text with a $ needs single quotes';
      throw new ShellSyntaxError(hint, at);
    }
    this.#at += match[0].length;
    const next = this.#text.charAt(this.#at);
    if (next === '[') this.#noIndexes();
    if (next === '(') throw new ShellSyntaxError('methods are not there: a property has no brackets', this.#at);
    if (next === ':') throw new ShellSyntaxError('$env: and other drives are not there', at);
    this.tokens.push({ kind: 'variable', name: match[1] ?? '', path: pathOf(match[2] ?? ''), at, end: this.#at });
    if (next !== '=') this.#mustEndHere();
  }

  #noIndexes(): never {
    throw new ShellSyntaxError('indexes are not there: use | Select-Object -First 1 or -Last 1', this.#at);
  }

  #mustEndHere(): void {
    const next = this.#text.charAt(this.#at);
    if (next === '' || endsWord(next) || this.#text.startsWith('`', this.#at)) return;
    throw new ShellSyntaxError('a space is missing here', this.#at);
  }

  #parameter(): void {
    const at = this.#at;
    const match = this.#match(PARAMETER);
    const name = match?.[1] ?? match?.[3] ?? '';
    const next = this.#text.charAt(at + (match?.[0].length ?? 0));
    const colon = match?.[2] === ':';
    // `-5` never comes here; `-a.b` and `-a@b` are words.
    if (!colon && next !== '' && !endsWord(next) && next !== '`') {
      this.#word();
      return;
    }
    this.#at += match?.[0].length ?? 1;
    this.tokens.push({ kind: 'parameter', name, colon, at, end: this.#at });
  }

  #word(): void {
    const at = this.#at;
    const first = this.#text.charAt(at);
    const placeholder = first === '<' ? this.#match(PLACEHOLDER)?.[0] : undefined;
    if (placeholder !== undefined) {
      this.#at += placeholder.length;
      this.tokens.push({ kind: 'word', parts: [placeholder], at, end: this.#at });
      this.#mustEndHere();
      return;
    }
    if (first === '>' || first === '<' || first === '&') throw new ShellSyntaxError(strayHint(first), at);
    if (first === '}') throw new ShellSyntaxError('this } closes nothing: take it away, or put the text in quotes', at);
    const parts: TextPart[] = [];
    let plain = '';
    while (this.#at < this.#text.length) {
      const character = this.#text.charAt(this.#at);
      if (endsWord(character)) break;
      if (isQuote(character)) {
        for (const part of this.#quotation()) {
          if (typeof part === 'string') plain += part;
          else {
            if (plain !== '') parts.push(plain);
            plain = '';
            parts.push(part);
          }
        }
        continue;
      }
      if (character === '`') {
        if (this.#match(CONTINUATION) !== null) break;
        this.#at += 1;
        plain += escaped(this.#text.charAt(this.#at));
        this.#at += 1;
        continue;
      }
      plain += character;
      this.#at += 1;
    }
    if (plain !== '' || parts.length === 0) parts.push(plain);
    this.tokens.push({ kind: 'word', parts, at, end: this.#at });
  }

  /** From the opening mark to behind the closing one. */
  #quotation(): TextPart[] {
    const start = this.#at;
    const single = SINGLE.includes(this.#text.charAt(start));
    const marks = single ? SINGLE : DOUBLE;
    const parts: TextPart[] = [];
    let plain = '';
    this.#at += 1;
    for (;;) {
      const character = this.#text.charAt(this.#at);
      if (character === '') {
        this.#at = start;
        throw new ShellSyntaxError(`the quotation that begins here does not end: add ${single ? "'" : '"'}`, start, {
          incomplete: true,
        });
      }
      this.#at += 1;
      if (marks.includes(character)) {
        if (!marks.includes(this.#text.charAt(this.#at)) || this.#text.charAt(this.#at) === '') break;
        plain += this.#text.charAt(this.#at);
        this.#at += 1;
      } else if (!single && character === '`') {
        plain += escaped(this.#text.charAt(this.#at));
        this.#at += 1;
      } else if (!single && character === '$') {
        const match = this.#match(TEMPLATE_VARIABLE, this.#at - 1);
        const name = match?.[1] ?? match?.[2];
        // `-Filter "ImapEnabled -eq $false"` is a condition, and stays one.
        if (match === null || name === undefined || /^(true|false|null)$/i.test(name)) {
          plain += character;
          continue;
        }
        if (plain !== '') parts.push(plain);
        plain = '';
        parts.push({ name, path: [] });
        this.#at += match[0].length - 1;
      } else {
        plain += character;
      }
    }
    if (plain !== '' || parts.length === 0) parts.push(plain);
    return parts;
  }

  /** `{…}` and `@{…}`: the inside is read by whoever knows what it is to mean. */
  #braces(kind: 'block' | 'edit', length: number): void {
    const at = this.#at;
    this.#at += length;
    const innerAt = this.#at;
    let depth = 1;
    while (depth > 0) {
      const character = this.#text.charAt(this.#at);
      if (character === '') {
        this.#at = at;
        throw new ShellSyntaxError('this brace is not closed: add }', at, { incomplete: true });
      }
      if (isQuote(character)) {
        this.#quotation();
        continue;
      }
      this.#at += character === '`' ? 2 : 1;
      if (character === '{') depth += 1;
      if (character === '}') depth -= 1;
      if (depth > DEEPEST_NESTING) throw new ShellSyntaxError(`at most ${DEEPEST_NESTING} braces within braces`, at);
    }
    this.tokens.push({ kind, inner: this.#text.slice(innerAt, this.#at - 1), innerAt, at, end: this.#at });
    if (this.#text.charAt(this.#at) !== '.') this.#mustEndHere();
  }
}

function escaped(character: string): string {
  return ESCAPES.get(character) ?? character;
}

function strayHint(character: string): string {
  switch (character) {
    case '>':
      return 'redirections are not there: use | Out-File -Path FILE';
    case '<':
      return 'text with < needs quotes, such as "<a>"';
    default:
      return '& is not there: type the name of the cmdlet alone';
  }
}
