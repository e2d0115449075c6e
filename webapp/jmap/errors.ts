/** What a call can end with besides an answer. Pages tell them apart; nothing else is thrown on purpose. */

/** The server refused one method call (RFC 8620 §3.6.2). */
export class MethodRefused extends Error {
  /** `accountNotFound`, `invalidArguments`, `serverFail` … */
  readonly type: string;
  /** What it says besides, such as a code of ours. */
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(type: string, description: string, facts: Readonly<Record<string, unknown>> = {}) {
    super(description);
    this.name = 'MethodRefused';
    this.type = type;
    this.facts = facts;
  }
}

/** The server refused one record of a /set (RFC 8620 §5.3). */
export class SetRefused extends MethodRefused {
  readonly properties: readonly string[];

  constructor(type: string, description: string, properties: readonly string[] = []) {
    super(type, description);
    this.name = 'SetRefused';
    this.properties = properties;
  }
}

/** A whole request was refused with a problem document (RFC 8620 §3.6.1, RFC 9457). */
export class RequestRefused extends Error {
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.name = 'RequestRefused';
    this.status = status;
  }
}

/** The session is over: the sign-in page comes next. */
export class SignedOut extends Error {
  constructor() {
    super('signed out');
    this.name = 'SignedOut';
  }
}

/** No answer, or one of a server that is away: worth trying again. */
export class ConnectionLost extends Error {
  constructor(cause: unknown) {
    super('the server cannot be reached', { cause });
    this.name = 'ConnectionLost';
  }
}
