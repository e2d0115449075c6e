/** How far a long command has come: one line that is drawn again on a terminal, a plain line now and then elsewhere. */

/** On a terminal, drawn at most this often. */
const REDRAW_MS = 100;
/** Elsewhere (a log file, a pipe), a line at most this often. */
const LINE_MS = 10_000;
const BAR_WIDTH = 24;

export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #total: number;
  readonly #live: boolean;
  #last = performance.now();
  #drawn = false;

  /** `total` in the unit of `show`; 0: unknown. Progress goes to stderr, so that stdout stays for results. */
  constructor(total: number, stream: NodeJS.WriteStream = process.stderr) {
    this.#total = total;
    this.#stream = stream;
    this.#live = stream.isTTY;
  }

  /** Cheap; call it for every message. */
  show(done: number, text: () => string): void {
    const now = performance.now();
    if (now - this.#last < (this.#live ? REDRAW_MS : LINE_MS)) return;
    this.#last = now;
    const share = this.#total > 0 ? Math.min(1, done / this.#total) : 0;
    const percent = this.#total > 0 ? `${String(Math.floor(share * 100)).padStart(3)} %  ` : '';
    if (!this.#live) {
      this.#stream.write(`${percent}${text()}\n`);
      return;
    }
    const full = Math.round(share * BAR_WIDTH);
    const bar = this.#total > 0 ? `[${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}] ` : '';
    const line = `${bar}${percent}${text()}`.slice(0, Math.max(20, (this.#stream.columns ?? 80) - 1));
    this.#stream.write(`\r\u001b[K${line}`);
    this.#drawn = true;
  }

  /** A line of its own, above the bar. */
  note(line: string): void {
    this.clear();
    this.#stream.write(`${line}\n`);
  }

  clear(): void {
    if (this.#drawn) this.#stream.write('\r\u001b[K');
    this.#drawn = false;
  }
}
