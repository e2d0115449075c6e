/**
 * THE one door through which message bytes come: a bare LF becomes CRLF here, once, before the message is stored,
 * and nothing else is touched (RFC 5322 §2.3 wants CRLF; import files and some clients bring LF). A bare CR stays
 * as it is: it is data to every reader behind this door, and turning it into a line end would change the message.
 * SMTP refuses bare CR and LF before it comes here. After this, sizes are exact and bytes never change.
 */
import { Buffer } from 'node:buffer';

const LF = 10;
const CR = 13;

/** One message: make a new one for the next. */
export class LineEndNormalizer {
  #lastWasCr = false;

  /** The chunk itself when it holds no bare LF, else a new buffer. */
  push(chunk: Buffer): Buffer {
    let bare = 0;
    const lastWasCr = this.#lastWasCr;
    for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) {
      if (!(at > 0 ? chunk[at - 1] === CR : lastWasCr)) bare += 1;
    }
    if (chunk.length > 0) this.#lastWasCr = chunk[chunk.length - 1] === CR;
    if (bare === 0) return chunk;

    const out = Buffer.allocUnsafe(chunk.length + bare);
    let from = 0;
    let to = 0;
    for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) {
      if (at > 0 ? chunk[at - 1] === CR : lastWasCr) continue;
      to += chunk.copy(out, to, from, at);
      out[to++] = CR;
      from = at;
    }
    chunk.copy(out, to, from);
    return out;
  }
}
