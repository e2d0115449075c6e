/**
 * One message on its way to another server: envelope, pipelined where it may be (RFC 2920), then the message by BDAT
 * (RFC 3030: exact bytes, no dots) or DATA, streamed with back-pressure. SMTP answers once at the end, LMTP once for
 * each recipient it took (RFC 2033 §4.2).
 */
import type { Buffer } from 'node:buffer';
import { type DsnOfMail, type DsnOfRecipient, printDsnOfMail, printDsnOfRecipient } from '../grammar/dsn-parameters.ts';
import { DotStuffer } from '../grammar/dot-stuffing.ts';
import { type Reply, reply } from '../grammar/reply.ts';
import { RemoteRefusal, RemoteTrouble } from './failure.ts';
import type { SmtpClient } from './session.ts';

export interface OutgoingRecipient {
  readonly address: string;
  readonly dsn?: DsnOfRecipient;
  /** Of extensions that only servers of one organization speak, with a space in front. */
  readonly parameters?: string;
}

export interface OutgoingEnvelope {
  /** Commands in front of MAIL, each answered with 250 (XFORWARD). */
  readonly preamble?: readonly string[];
  /** Empty: the null path. */
  readonly reversePath: string;
  readonly recipients: readonly OutgoingRecipient[];
  /** Octets, when they are known (RFC 1870 §6). */
  readonly size?: number;
  readonly dsn?: DsnOfMail;
}

/** RCPT commands sent before their answers are read: neither side's buffers fill up (RFC 2920 §3.1). */
const RECIPIENTS_AT_ONCE = 100;
/** Small writes are sent together, as one chunk. */
const CHUNK_BYTES = 64 * 1024;

export interface SmtpTransaction {
  /** The answers to RCPT, in the order of the recipients. With none taken, `abort` is all there is to do. */
  readonly recipients: readonly Reply[];
  /** Resolves when more may be written. @throws RemoteRefusal, RemoteTrouble: the message has failed for all */
  write(chunk: Buffer): Promise<void> | void;
  /**
   * For each recipient that was taken, in order: the answer, or the trouble that kept it away. SMTP's one answer is
   * everybody's.
   */
  finish(): Promise<ReadonlyArray<Reply | RemoteTrouble>>;
  /** Nothing is delivered. The session is of use afterwards if `isUsable` says so. Never rejects. */
  abort(): Promise<void>;
}

/** @throws RemoteRefusal (of MAIL), RemoteTrouble; a refused recipient is an answer of the transaction */
export async function beginTransaction(client: SmtpClient, envelope: OutgoingEnvelope): Promise<SmtpTransaction> {
  const preamble = envelope.preamble ?? [];
  const mail = mailCommand(client, envelope);
  const recipients = envelope.recipients.map((each) => recipientCommand(client, each));
  const replies: Reply[] = [];
  if (client.capabilities.pipelining) {
    // RCPTs behind a refused MAIL are refused in their turn: their answers are read all the same.
    let lead: readonly string[] = [...preamble, mail];
    for (let from = 0; from === 0 || from < recipients.length; from += RECIPIENTS_AT_ONCE) {
      const group = recipients.slice(from, from + RECIPIENTS_AT_ONCE);
      for (const line of [...lead, ...group]) client.send(line);
      const leadReplies: Reply[] = [];
      for (const _ of lead) leadReplies.push(await client.receive(client.timeouts.command));
      for (const _ of group) replies.push(await client.receive(client.timeouts.recipient));
      for (const answer of leadReplies) if (answer.code !== 250) throw new RemoteRefusal(answer);
      lead = [];
    }
  } else {
    for (const line of [...preamble, mail]) {
      const answer = await client.command(line, client.timeouts.command);
      if (answer.code !== 250) throw new RemoteRefusal(answer);
    }
    for (const line of recipients) replies.push(await client.command(line, client.timeouts.recipient));
  }
  const taken = replies.filter(isTaken).length;
  return client.capabilities.chunking ? new Chunked(client, replies, taken) : new Dotted(client, replies, taken);
}

/** 250, and 251 of a server that forwards (RFC 5321 §3.4). */
export const isTaken = ({ code }: Reply): boolean => code === 250 || code === 251;

function mailCommand({ capabilities }: SmtpClient, { reversePath, recipients, size, dsn }: OutgoingEnvelope): string {
  let line = `MAIL FROM:<${reversePath}>`;
  if (capabilities.size !== null && size !== undefined) {
    if (size > capabilities.size) {
      throw new RemoteRefusal(reply(552, '5.3.4', `the other server takes ${capabilities.size} octets at most`));
    }
    line += ` SIZE=${size}`;
  }
  if (capabilities.eightBitMime) line += ' BODY=8BITMIME';
  if ([reversePath, ...recipients.map(({ address }) => address)].some((text) => /[^\x00-\x7f]/.test(text))) {
    if (!capabilities.smtpUtf8) {
      throw new RemoteRefusal(reply(550, '5.6.7', 'the other server takes no addresses beyond ASCII'));
    }
    line += ' SMTPUTF8';
  }
  return capabilities.dsn && dsn !== undefined ? line + printDsnOfMail(dsn) : line;
}

