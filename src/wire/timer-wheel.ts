/**
 * One interval for all idle deadlines instead of a timer per socket: an idle session costs no timer (design.md §5).
 * Resolution is one tick; a deadline fires up to one tick late, never early.
 */
export interface Deadline {
  /** Move the deadline to `ms` from now. Cheap: called for every command. */
  set(ms: number): void;
  clear(): void;
}

interface Entry {
  due: number;
  fire: () => void;
}

export class TimerWheel {
  readonly #entries = new Set<Entry>();
  readonly #tickMs: number;
  #timer: NodeJS.Timeout | null = null;

  constructor(tickMs = 500) {
    this.#tickMs = tickMs;
  }

  deadline(fire: () => void): Deadline {
    const entry: Entry = { due: 0, fire };
    return {
      set: (ms) => {
        entry.due = performance.now() + ms;
        this.#entries.add(entry);
        this.#start();
      },
      clear: () => {
        this.#entries.delete(entry);
        if (this.#entries.size === 0) this.#stop();
      },
    };
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
