/**
 * A bounded part of what this process knows of the directory. What changed is outdated, not thrown away: it is read
 * again when somebody asks, and while the directory cannot be read, what was known last is the answer.
 */
import { Failure } from '../../../observe/failure.ts';
import { LruMap } from './lru.ts';

/** Of no generation. */
const OUTDATED = -1;

interface Entry<V> {
  readonly value: V;
  generation: number;
}

export class Region<K, V> {
  readonly #entries: LruMap<K, Entry<V>>;
  /** Whoever asks while somebody reads the same waits for that answer. */
  readonly #reading = new Map<K, Promise<V | null>>();
  #generation = 0;

  constructor(limit: number) {
    this.#entries = new LruMap(limit);
  }

  /** `read` answers null for what is not there, which is not kept. */
  find(key: K, read: () => Promise<V | null>): V | null | Promise<V | null> {
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry.generation === this.#generation) return entry.value;
    return this.#reading.get(key) ?? this.#read(key, read);
  }

  /** For what is always there, or `read` throws. */
  get(key: K, read: () => Promise<V>): V | Promise<V> {
    const found = this.find(key, read);
    return found instanceof Promise ? found.then(present) : present(found);
  }

  outdate(key: K): void {
    const entry = this.#entries.peek(key);
    if (entry !== undefined) entry.generation = OUTDATED;
    this.#reading.delete(key);
  }

  outdateAll(): void {
    this.#generation += 1;
    this.#reading.clear();
  }

  #read(key: K, read: () => Promise<V | null>): Promise<V | null> {
    const answer: Promise<V | null> = this.#settled(key, read, () => this.#reading.get(key) === answer);
    this.#reading.set(key, answer);
    return answer;
  }

  /** `isCurrent`: nothing changed since the reading began. */
  async #settled(key: K, read: () => Promise<V | null>, isCurrent: () => boolean): Promise<V | null> {
    try {
      const value = await read();
      if (isCurrent()) {
        if (value === null) this.#entries.delete(key);
        else this.#entries.set(key, { value, generation: this.#generation });
      }
      return value;
    } catch (error) {
      const isAway = error instanceof Failure && error.code === 'UNAVAILABLE';
      const known = this.#entries.peek(key);
      if (isAway && known !== undefined) return known.value;
      if (!isAway && isCurrent()) this.#entries.delete(key);
      throw error;
    } finally {
      if (isCurrent()) this.#reading.delete(key);
    }
  }
}

function present<V>(value: V | null): V {
  if (value === null) throw new Error('a reading that always finds something found nothing');
  return value;
}
