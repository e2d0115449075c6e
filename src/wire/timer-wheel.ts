/**
 * One interval for all idle deadlines instead of a timer per socket: an idle session costs no timer (design.md §5).
 * Resolution is one tick; a deadline fires up to one tick late, never early.
 */
export interface Deadline {
  /** Move the deadline to `ms` from now. Cheap: called for every command. */
  set(ms: number): void;
  clear(): void;
}

/** What the wheel does with its entries. */
interface Wheel {
  enter(entry: Entry): void;
  leave(entry: Entry): void;
}

/** One object a deadline and no closure: every idle session has two. */
class Entry implements Deadline {
  /** Milliseconds of the process clock. */
  due = 0;
  readonly fire: () => void;
  readonly #wheel: Wheel;

  constructor(wheel: Wheel, fire: () => void) {
    this.#wheel = wheel;
    this.fire = fire;
  }

  set(ms: number): void {
    this.due = performance.now() + ms;
    this.#wheel.enter(this);
  }

  clear(): void {
    this.#wheel.leave(this);
  }
}

export class TimerWheel implements Wheel {
  readonly #entries = new Set<Entry>();
  readonly #tickMs: number;
  #timer: NodeJS.Timeout | null = null;

  constructor(tickMs = 500) {
    this.#tickMs = tickMs;
  }

  deadline(fire: () => void): Deadline {
    return new Entry(this, fire);
  }

  enter(entry: Entry): void {
    this.#entries.add(entry);
    this.#start();
  }

  leave(entry: Entry): void {
    this.#entries.delete(entry);
    if (this.#entries.size === 0) this.#stop();
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
