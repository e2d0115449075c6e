/** What the probes of IMAP4, POP3 and SMTP have in common (exchange-behaviour.md §4, §10). */
import type { ProbeTarget, ProbeWatch } from './line-client.ts';

export interface ProbeCredential {
  readonly user: string;
  readonly password: string;
}

export interface ProbeOptions extends ProbeWatch {
  readonly target: ProbeTarget;
  readonly credential: ProbeCredential;
  /** PerConnectionTimeout: for connecting and for each answer. */
  readonly perConnectionTimeoutMs: number;
  /** Timeout: for all of it. */
  readonly timeoutMs: number;
  /** Null: LightMode, logon only. Else the test message is looked for by this Subject and deleted. */
  readonly message: TestMessage | null;
  /** Asked before the password is sent. @throws when it shall not be */
  beforeLogon?(): Promise<void>;
  /** Opens the Inbox as a client does that shows it. */
  readonly opensInbox?: boolean;
}

/** A message that was submitted for the probe and must appear in the Inbox. */
export interface TestMessage {
  /** Unique; the whole Subject is `TEST_SUBJECT id`. */
  readonly id: string;
}

/** Subjects of test messages begin with it, so that old ones can be found and thrown away. */
export const TEST_SUBJECT = 'Penfold connectivity test';
/** Test messages older than this are left-overs of probes that failed. */
export const LEFT_OVER_HOURS = 24;
/** Between two looks for a message that has not come yet. */
export const LOOK_AGAIN_MS = 200;

export const subjectOf = (message: TestMessage): string => `${TEST_SUBJECT} ${message.id}`;
