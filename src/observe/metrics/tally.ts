/**
 * What this process has done so far, as plain numbers: whoever does something adds one here, and a scrape
 * (instruments.ts) reads them. Nothing here knows Prometheus, and nothing is kept for a session: 50,000 idle sessions
 * cost what one costs. There is one tally a process, as there is one log, so that no layer has to hand it down.
 */

/** Series of one family; whatever comes beyond is counted as `other`, so that no client can make the scrape grow. */
export const SERIES_PER_FAMILY = 64;
export const OTHER = 'other';

/** Seconds. Most commands are answered from memory within 100 µs; above 10 s something is broken. */
export const DURATION_BOUNDS: readonly number[] = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

/** Label values are joined by it; none holds a tab. */
const SEPARATOR = '\t';

/** Counts by label values. For what happens once a connection, logon or message; commands have CommandTally. */
export class Counts {
  readonly #values = new Map<string, number>();

  /** `values` in the order of the instrument's labels; from closed lists, never a user, an address or a client's text. */
  add(values: readonly string[], by = 1): void {
    const key = values.join(SEPARATOR);
    const before = this.#values.get(key);
    if (before !== undefined) this.#values.set(key, before + by);
    else if (this.#values.size < SERIES_PER_FAMILY) this.#values.set(key, by);
    else {
      const rest = values.map(() => OTHER).join(SEPARATOR);
      this.#values.set(rest, (this.#values.get(rest) ?? 0) + by);
    }
  }

  get series(): ReadonlyArray<{ readonly labels: readonly string[]; readonly value: number }> {
    return [...this.#values].map(([key, value]) => ({ labels: key === '' ? [] : key.split(SEPARATOR), value }));
  }
}

/** A histogram of durations. */
export class Durations {
  /** How many ended up to each bound and above the one before; the last: above all bounds. */
  readonly buckets = new Float64Array(DURATION_BOUNDS.length + 1);
  /** Seconds. */
  sum = 0;
  count = 0;

  observe(milliseconds: number): void {
    const seconds = milliseconds / 1000;
    let i = 0;
    while (i < DURATION_BOUNDS.length && seconds > DURATION_BOUNDS[i]!) i += 1;
    this.buckets[i]! += 1;
    this.sum += seconds;
    this.count += 1;
  }
}

/** The commands of one protocol. `observe` allocates nothing once a verb is known. */
export class CommandTally {
  readonly #verbs = new Map<string, Durations>();

  observe(verb: string, milliseconds: number): void {
    (this.#verbs.get(verb) ?? this.#begun(verb)).observe(milliseconds);
  }

  get verbs(): ReadonlyMap<string, Durations> {
    return this.#verbs;
  }

  #begun(verb: string): Durations {
    const name = this.#verbs.size < SERIES_PER_FAMILY ? verb : OTHER;
    const known = this.#verbs.get(name);
    if (known !== undefined) return known;
    const durations = new Durations();
    this.#verbs.set(name, durations);
    return durations;
  }
}

export class ConnectionTally {
  accepted = 0;
  open = 0;
  /** By reason: a FailureCode, or TLS for a handshake that came to nothing. */
  readonly refused = new Counts();
}

/** Sessions between front ends and back ends of different servers. */
export class ProxyTally {
  /** Back-end side: connections from front ends of other servers. */
  readonly accepted = new ConnectionTally();
  /** Front-end side: OK, or the FailureCode of what became of it. */
  readonly opened = new Counts();
  /** Front-end side: sessions relayed now. */
  open = 0;
  /** Front-end side, from asking for a session to having it, those refused included. */
  readonly durations = new Durations();
}

export class Tally {
  readonly connections = {
    imap: new ConnectionTally(),
    pop3: new ConnectionTally(),
    smtp: new ConnectionTally(),
    web: new ConnectionTally(),
  };
  readonly proxied = { imap: new ProxyTally(), pop3: new ProxyTally() };
  readonly commands = {
    imap: new CommandTally(),
    pop3: new CommandTally(),
    smtp: new CommandTally(),
    /** Methods of JMAP. */
    web: new CommandTally(),
  };
  /** protocol, mechanism, result: OK or a FailureCode. */
  readonly logons = new Counts();
  /** Right password and no session: protocol, FailureCode. */
  readonly notAdmitted = new Counts();
  lockOuts = 0;
  /** origin: client, server. */
  readonly messagesReceived = new Counts();
  readonly messageBytes = new Counts();
  copiesDelivered = 0;
  /** FailureCode. */
  readonly copiesFailed = new Counts();
  /** threshold. */
  readonly quotaNotices = new Counts();
  readonly storeFlushes = new Durations();
  readonly directoryChanges = new Durations();
  /** Directories of this process that are away now: 0 or 1, more only in tests. */
  directoriesAway = 0;
  directoryOutages = 0;
  /** log. */
  readonly logLinesDropped = new Counts();
  /** directive. */
  readonly cspReports = new Counts();
}

export const tally = new Tally();
