/**
 * IDLE (RFC 2177): what happens in the folder is told in the same turn of the event loop in which the store
 * publishes it. DONE is a line of the ordinary stream, so what a client pipelines behind it is not lost
 * (field-study.md B3). While nothing happens, no buffer and no timer of its own is held, only a place on the wheel.
 */
import { type Deadline, idleWheel } from '../../wire/timer-wheel.ts';
import { bad, type Completion, ok, type Session } from './context.ts';

/** Phones and routers forget a connection on which nothing is said for some minutes (field-study.md B23). */
const STILL_HERE_MS = 4 * 60 * 1000;

export class Idle {
  readonly #session: Session;
  readonly #stillHere: Deadline;
  #sending = false;
  #more = false;
  #over = false;

  constructor(session: Session) {
    this.#session = session;
    this.#stillHere = idleWheel.deadline(() => this.#sayStillHere());
  }

  /** Resolves when the client said something, which ought to be DONE. @throws IdleTimeout */
  async serve(): Promise<Completion> {
    const session = this.#session;
    session.out.ascii('+ idling\r\n');
    this.push();
    session.connection.flush();
    this.#stillHere.set(STILL_HERE_MS);
    try {
      const done = await session.reader.done();
      return done === false ? bad('IDLE ends with DONE.') : ok('IDLE completed.');
    } finally {
      this.#over = true;
      this.#stillHere.clear();
    }
  }

  /** Tells the client now; a client that does not read is told later, once, of everything. */
  push(): void {
    const { selected, out, connection } = this.#session;
    if (this.#sending) {
      this.#more = true;
      return;
    }
    if (selected === null || this.#over || !selected.release(out, true)) return;
    connection.flush();
    this.#sending = true;
    // The end of the connection ends the wait as well; `drained` never rejects.
    void connection.drained().then(() => {
      this.#sending = false;
      if (!this.#more && !selected.hasMore) return;
      this.#more = false;
      setImmediate(() => this.push());
    });
  }

  #sayStillHere(): void {
    if (this.#over) return;
    this.#session.out.ascii('* OK Still here\r\n');
    this.#session.connection.flush();
    this.#stillHere.set(STILL_HERE_MS);
  }
}
