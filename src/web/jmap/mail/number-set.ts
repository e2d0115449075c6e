/**
 * A set of ids as bits: looking through the rows of a large mailbox asks it 100,000 times. Ids of contents and threads
 * are numbers of one mailbox, so the bits are few; what is beyond them (an id a client made up) goes into a Set. Pure.
 */
const BITS_MOST = 2 ** 27;

export class NumberSet {
  #bits = new Uint32Array(64);
  readonly #beyond = new Set<number>();
  size = 0;

  constructor(numbers: Iterable<number> = []) {
    for (const number of numbers) this.add(number);
  }

  has(number: number): boolean {
    const word = number >>> 5;
    if (word < this.#bits.length) return ((this.#bits[word]! >>> (number & 31)) & 1) === 1;
    return this.#beyond.size > 0 && this.#beyond.has(number);
  }

  /** False: it was there. */
  add(number: number): boolean {
    if (this.has(number)) return false;
    this.size += 1;
    if (number >= BITS_MOST) {
      this.#beyond.add(number);
      return true;
    }
    const word = number >>> 5;
    if (word >= this.#bits.length) {
      const larger = new Uint32Array(Math.max(word + 1, this.#bits.length * 2));
      larger.set(this.#bits);
      this.#bits = larger;
    }
    this.#bits[word] = this.#bits[word]! | (1 << (number & 31));
    return true;
  }
}
