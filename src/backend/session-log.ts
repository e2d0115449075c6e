/**
 * The log of one session, with who it is in every line. pino's child is made for a line and not kept: most sessions
 * write one or two lines in hours, and tens of thousands of children would be held for nothing.
 */
import type { Log } from '../observe/log.ts';
import type { LiveSession } from './sessions.ts';

export class SessionLog implements Log {
  readonly #log: Log;
  readonly #facts: LiveSession;

  constructor(log: Log, facts: LiveSession) {
    this.#log = log;
    this.#facts = facts;
  }

  debug(fields: object, text: string): void {
    this.#named().debug(fields, text);
  }

  info(fields: object, text: string): void {
    this.#named().info(fields, text);
  }

  warn(fields: object, text: string): void {
    this.#named().warn(fields, text);
  }

  error(fields: object, text: string): void {
    this.#named().error(fields, text);
  }

  child(fields: object): Log {
    return this.#named().child(fields);
  }

  #named(): Log {
    const { id, protocol, user } = this.#facts;
    return this.#log.child({ session: id, protocol, user });
  }
}
