/** What an SMTP session needs from the rest of the server; main puts it together, tests put fakes in. */
import { setTimeout } from 'node:timers/promises';
import type { TLSSocketOptions } from 'node:tls';
import type { Authenticator, Logon } from '../../auth/api.ts';
import type { Directory } from '../../directory/api.ts';
import type { ReceiveConnector } from '../../directory/model.ts';
import type { Log } from '../../observe/log.ts';
import type { SmtpProtocolLog } from '../../observe/protocol-log/smtp.ts';
import type { Transport } from '../../transport/api.ts';
import type { Connection } from '../../wire/connection.ts';
import type { ProxiedFacts } from '../grammar/proxied-client.ts';
import type { RateLimiter } from './rate-limit.ts';

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  sleep(ms: number): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms) => setTimeout(ms, undefined, { ref: false }),
};

/** A session that goes on at another server. Exactly one of the two is called. */
export interface OnwardSession {
  /** Name of that server, for logs. */
  readonly server: string;
  /** Takes the connection with all that is buffered; resolves when the client is gone. */
  run(connection: Connection): Promise<void>;
  cancel(): void;
}

/**
 * Finds who serves a submission: null is this server. The other one has answered when it resolves.
 * @throws Failure UNAVAILABLE in plain words, and what the other server refused
 */
export type SubmissionProxy = (logon: Logon, client: ProxiedFacts) => Promise<OnwardSession | null>;

export interface SmtpDependencies {
  readonly directory: Directory;
  readonly authenticator: Authenticator;
  readonly transport: Transport;
  /** The certificates a connector shows. Cheap: called for each handshake. */
  readonly tls: (connector: ReceiveConnector) => TLSSocketOptions;
  readonly log: Log;
  /** Submissions of users whose mailboxes lie elsewhere; missing: all are served here. */
  readonly proxy?: SubmissionProxy;
  /** For connectors whose ProtocolLoggingLevel is Verbose; none when missing. */
  readonly protocolLog?: SmtpProtocolLog;
  readonly clock?: Clock;
  /** Rates of throttling policies, shared with other ways to send; its own when missing. */
  readonly ratesOfPeople?: RateLimiter;
}
