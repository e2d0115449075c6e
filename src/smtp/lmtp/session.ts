/**
 * One connection of another server that brings mail for mailboxes here: LMTP (RFC 2033), one answer for each recipient
 * behind the message. Who the other side is has been proved by its certificate before anything is read; it is trusted
 * with what it says of the message (XFORWARD), because it took it in for this organization. It is not trusted with
 * where a mailbox lies: that is asked here.
 */
import type { Buffer } from 'node:buffer';
import type { Directory } from '../../directory/api.ts';
import { accountId, type ReceiveConnector, type Server } from '../../directory/model.ts';
import { Failure, ProtocolViolation } from '../../observe/failure.ts';
import type { Log } from '../../observe/log.ts';
import type { SmtpProtocolLog } from '../../observe/protocol-log/smtp.ts';
import { OwnedElsewhere } from '../../store/api.ts';
import type { MailboxDelivery, Recipient } from '../../transport/api.ts';
import { type Connection, IdleTimeout } from '../../wire/connection.ts';
import { READ_AHEAD_BYTES, SMTP_CHUNK_BYTES, SMTP_COMMAND_LINE_BYTES } from '../../wire/limits.ts';
import { argumentText, parseCommandLine } from '../grammar/command.ts';
import {
  type DsnOfMail,
  parseEnvelopeId,
  parseNotify,
  parseOriginalRecipient,
  parseRet,
} from '../grammar/dsn-parameters.ts';
import { type ForwardedFacts, parseForwarded } from '../grammar/forwarded.ts';
import { ownerReply } from '../grammar/owner.ts';
import { parsePathArgument, type Path } from '../grammar/path.ts';
import { formatReply, type Reply, reply } from '../grammar/reply.ts';
import { DataDecoder } from '../server/data-reader.ts';
import { replyToFailure } from '../server/intake.ts';
import { SmtpSessionLog } from '../server/session-log.ts';
import { ForwardedMessage } from './message.ts';

export interface LmtpOptions {
  readonly connection: Connection;
  readonly session: string;
  /** Whose connection it is. */
  readonly peer: Server;
  readonly asSetNow: () => ReceiveConnector;
  readonly directory: Pick<Directory, 'account'>;
  readonly delivery: MailboxDelivery;
  readonly log: Log;
  readonly protocolLog: SmtpProtocolLog | null;
  /** The session ends between two messages. */
  readonly stop: AbortSignal;
}

/** A server that speaks another language than this is none of ours. */
const MISTAKES = 5;

interface Transaction {
  readonly facts: ForwardedFacts;
  readonly reversePath: string;
  readonly dsn: DsnOfMail | null;
  readonly recipients: Recipient[];
  message: ForwardedMessage | null;
}

/** Resolves when the connection is done with. */
export const serveLmtp = (options: LmtpOptions): Promise<void> => new LmtpSession(options).serve();

class LmtpSession {
  readonly #options: LmtpOptions;
  readonly #protocolLog: SmtpSessionLog;
  #greeted = false;
  #facts: ForwardedFacts | null = null;
  #transaction: Transaction | null = null;
  /** Delivered, and the other side has not said whether it comes again. */
  #unsettled: ForwardedMessage | null = null;
  #mistakes = 0;
  #waiting = false;
  #over = false;

  constructor(options: LmtpOptions) {
    this.#options = options;
    const { protocolLog, session, connection, asSetNow } = options;
    this.#protocolLog = new SmtpSessionLog(protocolLog, session, connection, asSetNow);
  }

