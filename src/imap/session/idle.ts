/**
 * IDLE (RFC 2177): what happens in the folder is told in the same turn of the event loop in which the store
 * publishes it. DONE is a line of the ordinary stream, so what a client pipelines behind it is not lost
 * (field-study.md B3). While nothing happens, this object and its place on the wheel are all that is held: no
 * buffer, no timer, no promise.
 */
import { idleWheel, type Timed } from '../../wire/timer-wheel.ts';
import type { Session } from './context.ts';

/** Phones and routers forget a connection on which nothing is said for some minutes (field-study.md B23). */
const STILL_HERE_MS = 4 * 60 * 1000;

export class Idle implements Timed {
  due = 0;
  /** Of the IDLE command, for its answer. */
  readonly tag: string;
  readonly #session: Session;
  #sending = false;
  #more = false;
  #over = false;

  constructor(session: Session, tag: string) {
    this.#session = session;
    this.tag = tag;
  }

  begin(): void {
    const { out } = this.#session;
    out.ascii('+ idling\r\n');
    this.push();
    idleWheel.set(this, STILL_HERE_MS);
  }

  end(): void {
    this.#over = true;
    idleWheel.clear(this);
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
    if (!selected.hasMore && !connection.isBacklogged) return;
    this.#sending = true;
    // The end of the connection ends the wait as well; `drained` never rejects.
    void connection.drained().then(() => {
      this.#sending = false;
      if (!this.#more && !selected.hasMore) return;
      this.#more = false;
      setImmediate(() => this.push());
    });
  }

  /** The wheel: nothing has been said for a while. */
  fire(): void {
    if (this.#over) return;
    this.#session.out.ascii('* OK Still here\r\n');
    this.#session.connection.flush();
    idleWheel.set(this, STILL_HERE_MS);
  }
}
