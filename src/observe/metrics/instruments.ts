/**
 * Every instrument of Penfold with its stable name: the scrape, docs/admin/monitoring.md and its test are made from
 * this one table. Values are read when someone scrapes. Labels come from closed lists: no user names, no addresses.
 */
import { type ConnectionTally, type Counts, type Durations, tally } from './tally.ts';

/** What only the running server can tell, asked at each scrape. */
export interface MetricSources {
  readonly version: string;
  readonly server: string;
  draining(): boolean;
  /** By protocol. */
  sessions(): ReadonlyMap<string, number>;
  /** Mailboxes with at least one session. */
  mailboxesInUse(): number;
  databasesOpen(): number;
  lockedOut(): number;
  health(): readonly HealthFact[];
  certificates(): ReadonlyArray<{ readonly name: string; readonly secondsLeft: number }>;
  disks(): Promise<ReadonlyArray<{ readonly place: string; readonly free: number; readonly size: number }>>;
}

export interface HealthFact {
  readonly probe: string;
  readonly healthSet: string;
  readonly state: 'Healthy' | 'Unhealthy' | 'Disabled' | 'Unknown';
  readonly latencyMs: number | null;
}

export interface Sample {
  readonly labels: readonly string[];
  readonly value: number;
}

interface Described {
  readonly name: string;
  /** One sentence for whoever writes the alert. */
  readonly help: string;
  readonly labels: readonly string[];
}

export type Instrument = Described &
  (
    | {
        readonly type: 'counter' | 'gauge';
        readonly read: (sources: MetricSources) => readonly Sample[] | Promise<readonly Sample[]>;
      }
    | {
        readonly type: 'histogram';
        readonly read: () => ReadonlyArray<{ readonly labels: readonly string[]; readonly durations: Durations }>;
      }
  );

const one = (value: number): readonly Sample[] => [{ labels: [], value }];

/** Those that front ends relay. */
const PROXIED = ['imap', 'pop3'] as const;
const PROTOCOLS = ['imap', 'pop3', 'smtp', 'web'] as const;
const ofConnections = (read: (connections: ConnectionTally) => number): readonly Sample[] =>
  PROTOCOLS.map((protocol) => ({ labels: [protocol], value: read(tally.connections[protocol]) }));

/** Without labels, a counter begins with 0: an alert on its rise must not wait for the first one. */
const series = (counts: Counts): readonly Sample[] => counts.series;

const STATES = ['Healthy', 'Unhealthy', 'Disabled', 'Unknown'] as const;

