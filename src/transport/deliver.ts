/**
 * Delivery into mailboxes of this organization: one message goes to all its targets at once, the mailbox databases here
 * and the servers of the mailboxes that lie elsewhere; the slowest sets the pace. `finish` resolves when each copy is
 * durable or has failed, so an SMTP 250 is a promise kept (RFC 5321 §6.1). Databases and servers are injected: nothing
 * here knows an engine or a socket.
 */
import { Buffer } from 'node:buffer';
import { createHash, type Hash } from 'node:crypto';
import type { Account } from '../directory/model.ts';
import type { Failure } from '../observe/failure.ts';
import { tally } from '../observe/metrics/tally.ts';
import { type MailboxDatabase, OwnedElsewhere } from '../store/api.ts';
import type { MailboxId } from '../store/model.ts';
import { DELIVERIES_PER_MAILBOX } from '../wire/limits.ts';
import type { DeliveryReport, Envelope, HeldMessage, MailboxDelivery, Recipient, Transport } from './api.ts';
import { deliveryFailure, type LocalParts, LocalTarget } from './local-target.ts';
import { route } from './recipients.ts';
import type { RemoteDelivery } from './remote/delivery.ts';
import { type Attempt, RetryMemory } from './retry-memory.ts';
import { Slots } from './slots.ts';
import type { Target } from './target.ts';
import { track } from './track.ts';
import type { TrackingLog } from './tracking-log.ts';

export interface DeliveryOptions extends Omit<LocalParts, 'slots'> {
  /** @throws Failure UNAVAILABLE when the database of the account is not served here */
  readonly databaseOf: (account: Account) => MailboxDatabase;
  /** Mailboxes on other servers; missing: there are none. */
  readonly remote?: RemoteDelivery | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Where each message went; none when missing. */
  readonly tracking?: TrackingLog;
}

export function createDelivery(options: DeliveryOptions): Transport & MailboxDelivery {
  const shared: Shared = {
    parts: { ...options, slots: new Slots(DELIVERIES_PER_MAILBOX) },
    databaseOf: options.databaseOf,
    remote: options.remote ?? null,
    tracking: options.tracking ?? null,
    memory: new RetryMemory(options.now ?? Date.now),
  };
  const claim = async (account: Account): Promise<void> => {
    const database = options.databaseOf(account);
    if (account.mailbox !== null) (await database.open(account.mailbox.id)).close();
  };
  return {
    route: (localPart, domain) => route(options.directory, localPart, domain),
    begin: (envelope, prefix) => new Delivery(shared, envelope, prefix, false),
    claim,
    take: (envelope, prefix) => new Delivery({ ...shared, remote: null }, envelope, prefix, true),
    usage: async (account) => {
      if (account.mailbox === null) return 0;
      if (!((await options.remote?.isHere(account.mailbox)) ?? true)) return null;
      try {
        const mailbox = await options.databaseOf(account).open(account.mailbox.id);
        const { bytes } = mailbox.usage();
        mailbox.close();
        return bytes;
      } catch (error) {
        if (error instanceof OwnedElsewhere) return null;
        throw error;
      }
    },
  };
}

interface Shared {
  readonly parts: LocalParts;
  readonly databaseOf: (account: Account) => MailboxDatabase;
  readonly remote: RemoteDelivery | null;
  readonly tracking: TrackingLog | null;
  readonly memory: RetryMemory;
}

class Delivery implements HeldMessage {
  readonly #shared: Shared;
  readonly #envelope: Envelope;
  readonly #held: boolean;
  readonly #local = new Map<MailboxDatabase, LocalTarget>();
  #remote: readonly Target[] = [];
  readonly #failed: Array<{ recipient: Recipient; failure: Failure }> = [];
  readonly #digest: Hash | null;
  #targets: readonly Target[] = [];
  /** Null once it is known where the message goes. */
  #placing: Promise<void> | null = null;
  #attempt: Attempt | null = null;
  #prefix: Buffer | null;
  #bytes = 0;

  /** `held`: another server says with `settle` what becomes of the message. */
  constructor(shared: Shared, envelope: Envelope, prefix: Buffer, held: boolean) {
    this.#shared = shared;
    this.#envelope = envelope;
    this.#held = held;
    this.#prefix = prefix;
    // One recipient has the message or has it not; only several can end up half done, or one whose answer can get lost.
    const needed = held || shared.remote !== null || envelope.recipients.length > 1 || !shared.memory.isEmpty;
    this.#digest = needed ? createHash('sha256').update(envelope.reversePath).update('\n') : null;
    const recipients = oncePerMailbox(envelope.recipients);
    if (shared.remote === null) {
      for (const recipient of recipients) this.#addLocal(recipient);
      this.#targets = [...this.#local.values()];
    } else {
      const placing = this.#place(shared.remote, recipients, prefix.length);
      // Heard by whoever writes first; never unhandled.
      placing.catch(() => {});
      this.#placing = placing;
    }
  }

