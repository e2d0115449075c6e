/**
 * Literals on the wire (RFC 9051 §4.3, RFC 7888 LITERAL+ and LITERAL-, RFC 3516 literal8): finding the announcement
 * at the end of a line. Pure: who reads the bytes, and whether, is the reader's decision (../reader.ts).
 */
import type { Buffer } from 'node:buffer';

export interface Announced {
  /** Octets. */
  readonly size: number;
  /** The client waits for `+` before it sends. */
  readonly synchronizing: boolean;
  /** literal8: may hold NUL. */
  readonly binary: boolean;
  /** Length of the announcement, `~{12+}`, at the end of the line. */
  readonly width: number;
}

const CLOSE = 0x7d;
const OPEN = 0x7b;
const PLUS = 0x2b;
const TILDE = 0x7e;
/** Digits of the largest number RFC 9051 §9 number64 knows; more is no announcement. */
const MOST_DIGITS = 19;

/** `line` without its line end. Null: it ends in no announcement. */
export function literalAt(line: Buffer): Announced | null {
  let at = line.length - 1;
  if (line[at] !== CLOSE) return null;
  at -= 1;
  const synchronizing = line[at] !== PLUS;
  if (!synchronizing) at -= 1;
  const lastDigit = at;
  let size = 0;
  let scale = 1;
  for (; at >= 0; at -= 1) {
    const digit = line[at]! - 0x30;
    if (digit < 0 || digit > 9) break;
    size += digit * scale;
    scale *= 10;
  }
  const digits = lastDigit - at;
  if (digits === 0 || digits > MOST_DIGITS || line[at] !== OPEN) return null;
  const binary = line[at - 1] === TILDE;
  return { size, synchronizing, binary, width: line.length - at + (binary ? 1 : 0) };
}
