/**
 * Waits for a client's next command without going to sleep. A processor that sleeps takes 30 to 100 µs to wake up,
 * longer than most commands take to answer, and a client that sends one command after the other pays it every time.
 * So for a moment after an answer the event loop keeps turning: other sockets are served as ever, only sleep is put
 * off. Who is heard from in that moment earns more of it, silence spends it: on a server whose clients are slow
 * the loop sleeps at once.
 *
 * Knows no socket; one for the process, as there is one event loop.
 */
import { availableParallelism } from 'node:os';

/** How long sleep is put off after an answer, in milliseconds. */
export const AWAKE_MS = 0.15;
/** Unheard waits in a row after which the loop goes to sleep at once until clients are quick again. */
export const AWAKE_CREDIT = 16;

export class Wakefulness {
  readonly #now: () => number;
  readonly #turn: (again: () => void) => void;
  #credit = 0;
  #until = 0;
  #turning = false;
  /** An answer was given and nothing has been heard since. */
  #waiting = false;

  constructor(
    now: () => number = () => performance.now(),
    turn: (again: () => void) => void = (again) => void setImmediate(again),
  ) {
    this.#now = now;
    this.#turn = turn;
  }

  /** A session has answered and waits for its client. */
  answered(): void {
    this.#until = this.#now() + AWAKE_MS;
    this.#waiting = true;
    if (this.#credit === 0 || this.#turning) return;
    this.#turning = true;
    this.#turn(this.#again);
  }

  /** Bytes came. */
  heard(): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    if (this.#now() < this.#until && this.#credit < AWAKE_CREDIT) this.#credit += 1;
  }

  readonly #again = (): void => {
    if (this.#now() < this.#until) {
      this.#turn(this.#again);
      return;
    }
    this.#turning = false;
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#credit -= 1;
  };
}

/** Null where there is no processor to spare: the client may need the only one. */
export const wakefulness: Wakefulness | null = availableParallelism() > 1 ? new Wakefulness() : null;
