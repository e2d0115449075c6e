/**
 * INTERNALDATE and SAVEDATE of many messages (RFC 9051 §9 date-time): the text stands in one buffer of which only
 * what changes from one message to the next is rewritten.
 */
import { Buffer } from 'node:buffer';
import type { ByteWriter } from '../../../wire/byte-writer.ts';
import { printDateTime } from '../../grammar/date-time.ts';

const SECONDS_A_DAY = 86_400;
const ZERO = 48;
/** Of the hour in `"17-Jul-1996 02:44:25 +0000"`. */
const HOUR_AT = 13;

export class DateTimeText {
  readonly #bytes: Buffer;
  readonly #start: number;
  #day = Number.NaN;

  constructor(before: string, behind: string) {
    this.#bytes = Buffer.from(`${before}${printDateTime(0)}${behind}`, 'latin1');
    this.#start = before.length;
  }

  /** @param seconds since 1970 */
  write(out: ByteWriter, seconds: number): void {
    const whole = Math.floor(seconds);
    const day = Math.floor(whole / SECONDS_A_DAY);
    if (day !== this.#day) {
      this.#day = day;
      this.#bytes.write(printDateTime(whole), this.#start, 'latin1');
    }
    const rest = whole - day * SECONDS_A_DAY;
    const hour = (rest / 3600) | 0;
    const minute = ((rest / 60) | 0) - hour * 60;
    this.#two(HOUR_AT, hour);
    this.#two(HOUR_AT + 3, minute);
    this.#two(HOUR_AT + 6, rest - hour * 3600 - minute * 60);
    out.bytes(this.#bytes);
  }

  #two(at: number, value: number): void {
    const tens = (value / 10) | 0;
    this.#bytes[this.#start + at] = ZERO + tens;
    this.#bytes[this.#start + at + 1] = ZERO + value - tens * 10;
  }
}
