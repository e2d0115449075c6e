/**
 * One message between its first byte and its reply: the header is held until it is complete, checked and completed,
 * then everything streams to transport. A refusal is kept until the client has finished sending, because SMTP has no
 * earlier place for it (RFC 5321 §4.1.1.4); what comes after it is thrown away.
 *
 * Nothing of a message is changed but this: trace fields go in front; on submission a missing Date and Message-ID go
 * in front too (RFC 6409 §8.2, §8.3) and Bcc is taken out (RFC 5322 §3.6.3: it must not reach its other readers).
 */
import { Buffer } from 'node:buffer';
import { Failure } from '../../observe/failure.ts';
import { traces } from '../../observe/traces/spans.ts';
import { decodeWords } from '../../message/encoded-word.ts';
import type { DeliveryReport, Envelope, IncomingMessage, MessageOrigin } from '../../transport/api.ts';
import { notifyOfDelivery } from '../../transport/delivery-status.ts';
import { SMTP_DISCARD_BYTES } from '../../wire/limits.ts';
import { RemoteRefusal, RemoteTrouble } from '../client/failure.ts';
import { type Reply, reply } from '../grammar/reply.ts';
import type { MailTransaction, SmtpContext } from './context.ts';
import { fieldText, HeaderCollector, type HeaderField, headerFields } from './header-fields.ts';
import { completedFields, refusedHeader, withoutBcc } from './submitted-header.ts';
import { receivedBy, receivedField, returnPathField } from './trace.ts';

export const TOO_BIG = reply(552, '5.3.4', 'message size exceeds the limit');
export const BARE_LINE_END = reply(
  550,
  '5.6.0',
  'message refused: it contains a bare CR or LF, lines must end in CRLF (RFC 5321 section 2.3.8)',
);

export class MessageIntake {
  readonly id: string;
  readonly #context: SmtpContext;
  readonly #transaction: MailTransaction;
  readonly #maxBytes: number;
  readonly #began: number;
  readonly #header: HeaderCollector;
  #message: IncomingMessage | null = null;
  #envelope: Envelope | null = null;
  /** For a delivery status notification, when one is asked for. */
  #keptHeader: Buffer | null = null;
  #messageId = '';
  #refusal: Reply | null = null;
  #bytes = 0;

  /** `maxBytes`: octets as sent, without trace fields. */
  constructor(context: SmtpContext, transaction: MailTransaction, maxBytes: number) {
    context.messages += 1;
    this.id = `${context.session}-${context.messages}`;
    this.#context = context;
    this.#transaction = transaction;
    this.#maxBytes = maxBytes;
    this.#began = context.clock.now();
    this.#header = new HeaderCollector(context.connector.maxHeaderSize);
  }

  /** Octets received so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The first refusal; null while all is well. */
  get refusal(): Reply | null {
    return this.#refusal;
  }

  /** So much was sent behind a refusal that reading on makes no sense. */
  get isHopeless(): boolean {
    return this.#refusal !== null && this.#bytes > this.#maxBytes + SMTP_DISCARD_BYTES;
  }

  refuse(answer: Reply): void {
    this.#refusal ??= answer;
  }

  async write(chunk: Buffer): Promise<void> {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) this.refuse(TOO_BIG);
    if (this.#refusal !== null) return;
    try {
      if (this.#message !== null) {
        await this.#message.write(chunk);
        return;
      }
      const collected = this.#header.push(chunk);
      if (collected === 'more') return;
      if (collected === 'large') {
        this.refuse(reply(552, '5.3.4', 'the header of the message exceeds the limit'));
        return;
      }
      const message = await this.#begin(collected.header);
      if (collected.body.length > 0) await message?.write(collected.body);
    } catch (error) {
      this.#fail(error);
    }
  }

