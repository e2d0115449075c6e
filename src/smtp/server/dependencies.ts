/** What an SMTP session needs from the rest of the server; main puts it together, tests put fakes in. */
import { setTimeout } from 'node:timers/promises';
import type { TLSSocketOptions } from 'node:tls';
import type { Authenticator } from '../../auth/api.ts';
import type { Directory } from '../../directory/api.ts';
import type { ReceiveConnector } from '../../directory/model.ts';
import type { Log } from '../../observe/log.ts';
import type { SmtpProtocolLog } from '../../observe/protocol-log/smtp.ts';
import type { Transport } from '../../transport/api.ts';

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  sleep(ms: number): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms) => setTimeout(ms, undefined, { ref: false }),
};

export interface SmtpDependencies {
  readonly directory: Directory;
  readonly authenticator: Authenticator;
  readonly transport: Transport;
  /** The certificates a connector shows. Cheap: called for each handshake. */
  readonly tls: (connector: ReceiveConnector) => TLSSocketOptions;
  readonly log: Log;
  /** For connectors whose ProtocolLoggingLevel is Verbose; none when missing. */
  readonly protocolLog?: SmtpProtocolLog;
  readonly clock?: Clock;
}
