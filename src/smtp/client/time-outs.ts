/** How long a client waits for another server, by what it waits for (RFC 5321 §4.5.3.2). Milliseconds. */

export interface SmtpTimeouts {
  /** TCP connection and TLS handshake. */
  readonly connect: number;
  /** The greeting (§4.5.3.2.1). */
  readonly greeting: number;
  /** MAIL, EHLO, AUTH and whatever else is quick (§4.5.3.2.2). */
  readonly command: number;
  /** RCPT (§4.5.3.2.3). */
  readonly recipient: number;
  /** 354 behind DATA (§4.5.3.2.4). */
  readonly dataStart: number;
  /** Until the other side takes more of the message (§4.5.3.2.5). */
  readonly dataBlock: number;
  /** The last answer, while the other side delivers (§4.5.3.2.6). */
  readonly dataEnd: number;
}

const MINUTE_MS = 60_000;

/** For servers of others: what the RFC asks for. It leaves the connection itself to the system; 30 seconds are plenty. */
export const SMTP_TIMEOUTS: SmtpTimeouts = {
  connect: 30_000,
  greeting: 5 * MINUTE_MS,
  command: 5 * MINUTE_MS,
  recipient: 5 * MINUTE_MS,
  dataStart: 2 * MINUTE_MS,
  dataBlock: 3 * MINUTE_MS,
  dataEnd: 10 * MINUTE_MS,
};

/**
 * Between servers of one organization: a client waits at the other end, and one that is told to try again comes
 * through another way. Nothing between them is slow but the disk at the end of a message.
 */
export const SERVER_TIMEOUTS: SmtpTimeouts = {
  connect: 5_000,
  greeting: 10_000,
  command: 20_000,
  recipient: 30_000,
  dataStart: 20_000,
  dataBlock: MINUTE_MS,
  dataEnd: 2 * MINUTE_MS,
};
