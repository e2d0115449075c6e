/**
 * A message of another server between its first octet and its answers: the header fields which that server put in front
 * are cut off by count, because they differ from one try to the next and must not hide a retry; the rest streams to the
 * mailboxes as it is. Nothing is added, checked or changed: that was done where the message came in.
 */
import { Buffer } from 'node:buffer';
import { Failure } from '../../observe/failure.ts';
import type { Log } from '../../observe/log.ts';
import type { Envelope, HeldMessage, MailboxDelivery } from '../../transport/api.ts';
import type { MailboxId } from '../../store/model.ts';
import { MESSAGE_BYTES } from '../../wire/limits.ts';
import { type Reply, reply } from '../grammar/reply.ts';
import { replyToFailure } from '../server/intake.ts';

const NOTHING = Buffer.alloc(0);

export class ForwardedMessage {
  readonly #delivery: Pick<MailboxDelivery, 'take'>;
  readonly #envelope: Envelope;
  readonly #log: Log;
  #prefixLeft: number;
  #prefix: Buffer[] = [];
  #message: HeldMessage | null = null;
  #bytes = 0;
  #refusal: Reply | null = null;

  constructor(delivery: Pick<MailboxDelivery, 'take'>, envelope: Envelope, prefixBytes: number, log: Log) {
    this.#delivery = delivery;
    this.#envelope = envelope;
    this.#prefixLeft = prefixBytes;
    this.#log = log;
  }

  /** The first refusal, for all recipients; null while all is well. */
  get refusal(): Reply | null {
    return this.#refusal;
  }

  refuse(answer: Reply): void {
    this.#refusal ??= answer;
  }

  async write(chunk: Buffer): Promise<void> {
    this.#bytes += chunk.length;
    if (this.#bytes > MESSAGE_BYTES) this.refuse(reply(552, '5.3.4', `more than ${MESSAGE_BYTES} octets`));
    if (this.#refusal !== null) return;
    try {
      await this.#forward(chunk);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** One answer for each of the mailboxes, in their order. */
  async finish(mailboxes: readonly MailboxId[]): Promise<readonly Reply[]> {
    if (this.#prefixLeft > 0) this.refuse(reply(501, '5.5.4', 'the message is shorter than its PREFIX'));
    try {
      if (this.#refusal === null && this.#message === null) await this.#forward(NOTHING);
    } catch (error) {
      this.#fail(error);
    }
    if (this.#refusal !== null || this.#message === null) {
      const answer = this.#refusal ?? reply(451, '4.3.0', 'the message could not be taken');
      await this.abort();
      return mailboxes.map(() => answer);
    }
    const { failed } = await this.#message.finish();
    const failures = new Map(failed.map(({ recipient, failure }) => [recipient.mailbox.id, failure]));
    const { id } = this.#envelope;
    const fields = { message: id, bytes: this.#bytes, recipients: mailboxes.length, failed: failed.length };
    this.#log.info(fields, 'message of another server');
    return mailboxes.map((mailbox) => {
      const failure = failures.get(mailbox);
      return failure === undefined ? reply(250, '2.6.0', `delivered [id=${id}]`) : replyToFailure(failure);
    });
  }

  /** `retried`: it comes again, or nobody knows. Nothing to do for a message that was not delivered. */
  settle(retried: boolean): void {
    this.#message?.settle(retried);
  }

  async abort(): Promise<void> {
    const message = this.#message;
    this.#message = null;
    this.#prefix = [];
    if (message !== null) await message.abort();
  }

  async #forward(chunk: Buffer): Promise<void> {
    let content = chunk;
    if (this.#prefixLeft > 0) {
      const part = chunk.subarray(0, this.#prefixLeft);
      this.#prefix.push(part);
      this.#prefixLeft -= part.length;
      if (this.#prefixLeft > 0) return;
      content = chunk.subarray(part.length);
    }
    if (this.#message === null) {
      this.#message = this.#delivery.take(this.#envelope, Buffer.concat(this.#prefix));
      this.#prefix = [];
    }
    if (content.length > 0) await this.#message.write(content);
  }

  #fail(error: unknown): void {
    if (error instanceof Failure) {
      this.refuse(replyToFailure(error));
      return;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#log.error({ message: this.#envelope.id, error: text }, 'a message of another server could not be stored');
    this.refuse(reply(451, '4.3.0', 'the message could not be stored, please try again later'));
  }
}
