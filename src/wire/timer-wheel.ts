/**
 * One interval for all idle deadlines instead of a timer per socket: an idle session costs no timer (design.md §5).
 * Resolution is one tick; a deadline fires up to one tick late, never early.
 */
export interface Deadline {
  /** Move the deadline to `ms` from now. Cheap: called for every command. */
  set(ms: number): void;
  clear(): void;
}

/** What stands on the wheel. An object that lives anyway may be its own entry, and needs no other. */
export interface Timed {
  /** Whole milliseconds of the process clock; only the wheel writes it. A small integer needs no box of its own. */
  due: number;
  fire(): void;
}

class Entry implements Deadline, Timed {
  due = 0;
  readonly fire: () => void;
  readonly #wheel: TimerWheel;

  constructor(wheel: TimerWheel, fire: () => void) {
    this.#wheel = wheel;
    this.fire = fire;
  }

  set(ms: number): void {
    this.#wheel.set(this, ms);
  }

  clear(): void {
    this.#wheel.clear(this);
  }
}

export class TimerWheel {
  readonly #entries = new Set<Timed>();
  readonly #tickMs: number;
  #timer: NodeJS.Timeout | null = null;

  constructor(tickMs = 500) {
    this.#tickMs = tickMs;
  }

  deadline(fire: () => void): Deadline {
    return new Entry(this, fire);
  }

  /** `entry` fires once, `ms` from now; what was set before is forgotten. */
  set(entry: Timed, ms: number): void {
    entry.due = Math.ceil(performance.now() + ms);
    this.#entries.add(entry);
    this.#start();
  }

  clear(entry: Timed): void {
    if (this.#entries.delete(entry) && this.#entries.size === 0) this.#stop();
  }

  #start(): void {
    if (this.#timer !== null) return;
    this.#timer = setInterval(() => this.#sweep(), this.#tickMs);
    this.#timer.unref();
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #sweep(): void {
    const now = performance.now();
    for (const entry of this.#entries) {
      if (entry.due > now) continue;
      this.#entries.delete(entry);
      entry.fire();
    }
    if (this.#entries.size === 0) this.#stop();
  }
}

/** The wheel all connections of this process share. */
export const idleWheel = new TimerWheel();
