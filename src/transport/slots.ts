/** How many may work on one key at a time; the others wait in order (deliveries to one mailbox). */
export class Slots<Key> {
  readonly #limit: number;
  readonly #busy = new Map<Key, { count: number; waiting: Array<() => void> }>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  async run<T>(key: Key, work: () => Promise<T>): Promise<T> {
    await this.#enter(key);
    try {
      return await work();
    } finally {
      this.#leave(key);
    }
  }

  async #enter(key: Key): Promise<void> {
    const entry = this.#busy.get(key);
    if (entry === undefined) {
      this.#busy.set(key, { count: 1, waiting: [] });
      return;
    }
    if (entry.count < this.#limit) {
      entry.count += 1;
      return;
    }
    // The slot is handed on by whoever leaves: the count stays as it is.
    const { promise, resolve } = Promise.withResolvers<void>();
    entry.waiting.push(resolve);
    await promise;
  }

  #leave(key: Key): void {
    const entry = this.#busy.get(key);
    if (entry === undefined) return;
    const next = entry.waiting.shift();
    if (next !== undefined) {
      next();
      return;
    }
    entry.count -= 1;
    if (entry.count === 0) this.#busy.delete(key);
  }
}
