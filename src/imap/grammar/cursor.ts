/**
 * Reads the tokens of one command (RFC 9051 §9) from the lines and literals it came in: atoms, numbers, strings,
 * lists. Each reader names what it wanted, so that a BAD tells the author of a client what was expected where.
 * Knows no command and no socket; never quotes the client's bytes, which may be a password.
 */
import { Buffer } from 'node:buffer';
import { ProtocolViolation } from '../../observe/failure.ts';
import { IMAP_LIST_DEPTH } from '../../wire/limits.ts';
import { type CommandParts, type Literal } from './ast.ts';
import { ASTRING, ATOM, DIGIT, isClass, LIST, LOOSE_LIST, spanOf } from './char-class.ts';

const SPACE = 0x20;
const QUOTE = 0x22;
const OPEN = 0x28;
const CLOSE = 0x29;
const BACKSLASH = 0x5c;

/** What `peek` says at the end of the command. */
export const END = -1;
/** What `peek` says where a literal stands. */
export const AT_LITERAL = -2;

const isLiteral = (part: Buffer | Literal): part is Literal => !Buffer.isBuffer(part);

export class Cursor {
  readonly #parts: CommandParts;
  #index = 0;
  #line: Buffer;
  #at = 0;
  /** Bytes of the parts before this one: error texts count from the start of the command. */
  #before = 0;
  #depth = 0;
  /** Set when the command is known; begins every error text. */
  command = '';

  constructor(parts: CommandParts) {
    this.#parts = parts;
    const first = parts[0];
    this.#line = first !== undefined && !isLiteral(first) ? first : Buffer.alloc(0);
  }

  /** The next byte without taking it; END or AT_LITERAL. */
  peek(): number {
    const byte = this.#line[this.#at];
    if (byte !== undefined) return byte;
    return this.#index + 1 < this.#parts.length ? AT_LITERAL : END;
  }

  get atEnd(): boolean {
    return this.peek() === END;
  }

  fail(expected: string): ProtocolViolation {
    const where = this.atEnd ? 'at the end of the command' : `at byte ${this.#before + this.#at + 1}`;
    return new ProtocolViolation(`${this.command === '' ? '' : `${this.command}: `}expected ${expected} ${where}`);
  }

