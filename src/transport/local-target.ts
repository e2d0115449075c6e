/**
 * Delivery into one mailbox database of this server: the message is staged once, then appended to the Inbox of every
 * recipient there. Knows no engine and nothing of where the message came from.
 */
import type { Buffer } from 'node:buffer';
import type { Directory } from '../directory/api.ts';
import type { Account } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import type { MailboxDatabase, MessageSink, StagedMessage } from '../store/api.ts';
import type { MailboxId } from '../store/model.ts';
import { DELIVERIES_PER_MESSAGE } from '../wire/limits.ts';
import type { DeliveredCopy, DeliveryReport, Envelope, Recipient } from './api.ts';
import type { Slots } from './slots.ts';
import type { Target } from './target.ts';

export interface LocalParts {
  readonly directory: Directory;
  readonly log: Log;
  readonly slots: Slots<MailboxId>;
  /** Called before a mailbox is opened for its copy: what the store asks for without waiting is read here. */
  readonly beforeDelivery?: ((account: Account) => Promise<void>) | undefined;
  /** Told of each copy and of how much the mailbox holds now: quota notices. Must not throw. */
  readonly afterDelivery?: ((account: Account, usedBytes: number) => void) | undefined;
  /** Told of each copy that is durable: invitations (calendar/delivered-invitations.ts). Must not throw. */
  readonly follow?: ((copy: DeliveredCopy) => void) | undefined;
  /** A copy was refused because the mailbox is full. Must not throw. */
  readonly onFull?: ((account: Account, usedBytes: number) => void) | undefined;
}

export class LocalTarget implements Target {
  readonly database: MailboxDatabase;
  readonly #parts: LocalParts;
  readonly #envelope: Envelope;
  readonly #recipients: Recipient[] = [];
  readonly #sink: MessageSink;
  readonly #delivered: Recipient[] = [];
  readonly #failed: Array<{ recipient: Recipient; failure: Failure }> = [];

  constructor(parts: LocalParts, envelope: Envelope, database: MailboxDatabase) {
    this.#parts = parts;
    this.#envelope = envelope;
    this.database = database;
    this.#sink = database.stage();
  }

  /** Before anything is written. */
  add(recipient: Recipient): void {
    this.#recipients.push(recipient);
  }

  write(chunk: Buffer): Promise<void> | void {
    return this.#sink.write(chunk);
  }

  abort(): Promise<void> {
    return this.#sink.abort();
  }

  settle(): void {}

  async finish(earlier: ReadonlySet<MailboxId>): Promise<DeliveryReport> {
    const report = { delivered: this.#delivered, failed: this.#failed };
    let staged: StagedMessage;
    try {
      staged = await this.#sink.finish();
    } catch (error) {
      for (const recipient of this.#recipients) this.#fail(recipient, error);
      return report;
    }
    try {
      const waiting = this.#recipients.values();
      const worker = async (): Promise<void> => {
        for (const recipient of waiting) await this.#deliverOne(staged, recipient, earlier);
      };
      const workers = Math.min(this.#recipients.length, DELIVERIES_PER_MESSAGE);
      await Promise.all(Array.from({ length: workers }, worker));
    } finally {
      await staged.release();
    }
    return report;
  }

  async #deliverOne(staged: StagedMessage, recipient: Recipient, earlier: ReadonlySet<MailboxId>): Promise<void> {
    const { id } = recipient.mailbox;
    try {
      if (earlier.has(id)) this.#parts.log.info(messageFields(this.#envelope, recipient), 'already delivered earlier');
      else {
        await this.#checkSize(staged, recipient);
        await this.#parts.slots.run(id, () => this.#append(recipient, staged));
      }
      this.#delivered.push(recipient);
    } catch (error) {
      this.#fail(recipient, error);
    }
  }

  /** MaxReceiveSize of the mailbox (exchange-behaviour.md §9.1); a client that gave a SIZE heard it before. */
  async #checkSize(staged: StagedMessage, recipient: Recipient): Promise<void> {
    const { maxReceiveSize } = await this.#parts.directory.mailboxSettings(recipient.account.id);
    if (staged.size <= maxReceiveSize) return;
    throw new Failure('TOOBIG', `the message is larger than this mailbox takes: ${maxReceiveSize} octets`);
  }

  async #append(recipient: Recipient, staged: StagedMessage): Promise<void> {
    const { beforeDelivery, afterDelivery, follow, onFull } = this.#parts;
    await beforeDelivery?.(recipient.account);
    const mailbox = await this.database.open(recipient.mailbox.id);
    try {
      const inbox = mailbox.folderByUse('inbox') ?? mailbox.folderByName('INBOX');
      if (inbox === null) throw new Failure('UNAVAILABLE', 'The mailbox has no Inbox.');
      const { ignoreQuota = false, receivedAt } = this.#envelope;
      const internalDate = Math.floor(receivedAt / 1000);
      const { uid } = await mailbox.append(inbox.id, staged, { internalDate, ignoreQuota });
      afterDelivery?.(recipient.account, mailbox.usage().bytes);
      if (follow === undefined) return;
      const mayHold = (mediaType: string): boolean => staged.mayHold(mediaType);
      follow({ account: recipient.account, folder: inbox.id, uid, mayHold });
    } catch (error) {
      if (error instanceof Failure && error.code === 'OVERQUOTA') onFull?.(recipient.account, mailbox.usage().bytes);
      throw error;
    } finally {
      mailbox.close();
    }
  }

  #fail(recipient: Recipient, error: unknown): void {
    this.#failed.push({ recipient, failure: deliveryFailure(this.#parts.log, this.#envelope, recipient, error) });
  }
}

function messageFields({ id, session }: Envelope, recipient: Recipient): object {
  return { ...(session === undefined ? {} : { session }), message: id, recipient: recipient.address };
}

/** Logs it. What is no Failure stays in the log. */
export function deliveryFailure(log: Log, envelope: Envelope, recipient: Recipient, error: unknown): Failure {
  const fields = messageFields(envelope, recipient);
  if (error instanceof Failure) {
    log.warn({ ...fields, code: error.code, error: error.message }, 'delivery failed');
    return error;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log.error({ ...fields, error: text }, 'delivery failed');
  return new Failure('UNAVAILABLE', 'The mailbox cannot be reached now.', { cause: error });
}
