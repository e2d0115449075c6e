/**
 * Delivery into mailboxes of this organization: the message is staged once for each mailbox database, then appended
 * to the Inbox of every recipient there. `finish` resolves when each copy is durable or has failed, so an SMTP 250
 * is a promise kept (RFC 5321 §6.1). Mailbox databases are injected: nothing here knows an engine.
 */
import { Buffer } from 'node:buffer';
import { createHash, type Hash } from 'node:crypto';
import type { Directory } from '../directory/api.ts';
import type { Account } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import { tally } from '../observe/metrics/tally.ts';
import type { MailboxDatabase, MessageSink, StagedMessage } from '../store/api.ts';
import type { MailboxId } from '../store/model.ts';
import { DELIVERIES_PER_MAILBOX, DELIVERIES_PER_MESSAGE } from '../wire/limits.ts';
import type { DeliveryReport, Envelope, IncomingMessage, Recipient, Transport } from './api.ts';
import { route } from './recipients.ts';
import { RetryMemory } from './retry-memory.ts';
import { Slots } from './slots.ts';
import type { TrackingLog } from './tracking-log.ts';

export interface LocalDeliveryOptions {
  readonly directory: Directory;
  /** @throws Failure UNAVAILABLE when the database of the account is not served here */
  readonly databaseOf: (account: Account) => MailboxDatabase;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Called before a mailbox is opened for its copy: what the store asks for without waiting is read here. */
  readonly beforeDelivery?: (account: Account) => Promise<void>;
  /** Told of each copy and of how much the mailbox holds now: quota notices. Must not throw. */
  readonly afterDelivery?: (account: Account, usedBytes: number) => void;
  /** A copy was refused because the mailbox is full. Must not throw. */
  readonly onFull?: (account: Account, usedBytes: number) => void;
  /** Where each message went; none when missing. */
  readonly tracking?: TrackingLog;
}

export function createLocalDelivery(options: LocalDeliveryOptions): Transport {
  const shared: Shared = {
    directory: options.directory,
    beforeDelivery: options.beforeDelivery,
    afterDelivery: options.afterDelivery,
    onFull: options.onFull,
    tracking: options.tracking ?? null,
    log: options.log,
    databaseOf: options.databaseOf,
    slots: new Slots(DELIVERIES_PER_MAILBOX),
    memory: new RetryMemory(options.now ?? Date.now),
  };
  return {
    route: (localPart, domain) => route(options.directory, localPart, domain),
    begin: (envelope, prefix) => new LocalDelivery(shared, envelope, prefix),
    usage: async (account) => {
      if (account.mailbox === null) return 0;
      const mailbox = await options.databaseOf(account).open(account.mailbox.id);
      try {
        return mailbox.usage().bytes;
      } finally {
        mailbox.close();
      }
    },
  };
}

interface Shared {
  readonly directory: Directory;
  readonly beforeDelivery: LocalDeliveryOptions['beforeDelivery'];
  readonly afterDelivery: LocalDeliveryOptions['afterDelivery'];
  readonly onFull: LocalDeliveryOptions['onFull'];
  readonly tracking: TrackingLog | null;
  readonly log: Log;
  readonly databaseOf: (account: Account) => MailboxDatabase;
  readonly slots: Slots<MailboxId>;
  readonly memory: RetryMemory;
}

/** The recipients whose mailboxes lie in one database, and the message on its way into it. */
interface Target {
  readonly database: MailboxDatabase;
  readonly sink: MessageSink;
  readonly recipients: Recipient[];
}

class LocalDelivery implements IncomingMessage {
  readonly #shared: Shared;
  readonly #envelope: Envelope;
  readonly #targets: readonly Target[];
  readonly #failed: Array<{ recipient: Recipient; failure: Failure }> = [];
  readonly #digest: Hash | null;
  #prefix: Buffer | null;
  #bytes = 0;

  constructor(shared: Shared, envelope: Envelope, prefix: Buffer) {
    this.#shared = shared;
    this.#envelope = envelope;
    this.#prefix = prefix;
    this.#targets = this.#stage(envelope.recipients);
    // One recipient has the message or has it not; only several can end up half done.
    const several = envelope.recipients.length > 1;
    this.#digest =
      several || !shared.memory.isEmpty ? createHash('sha256').update(envelope.reversePath).update('\n') : null;
  }

