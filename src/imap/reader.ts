/**
 * Collects one IMAP command after the other from a connection: lines, argument literals with their limits, the
 * announcement of an APPEND's message (RFC 9051 §2.2.1, §4.3, RFC 7888). Used by the front end before logon and by
 * the back end session after it; each makes its own, the connection keeps what was pipelined.
 *
 * Knows bytes and the grammar; no session state, no mailbox. A message literal is never held here: the session streams
 * it with `message` and goes on with `finishAppend`.
 */
import type { Buffer } from 'node:buffer';
import { Failure, ProtocolViolation } from '../observe/failure.ts';
import { type Connection, withoutLineEnd } from '../wire/connection.ts';
import {
  IMAP_ARGUMENT_LITERAL_BYTES,
  IMAP_AUTH_LINE_BYTES,
  IMAP_COMMAND_LITERALS,
  IMAP_COMMAND_LITERALS_BYTES,
  IMAP_LITERAL_BEFORE_LOGON_BYTES,
  IMAP_SKIPPED_LITERAL_BYTES,
  IMAP_SKIPPED_MESSAGE_BYTES,
} from '../wire/limits.ts';
import { Turn } from '../wire/turn.ts';
import { messageLiteralExpected, parseBehindMessage } from './grammar/append-prefix.ts';
import type { AppendPrefix, Command, Literal, Refused } from './grammar/ast.ts';
import { decodeBase64 } from './grammar/base64.ts';
import { type Announced, literalAt } from './grammar/literal.ts';
import { parseCommand, tagOf } from './grammar/parse-command.ts';

/** CRLF is not part of what MaxCommandSize counts. */
const LINE_END_BYTES = 2;
/** Beyond MaxCommandSize a line is read so far, to be refused without ending the session. */
const TOO_LONG_BYTES = 1024;
const MESSAGE_CHUNK_BYTES = 256 * 1024;

export interface ReaderLimits {
  /** Bytes of one command line: MaxCommandSize of the directory. */
  readonly maxCommandSize: number;
  /** Strangers get smaller literals and no message. */
  readonly loggedOn: boolean;
}

const refused = (tag: string, error: ProtocolViolation | Failure): Refused => ({ name: 'REFUSED', tag, error });

export class CommandReader {
  /** Set after ENABLE UTF8=ACCEPT: folder names are UTF-8 from the next command on. */
  utf8 = false;
  readonly #connection: Connection;
  readonly #limits: ReaderLimits;
  readonly #lineBytes: number;
  readonly #literalBytes: number;
  /** The message an APPEND has announced and nobody has read yet. */
  #message: AppendPrefix | null = null;
  #appendTag = '*';
  /** The message stands inside `UTF8 (…)`. */
  #closing = false;

  constructor(connection: Connection, limits: ReaderLimits) {
    this.#connection = connection;
    this.#limits = limits;
    // A line that is a little too long is answered with BAD, whatever MaxCommandSize is; far beyond it framing is lost.
    this.#lineBytes = Math.max(limits.maxCommandSize + TOO_LONG_BYTES, IMAP_AUTH_LINE_BYTES) + LINE_END_BYTES;
    this.#literalBytes = limits.loggedOn ? IMAP_ARGUMENT_LITERAL_BYTES : IMAP_LITERAL_BEFORE_LOGON_BYTES;
  }

  /**
   * The next command; null when the client has gone. APPEND comes as soon as its message is announced: then exactly
   * one of `message` + `finishAppend` and `discardMessage` follows before the next call.
   * A refusal with a fatal ProtocolViolation has lost the framing: answer it, say BYE, end.
   * @throws IdleTimeout
   */
  async next(): Promise<Command | Refused | null> {
    const line = await this.#line();
    return line === null || 'name' in line ? line : this.#begun(line);
  }

  /**
   * The same without waiting: null while there is no whole line, wait for more then. A promise where literals belong
   * to the command, whose null says that the client has gone.
   */
  poll(): Command | Refused | Promise<Command | Refused | null> | null {
    const line = this.#lineNow();
    return line === null || 'name' in line ? line : this.#begun(line);
  }

