/**
 * Fairness between sessions: one whose commands and answers are all in memory would run from microtask to microtask
 * and never let the event loop look at the other sockets. Such loops ask `due` and then await `pass`
 * (design.md §5: nothing longer than 10 ms on an event loop).
 */
import { setImmediate } from 'node:timers/promises';

const TURN_MS = 5;

export class Turn {
  #since = performance.now();

  /** True when this session has had its share. */
  get due(): boolean {
    return performance.now() - this.#since > TURN_MS;
  }

  /** The session waited for something by itself: its share starts anew. */
  restart(): void {
    this.#since = performance.now();
  }

  /** Lets every socket that is ready be served first. */
  async pass(): Promise<void> {
    await setImmediate();
    this.#since = performance.now();
  }
}