  write(chunk: Buffer): Promise<void> | void {
    this.#bytes += chunk.length;
    this.#digest?.update(chunk);
    const prefix = this.#prefix;
    this.#prefix = null;
    const only = this.#targets[0];
    if (this.#targets.length !== 1 || only === undefined) return this.#writeAll(prefix, chunk);
    const first = prefix === null ? undefined : only.sink.write(prefix);
    return first === undefined ? only.sink.write(chunk) : first.then(() => only.sink.write(chunk));
  }

  async finish(): Promise<DeliveryReport> {
    if (this.#prefix !== null) await this.#writeAll(this.#prefix, Buffer.alloc(0));
    const { memory } = this.#shared;
    const digest = this.#digest?.digest('base64') ?? null;
    const earlier = digest === null ? null : memory.delivered(digest);
    const delivered: Recipient[] = [];
    await Promise.all(this.#targets.map((target) => this.#deliverTo(target, earlier, delivered)));
    if (digest !== null && this.#failed.length > 0 && delivered.length > 0) {
      memory.remember(digest, new Set(delivered.map((each) => each.mailbox.id)));
    } else if (digest !== null && earlier !== null && earlier.size > 0) {
      memory.forget(digest);
    }
    this.#count(delivered.length);
    this.#track(delivered);
    return { delivered, failed: this.#failed };
  }

  #count(delivered: number): void {
    const origin = [this.#envelope.origin === undefined ? 'server' : 'smtp'];
    tally.messagesReceived.add(origin);
    tally.messageBytes.add(origin, this.#bytes);
    tally.copiesDelivered += delivered;
    for (const { failure } of this.#failed) tally.copiesFailed.add([failure.code]);
  }

  #track(delivered: readonly Recipient[]): void {
    const { tracking } = this.#shared;
    if (tracking === null) return;
    const { id, reversePath, origin, recipients } = this.#envelope;
    const common = {
      clientIp: origin?.clientAddress ?? '',
      clientHostname: origin?.clientName ?? '',
      connectorId: origin?.connector ?? '',
      internalMessageId: id,
      messageId: origin?.messageId ?? '',
      totalBytes: this.#bytes,
      subject: origin?.subject ?? '',
      sender: reversePath,
      returnPath: reversePath === '' ? '<>' : reversePath,
      directionality: origin?.authenticated === false ? ('Incoming' as const) : ('Originating' as const),
    };
    tracking.write({
      ...common,
      eventId: origin === undefined ? 'DSN' : 'RECEIVE',
      source: origin === undefined ? 'DSN' : 'SMTP',
      recipients: recipients.map((one) => one.address),
      recipientStatus: [],
    });
    if (delivered.length > 0) {
      tracking.write({
        ...common,
        eventId: 'DELIVER',
        source: 'STOREDRIVER',
        recipients: delivered.map((one) => one.address),
        recipientStatus: [],
      });
    }
    if (this.#failed.length > 0) {
      tracking.write({
        ...common,
        eventId: 'FAIL',
        source: 'STOREDRIVER',
        recipients: this.#failed.map(({ recipient }) => recipient.address),
        recipientStatus: this.#failed.map(({ failure }) => `${failure.code}: ${failure.message.replaceAll(';', ',')}`),
      });
    }
  }

  async abort(): Promise<void> {
    await Promise.all(this.#targets.map((target) => target.sink.abort()));
  }

  /** One copy a mailbox, however many of its addresses were named. */
  #stage(recipients: readonly Recipient[]): readonly Target[] {
    const targets = new Map<MailboxDatabase, Target>();
    const seen = new Set<MailboxId>();
    for (const recipient of recipients) {
      if (seen.has(recipient.mailbox.id)) continue;
      seen.add(recipient.mailbox.id);
      try {
        const database = this.#shared.databaseOf(recipient.account);
        const target = targets.get(database);
        if (target === undefined) targets.set(database, { database, sink: database.stage(), recipients: [recipient] });
        else target.recipients.push(recipient);
      } catch (error) {
        this.#failed.push({ recipient, failure: this.#failureOf(error, recipient) });
      }
    }
    return [...targets.values()];
  }

  async #writeAll(prefix: Buffer | null, chunk: Buffer): Promise<void> {
    await Promise.all(
      this.#targets.map(async ({ sink }) => {
        if (prefix !== null) await sink.write(prefix);
        if (chunk.length > 0) await sink.write(chunk);
      }),
    );
  }

  async #deliverTo(target: Target, earlier: ReadonlySet<MailboxId> | null, delivered: Recipient[]): Promise<void> {
    let staged: StagedMessage;
    try {
      staged = await target.sink.finish();
    } catch (error) {
      for (const recipient of target.recipients) {
        this.#failed.push({ recipient, failure: this.#failureOf(error, recipient) });
      }
      return;
    }
    try {
      const waiting = target.recipients.values();
      const worker = async (): Promise<void> => {
        for (const recipient of waiting) await this.#deliverOne(target.database, staged, recipient, earlier, delivered);
      };
      const workers = Math.min(target.recipients.length, DELIVERIES_PER_MESSAGE);
      await Promise.all(Array.from({ length: workers }, worker));
    } finally {
      await staged.release();
    }
  }

  async #deliverOne(
    database: MailboxDatabase,
    staged: StagedMessage,
    recipient: Recipient,
    earlier: ReadonlySet<MailboxId> | null,
    delivered: Recipient[],
  ): Promise<void> {
    const { id } = recipient.mailbox;
    try {
      if (earlier?.has(id) === true) {
        this.#shared.log.info(this.#fields(recipient), 'already delivered earlier');
      } else {
        await this.#checkSize(staged, recipient);
        await this.#shared.slots.run(id, () => this.#append(database, recipient, staged));
      }
      delivered.push(recipient);
    } catch (error) {
      this.#failed.push({ recipient, failure: this.#failureOf(error, recipient) });
    }
  }

