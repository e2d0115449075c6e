/**
 * Octet strings as IMAP `string` and `nstring` (RFC 9051 §9): quoted where the grammar allows it, else a literal.
 * Quoted strings hold no 8-bit byte, CR, LF or NUL; literals no NUL. Values come unfolded, so only 8-bit text and
 * very long values become literals.
 */
import type { ByteSink } from './byte-sink.ts';

/** Clients read quoted strings into line buffers; a longer value travels as a literal. */
const QUOTED_OCTETS = 4096;

export function writeString(out: ByteSink, value: string): void {
  const size = value.length;
  if (size > QUOTED_OCTETS) {
    writeLiteral(out, value);
    return;
  }
  // Every character may need a backslash.
  out.room(size * 2 + 2);
  const bytes = out.bytes;
  const start = out.length;
  let at = start;
  bytes[at++] = 0x22;
  for (let i = 0; i < size; i += 1) {
    const code = value.charCodeAt(i);
    if (code > 0x7f || code === 0 || code === 10 || code === 13) {
      writeLiteral(out, value);
      return;
    }
    if (code === 0x22 || code === 0x5c) bytes[at++] = 0x5c;
    bytes[at++] = code;
  }
  bytes[at++] = 0x22;
  out.length = at;
}

export function writeNstring(out: ByteSink, value: string | null): void {
  if (value === null) out.octets('NIL');
  else writeString(out, value);
}

function writeLiteral(out: ByteSink, value: string): void {
  const octets = value.includes('\0') ? value.replaceAll('\0', ' ') : value;
  out.octets(`{${octets.length}}\r\n`);
  out.octets(octets);
}
