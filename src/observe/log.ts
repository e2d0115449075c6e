/**
 * Structured logs (pino). A log line never holds a password, a SASL response or message text.
 * Every session logs with `session`, the id that follows a client from front end to back end.
 */
import { pino } from 'pino';
import { tally } from './metrics/tally.ts';

export interface Log {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
  child(fields: object): Log;
}

/** The log of a process, which can be told that its file was renamed. */
export interface RootLog extends Log {
  /** Opens the file anew: logrotate has moved the old one away. Nothing to do for stdout and stderr. */
  reopen(): void;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Octets of lines that wait for a slow or full disk; what comes beyond is dropped and counted. */
export const LOG_PENDING_BYTES = 64 * 1024 * 1024;

/** Names under which secrets might slip into the fields of a line, at its top or one level down. */
const SECRETS = ['password', 'secret', 'token', 'credentials', 'authorization'];

/** `destination` is a file path, or 1 / 2 for stdout / stderr. */
export function createLog(options: { level: LogLevel; destination: string | 1 | 2 }): RootLog {
  const { destination } = options;
  const stream = pino.destination({ dest: destination, sync: false, mkdir: true, maxLength: LOG_PENDING_BYTES });
  stream.on('drop', () => tally.logLinesDropped.add(['server']));
  const log = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: SECRETS.flatMap((name) => [name, `*.${name}`]),
    },
    stream,
  );
  // A disk that is full ends no server: the lines wait and are written with the next one that can be. Not before the
  // file is open: a server whose log cannot even be begun has to say so to whoever starts it.
  let failing: string | null = null;
  stream.once('ready', () => {
    stream.on('error', (error: Error) => {
      failing ??= error.message;
    });
  });
  stream.on('write', () => {
    if (failing === null) return;
    const error = failing;
    failing = null;
    log.warn({ error }, 'the log could not be written for a while; it goes on');
  });
  return Object.assign(log, {
    reopen: () => {
      if (typeof destination === 'string') stream.reopen();
    },
  });
}

const drop = (): void => {};

/** For tests and for code that runs before the log exists. */
export const silentLog: Log = { debug: drop, info: drop, warn: drop, error: drop, child: () => silentLog };
