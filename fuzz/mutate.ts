/** Mutations of byte strings from a seeded generator: flips, cuts, copies, repeats, splices, words of protocols. */

/** What parsers of mail and mail protocols look at. */
const WORDS = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  '\r\n\r\n',
  '\r\n\t',
  '--',
  '"',
  '\\',
  '(',
  ')',
  '{',
  '}',
  '{4294967296}\r\n',
  '{1+}\r\n',
  '<',
  '>',
  '@',
  ',',
  ';',
  ':',
  '=',
  '*',
  '%',
  '\x7f',
  '\x80',
  '\xff',
  '\xc3',
  '=?utf-8?q?',
  '=?iso-2022-jp?b?',
  '?=',
  '&#x10ffff;',
  '<!--',
  '9'.repeat(20),
  '-1',
  '0',
  'NIL',
  'Content-Type: multipart/mixed; boundary=b\r\n',
  'Content-Type: message/rfc822\r\n\r\n',
  'Content-Transfer-Encoding: base64\r\n',
  '\r\n--b\r\n',
  '\r\n--b--\r\n',
].map((word) => Buffer.from(word, 'latin1'));

const MOST_REPEATS = 200;
const MOST_BYTES = 128 * 1024;

export class Mutator {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  pick<T>(list: readonly T[]): T {
    const item = list[this.#below(list.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  /** One to eight changes, few most of the time. */
  mutate(input: Buffer, pool: readonly Buffer[]): Buffer {
    let bytes: Buffer = Buffer.from(input);
    for (let left = 1 + (this.#below(4) === 0 ? this.#below(8) : 0); left > 0; left -= 1)
      bytes = this.#change(bytes, pool);
    return bytes.length > MOST_BYTES ? bytes.subarray(0, MOST_BYTES) : bytes;
  }

  #change(bytes: Buffer, pool: readonly Buffer[]): Buffer {
    const at = this.#below(bytes.length + 1);
    const size = this.#below(Math.min(bytes.length - at, this.#below(4) === 0 ? bytes.length : 16) + 1);
    const head = bytes.subarray(0, at);
    const tail = bytes.subarray(at + size);
    switch (this.#below(8)) {
      case 0:
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << this.#below(8));
        return bytes;
      case 1:
        if (at < bytes.length) bytes[at] = this.#below(256);
        return bytes;
      case 2:
        return Buffer.concat([head, tail]);
      case 3:
        return Buffer.concat([head, this.pick(WORDS), bytes.subarray(at)]);
      case 4:
        return Buffer.concat([head, this.pick(WORDS), tail]);
      case 5: {
        const repeats = this.#below(MOST_REPEATS);
        const piece = bytes.subarray(at, at + Math.min(size, Math.floor(MOST_BYTES / (repeats + 1))));
        return Buffer.concat([head, ...Array.from({ length: repeats }, () => piece), bytes.subarray(at)]);
      }
      case 6: {
        const other = this.pick(pool);
        return Buffer.concat([head, other.subarray(this.#below(other.length + 1))]);
      }
      default:
        return bytes.subarray(0, at);
    }
  }

  /** xorshift32 */
  #below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return limit <= 1 ? 0 : (this.#state >>> 0) % limit;
  }
}
