/**
 * Long work in short slices: a search may take 100 ms in all but must never hold the event loop longer than
 * design.md §5 allows (10 ms). Ask `due()` about once a millisecond of work, `await pause()` when it says so.
 */
import { setImmediate } from 'node:timers/promises';

/** Milliseconds of synchronous work between two turns of the event loop. */
export const SLICE_MS = 6;

export class TimeSlice {
  #end = performance.now() + SLICE_MS;

  due(): boolean {
    return performance.now() >= this.#end;
  }

  /** Lets sockets and timers run, then starts a new slice. */
  async pause(): Promise<void> {
    await setImmediate();
    this.#end = performance.now() + SLICE_MS;
  }
}
