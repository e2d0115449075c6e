/**
 * What one session writes into the SMTP protocol log while ProtocolLoggingLevel of its connector is Verbose
 * (exchange-behaviour.md §9.7). What a client sends for AUTH is never written; message text is not either.
 */
import type { SmtpLogLine, SmtpProtocolLog } from '../../observe/protocol-log/smtp.ts';
import type { ReceiveConnector } from '../../directory/model.ts';
import type { Connection } from '../../wire/connection.ts';

const HIDDEN = '*****';

/** What stands first is taken for a mechanism only when it is one: a client that gets AUTH wrong sends its secret there. */
const MECHANISM =
  /^(?:ANONYMOUS|CRAM-MD5|DIGEST-MD5|EXTERNAL|GSSAPI|LOGIN|NTLM|OAUTHBEARER|PLAIN|SCRAM-SHA-(?:1|256|512)(?:-PLUS)?|XOAUTH2)(?= |$)/i;

function withoutSecret(argument: string): string {
  const mechanism = MECHANISM.exec(argument)?.[0] ?? '';
  const rest = argument.length > mechanism.length ? HIDDEN : '';
  return mechanism === '' || rest === '' ? mechanism + rest : `${mechanism} ${rest}`;
}

export class SmtpSessionLog {
  readonly #file: SmtpProtocolLog | null;
  readonly #asSetNow: () => Pick<ReceiveConnector, 'name' | 'protocolLoggingLevel'>;
  readonly #facts: Pick<SmtpLogLine, 'connector' | 'session' | 'local' | 'remote'>;
  #sequence = 0;

  constructor(
    log: SmtpProtocolLog | null,
    session: string,
    { local, remote }: Pick<Connection, 'local' | 'remote'>,
    asSetNow: () => Pick<ReceiveConnector, 'name' | 'protocolLoggingLevel'>,
  ) {
    this.#file = log;
    this.#asSetNow = asSetNow;
    this.#facts = {
      connector: asSetNow().name,
      session,
      local: `${local.address}:${local.port}`,
      remote: `${remote.address}:${remote.port}`,
    };
  }

  /** Null while nothing is logged: an admin may turn it on for a session that is open. */
  get #log(): SmtpProtocolLog | null {
    return this.#file !== null && this.#asSetNow().protocolLoggingLevel === 'Verbose' ? this.#file : null;
  }

  connected(): void {
    this.#write('+', '', '');
  }

  disconnected(why: string): void {
    this.#write('-', '', why);
  }

  received(verb: string, argument: Uint8Array): void {
    if (this.#log === null) return;
    // The mechanism's name may be seen, an initial response may not.
    const text = Buffer.from(argument).toString('latin1');
    const shown = verb === 'AUTH' ? withoutSecret(text) : text;
    this.#write('<', shown === '' ? verb : `${verb} ${shown}`, '');
  }

  /** A line of a SASL exchange. */
  receivedSecret(): void {
    this.#write('<', HIDDEN, '');
  }

  /** One or more lines with their ends. */
  sent(reply: string): void {
    if (this.#log === null) return;
    for (const line of reply.split('\r\n')) if (line !== '') this.#write('>', line, '');
  }

  remark(text: string): void {
    this.#write('*', '', text);
  }

  #write(event: SmtpLogLine['event'], data: string, context: string): void {
    const log = this.#log;
    if (log === null) return;
    log.write({ ...this.#facts, sequence: this.#sequence, event, data, context });
    this.#sequence += 1;
  }
}
