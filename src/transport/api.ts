/**
 * The door of transport: an SMTP session asks where an address leads, hands over an envelope and streams a message.
 * Today every message ends in mailboxes of this organization, on this server or others (ADR 9); the queue and send
 * connectors will stand behind the same interface. Knows no SMTP grammar and no socket.
 */
import type { Buffer } from 'node:buffer';
import type { Account, MailboxRecord } from '../directory/model.ts';
import type { Failure } from '../observe/failure.ts';
import type { FolderId } from '../store/model.ts';

/** A recipient with a mailbox in this organization. */
export interface Recipient {
  /** As the client wrote it, for trace fields and logs. */
  readonly address: string;
  readonly account: Account;
  readonly mailbox: MailboxRecord;
  /** What the sender wants to hear of this copy (RFC 3461 §4.1, §4.2); missing: nothing was said. */
  readonly dsn?: {
    readonly notify: ReadonlySet<'SUCCESS' | 'FAILURE' | 'DELAY'> | null;
    readonly original: { readonly type: string; readonly address: string } | null;
  };
}

export type Route =
  | { readonly kind: 'local'; readonly recipient: Recipient }
  /** The domain is ours, nobody there has this address. */
  | { readonly kind: 'unknown' }
  /** The mailbox exists and takes no mail now. */
  | { readonly kind: 'disabled' }
  /** The domain is not ours. */
  | { readonly kind: 'elsewhere' };

export interface MessageOrigin {
  readonly clientAddress: string;
  /** As the client called itself. */
  readonly clientName: string;
  readonly connector: string;
  /** A person who logged on. */
  readonly authenticated: boolean;
  /** With angle brackets; empty: it has none. */
  readonly messageId: string;
  readonly subject: string;
}

export interface Envelope {
  /** Session id and message number: the id of the Received field and of every log line. */
  readonly id: string;
  /** Of the SMTP session it came in by, for log lines; missing: written by this server. */
  readonly session?: string;
  /** Empty: the null reverse-path of notifications (RFC 5321 §4.5.5). */
  readonly reversePath: string;
  readonly recipients: readonly Recipient[];
  /** Milliseconds since 1970: INTERNALDATE of the copies. */
  readonly receivedAt: number;
  /** Where it came from, for the message tracking log; missing: written by this server. */
  readonly origin?: MessageOrigin;
  /** A notice about the quota itself. */
  readonly ignoreQuota?: boolean;
  /** RFC 3461 §4.3, §4.4. */
  readonly dsn?: { readonly ret: 'FULL' | 'HDRS' | null; readonly envelopeId: string | null };
}

export interface DeliveryReport {
  readonly delivered: readonly Recipient[];
  readonly failed: ReadonlyArray<{ readonly recipient: Recipient; readonly failure: Failure }>;
}

/** A copy that is in a mailbox of this server. */
export interface DeliveredCopy {
  readonly account: Account;
  readonly folder: FolderId;
  readonly uid: number;
  /** False: no part of it has this media type. For the length of the call only. */
  mayHold(mediaType: string): boolean;
}

/** One message on its way in. Exactly one of `finish` and `abort` is called. */
export interface IncomingMessage {
  /**
   * Resolves when more may be written. The bytes now belong to the receiver.
   * @throws Failure TOOBIG, UNAVAILABLE (disk)
   */
  write(chunk: Buffer): Promise<void> | void;
  /** Resolves when every recipient has the message on disk or has a failure. Never rejects for one recipient. */
  finish(): Promise<DeliveryReport>;
  abort(): Promise<void>;
}

/** A message of another server, which decides what becomes of it: `settle` is called behind a `finish`, once. */
export interface HeldMessage extends IncomingMessage {
  /** `retried`: the client will send it again, because somebody lacks it, or nobody knows (retry-memory.ts). */
  settle(retried: boolean): void;
}

/** What this server does for mail that another one took in: into its own mailboxes, and no further. */
export interface MailboxDelivery {
  /** The mailbox can be opened here. @throws OwnedElsewhere (store/api.ts), Failure UNAVAILABLE */
  claim(account: Account): Promise<void>;
  /** As `begin` of Transport; recipients that were not claimed fail. */
  take(envelope: Envelope, prefix: Buffer): HeldMessage;
}

export interface Transport {
  /**
   * Where mail for an address goes. `localPart` is unquoted, `domain` null for the bare `<Postmaster>`
   * (RFC 5321 §4.5.1). @throws Failure UNAVAILABLE
   */
  route(localPart: string, domain: string | null): Promise<Route>;
  /**
   * `prefix`: header fields put in front of the message (trace fields, completed fields). They differ from one try to
   * the next and do not count when a retry is recognized.
   */
  begin(envelope: Envelope, prefix: Buffer): IncomingMessage;
  /**
   * Octets in the mailbox of an account, recoverable items left out; null: it lies on another server, and this one does
   * not know. @throws Failure UNAVAILABLE
   */
  usage(account: Account): Promise<number | null>;
}
