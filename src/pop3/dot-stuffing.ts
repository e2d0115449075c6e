/**
 * Multi-line POP3 replies (RFC 1939 §3): a line that starts with the termination octet gets a second one, the last
 * line ends in CRLF, then comes the line with the dot alone. Messages pass in pieces of any size.
 *
 * Searching `\n.` with Buffer.indexOf and copying what lies between runs at memory speed; most messages hold no such
 * line and are passed on in one piece (design.md §9: POP3 full download).
 */
import { Buffer } from 'node:buffer';

const LF = 10;
const CR = 13;
const DOT = 0x2e;
const LF_DOT = Buffer.from('\n.', 'latin1');

/** The part of wire/byte-writer.ts that is needed here. */
export interface StuffedOutput {
  ascii(text: string): unknown;
  byte(value: number): unknown;
  range(data: Uint8Array, start: number, end: number): unknown;
}

export class DotStuffer {
  readonly #out: StuffedOutput;
  /** The two bytes last passed, newest in `#last`; a message starts as if a line had just ended. */
  #last = LF;
  #before = CR;

  constructor(out: StuffedOutput) {
    this.#out = out;
  }

  /** Passes bytes[start, end) on. A bare LF counts as a line end here: clients differ in what they take for one. */
  write(bytes: Buffer, start: number, end: number): void {
    if (start >= end) return;
    if (this.#last === LF && bytes[start] === DOT) this.#out.byte(DOT);
    let from = start;
    for (let at = bytes.indexOf(LF_DOT, from); at >= 0 && at + 1 < end; at = bytes.indexOf(LF_DOT, at + 1)) {
      this.#out.range(bytes, from, at + 1);
      this.#out.byte(DOT);
      from = at + 1;
    }
    this.#out.range(bytes, from, end);
    this.#before = end - start > 1 ? bytes[end - 2]! : this.#last;
    this.#last = bytes[end - 1]!;
  }

  /** Completes the last line and ends the reply. */
  end(): void {
    const complete = this.#last === LF && this.#before === CR;
    this.#out.ascii(complete ? '.\r\n' : '\r\n.\r\n');
    this.#last = LF;
    this.#before = CR;
  }
}
