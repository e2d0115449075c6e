/** What goes wrong with another mail server: it says no, or it says nothing. Both keep what is known. */
import { Failure, type FailureCode } from '../../observe/failure.ts';
import type { Reply } from '../grammar/reply.ts';

/** The other server refused; its words go on to whoever asked. */
export class RemoteRefusal extends Failure {
  readonly reply: Reply;

  constructor(reply: Reply) {
    super(codeOf(reply), reply.lines.join(' ').trim() || `the other server answered ${reply.code}`);
    this.reply = reply;
  }
}

/** The connection failed, or what came is no SMTP. */
export class RemoteTrouble extends Failure {
  /** The whole message was sent and no answer came: it may have been delivered. */
  readonly outcomeUnknown: boolean;

  constructor(message: string, options: { readonly cause?: unknown; readonly outcomeUnknown?: boolean } = {}) {
    super('UNAVAILABLE', message, { cause: options.cause });
    this.outcomeUnknown = options.outcomeUnknown ?? false;
  }
}

/** RFC 3463 §3.2–3.4 turned back into our own codes: the other way than replyToFailure. */
function codeOf({ code, enhanced }: Reply): FailureCode {
  switch (enhanced?.slice(2)) {
    case '2.2':
      return 'OVERQUOTA';
    case '2.3':
    case '3.4':
      return 'TOOBIG';
    case '1.1':
      return 'NONEXISTENT';
    case '2.1':
      return 'CONTACTADMIN';
    case '3.1':
      return 'LIMIT';
    default:
      return code >= 500 ? 'CANNOT' : 'UNAVAILABLE';
  }
}