  async serve(): Promise<void> {
    const { connection, stop, log, peer, asSetNow } = this.#options;
    const onStop = (): void => {
      if (this.#waiting) connection.idleLimit(0);
    };
    stop.addEventListener('abort', onStop);
    this.#protocolLog.connected();
    this.#protocolLog.remark(`server ${peer.name}`);
    try {
      this.#respond(reply(220, null, `${asSetNow().fqdn} LMTP ready`));
      while (!this.#over) await this.#command();
    } catch (error) {
      if (error instanceof IdleTimeout) this.#respond(reply(421, '4.4.2', 'idle for too long, or shutting down'));
      else if (error instanceof ProtocolViolation) this.#respond(reply(500, '5.5.2', error.message));
      else log.error({ peer: peer.name, error: String(error) }, 'an LMTP session failed');
    } finally {
      stop.removeEventListener('abort', onStop);
      // A lost answer: the other side will send the message again.
      this.#settle(true);
      await this.#reset();
      connection.end();
      this.#protocolLog.disconnected(this.#over ? 'Local' : 'Remote');
    }
  }

  async #command(): Promise<void> {
    const { connection, asSetNow, stop } = this.#options;
    const silence = asSetNow().connectionInactivityTimeout * 1000;
    connection.idleLimit(stop.aborted && this.#transaction === null ? 0 : silence);
    this.#waiting = true;
    const line = await connection.readLine(SMTP_COMMAND_LINE_BYTES);
    this.#waiting = false;
    if (line === null) {
      this.#over = true;
      return;
    }
    const parsed = parseCommandLine(line);
    const argument = parsed.kind === 'bad' ? null : argumentText(parsed.argument);
    if (parsed.kind === 'bad' || argument === null) {
      this.#mistake(reply(500, '5.5.2', parsed.kind === 'bad' ? parsed.reason : 'the line is not UTF-8'));
      return;
    }
    this.#protocolLog.received(parsed.verb, parsed.argument);
    if (this.#unsettled !== null && parsed.verb !== 'XSETTLE' && parsed.verb !== 'QUIT') {
      this.#mistake(reply(503, '5.5.1', 'say XSETTLE first'));
      return;
    }
    try {
      await this.#obey(parsed.verb, argument);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.#respond(replyToFailure(error));
    }
  }

  async #obey(verb: string, argument: string): Promise<void> {
    switch (verb) {
      case 'LHLO':
        await this.#reset();
        this.#greeted = true;
        this.#respond(reply(250, null, ...this.#offer()));
        return;
      case 'XFORWARD':
        this.#forward(argument);
        return;
      case 'MAIL':
        this.#mail(argument);
        return;
      case 'RCPT':
        await this.#rcpt(argument);
        return;
      case 'BDAT':
        await this.#bdat(argument);
        return;
      case 'DATA':
        await this.#data(argument);
        return;
      case 'XSETTLE':
        this.#xsettle(argument);
        return;
      case 'RSET':
        await this.#reset();
        this.#respond(reply(250, '2.0.0', 'transaction reset'));
        return;
      case 'NOOP':
        this.#respond(reply(250, '2.0.0', 'OK'));
        return;
      case 'QUIT':
        this.#respond(reply(221, '2.0.0', 'goodbye'));
        this.#over = true;
        return;
      default:
        // RFC 2033 §4.1: HELO and EHLO are not taken.
        this.#mistake(reply(500, '5.5.1', 'command not recognized: servers speak LMTP here'));
    }
  }

  #offer(): readonly string[] {
    const { fqdn } = this.#options.asSetNow();
    return [fqdn, 'PIPELINING', 'ENHANCEDSTATUSCODES', '8BITMIME', 'SMTPUTF8', 'CHUNKING', 'DSN', 'XFORWARD'];
  }

  #forward(argument: string): void {
    const parsed = parseForwarded(argument);
    if (!this.#greeted || this.#transaction !== null) this.#mistake(reply(503, '5.5.1', 'XFORWARD goes before MAIL'));
    else if (parsed.kind === 'bad') this.#mistake(reply(501, '5.5.4', parsed.reason));
    else {
      this.#facts = parsed.facts;
      this.#respond(reply(250, '2.0.0', 'OK'));
    }
  }

