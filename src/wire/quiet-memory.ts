/**
 * Gives memory back when the clients have become quiet. V8 collects garbage when it needs room, and a server whose
 * sessions idle needs none: what a thousand logons left behind stays resident for hours. V8's memory reducer would
 * collect it in small steps, but waits for a sign that there is garbage, and after its first run for ten megabytes more
 * (measured: a second thousand of sessions, and nothing was collected in the hundred quiet seconds behind it). So it is
 * given a sign, and until clients are busy again V8 is told to favour memory.
 *
 * Knows no socket and no session; one for the process, as there is one heap.
 */
import { Buffer } from 'node:buffer';
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';

/** Milliseconds between two looks. */
export const QUIET_TICK_MS = 1_000;
/** Up to this share of its time the event loop of a quiet server works: clients that idle say something now and then. */
export const QUIET_SHARE = 0.05;
/** More reads than this since the last look, and clients are busy again. */
export const QUIET_READS = 20;
/**
 * Quiet ticks in a row after which memory is favoured. Long enough that a pause between two waves of work costs nothing:
 * a heap that was made small has to grow again, which takes the first seconds of the next wave (measured with 2: a POP3
 * download and single STOREs at two thirds of their speed).
 */
export const QUIET_TICKS = 20;
/** Ticks a collection takes with the two that V8 lets follow it, each some eight seconds behind the one before. */
export const COLLECTION_TICKS = 20;
/** The steps of a collection are work as well: only a loop busier than this for two ticks in a row has clients' work. */
export const COLLECTION_SHARE = 0.5;
/** A heap that has grown by less since the last collection has no garbage worth one: this many octets … */
export const GROWTH_OCTETS = 4 * 1024 * 1024;
/** … or this share of it, whichever is more. */
export const GROWTH_SHARE = 1 / 16;
/**
 * Memory outside the heap that is asked for and dropped at once is V8's sign to collect. It is never touched, so it is
 * never resident. V8 takes the sign from 64 MiB on; beyond half of the largest heap it would collect in one piece.
 */
const SIGN_OCTETS = 72 * 1024 * 1024;

/** What is done with the heap. */
export interface Heap {
  favour(memory: boolean): void;
  /** Lets a collection begin, which goes on in small steps. */
  collect(): void;
  /** Resident. */
  octets(): number;
}

export const v8Heap: Heap = {
  favour: (memory) => setFlagsFromString(memory ? '--optimize-for-size' : '--no-optimize-for-size'),
  collect: () => {
    try {
      Buffer.allocUnsafeSlow(SIGN_OCTETS);
    } catch {
      // A machine that has not even the addresses to give: V8 will collect by itself.
    }
  },
  octets: () => {
    const { total_physical_size: heap, external_memory: outside } = getHeapStatistics();
    return heap + outside;
  },
};

/** Share of the time since the last call in which the event loop worked, 0–1. */
function loopShare(): () => number {
  let last: EventLoopUtilization | undefined;
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}

export class QuietMemory {
  readonly #heap: Heap;
  readonly #share: () => number;
  #timer: NodeJS.Timeout | null = null;
  #reads = 0;
  #quietTicks = 0;
  #favoured = false;
  /** Ticks for which the work of a collection is not taken for that of clients. */
  #collecting = 0;
  /** Busy ticks in a row meanwhile. */
  #busyTicks = 0;
  /** Octets behind the last collection; null: none has come to its end. */
  #resting: number | null = null;

  constructor(heap: Heap, share: () => number = loopShare()) {
    this.#heap = heap;
    this.#share = share;
  }

  /** Bytes came from some client. */
  heard(): void {
    this.#reads += 1;
    if (this.#timer === null) {
      this.#share();
      this.#timer = setInterval(() => this.#tick(), QUIET_TICK_MS);
      this.#timer.unref();
    }
    if (this.#favoured && this.#reads > QUIET_READS) this.#becomeBusy();
  }

  #tick(): void {
    const reads = this.#reads;
    this.#reads = 0;
    const share = this.#share();
    if (this.#collecting > 0) {
      this.#busyTicks = share > COLLECTION_SHARE ? this.#busyTicks + 1 : 0;
      if (this.#busyTicks > 1) {
        this.#becomeBusy();
        return;
      }
      this.#collecting -= 1;
      if (this.#collecting === 0) this.#resting = this.#heap.octets();
      return;
    }
    if (share > QUIET_SHARE) {
      this.#becomeBusy();
      return;
    }
    this.#quietTicks += 1;
    if (this.#quietTicks < QUIET_TICKS) return;
    if (!this.#favoured) this.#becomeQuiet();
    // Nobody at all: no look either, until somebody is heard again.
    if (reads > 0 || this.#collecting > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #becomeBusy(): void {
    this.#quietTicks = 0;
    this.#collecting = 0;
    if (!this.#favoured) return;
    this.#favoured = false;
    this.#heap.favour(false);
  }

  #becomeQuiet(): void {
    this.#favoured = true;
    this.#heap.favour(true);
    const resting = this.#resting;
    if (resting !== null && this.#heap.octets() - resting < Math.max(GROWTH_OCTETS, resting * GROWTH_SHARE)) return;
    this.#resting = null;
    this.#collecting = COLLECTION_TICKS;
    this.#busyTicks = 0;
    this.#heap.collect();
  }
}

export const quietMemory = new QuietMemory(v8Heap);
