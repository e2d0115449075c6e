/**
 * The message tracking log (exchange-behaviour.md §9.8): where each message came from and where it went, one line an
 * event, with Exchange's fields in Exchange's order; and the way to ask it. Never a body, subjects as they were sent.
 */
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { csv } from '../observe/protocol-log/mail-protocol.ts';
import { RollingFile, type RollingFileSettings } from '../observe/protocol-log/rolling-file.ts';

export type TrackingEventId = 'RECEIVE' | 'DELIVER' | 'SEND' | 'FAIL' | 'DSN';
export type TrackingSource = 'SMTP' | 'STOREDRIVER' | 'DSN';

export interface TrackingEvent {
  readonly eventId: TrackingEventId;
  readonly source: TrackingSource;
  readonly clientIp: string;
  readonly clientHostname: string;
  /** `SERVER\\Connector`; empty when it came by none. */
  readonly connectorId: string;
  /** Session id and number: what the Received field and the log lines have. */
  readonly internalMessageId: string;
  readonly messageId: string;
  readonly recipients: readonly string[];
  /** One for each recipient, or none. */
  readonly recipientStatus: readonly string[];
  readonly totalBytes: number;
  readonly subject: string;
  readonly sender: string;
  readonly returnPath: string;
  readonly directionality: 'Originating' | 'Incoming';
}

export interface TrackingRecord extends TrackingEvent {
  /** ISO 8601, UTC. */
  readonly timestamp: string;
  readonly serverHostname: string;
}

export interface TrackingQuery {
  /** Milliseconds since 1970; `end` is excluded. */
  readonly start?: number;
  readonly end?: number;
  readonly eventId?: TrackingEventId;
  readonly source?: TrackingSource;
  /** Whole address, in any case. */
  readonly sender?: string;
  readonly recipients?: readonly string[];
  /** Part of it, in any case. */
  readonly subject?: string;
  readonly messageId?: string;
  readonly internalMessageId?: string;
  /** Aborted: nobody waits for the rest. Files of a gigabyte may hold nothing that matches. */
  readonly signal?: AbortSignal;
}

const PREFIX = 'MSGTRK';
const FIELDS = [
  'date-time',
  'client-ip',
  'client-hostname',
  'server-ip',
  'server-hostname',
  'source-context',
  'connector-id',
  'source',
  'event-id',
  'internal-message-id',
  'message-id',
  'network-message-id',
  'recipient-address',
  'recipient-status',
  'total-bytes',
  'recipient-count',
  'related-recipient-address',
  'reference',
  'message-subject',
  'sender-address',
  'return-path',
  'message-info',
  'directionality',
  'tenant-id',
  'original-client-ip',
  'original-server-ip',
  'custom-data',
  'transport-traffic-type',
  'log-id',
  'schema-version',
] as const;
type Field = (typeof FIELDS)[number];

/** §9.8: 30 days, 10 MB a file, 1000 MB in all. */
const LIMITS: Omit<RollingFileSettings, 'directory'> = {
  prefix: PREFIX,
  rollOver: 'Daily',
  perFileQuota: 10 * 1024 ** 2,
  maxAge: 30 * 86_400,
  maxDirectorySize: 1000 * 1024 ** 2,
};
/** A subject longer than this is cut in the log. */
const SUBJECT_CHARACTERS = 500;

export class TrackingLog {
  readonly #directory: string;
  readonly #server: string;
  readonly #file: RollingFile;

