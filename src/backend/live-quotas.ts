/**
 * Quotas of mailboxes as they are now, answered without waiting: the store asks at every append. Whoever opens a
 * mailbox calls `load` first; from then on changes of the directory are followed (design.md §7: within a second).
 */
import type { Directory } from '../directory/api.ts';
import type { Account, AccountId, Quotas } from '../directory/model.ts';
import type { Log } from '../observe/log.ts';
import type { MailboxQuota } from '../store/api.ts';
import type { MailboxId } from '../store/model.ts';

/** Mailboxes remembered; the oldest is forgotten and loaded again when it is opened again. */
const REMEMBERED = 100_000;

interface Known {
  readonly account: AccountId;
  quotas: Quotas;
}

export class LiveQuotas {
  readonly #directory: Directory;
  readonly #log: Log;
  readonly #known = new Map<MailboxId, Known>();
  readonly #unwatch: () => void;
  #refreshing: Promise<unknown> = Promise.resolve();

  constructor(directory: Directory, log: Log) {
    this.#directory = directory;
    this.#log = log;
    this.#unwatch = directory.watch((change) => {
      if (change.kind === 'database') this.#refresh([...this.#known.values()]);
      if (change.kind !== 'account') return;
      const all = [...this.#known.values()];
      this.#refresh(change.id === null ? all : all.filter((each) => each.account === change.id));
    });
  }

  /** Cheap when the account is known. @throws Failure UNAVAILABLE */
  async load(account: Account): Promise<void> {
    if (account.mailbox === null || this.#known.has(account.mailbox.id)) return;
    const quotas = await this.#directory.effectiveQuotas(account.id);
    if (this.#known.size >= REMEMBERED) this.#forgetOldest();
    this.#known.set(account.mailbox.id, { account: account.id, quotas });
  }

  /** Null: not loaded. */
  of(account: Account): Quotas | null {
    return account.mailbox === null ? null : (this.#known.get(account.mailbox.id)?.quotas ?? null);
  }

  /** For the store. A mailbox nobody loaded (an import, a check) has no limit. */
  readonly quotaOf = (mailbox: MailboxId): MailboxQuota => {
    const quotas = this.#known.get(mailbox)?.quotas;
    return {
      prohibitSendReceive: quotas?.prohibitSendReceiveQuota ?? Infinity,
      recoverableItems: quotas?.recoverableItemsQuota ?? Infinity,
    };
  };

  /** What was announced before this call has been read when it resolves. */
  async settled(): Promise<void> {
    await this.#refreshing;
  }

  close(): void {
    this.#unwatch();
  }

  #refresh(some: readonly Known[]): void {
    const reading = some.map((known) =>
      this.#directory.effectiveQuotas(known.account).then(
        (quotas) => {
          known.quotas = quotas;
        },
        (error: unknown) => {
          const fields = { account: known.account, error: String(error) };
          this.#log.warn(fields, 'quotas could not be read; the old ones stay');
        },
      ),
    );
    this.#refreshing = Promise.all([this.#refreshing, ...reading]);
  }

  #forgetOldest(): void {
    const oldest = this.#known.keys().next();
    if (oldest.done !== true) this.#known.delete(oldest.value);
  }
}