function recipientCommand({ capabilities }: SmtpClient, recipient: OutgoingRecipient): string {
  const { address, dsn, parameters = '' } = recipient;
  return `RCPT TO:<${address}>${capabilities.dsn && dsn !== undefined ? printDsnOfRecipient(dsn) : ''}${parameters}`;
}

abstract class Transaction implements SmtpTransaction {
  readonly recipients: readonly Reply[];
  protected readonly client: SmtpClient;
  readonly #taken: number;

  constructor(client: SmtpClient, recipients: readonly Reply[], taken: number) {
    this.client = client;
    this.recipients = recipients;
    this.#taken = taken;
  }

  abstract write(chunk: Buffer): Promise<void> | void;
  abstract abort(): Promise<void>;
  /** Sends what ends the message; answers to pieces of it are read. @throws RemoteRefusal, RemoteTrouble */
  protected abstract close(): Promise<void>;

  async finish(): Promise<ReadonlyArray<Reply | RemoteTrouble>> {
    const { client } = this;
    try {
      await this.close();
    } catch (error) {
      if (error instanceof RemoteRefusal) return this.#everybody(error.reply);
      if (error instanceof RemoteTrouble) return this.#everybody(error);
      throw error;
    }
    const answers: Array<Reply | RemoteTrouble> = [];
    const expected = client.protocol === 'lmtp' ? this.#taken : 1;
    try {
      while (answers.length < expected) {
        const answer = await client.receive(client.timeouts.dataEnd);
        // The server goes away: nobody gets another answer, and what it has not said has not been done.
        if (answer.code === 421) return [...answers, ...this.#everybody(answer)].slice(0, this.#taken);
        answers.push(answer);
      }
    } catch (error) {
      if (!(error instanceof RemoteTrouble)) throw error;
      const unknown = new RemoteTrouble(error.message, { cause: error, outcomeUnknown: true });
      return [...answers, ...this.#everybody(unknown)].slice(0, this.#taken);
    }
    const [only] = answers;
    return client.protocol === 'lmtp' || only === undefined ? answers : this.#everybody(only);
  }

  #everybody(outcome: Reply | RemoteTrouble): ReadonlyArray<Reply | RemoteTrouble> {
    return Array.from({ length: this.#taken }, () => outcome);
  }

  protected sent(): Promise<void> | void {
    const { connection, timeouts } = this.client;
    connection.flush();
    if (!connection.isOpen || connection.isBacklogged) return this.client.drained(timeouts.dataBlock);
  }
}

/** BDAT: pieces are sent one behind the other, their answers read as they come. */
class Chunked extends Transaction {
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #unanswered = 0;

  override write(chunk: Buffer): Promise<void> | void {
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes < CHUNK_BYTES) return;
    this.#sendPiece('');
    this.#unanswered += 1;
    for (let answer = this.client.receiveNow(); answer !== null; answer = this.client.receiveNow()) {
      this.#answered(answer);
    }
    return this.sent();
  }

  override async abort(): Promise<void> {
    const { client } = this;
    this.#waiting = [];
    try {
      while (this.#unanswered > 0) this.#answered(await client.receive(client.timeouts.command));
      await client.reset();
    } catch {
      client.destroy();
    }
  }

  protected override async close(): Promise<void> {
    const { client } = this;
    this.#sendPiece(' LAST');
    while (this.#unanswered > 0) this.#answered(await client.receive(client.timeouts.dataEnd));
  }

  #sendPiece(last: '' | ' LAST'): void {
    const { out } = this.client.connection;
    out.ascii(`BDAT ${this.#waitingBytes}${last}\r\n`);
    for (const piece of this.#waiting) out.bytes(piece);
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** A refused piece is the end of the message. What is in flight behind it would be read as answers to later commands. */
  #answered(answer: Reply): void {
    this.#unanswered -= 1;
    if (answer.code === 250) return;
    this.client.destroy();
    throw new RemoteRefusal(answer);
  }
}

class Dotted extends Transaction {
  readonly #stuffer = new DotStuffer();
  #begun = false;

  override write(chunk: Buffer): Promise<void> | void {
    if (!this.#begun) return this.#begin().then(() => this.write(chunk));
    const { out } = this.client.connection;
    for (const piece of this.#stuffer.push(chunk)) out.bytes(piece);
    return this.sent();
  }

  /** Within DATA there is no way back but to hang up (RFC 5321 §4.1.1.10). */
  override async abort(): Promise<void> {
    const { client } = this;
    try {
      if (this.#begun) client.destroy();
      else await client.reset();
    } catch {
      client.destroy();
    }
  }

  protected override async close(): Promise<void> {
    if (!this.#begun) await this.#begin();
    this.client.connection.out.ascii(this.#stuffer.end());
  }

  async #begin(): Promise<void> {
    const { client } = this;
    const answer = await client.command('DATA', client.timeouts.dataStart);
    if (answer.code !== 354) throw new RemoteRefusal(answer);
    this.#begun = true;
  }
}