  /** `directory`: absolute. */
  constructor(options: {
    readonly directory: string;
    readonly serverHostname: string;
    readonly version: string;
    readonly onTrouble: (error: unknown, dropped: number) => void;
  }) {
    this.#directory = options.directory;
    this.#server = options.serverHostname;
    this.#file = new RollingFile({
      settings: () => ({ ...LIMITS, directory: options.directory }),
      onTrouble: options.onTrouble,
      header: (now) =>
        `#Software: Penfold\r\n#Version: ${options.version}\r\n#Log-type: Message Tracking Log\r\n#Date: ${now.toISOString()}\r\n#Fields: ${FIELDS.join(',')}\r\n`,
    });
  }

  write(event: TrackingEvent): void {
    const values: Partial<Record<Field, string>> = {
      'date-time': new Date().toISOString(),
      'client-ip': event.clientIp,
      'client-hostname': event.clientHostname,
      'server-hostname': this.#server,
      'connector-id': event.connectorId,
      source: event.source,
      'event-id': event.eventId,
      'internal-message-id': event.internalMessageId,
      'message-id': event.messageId,
      'recipient-address': event.recipients.join(';'),
      'recipient-status': event.recipientStatus.join(';'),
      'total-bytes': String(event.totalBytes),
      'recipient-count': String(event.recipients.length),
      'message-subject': event.subject.slice(0, SUBJECT_CHARACTERS),
      'sender-address': event.sender,
      'return-path': event.returnPath,
      directionality: event.directionality,
      'original-client-ip': event.clientIp,
    };
    this.#file.write(FIELDS.map((field) => csv(values[field] ?? '')).join(','));
  }

  flush(): Promise<void> {
    return this.#file.flush();
  }

  /** Oldest first. @throws the reason of `signal` */
  async *read(query: TrackingQuery): AsyncIterable<TrackingRecord> {
    await this.flush();
    for (const name of await this.#files(query)) {
      const lines = createInterface({ input: createReadStream(path.join(this.#directory, name)), crlfDelay: Infinity });
      for await (const line of lines) {
        query.signal?.throwIfAborted();
        if (line === '' || line.startsWith('#')) continue;
        const record = recordOf(splitCsv(line));
        if (record !== null && matches(record, query)) yield record;
      }
    }
  }

  /** A file of a day before the start holds nothing that is asked for. */
  async #files({ start, end }: TrackingQuery): Promise<readonly string[]> {
    let names: string[];
    try {
      names = await readdir(this.#directory);
    } catch (error) {
      if (error instanceof Error && Reflect.get(error, 'code') === 'ENOENT') return [];
      throw error;
    }
    const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10).replaceAll('-', '');
    return names
      .map((name) => ({ name, parts: /^MSGTRK(\d{8})-(\d+)\.LOG$/.exec(name) }))
      .filter(({ parts }) => parts !== null)
      .filter(({ parts }) => start === undefined || (parts?.[1] ?? '') >= day(start))
      .filter(({ parts }) => end === undefined || (parts?.[1] ?? '') <= day(end))
      .toSorted((a, b) =>
        a.parts?.[1] === b.parts?.[1]
          ? Number(a.parts?.[2]) - Number(b.parts?.[2])
          : (a.parts?.[1] ?? '') < (b.parts?.[1] ?? '')
            ? -1
            : 1,
      )
      .map(({ name }) => name);
  }
}

/** RFC 4180 §2, one line: `csv` leaves no line end in a value. */
export function splitCsv(line: string): readonly string[] {
  const values: string[] = [];
  let value = '';
  let quoted = false;
  for (let at = 0; at < line.length; at += 1) {
    const character = line.charAt(at);
    if (quoted && character === '"' && line.charAt(at + 1) === '"') {
      value += '"';
      at += 1;
    } else if (character === '"') quoted = !quoted;
    else if (character === ',' && !quoted) {
      values.push(value);
      value = '';
    } else value += character;
  }
  values.push(value);
  return values;
}

const EVENTS: readonly TrackingEventId[] = ['RECEIVE', 'DELIVER', 'SEND', 'FAIL', 'DSN'];
const SOURCES: readonly TrackingSource[] = ['SMTP', 'STOREDRIVER', 'DSN'];

/** Null: a line of something else. */
function recordOf(values: readonly string[]): TrackingRecord | null {
  const value = (field: Field): string => values[FIELDS.indexOf(field)] ?? '';
  const list = (field: Field): readonly string[] => (value(field) === '' ? [] : value(field).split(';'));
  const eventId = EVENTS.find((event) => event === value('event-id'));
  const source = SOURCES.find((one) => one === value('source'));
  if (eventId === undefined || source === undefined) return null;
  return {
    timestamp: value('date-time'),
    serverHostname: value('server-hostname'),
    eventId,
    source,
    clientIp: value('client-ip'),
    clientHostname: value('client-hostname'),
    connectorId: value('connector-id'),
    internalMessageId: value('internal-message-id'),
    messageId: value('message-id'),
    recipients: list('recipient-address'),
    recipientStatus: list('recipient-status'),
    totalBytes: Number(value('total-bytes')),
    subject: value('message-subject'),
    sender: value('sender-address'),
    returnPath: value('return-path'),
    directionality: value('directionality') === 'Originating' ? 'Originating' : 'Incoming',
  };
}

function matches(record: TrackingRecord, query: TrackingQuery): boolean {
  const at = Date.parse(record.timestamp);
  const same = (one: string, other: string | undefined): boolean =>
    other === undefined || one.toLowerCase() === other.toLowerCase();
  const { recipients, subject } = query;
  return (
    (query.start === undefined || at >= query.start) &&
    (query.end === undefined || at < query.end) &&
    same(record.eventId, query.eventId) &&
    same(record.source, query.source) &&
    same(record.sender, query.sender) &&
    same(record.messageId, query.messageId) &&
    same(record.internalMessageId, query.internalMessageId) &&
    (subject === undefined || record.subject.toLowerCase().includes(subject.toLowerCase())) &&
    (recipients === undefined || recipients.some((wanted) => record.recipients.some((one) => same(one, wanted))))
  );
}