  #mail(argument: string): void {
    const facts = this.#facts;
    if (facts === null || this.#transaction !== null) {
      this.#mistake(reply(503, '5.5.1', 'say XFORWARD first'));
      return;
    }
    const parsed = parsePathArgument(argument, 'FROM:');
    if (parsed.kind === 'bad' || parsed.path.kind === 'postmaster') {
      this.#mistake(reply(501, '5.1.7', parsed.kind === 'bad' ? parsed.reason : 'the sender address needs a domain'));
      return;
    }
    const { parameters } = parsed;
    const [ret, envid] = ['RET', 'ENVID'].map((keyword) => parameters.get(keyword) ?? null);
    const asked = parameters.has('RET') || parameters.has('ENVID');
    this.#transaction = {
      facts,
      reversePath: pathText(parsed.path),
      dsn: asked ? { ret: parseRet(ret ?? null), envelopeId: parseEnvelopeId(envid ?? null) } : null,
      recipients: [],
      message: null,
    };
    this.#respond(reply(250, '2.1.0', 'sender OK'));
  }

  async #rcpt(argument: string): Promise<void> {
    const transaction = this.#transaction;
    if (transaction === null || transaction.message !== null) {
      this.#mistake(reply(503, '5.5.1', 'say MAIL first'));
      return;
    }
    const parsed = parsePathArgument(argument, 'TO:');
    const account = parsed.kind === 'ok' ? parsed.parameters.get('XACCOUNT') : null;
    if (parsed.kind === 'bad' || parsed.path.kind !== 'address' || account === null || account === undefined) {
      this.#mistake(reply(501, '5.1.3', parsed.kind === 'bad' ? parsed.reason : 'an address and XACCOUNT are needed'));
      return;
    }
    const { maxRecipientsPerMessage } = this.#options.asSetNow();
    if (transaction.recipients.length >= maxRecipientsPerMessage) {
      this.#respond(reply(452, '4.5.3', `too many recipients: ${maxRecipientsPerMessage} are taken`));
      return;
    }
    const { localPart, domain } = parsed.path.address;
    const notify = parsed.parameters.get('NOTIFY') ?? null;
    const original = parsed.parameters.get('ORCPT') ?? null;
    const recipient = await this.#recipient(account, `${localPart}@${domain}`);
    if ('code' in recipient) {
      this.#respond(recipient);
      return;
    }
    transaction.recipients.push({
      ...recipient,
      ...(notify === null && original === null
        ? {}
        : { dsn: { notify: parseNotify(notify), original: parseOriginalRecipient(original) } }),
    });
    this.#respond(reply(250, '2.1.5', 'recipient OK'));
  }

  /** The account is named by its id: it may have got another address meanwhile, and was looked up already. */
  async #recipient(id: string, address: string): Promise<Recipient | Reply> {
    const { directory, delivery } = this.#options;
    const account = await directory.account(accountId(id));
    if (account === null || account.mailbox === null) {
      return reply(550, '5.1.1', 'there is no mailbox with this address');
    }
    try {
      await delivery.claim(account);
    } catch (error) {
      if (error instanceof OwnedElsewhere) return ownerReply(error.owner);
      if (error instanceof Failure) return replyToFailure(error);
      throw error;
    }
    return { address, account, mailbox: account.mailbox };
  }

  async #bdat(argument: string): Promise<void> {
    const parsed = /^(\d{1,15})(?: +(LAST))?$/i.exec(argument);
    const size = Number(parsed?.[1] ?? Number.NaN);
    if (parsed === null || size > SMTP_CHUNK_BYTES) {
      // Without a usable count nobody knows where the next command begins.
      this.#respond(reply(501, '5.5.4', 'BDAT needs a number of octets and perhaps LAST, closing connection'));
      this.#over = true;
      return;
    }
    const message = this.#message();
    for (let left = size; left > 0; ) {
      const chunk = await this.#chunk(Math.min(left, READ_AHEAD_BYTES));
      if (chunk === null) return;
      left -= chunk.length;
      await message?.write(chunk);
    }
    if (message === null) this.#mistake(reply(503, '5.5.1', 'no recipient was taken'));
    else if (parsed[2] !== undefined) await this.#finish(message);
    else if (message.refusal === null) this.#respond(reply(250, '2.0.0', `${size} octets received`));
    else {
      const { refusal } = message;
      await this.#reset();
      this.#respond(refusal);
    }
  }

  async #data(argument: string): Promise<void> {
    const message = argument === '' ? this.#message() : null;
    if (message === null) {
      this.#mistake(reply(503, '5.5.1', 'no recipient was taken'));
      return;
    }
    this.#respond(reply(354, null, 'start mail input; end with <CRLF>.<CRLF>'));
    const decoder = new DataDecoder();
    for (;;) {
      const chunk = await this.#chunk(READ_AHEAD_BYTES);
      if (chunk === null) return;
      const { content, consumed, ended } = decoder.decode(chunk);
      if (decoder.hasBareLineEnd) message.refuse(reply(550, '5.6.0', 'the message has a bare CR or LF'));
      if (content.length > 0) await message.write(content);
      if (!ended) continue;
      this.#options.connection.unread(chunk.subarray(consumed));
      await this.#finish(message);
      return;
    }
  }

  /** Null: nobody would get it. */
  #message(): ForwardedMessage | null {
    const transaction = this.#transaction;
    if (transaction === null || transaction.recipients.length === 0) return null;
    if (transaction.message !== null) return transaction.message;
    const { facts, reversePath, dsn, recipients } = transaction;
    const { id, session, receivedAt, prefixBytes, ignoreQuota, origin } = facts;
    const envelope = {
      id,
      reversePath,
      recipients,
      receivedAt,
      ignoreQuota,
      ...(session === null ? {} : { session }),
      ...(origin === null ? {} : { origin }),
      ...(dsn === null ? {} : { dsn }),
    };
    transaction.message = new ForwardedMessage(this.#options.delivery, envelope, prefixBytes, this.#options.log);
    return transaction.message;
  }

  /** Null: the other side has gone, and the session is over. */
  async #chunk(max: number): Promise<Buffer | null> {
    const { connection, asSetNow } = this.#options;
    connection.idleLimit(asSetNow().connectionInactivityTimeout * 1000);
    const chunk = await connection.readChunk(max);
    if (chunk === null) this.#over = true;
    return chunk;
  }

  async #finish(message: ForwardedMessage): Promise<void> {
    const transaction = this.#transaction;
    this.#transaction = null;
    this.#facts = null;
    const mailboxes = transaction?.recipients.map(({ mailbox }) => mailbox.id) ?? [];
    this.#unsettled = message;
    // Nobody is there to be timed out while the disk works.
    this.#options.connection.idleLimit(null);
    for (const answer of await message.finish(mailboxes)) this.#respond(answer);
  }

  #xsettle(argument: string): void {
    const word = argument.toUpperCase();
    if (this.#unsettled === null) this.#mistake(reply(503, '5.5.1', 'there is nothing to settle'));
    else if (word !== 'DONE' && word !== 'RETRIED') this.#mistake(reply(501, '5.5.4', 'XSETTLE needs DONE or RETRIED'));
    else {
      this.#settle(word === 'RETRIED');
      this.#respond(reply(250, '2.0.0', 'OK'));
    }
  }

  #settle(retried: boolean): void {
    this.#unsettled?.settle(retried);
    this.#unsettled = null;
  }

  async #reset(): Promise<void> {
    const message = this.#transaction?.message ?? null;
    this.#transaction = null;
    this.#facts = null;
    if (message !== null) await message.abort();
  }

  #respond(answer: Reply): void {
    const text = formatReply(answer, true);
    this.#protocolLog.sent(text);
    this.#options.connection.out.ascii(text);
  }

  #mistake(answer: Reply): void {
    this.#mistakes += 1;
    this.#respond(answer);
    if (this.#mistakes < MISTAKES) return;
    this.#respond(reply(421, '4.7.0', 'too many errors, closing connection'));
    this.#over = true;
  }
}

const pathText = (path: Path): string => (path.kind === 'address' ? path.address.text : '');
