/** Lets others have the event loop between two messages that are rendered. */
import { setImmediate } from 'node:timers/promises';

/** Milliseconds of work after which others come first; one message more may be rendered before that is noticed. */
const TURN_MS = 4;

export class Turn {
  #since = performance.now();

  /** Null: go on at once. */
  over(): Promise<void> | null {
    return performance.now() - this.#since < TURN_MS ? null : this.#rest();
  }

  async #rest(): Promise<void> {
    await setImmediate();
    this.#since = performance.now();
  }
}
