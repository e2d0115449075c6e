/**
 * Ids of accounts and mailboxes: UUID version 7 (RFC 9562 §5.7), so that rows made one after the other lie side by
 * side in every index. With version 4 a thousand new accounts touched a thousand pages of each of six indexes.
 */
import { randomBytes } from 'node:crypto';

const COUNTER_BITS = 12;
let lastTime = 0;
let counter = 0;

/** Rising within the process also within one millisecond (§6.2, method 1); 62 bits are random. */
export function orderedId(): string {
  const now = Date.now();
  if (now > lastTime) {
    lastTime = now;
    counter = 0;
  } else {
    counter += 1;
    if (counter >= 1 << COUNTER_BITS) {
      lastTime += 1;
      counter = 0;
    }
  }
  const bytes = randomBytes(16);
  bytes.writeUIntBE(lastTime, 0, 6);
  bytes.writeUInt16BE(0x7000 | counter, 6);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