export const INSTRUMENTS: readonly Instrument[] = [
  {
    name: 'penfold_info',
    type: 'gauge',
    labels: ['version', 'server'],
    help: 'Always 1; its labels say which version runs where.',
    read: ({ version, server }) => [{ labels: [version, server], value: 1 }],
  },
  {
    name: 'penfold_draining',
    type: 'gauge',
    labels: [],
    help: '1 while the server stops and takes no new client.',
    read: (sources) => one(sources.draining() ? 1 : 0),
  },
  {
    name: 'penfold_connections_open',
    type: 'gauge',
    labels: ['protocol'],
    help: 'Client connections that are open, logged on or not.',
    read: () => ofConnections((connections) => connections.open),
  },
  {
    name: 'penfold_connections_accepted_total',
    type: 'counter',
    labels: ['protocol'],
    help: 'Client connections that were let in.',
    read: () => ofConnections((connections) => connections.accepted),
  },
  {
    name: 'penfold_connections_refused_total',
    type: 'counter',
    labels: ['protocol', 'reason'],
    help: 'Client connections that were sent away: LIMIT (a connection limit), UNAVAILABLE (component inactive), NOPERM (no connector takes the address), TLS (handshake failed), PROXY (a load balancer without a right header).',
    read: () =>
      PROTOCOLS.flatMap((protocol) =>
        tally.connections[protocol].refused.series.map(({ labels, value }) => ({
          labels: [protocol, ...labels],
          value,
        })),
      ),
  },
  {
    name: 'penfold_logons_total',
    type: 'counter',
    labels: ['protocol', 'mechanism', 'result'],
    help: 'Logons that were decided: OK, or the response code of the refusal (AUTHENTICATIONFAILED: wrong name or password; LIMIT: locked out). `password` is LOGIN, USER/PASS and HTTP Basic.',
    read: () => series(tally.logons),
  },
  {
    name: 'penfold_logons_without_session_total',
    type: 'counter',
    labels: ['protocol', 'code'],
    help: 'Right password and still no session: LIMIT (MaxConnectionsPerUser), UNAVAILABLE (back end or database down), INUSE (POP3 maildrop locked).',
    read: () => series(tally.notAdmitted),
  },
  {
    name: 'penfold_lock_outs_total',
    type: 'counter',
    labels: [],
    help: 'Pairs of client address and user that were locked out after failed logons.',
    read: () => one(tally.lockOuts),
  },
  {
    name: 'penfold_locked_out',
    type: 'gauge',
    labels: [],
    help: 'Pairs of client address and user that are locked out now.',
    read: (sources) => one(sources.lockedOut()),
  },
  {
    name: 'penfold_sessions',
    type: 'gauge',
    labels: ['protocol'],
    help: 'Sessions behind a logon, on this back end.',
    read: (sources) => [...sources.sessions()].map(([protocol, value]) => ({ labels: [protocol], value })),
  },
  {
    name: 'penfold_proxied_sessions',
    type: 'gauge',
    labels: ['protocol'],
    help: 'Sessions that this front end relays to back ends of other servers.',
    read: () => PROXIED.map((protocol) => ({ labels: [protocol], value: tally.proxied[protocol].open })),
  },
  {
    name: 'penfold_proxied_logons_total',
    type: 'counter',
    labels: ['protocol', 'result'],
    help: 'Sessions asked for at back ends of other servers: OK, or the code of the refusal (UNAVAILABLE: not reached, stopped, or owned by another one).',
    read: () =>
      PROXIED.flatMap((protocol) =>
        tally.proxied[protocol].opened.series.map(({ labels, value }) => ({ labels: [protocol, ...labels], value })),
      ),
  },
  {
    name: 'penfold_proxied_logon_duration_seconds',
    type: 'histogram',
    labels: ['protocol'],
    help: 'From asking a back end of another server for a session to its answer, opening the mailbox included.',
    read: () => PROXIED.map((protocol) => ({ labels: [protocol], durations: tally.proxied[protocol].durations })),
  },
  {
    name: 'penfold_back_end_connections_open',
    type: 'gauge',
    labels: ['protocol'],
    help: 'Connections of other servers’ front ends to this back end, those that only stand ready included.',
    read: () => PROXIED.map((protocol) => ({ labels: [protocol], value: tally.proxied[protocol].accepted.open })),
  },
  {
    name: 'penfold_back_end_connections_refused_total',
    type: 'counter',
    labels: ['protocol', 'code'],
    help: 'Connections to a back-end port that proved to be of no front end of the organization. Anything but 0 is worth a look at the log.',
    read: () =>
      PROXIED.flatMap((protocol) =>
        tally.proxied[protocol].accepted.refused.series.map(({ labels, value }) => ({
          labels: [protocol, ...labels],
          value,
        })),
      ),
  },
  {
    name: 'penfold_command_duration_seconds',
    type: 'histogram',
    labels: ['protocol', 'command'],
    help: 'From a command to its answer, waiting for a throttled budget included. IMAP4 and POP3: behind the logon, where IDLE lasts as long as the client listens. SMTP: DATA and BDAT last as long as the client sends. web: methods of JMAP.',
    read: () =>
      PROTOCOLS.flatMap((protocol) =>
        [...tally.commands[protocol].verbs].map(([verb, durations]) => ({ labels: [protocol, verb], durations })),
      ),
  },
  {
    name: 'penfold_messages_received_total',
    type: 'counter',
    labels: ['origin'],
    help: 'Messages that came in whole: from a client or server by SMTP (`smtp`), or written by this server (`server`: notices, receipts, delivery reports).',
    read: () => series(tally.messagesReceived),
  },
  {
    name: 'penfold_message_received_bytes_total',
    type: 'counter',
    labels: ['origin'],
    help: 'Octets of those messages.',
    read: () => series(tally.messageBytes),
  },
  {
    name: 'penfold_copies_delivered_total',
    type: 'counter',
    labels: [],
    help: 'Copies that are durable in a mailbox: one message to three recipients is three.',
    read: () => one(tally.copiesDelivered),
  },
  {
    name: 'penfold_copies_failed_total',
    type: 'counter',
    labels: ['code'],
    help: 'Copies that could not be delivered, by response code (OVERQUOTA: mailbox full; UNAVAILABLE: database or disk).',
    read: () => series(tally.copiesFailed),
  },
  {
    name: 'penfold_quota_notices_total',
    type: 'counter',
    labels: ['threshold'],
    help: 'Mails to owners of mailboxes that fill up.',
    read: () => series(tally.quotaNotices),
  },
  {
    name: 'penfold_databases_open',
    type: 'gauge',
    labels: [],
    help: 'Mailbox databases this server has open.',
    read: (sources) => one(sources.databasesOpen()),
  },
  {
    name: 'penfold_mailboxes_in_use',
    type: 'gauge',
    labels: [],
    help: 'Mailboxes with at least one session.',
    read: (sources) => one(sources.mailboxesInUse()),
  },
  {
    name: 'penfold_store_flush_duration_seconds',
    type: 'histogram',
    labels: [],
    help: 'fdatasync of the mailbox databases: each group of commits waits for one. Its count is the rate of durable writes.',
    read: () => [{ labels: [], durations: tally.storeFlushes }],
  },
  {
    name: 'penfold_directory_change_duration_seconds',
    type: 'histogram',
    labels: [],
    help: 'From the news of a changed setting to the moment at which every service obeys it.',
    read: () => [{ labels: [], durations: tally.directoryChanges }],
  },
  {
    name: 'penfold_directory_away',
    type: 'gauge',
    labels: [],
    help: '1 while the directory cannot be reached: logons go on with what is known, changes are refused.',
    read: () => one(tally.directoriesAway),
  },
  {
    name: 'penfold_directory_outages_total',
    type: 'counter',
    labels: [],
    help: 'Times at which the directory went away.',
    read: () => one(tally.directoryOutages),
  },
  {
    name: 'penfold_health_state',
    type: 'gauge',
    labels: ['probe', 'health_set', 'state'],
    help: '1 for the state each probe is in (Healthy, Unhealthy, Disabled, Unknown), 0 for the others.',
    read: (sources) =>
      sources
        .health()
        .flatMap(({ probe, healthSet, state }) =>
          STATES.map((each) => ({ labels: [probe, healthSet, each], value: each === state ? 1 : 0 })),
        ),
  },
  {
    name: 'penfold_health_probe_seconds',
    type: 'gauge',
    labels: ['probe'],
    help: 'How long each probe took the last time.',
    read: (sources) =>
      sources
        .health()
        .flatMap(({ probe, latencyMs }) => (latencyMs === null ? [] : [{ labels: [probe], value: latencyMs / 1000 }])),
  },
  {
    name: 'penfold_certificate_expiry_seconds',
    type: 'gauge',
    labels: ['name'],
    help: 'Seconds until a certificate expires; negative when it has. `name` is its first DNS name.',
    read: (sources) => sources.certificates().map(({ name, secondsLeft }) => ({ labels: [name], value: secondsLeft })),
  },
  {
    name: 'penfold_disk_free_bytes',
    type: 'gauge',
    labels: ['place'],
    help: 'Free for Penfold on the file system of the data directory (`data`) or of a mailbox database (its name).',
    read: async (sources) => (await sources.disks()).map(({ place, free }) => ({ labels: [place], value: free })),
  },
  {
    name: 'penfold_disk_size_bytes',
    type: 'gauge',
    labels: ['place'],
    help: 'Size of that file system.',
    read: async (sources) => (await sources.disks()).map(({ place, size }) => ({ labels: [place], value: size })),
  },
  {
    name: 'penfold_log_lines_dropped_total',
    type: 'counter',
    labels: ['log'],
    help: 'Lines that could not be written, to the process’s log (`server`) or another by the beginning of its file names. Anything but 0 means a full or slow disk.',
    read: () => series(tally.logLinesDropped),
  },
  {
    name: 'penfold_csp_reports_total',
    type: 'counter',
    labels: ['directive'],
    help: 'Reports of browsers that a page of the web app tried what its Content Security Policy forbids. A hint: anybody can send one. The log has the details.',
    read: () => series(tally.cspReports),
  },
];

/** The table of docs/admin/monitoring.md. */
export function instrumentTable(): string {
  const rows = INSTRUMENTS.map(({ name, type, labels, help }) => {
    const labelled = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${labelled} | ${help} |`;
  });
  return ['| metric | type | labels | what it tells |', '|---|---|---|---|', ...rows, ''].join('\n');
}
