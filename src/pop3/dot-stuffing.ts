/**
 * Multi-line POP3 replies (RFC 1939 §3): a line that starts with the termination octet gets a second one, the last
 * line ends in CRLF, then comes the line with the dot alone. Messages pass in pieces of any size.
 *
 * Native searches and copies of what lies between run at memory speed; most messages hold no such line and are passed
 * on in one piece (design.md §9: POP3 full download).
 */
import { Buffer } from 'node:buffer';

const LF = 10;
const CR = 13;
const DOT = 0x2e;
/** Dots further apart are looked for one by one. */
const SPARSE_BYTES = 1024;
/** Octets searched for line end and dot at a time. */
const PROSE_BYTES = 16 * 1024;
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
    // What stands behind the message is not searched.
    const message = bytes.subarray(start, end);
    let from = 0;
    for (let at = nextLineDot(message, 1); at >= 0; at = nextLineDot(message, at + 1)) {
      this.#out.range(message, from, at);
      this.#out.byte(DOT);
      from = at;
    }
    this.#out.range(message, from, message.length);
    this.#before = message.length > 1 ? message[message.length - 2]! : this.#last;
    this.#last = message[message.length - 1]!;
  }

  /** Completes the last line and ends the reply. */
  end(): void {
    const complete = this.#last === LF && this.#before === CR;
    this.#out.ascii(complete ? '.\r\n' : '\r\n.\r\n');
    this.#last = LF;
    this.#before = CR;
  }
}

/**
 * Offset, from `from` on, of a dot that begins a line. Base64 has no dots: there one search for the octet runs through
 * megabytes. Where dots stand close together, as in prose, the search for line end and dot is the quicker one.
 */
function nextLineDot(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; ) {
    const dot = bytes.indexOf(DOT, at);
    if (dot < 0) return -1;
    if (bytes[dot - 1] === LF) return dot;
    if (dot - at >= SPARSE_BYTES) {
      at = dot + 1;
      continue;
    }
    const end = Math.min(bytes.length, dot + PROSE_BYTES);
    const found = bytes.subarray(0, end).indexOf(LF_DOT, dot);
    if (found >= 0) return found + 1;
    at = end;
  }
  return -1;
}
