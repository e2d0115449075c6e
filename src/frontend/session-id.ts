/** Ids that follow a client through every log line: 16 hex digits, rising within a process (exchange-behaviour.md §5.10). */
import { randomInt } from 'node:crypto';
import type { SessionId } from '../backend/link.ts';

const COUNTS = 0x10000;
let count = randomInt(COUNTS);
let last = 0;

export function nextSessionId(): SessionId {
  count += 1;
  // The counter carries into the time, so that ids rise also when many clients come in one millisecond.
  const now = Math.max(Date.now(), last + (count >= COUNTS ? 1 : 0));
  count %= COUNTS;
  last = now;
  return now.toString(16).padStart(12, '0') + count.toString(16).padStart(4, '0');
}
