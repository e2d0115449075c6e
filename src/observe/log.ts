/**
 * Structured logs (pino). A log line never holds a password, a SASL response or message text.
 * Every session logs with `session`, the id that follows a client from front end to back end.
 */
import { pino } from 'pino';

export interface Log {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
  child(fields: object): Log;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** `destination` is a file path, or 1 / 2 for stdout / stderr. */
export function createLog(options: { level: LogLevel; destination: string | 1 | 2 }): Log {
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ['password', 'secret', 'token', '*.password', '*.secret', '*.token'],
    },
    pino.destination({ dest: options.destination, sync: false, mkdir: true }),
  );
}

const drop = (): void => {};

/** For tests and for code that runs before the log exists. */
export const silentLog: Log = { debug: drop, info: drop, warn: drop, error: drop, child: () => silentLog };
