/**
 * The one error type that may reach a client: it carries the protocol's response code.
 *
 * Codes are those of RFC 5530 §3 and RFC 9051 §7.1 because IMAP's list is the finest grained; POP3 (RFC 2449 §8,
 * RFC 3206) and SMTP (RFC 3463) map from it at their border. Any other Error is a bug or an engine fault and is
 * answered as SERVERBUG without its text, which goes to the log only.
 */
export type FailureCode =
  | 'ALREADYEXISTS'
  | 'AUTHENTICATIONFAILED'
  | 'AUTHORIZATIONFAILED'
  | 'BADCHARSET'
  | 'CANNOT'
  | 'CLIENTBUG'
  | 'CONTACTADMIN'
  | 'CORRUPTION'
  | 'EXPIRED'
  | 'EXPUNGEISSUED'
  | 'INUSE'
  | 'LIMIT'
  | 'NONEXISTENT'
  | 'NOPERM'
  | 'OVERQUOTA'
  | 'PRIVACYREQUIRED'
  | 'SERVERBUG'
  | 'TOOBIG'
  | 'TRYCREATE'
  | 'UNAVAILABLE'
  | 'USEATTR';

export class Failure extends Error {
  readonly code: FailureCode;

  /** `message` is read by a person in a mail program: plain words, the limit or the next step named, no internals. */
  constructor(code: FailureCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'Failure';
    this.code = code;
  }
}

/** Bytes of a client broke a named limit or the grammar; the session answers BAD / -ERR / 500 and counts it. */
export class ProtocolViolation extends Error {
  /** True when the stream can no longer be trusted (lost framing) and the connection has to end. */
  readonly fatal: boolean;

  constructor(message: string, options?: { fatal?: boolean; cause?: unknown }) {
    super(message, { cause: options?.cause });
    this.name = 'ProtocolViolation';
    this.fatal = options?.fatal ?? false;
  }
}

/** For exhaustive switches: a value the type system says cannot exist. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${String(value)}`);
}
