/**
 * When a message arrived, as far as its own header says (INTERNALDATE, RFC 9051 §2.3.3): the topmost Received field,
 * written by the last server that took it, else Date. A time that cannot be, or lies ahead, is not believed.
 */
import { Buffer } from 'node:buffer';
import { open } from 'node:fs/promises';
import { parseDate } from '../../message/date.ts';
import { fieldTexts } from '../../message/headers.ts';

/** Trace fields stand in front (RFC 5321 §4.4). */
const HEADER_SCAN_BYTES = 64 * 1024;
/** Clocks differ and zones are mistaken; more than a day ahead is no arrival. */
const AHEAD_SECONDS = 86_400;

/** Seconds since 1970; null: the header does not say. */
export async function arrivalDate(file: string, size: number): Promise<number | null> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.min(size, HEADER_SCAN_BYTES)));
    return arrivalDateOf(buffer.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}

export function arrivalDateOf(header: Buffer): number | null {
  const [received = ''] = fieldTexts(header, 'received');
  // RFC 5322 §3.6.7: the time stands behind the last semicolon.
  const [date = ''] = fieldTexts(header, 'date');
  return believable(received.slice(received.lastIndexOf(';') + 1)) ?? believable(date);
}

function believable(text: string): number | null {
  const seconds = parseDate(text)?.seconds ?? 0;
  return seconds > 0 && seconds < Date.now() / 1000 + AHEAD_SECONDS ? seconds : null;
}
