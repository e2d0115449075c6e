/**
 * The message as DATA sends it (RFC 5321 §4.5.2): a dot in front of lines that begin with one, CRLF.CRLF at the end.
 * A bare CR or LF is refused: what the other server makes of it nobody knows (SMTP smuggling). Pure.
 */
import { Buffer } from 'node:buffer';
import { ProtocolViolation } from '../../observe/failure.ts';

const LF = 10;
const CR = 13;
const DOT = 0x2e;
const ONE_DOT = Buffer.from('.');

export class DotStuffer {
  #lineStart = true;
  #afterCr = false;

  /** Pieces to be sent in this order; most are parts of the chunk. @throws ProtocolViolation on a bare CR or LF */
  push(chunk: Buffer): readonly Buffer[] {
    const pieces: Buffer[] = [];
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at]!;
      if (this.#afterCr !== (byte === LF)) throw bare();
      if (byte === DOT && this.#lineStart) {
        if (at > from) pieces.push(chunk.subarray(from, at));
        pieces.push(ONE_DOT);
        from = at;
      }
      this.#lineStart = byte === LF;
      this.#afterCr = byte === CR;
    }
    if (from < chunk.length) pieces.push(from === 0 ? chunk : chunk.subarray(from));
    return pieces;
  }

  /** What ends the message. @throws ProtocolViolation */
  end(): string {
    if (this.#afterCr) throw bare();
    return this.#lineStart ? '.\r\n' : '\r\n.\r\n';
  }
}

const bare = (): ProtocolViolation =>
  new ProtocolViolation('the message has a bare CR or LF and cannot be sent by DATA', { fatal: true });