  /** Takes `byte` when it comes next. */
  accept(byte: number): boolean {
    if (this.#line[this.#at] !== byte) return false;
    this.#at += 1;
    return true;
  }

  expect(byte: number, what: string): void {
    if (!this.accept(byte)) throw this.fail(what);
  }

  /** One space, and something behind it. */
  space(before: string): void {
    if (!this.accept(SPACE)) throw this.fail(`a space and ${before}`);
  }

  acceptSpace(): boolean {
    return this.accept(SPACE);
  }

  /** End of the command; blanks before it are forgiven (several clients send `NOOP `). */
  end(): void {
    while (this.accept(SPACE));
    if (!this.atEnd) throw this.fail('the end of the command');
  }

  open(what: string): void {
    if (!this.accept(OPEN)) throw this.fail(`"(" and ${what}`);
    this.#depth += 1;
    if (this.#depth > IMAP_LIST_DEPTH) throw this.#tooDeep();
  }

  acceptOpen(): boolean {
    if (this.peek() !== OPEN) return false;
    this.open('');
    return true;
  }

  close(): void {
    if (!this.accept(CLOSE)) throw this.fail('")"');
    this.#depth -= 1;
  }

  acceptClose(): boolean {
    if (this.peek() !== CLOSE) return false;
    this.close();
    return true;
  }

  /** `(item item …)`, at least one. */
  list(what: string, item: () => void): void {
    this.open(what);
    do item();
    while (this.acceptSpace());
    this.close();
  }

  /** The same where the parentheses may be empty. */
  possiblyEmptyList(what: string, item: () => void): void {
    this.open(what);
    if (this.acceptClose()) return;
    do item();
    while (this.acceptSpace());
    this.close();
  }

  /** One level of nesting that has no parentheses (NOT, OR); undo with `leave`. */
  enter(): void {
    this.#depth += 1;
    if (this.#depth > IMAP_LIST_DEPTH) throw this.#tooDeep();
  }

  leave(): void {
    this.#depth -= 1;
  }

  #tooDeep(): ProtocolViolation {
    return new ProtocolViolation(`${this.command}: nested deeper than ${IMAP_LIST_DEPTH} levels`);
  }

  /** One or more bytes of a class as text; null when none comes. */
  span(bits: number): string | null {
    const start = this.#at;
    const end = spanOf(this.#line, start, bits);
    if (end === start) return null;
    this.#at = end;
    return this.#line.toString('latin1', start, end);
  }

  atom(what: string): string {
    const text = this.span(ATOM);
    if (text === null) throw this.fail(what);
    return text;
  }

  /** An atom in capitals: names of the protocol are case-insensitive. */
  keyword(what: string): string {
    return this.atom(what).toUpperCase();
  }

  /** Takes `word` (in capitals) when it stands here as a whole atom. */
  acceptKeyword(word: string): boolean {
    const end = this.#at + word.length;
    const next = this.#line[end];
    if (end > this.#line.length || (next !== undefined && isClass(next, ATOM))) return false;
    if (this.#line.toString('latin1', this.#at, end).toUpperCase() !== word) return false;
    this.#at = end;
    return true;
  }

  /** Takes exactly `text` (capitals, any case on the wire) when it comes next. */
  acceptText(text: string): boolean {
    const end = this.#at + text.length;
    if (this.#line.toString('latin1', this.#at, end).toUpperCase() !== text) return false;
    this.#at = end;
    return true;
  }

  /** 0 … `max`. */
  number(what: string, max: number): number {
    const value = this.#digits(what);
    if (value > max) throw new ProtocolViolation(`${this.command}: ${what} is larger than ${max}`);
    return value;
  }

  /** 1 … 2^32-1: message numbers, UIDs, UIDVALIDITY. */
  nzNumber(what: string): number {
    const value = this.number(what, 0xffffffff);
    if (value === 0) throw new ProtocolViolation(`${this.command}: ${what} cannot be 0`);
    return value;
  }

  /** RFC 7162 §7 allows 63 bits; ours stay below 2^53, so that more than that is as good as 2^53-1. */
  modSeq(what: string): number {
    return Math.min(this.#digits(what), Number.MAX_SAFE_INTEGER);
  }

  #digits(what: string): number {
    const end = spanOf(this.#line, this.#at, DIGIT);
    if (end === this.#at || end - this.#at > 20) throw this.fail(what);
    let value = 0;
    for (let i = this.#at; i < end; i += 1) value = value * 10 + (this.#line[i]! - 0x30);
    this.#at = end;
    return value;
  }

  /** Quoted string or literal. The bytes may share memory with the input: convert or copy before the next read. */
  string(what: string): Buffer {
    if (this.#line[this.#at] === QUOTE) return this.#quoted();
    return this.#literal(what).literal;
  }

  /** RFC 9051 §9 astring, with the unquoted bytes a caller allows. */
  astring(what: string, bits: number = ASTRING): Buffer {
    const next = this.peek();
    if (next === QUOTE || next === AT_LITERAL) return this.string(what);
    const start = this.#at;
    const end = spanOf(this.#line, start, bits);
    if (end === start) throw this.fail(what);
    this.#at = end;
    return this.#line.subarray(start, end);
  }

  /** Folder name: astring, raw UTF-8 forgiven. */
  folderBytes(what: string): Buffer {
    return this.astring(what, LOOSE_LIST);
  }

  /** list-mailbox: an astring that may hold `*` and `%` unquoted. */
  patternBytes(what: string): Buffer {
    return this.astring(what, LIST | LOOSE_LIST);
  }

  /** Text of a search key: astring, raw UTF-8 forgiven. */
  searchText(): Buffer {
    return this.astring('the text to search for', ASTRING | LOOSE_LIST);
  }

  /** String or NIL. */
  nstring(what: string): Buffer | null {
    if (this.acceptKeyword('NIL')) return null;
    return this.string(what);
  }

  /** Everything up to the end of this line. */
  rest(): Buffer {
    const rest = this.#line.subarray(this.#at);
    this.#at = this.#line.length;
    return rest;
  }

  #quoted(): Buffer {
    const line = this.#line;
    const start = this.#at + 1;
    let escapes = 0;
    let end = start;
    for (; ; end += 1) {
      const byte = line[end];
      if (byte === undefined) throw this.fail('the closing quote of the string that begins');
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) {
        escapes += 1;
        end += 1;
      }
    }
    if (line.subarray(start, end).includes(0)) throw this.fail('no NUL in the string that begins');
    this.#at = end + 1;
    if (escapes === 0) return line.subarray(start, end);
    const plain = Buffer.allocUnsafe(end - start - escapes);
    for (let from = start, to = 0; from < end; from += 1, to += 1) {
      // A backslash before any other character is an error by the grammar; the character alone is what was meant.
      if (line[from] === BACKSLASH) from += 1;
      plain[to] = line[from]!;
    }
    return plain;
  }

  #literal(what: string): Literal {
    if (this.peek() !== AT_LITERAL) throw this.fail(what);
    const part = this.#parts[this.#index + 1];
    const next = this.#parts[this.#index + 2];
    if (part === undefined || !isLiteral(part)) throw this.fail(what);
    this.#before += this.#line.length + part.literal.length;
    this.#index += 2;
    this.#line = next !== undefined && !isLiteral(next) ? next : Buffer.alloc(0);
    this.#at = 0;
    if (!part.binary && part.literal.includes(0)) throw this.fail('no NUL in the literal');
    return part;
  }
}