  /** MaxReceiveSize of the mailbox (exchange-behaviour.md §9.1); a client that gave a SIZE heard it before. */
  async #checkSize(staged: StagedMessage, recipient: Recipient): Promise<void> {
    const { maxReceiveSize } = await this.#shared.directory.mailboxSettings(recipient.account.id);
    if (staged.size <= maxReceiveSize) return;
    throw new Failure('TOOBIG', `the message is larger than this mailbox takes: ${maxReceiveSize} octets`);
  }

  async #append(database: MailboxDatabase, recipient: Recipient, staged: StagedMessage): Promise<void> {
    await this.#shared.beforeDelivery?.(recipient.account);
    const mailbox = await database.open(recipient.mailbox.id);
    try {
      const inbox = mailbox.folderByUse('inbox') ?? mailbox.folderByName('INBOX');
      if (inbox === null) throw new Failure('UNAVAILABLE', 'The mailbox has no Inbox.');
      const { ignoreQuota = false, receivedAt } = this.#envelope;
      await mailbox.append(inbox.id, staged, { internalDate: Math.floor(receivedAt / 1000), ignoreQuota });
      this.#shared.afterDelivery?.(recipient.account, mailbox.usage().bytes);
    } catch (error) {
      if (error instanceof Failure && error.code === 'OVERQUOTA') {
        this.#shared.onFull?.(recipient.account, mailbox.usage().bytes);
      }
      throw error;
    } finally {
      mailbox.close();
    }
  }

  #fields(recipient: Recipient): object {
    const { id, session } = this.#envelope;
    return { ...(session === undefined ? {} : { session }), message: id, recipient: recipient.address };
  }

  #failureOf(error: unknown, recipient: Recipient): Failure {
    const fields = this.#fields(recipient);
    if (error instanceof Failure) {
      this.#shared.log.warn({ ...fields, code: error.code, error: error.message }, 'delivery failed');
      return error;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#shared.log.error({ ...fields, error: text }, 'delivery failed');
    return new Failure('UNAVAILABLE', 'The mailbox cannot be reached now.', { cause: error });
  }
}