  #begun(line: Buffer): Command | Refused | Promise<Command | Refused | null> {
    const announced = literalAt(line);
    const tooLong = this.#tooLong(line);
    if (tooLong !== null) return this.#refuse(tagOf(line), tooLong, announced);
    if (announced === null) return parseCommand([line], this.utf8);
    return this.#withLiterals(line, announced);
  }

  /**
   * Streams the announced message to `write`, telling a waiting client to go ahead first. `write` may return a promise
   * to slow the client down, and re-arms the idle deadline. Resolves false when the client went away in the middle.
   */
  async message(write: (chunk: Buffer) => Promise<void> | void): Promise<boolean> {
    const literal = this.#takeMessage();
    if (literal.synchronizing) this.#goAhead();
    let rest = literal.size;
    while (rest > 0) {
      const chunk = await this.#connection.readChunk(Math.min(rest, MESSAGE_CHUNK_BYTES));
      if (chunk === null) return false;
      rest -= chunk.length;
      const slow = write(chunk);
      if (slow !== undefined) await slow;
    }
    return true;
  }

  /** What stands behind the message: `complete`, or the next message of a MULTIAPPEND; null when the client has gone. */
  async finishAppend(): Promise<'complete' | AppendPrefix | Refused | null> {
    const line = await this.#line();
    if (line === null || 'name' in line) return line;
    const announced = literalAt(line);
    try {
      const text = announced === null ? line : line.subarray(0, line.length - announced.width);
      const next = parseBehindMessage(text, announced, this.#closing);
      if (next === null) return 'complete';
      this.#announce(this.#appendTag, next);
      return next;
    } catch (error) {
      if (error instanceof ProtocolViolation) return this.#refuse(this.#appendTag, error, announced);
      throw error;
    }
  }

  /**
   * Instead of `message`, after a NO: a waiting client will not send; the bytes of any other are read and dropped, with
   * the rest of the command. False: too many to read, or the client has gone; say BYE and end.
   */
  async discardMessage(): Promise<boolean> {
    const literal = this.#takeMessage();
    if (literal.synchronizing) return true;
    return this.#skipCommand(literal, IMAP_SKIPPED_MESSAGE_BYTES);
  }

  /** A line inside IDLE: true for DONE (RFC 2177 §3), false for anything else, null while there is no whole line. */
  done(): boolean | null {
    const line = this.#lineNow();
    if (line === null) return null;
    return !('name' in line) && line.length === 4 && line.toString('latin1').toUpperCase() === 'DONE';
  }

  /**
   * A line inside AUTHENTICATE: the decoded response, or why there is none. The challenge has been written already.
   */
  async response(): Promise<Buffer | Refused | 'cancelled' | null> {
    const line = await this.#line();
    if (line === null || 'name' in line) return line;
    if (line.length === 1 && line[0] === 0x2a) return 'cancelled';
    return decodeBase64(line) ?? refused('*', new ProtocolViolation('AUTHENTICATE: the response is not base64'));
  }

  async #line(): Promise<Buffer | Refused | null> {
    try {
      const line = await this.#connection.readLine(this.#lineBytes);
      return line === null ? null : withoutLineEnd(line);
    } catch (error) {
      if (error instanceof ProtocolViolation) return refused('*', error);
      throw error;
    }
  }

  #lineNow(): Buffer | Refused | null {
    try {
      const line = this.#connection.takeLine(this.#lineBytes);
      return line === null ? null : withoutLineEnd(line);
    } catch (error) {
      if (error instanceof ProtocolViolation) return refused('*', error);
      throw error;
    }
  }

  #tooLong(line: Buffer): ProtocolViolation | null {
    const { maxCommandSize } = this.#limits;
    if (line.length <= maxCommandSize || /^\S+ AUTHENTICATE /i.test(line.toString('latin1', 0, 100))) return null;
    return new ProtocolViolation(`a command line may have at most ${maxCommandSize} bytes`);
  }

  async #withLiterals(firstLine: Buffer, first: Announced): Promise<Command | Refused | null> {
    const tag = tagOf(firstLine);
    const parts: Array<Buffer | Literal> = [];
    let line = firstLine;
    let announced = first;
    let bytes = 0;
    for (let count = 1; ; count += 1) {
      parts.push(line.subarray(0, line.length - announced.width));
      const stop = this.#begins(tag, parts, announced) ?? this.#objection(announced, count, bytes + announced.size);
      if (stop instanceof Error) return this.#refuse(tag, stop, announced);
      if (stop !== null) return stop;
      if (announced.synchronizing) this.#goAhead();
      const literal = await this.#connection.readExactly(announced.size);
      if (literal === null) return null;
      bytes += literal.length;
      parts.push({ literal, binary: announced.binary });
      const next = await this.#line();
      if (next === null || 'name' in next) return next;
      const another = literalAt(next);
      const tooLong = this.#tooLong(next);
      if (tooLong !== null) return this.#refuse(tag, tooLong, another);
      if (another === null) {
        parts.push(next);
        return parseCommand(parts, this.utf8);
      }
      line = next;
      announced = another;
    }
  }

  /** APPEND, when this literal is its message; what is wrong with it; null: an argument literal. */
  #begins(
    tag: string,
    parts: ReadonlyArray<Buffer | Literal>,
    announced: Announced,
  ): Command | ProtocolViolation | null {
    if (!this.#limits.loggedOn) return null;
    try {
      const append = messageLiteralExpected(parts, announced, this.utf8);
      if (append !== null) this.#announce(tag, append.first);
      return append;
    } catch (error) {
      if (error instanceof ProtocolViolation) return error;
      throw error;
    }
  }

  #objection(announced: Announced, count: number, bytes: number): ProtocolViolation | Failure | null {
    if (announced.size > this.#literalBytes || bytes > IMAP_COMMAND_LITERALS_BYTES) {
      const most = Math.min(this.#literalBytes, IMAP_COMMAND_LITERALS_BYTES);
      const where = this.#limits.loggedOn ? 'as an argument' : 'before logon';
      return new Failure('TOOBIG', `a literal ${where} may have at most ${most} bytes`);
    }
    if (count > IMAP_COMMAND_LITERALS) {
      return new ProtocolViolation(`a command may have at most ${IMAP_COMMAND_LITERALS} literals`);
    }
    return null;
  }

  /** A client that waits for `+` sends nothing more of a refused command (RFC 9051 §4.3); what others send is skipped. */
  async #refuse(tag: string, error: ProtocolViolation | Failure, announced: Announced | null): Promise<Refused | null> {
    if (announced === null || announced.synchronizing) return refused(tag, error);
    if (await this.#skipCommand(announced, IMAP_SKIPPED_LITERAL_BYTES)) return refused(tag, error);
    return refused(tag, new ProtocolViolation(error.message, { fatal: true }));
  }

  async #skipCommand(first: Announced, most: number): Promise<boolean> {
    let rest = most;
    const turn = new Turn();
    for (let literal: Announced | null = first; literal !== null && !literal.synchronizing; ) {
      if (literal.size > rest) return false;
      // A million empty literals come from memory: others must not wait for them.
      if (turn.due) await turn.pass();
      rest -= literal.size;
      for (let left = literal.size; left > 0; ) {
        const chunk = await this.#connection.readChunk(left);
        if (chunk === null) return false;
        left -= chunk.length;
      }
      const line = await this.#line();
      if (line === null || 'name' in line) return false;
      rest -= line.length;
      literal = literalAt(line);
    }
    return true;
  }

  #announce(tag: string, prefix: AppendPrefix): void {
    this.#message = prefix;
    this.#appendTag = tag;
    this.#closing = prefix.utf8;
  }

  #takeMessage(): Announced {
    const message = this.#message;
    if (message === null) throw new Error('no message has been announced');
    this.#message = null;
    return message.literal;
  }

  #goAhead(): void {
    this.#connection.out.ascii('+ OK\r\n');
    this.#connection.flush();
  }
}