  write(chunk: Buffer): Promise<void> | void {
    if (this.#placing !== null) return this.#placed().then(() => this.write(chunk));
    this.#bytes += chunk.length;
    this.#digest?.update(chunk);
    const prefix = this.#prefix;
    this.#prefix = null;
    const only = this.#targets[0];
    if (this.#targets.length !== 1 || only === undefined) return this.#writeAll(prefix, chunk);
    const first = prefix === null ? undefined : only.write(prefix);
    return first === undefined ? only.write(chunk) : first.then(() => only.write(chunk));
  }

  async finish(): Promise<DeliveryReport> {
    await this.#placed();
    if (this.#prefix !== null) await this.#writeAll(this.#prefix, Buffer.alloc(0));
    const { memory, tracking } = this.#shared;
    this.#attempt = this.#digest === null ? null : await memory.enter(this.#digest.digest('base64'));
    const earlier = this.#attempt?.earlier ?? NOBODY;
    const reports = await Promise.all(this.#targets.map((target) => target.finish(earlier)));
    const [here, there] = [reports.slice(0, this.#local.size), reports.slice(this.#local.size)];
    const failed = [...this.#failed, ...reports.flatMap((report) => report.failed)];
    const [delivered, sent] = [here, there].map((those) => those.flatMap((report) => report.delivered));
    this.#count(delivered?.length ?? 0, failed);
    const facts = { envelope: this.#envelope, bytes: this.#bytes, failed };
    if (tracking !== null) track(tracking, { ...facts, delivered: delivered ?? [], sent: sent ?? [] });
    this.#attempt?.delivered(new Set((delivered ?? []).map(({ mailbox }) => mailbox.id)));
    const all = reports.flatMap((report) => report.delivered);
    if (!this.#held) this.settle(failed.length > 0);
    return { delivered: all, failed };
  }

  settle(retried: boolean): void {
    this.#attempt?.settle(retried);
    for (const target of this.#targets) target.settle(retried);
  }

  async abort(): Promise<void> {
    await this.#placed().catch(() => {});
    await Promise.all(this.#targets.map((target) => target.abort()));
  }

  async #placed(): Promise<void> {
    await this.#placing;
    this.#placing = null;
  }

  /** Other servers are asked before anything is sent: whom they do not take has a failure by then. */
  async #place(remote: RemoteDelivery, recipients: readonly Recipient[], prefixBytes: number): Promise<void> {
    const { local, targets, failed } = await remote.place(this.#envelope, recipients, prefixBytes, (recipient) =>
      this.#claim(recipient),
    );
    for (const recipient of local) this.#addLocal(recipient);
    for (const { recipient, failure } of failed) this.#fail(recipient, failure);
    this.#remote = targets;
    this.#targets = [...this.#local.values(), ...this.#remote];
  }

  /** @throws OwnedElsewhere, Failure */
  async #claim({ account, mailbox }: Recipient): Promise<void> {
    (await this.#shared.databaseOf(account).open(mailbox.id)).close();
  }

  #addLocal(recipient: Recipient): void {
    try {
      const database = this.#shared.databaseOf(recipient.account);
      let target = this.#local.get(database);
      if (target === undefined) {
        target = new LocalTarget(this.#shared.parts, this.#envelope, database);
        this.#local.set(database, target);
      }
      target.add(recipient);
    } catch (error) {
      this.#fail(recipient, error);
    }
  }

  #fail(recipient: Recipient, error: unknown): void {
    const failure = deliveryFailure(this.#shared.parts.log, this.#envelope, recipient, error);
    this.#failed.push({ recipient, failure });
  }

  async #writeAll(prefix: Buffer | null, chunk: Buffer): Promise<void> {
    await Promise.all(
      this.#targets.map(async (target) => {
        if (prefix !== null) await target.write(prefix);
        if (chunk.length > 0) await target.write(chunk);
      }),
    );
  }

  #count(delivered: number, failed: DeliveryReport['failed']): void {
    const origin = [this.#held ? 'lmtp' : this.#envelope.origin === undefined ? 'server' : 'smtp'];
    tally.messagesReceived.add(origin);
    tally.messageBytes.add(origin, this.#bytes);
    tally.copiesDelivered += delivered;
    for (const { failure } of failed) tally.copiesFailed.add([failure.code]);
  }
}

const NOBODY: ReadonlySet<MailboxId> = new Set();

/** One copy a mailbox, however many of its addresses were named. */
function oncePerMailbox(recipients: readonly Recipient[]): readonly Recipient[] {
  if (recipients.length < 2) return recipients;
  return [...new Map(recipients.toReversed().map((each) => [each.mailbox.id, each])).values()].reverse();
}