  async finish(): Promise<Reply> {
    if (this.#refusal === null && this.#message === null) {
      try {
        await this.#begin(this.#header.take());
      } catch (error) {
        this.#fail(error);
      }
    }
    const message = this.#message;
    if (this.#refusal !== null || message === null) {
      await this.abort();
      const answer = this.#refusal ?? reply(451, '4.3.0', 'the message could not be taken');
      this.#log('message refused', { reason: answer.lines.join(' ') });
      return answer;
    }
    this.#message = null;
    const span = traces.current?.within(this.#context.session, 'delivery', {
      'penfold.message': this.id,
      'penfold.recipients': this.#transaction.recipients.length,
      'penfold.bytes': this.#bytes,
    });
    const report = await message.finish();
    span?.end(report.failed[0]?.failure.code);
    this.#log(report.failed.length === 0 ? 'message delivered' : 'message not delivered to all', {
      failed: report.failed.map(({ recipient, failure }) => `${recipient.address}: ${failure.code}`),
    });
    if (this.#envelope !== null && this.#keptHeader !== null) {
      const { clock, connector, log, transport } = this.#context;
      const options = { transport, reportingHost: connector.fqdn, log, now: () => clock.now() };
      await notifyOfDelivery(options, this.#envelope, report.delivered, this.#keptHeader);
    }
    return this.#replyTo(report);
  }

  async abort(): Promise<void> {
    const message = this.#message;
    this.#message = null;
    if (message !== null) await message.abort();
  }

  /** Null: refused. */
  async #begin(header: Buffer): Promise<IncomingMessage | null> {
    const context = this.#context;
    const fields = headerFields(header);
    const received = fields.filter((field) => field.name === 'received').length;
    if (received > context.connector.maxHopCount) {
      this.refuse(
        reply(554, '5.4.6', `hop count exceeded: more than ${context.connector.maxHopCount} Received fields`),
      );
      return null;
    }
    if (await this.#loopsHere(header, fields, received)) {
      const { maxLocalHopCount } = context.connector;
      this.refuse(
        reply(554, '5.4.6', `hop count exceeded: more than ${maxLocalHopCount} Received fields of this server`),
      );
      return null;
    }
    const idField = fields.find((field) => field.name === 'message-id');
    this.#messageId = idField === undefined ? '' : fieldText(header, idField);
    let prefix = this.#trace();
    let kept = header;
    if (context.isSubmission) {
      const refusal = await refusedHeader(context.directory, context.logon?.account, header, fields);
      if (refusal !== null) {
        this.refuse(refusal);
        return null;
      }
      const completed = completedFields(fields, this.#began, context.connector.fqdn);
      this.#messageId = completed.messageId ?? this.#messageId;
      prefix += completed.text;
      kept = withoutBcc(header, fields);
    }
    const { reversePath, recipients } = this.#transaction;
    this.#envelope = {
      id: this.id,
      session: context.session,
      reversePath,
      recipients,
      receivedAt: this.#began,
      origin: this.#origin(header, fields),
      ...(this.#transaction.dsn === null ? {} : { dsn: this.#transaction.dsn }),
    };
    const message = context.transport.begin(this.#envelope, Buffer.from(prefix, 'utf8'));
    this.#message = message;
    if (recipients.some(({ dsn }) => dsn?.notify?.has('SUCCESS') === true)) {
      this.#keptHeader = Buffer.concat([Buffer.from(prefix, 'utf8'), kept]);
    }
    await message.write(kept);
    return message;
  }

  /** MaxLocalHopCount: Received fields that this server wrote under any of its names; 0: not counted. */
  async #loopsHere(header: Buffer, fields: readonly HeaderField[], received: number): Promise<boolean> {
    const { connector, directory } = this.#context;
    const { maxLocalHopCount } = connector;
    if (maxLocalHopCount === 0 || received <= maxLocalHopCount) return false;
    const names = new Set([connector.fqdn.toLowerCase()]);
    for (const other of await directory.connectors(connector.server)) names.add(other.fqdn.toLowerCase());
    const ours = fields.filter((field) => {
      const writer = field.name === 'received' ? receivedBy(fieldText(header, field)) : null;
      return writer !== null && names.has(writer);
    });
    return ours.length > maxLocalHopCount;
  }

  #origin(header: Buffer, fields: readonly HeaderField[]): MessageOrigin {
    const { client, remote, connector, logon } = this.#context;
    const subject = fields.find((field) => field.name === 'subject');
    return {
      clientAddress: remote.address,
      clientName: client?.name ?? '',
      connector: connector.name,
      authenticated: logon !== null,
      messageId: this.#messageId,
      subject: subject === undefined ? '' : decodeWords(fieldText(header, subject), null),
    };
  }

  #trace(): string {
    const { client, clientTls, remote, connector, logon } = this.#context;
    const { recipients, reversePath, smtpUtf8 } = this.#transaction;
    const [first] = recipients;
    const received = receivedField({
      greeting: client?.greeting ?? 'HELO',
      clientName: client?.name ?? '',
      clientAddress: remote.address,
      serverName: connector.fqdn,
      authenticated: logon !== null,
      tlsCipher: clientTls?.cipher ?? null,
      smtpUtf8,
      id: this.id,
      recipient: recipients.length === 1 && first !== undefined ? first.address : null,
      at: this.#began,
    });
    return returnPathField(reversePath) + received;
  }

  #fail(error: unknown): void {
    if (error instanceof Failure) {
      this.refuse(error.code === 'TOOBIG' ? TOO_BIG : replyToFailure(error));
      return;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#context.log.error({ message: this.id, error: text }, 'message could not be stored');
    this.refuse(reply(451, '4.3.0', 'the message could not be stored, please try again later'));
  }

  /**
   * DATA has one reply for all recipients. A failure that may pass is 451 even when others have the message: on the
   * retry transport leaves out who has it. So is one that may not pass, because 5xx would return the message as
   * undelivered for those who have it.
   */
  #replyTo({ delivered, failed }: DeliveryReport): Reply {
    const first = failed[0];
    if (first === undefined) return reply(250, '2.6.0', `${printable(this.#messageId)} delivered [id=${this.id}]`);
    const answer = replyToFailure(first.failure);
    const temporary = failed.find(({ failure }) => replyToFailure(failure).code < 500);
    if (temporary !== undefined) return replyToFailure(temporary.failure);
    if (delivered.length === 0) return answer;
    return reply(451, '4.3.0', 'the message reached only some of its recipients, please try again later');
  }

  #log(text: string, fields: object): void {
    const { clock, log } = this.#context;
    const { reversePath, recipients } = this.#transaction;
    log.info(
      {
        message: this.id,
        messageId: this.#messageId,
        from: reversePath,
        recipients: recipients.map((each) => each.address),
        bytes: this.#bytes,
        ms: clock.now() - this.#began,
        ...fields,
      },
      text,
    );
  }
}

const printable = (text: string): string => (text.length > 250 ? `${text.slice(0, 250)}…` : text);

/** RFC 3463 for failures of directory and store, and what another server has answered. */
export function replyToFailure(failure: Failure): Reply {
  if (failure instanceof RemoteRefusal) return failure.reply;
  if (failure instanceof RemoteTrouble) return reply(451, '4.4.1', `${failure.message}, please try again later`);
  switch (failure.code) {
    case 'OVERQUOTA':
      // Exchange returns such mail at once (exchange-behaviour.md §9.2); RFC 5321 §4.2.3 has 552 for it.
      return reply(552, '5.2.2', 'the mailbox is full');
    case 'TOOBIG':
      return reply(552, '5.2.3', failure.message);
    case 'NONEXISTENT':
      return reply(550, '5.1.1', 'the mailbox does not exist');
    case 'NOPERM':
    case 'CONTACTADMIN':
    case 'AUTHORIZATIONFAILED':
      return reply(550, '5.2.1', 'the mailbox takes no mail');
    case 'LIMIT':
      return reply(452, '4.3.1', failure.message);
    default:
      return reply(451, '4.3.0', 'the mailbox cannot be reached now, please try again later');
  }
}
