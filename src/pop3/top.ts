/** How much of a message TOP sends: the header, the empty line, n lines of the body (RFC 1939 §7). Pure. */
import type { Buffer } from 'node:buffer';

const LF = 10;
const CR = 13;

export interface TopScan {
  /** Octets to send, known once the asked lines are complete; null: go on with the next chunk. */
  next(chunk: Buffer): number | null;
  /** Begin with the message's first chunk again. */
  restart(): void;
}

export function topLength(lines: number): TopScan {
  let offset = 0;
  let lineStart = 0;
  let inBody = false;
  let left = lines;
  let lastByte = LF;
  return {
    restart() {
      offset = 0;
      lineStart = 0;
      inBody = false;
      left = lines;
      lastByte = LF;
    },
    next(chunk) {
      let from = 0;
      for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, from)) {
        const length = offset + at - lineStart;
        const before = at > 0 ? chunk[at - 1] : lastByte;
        lineStart = offset + at + 1;
        from = at + 1;
        if (inBody) left -= 1;
        else if (length === 0 || (length === 1 && before === CR)) inBody = true;
        if (inBody && left <= 0) return lineStart;
      }
      offset += chunk.length;
      lastByte = chunk.length > 0 ? chunk[chunk.length - 1]! : lastByte;
      return null;
    },
  };
}
