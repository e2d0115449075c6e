/**
 * The byte state machine of DATA (RFC 5321 §4.1.1.4, §4.5.2) and the line-end guard of BDAT.
 *
 * Only CRLF.CRLF ends a message, only CRLF ends a line; a bare CR or LF makes the whole message refused, after its
 * real end was found. Servers that disagree about where a message ends are what SMTP smuggling lives on
 * (CVE-2023-51764 class). Knows bytes only.
 */
import type { Buffer } from 'node:buffer';

const LF = 10;
const CR = 13;
const DOT = 0x2e;

const LINE_START = 0;
/** The first byte of the line was a dot; it is dropped whatever follows. */
const DOT_SEEN = 1;
const DOT_CR = 2;
const IN_LINE = 3;
const CR_SEEN = 4;

export interface Decoded {
  /** Unstuffed bytes; a part of the chunk, which was changed in place. */
  readonly content: Buffer;
  /** Bytes of the chunk that belong to the message, the terminator included. */
  readonly consumed: number;
  readonly ended: boolean;
}

export class DataDecoder {
  #state = LINE_START;
  #bare = false;

  /** A bare CR or LF was met: the message must be refused. */
  get hasBareLineEnd(): boolean {
    return this.#bare;
  }

  decode(chunk: Buffer): Decoded {
    const end = chunk.length;
    let state = this.#state;
    let written = 0;
    let segment = 0;
    let at = 0;
    while (at < end) {
      const byte = chunk[at]!;
      switch (state) {
        case IN_LINE:
          if (byte > CR) {
            at += 1;
            while (at < end && chunk[at]! > CR) at += 1;
            continue;
          }
          if (byte === CR) state = CR_SEEN;
          else if (byte === LF) this.#bare = true;
          break;
        case CR_SEEN:
          if (byte === LF) state = LINE_START;
          else {
            this.#bare = true;
            if (byte !== CR) state = IN_LINE;
          }
          break;
        case LINE_START:
          if (byte === DOT) {
            if (written !== segment) chunk.copyWithin(written, segment, at);
            written += at - segment;
            segment = at + 1;
            state = DOT_SEEN;
          } else state = this.#inLine(byte);
          break;
        case DOT_SEEN:
          if (byte === CR) {
            segment = at + 1;
            state = DOT_CR;
          } else state = this.#inLine(byte);
          break;
        default:
          // DOT_CR
          if (byte === LF) {
            this.#state = LINE_START;
            return { content: chunk.subarray(0, written), consumed: at + 1, ended: true };
          }
          this.#bare = true;
          state = byte === CR ? CR_SEEN : IN_LINE;
      }
      at += 1;
    }
    this.#state = state;
    if (written !== segment) chunk.copyWithin(written, segment, end);
    return { content: chunk.subarray(0, written + end - segment), consumed: end, ended: false };
  }

  /** State behind the first content byte of a line. */
  #inLine(byte: number): number {
    if (byte === CR) return CR_SEEN;
    if (byte === LF) this.#bare = true;
    return IN_LINE;
  }
}

/** Watches the pieces of a BDAT message, which has no dots and no terminator, for bare CR and LF (RFC 3030 §3). */
export class LineEndGuard {
  #afterCr = false;
  #bare = false;

  /** A CR as the very last byte counts: call it behind the last piece only. */
  get hasBareLineEnd(): boolean {
    return this.#bare || this.#afterCr;
  }

  watch(chunk: Buffer): void {
    let afterCr = this.#afterCr;
    const end = chunk.length;
    for (let at = 0; at < end; at += 1) {
      const byte = chunk[at]!;
      if (byte > CR) {
        if (afterCr) {
          this.#bare = true;
          afterCr = false;
        }
        continue;
      }
      if (afterCr !== (byte === LF)) this.#bare = true;
      afterCr = byte === CR;
    }
    this.#afterCr = afterCr;
  }
}
