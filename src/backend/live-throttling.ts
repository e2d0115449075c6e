/**
 * Throttling of the users who have sessions (exchange-behaviour.md §9.3): limits as they are now, one budget a user and
 * protocol. Policies are read when a session begins and again when one changes.
 */
import type { Directory } from '../directory/api.ts';
import type { Account, AccountId, ThrottlingLimits } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import { type BudgetLimits, Budgets } from './budget.ts';
import type { HandOver } from './link.ts';
import type { Paying } from './session-meter.ts';

type Protocol = HandOver['protocol'];

export class LiveThrottling {
  readonly #directory: Directory;
  readonly #log: Log;
  readonly #limits = new Map<AccountId, ThrottlingLimits>();
  readonly #budgets: Readonly<Record<Protocol, Budgets<AccountId>>>;
  readonly #unwatch: () => void;
  #refreshing: Promise<unknown> = Promise.resolve();

  constructor(directory: Directory, log: Log) {
    this.#directory = directory;
    this.#log = log;
    const left = (account: AccountId): void => this.#left(account);
    this.#budgets = { imap: new Budgets(left), pop3: new Budgets(left) };
    this.#unwatch = directory.watch((change) => {
      if (change.kind === 'throttling-policy') this.#refresh([...this.#limits.keys()]);
      if (change.kind === 'account') {
        this.#refresh([...this.#limits.keys()].filter((id) => change.id === null || id === change.id));
      }
    });
  }

  /**
   * A session of `account` begins: who pays for its commands.
   * @throws Failure LIMIT when MaxConcurrency is reached, naming it
   */
  async enter(protocol: Protocol, account: Account): Promise<Paying> {
    const { id } = account;
    const limits = this.#limits.get(id) ?? (await this.#directory.effectiveThrottling(id));
    const budgets = this.#budgets[protocol];
    const [name, most] =
      protocol === 'imap'
        ? (['ImapMaxConcurrency', limits.imapMaxConcurrency] as const)
        : (['PopMaxConcurrency', limits.popMaxConcurrency] as const);
    if (budgets.concurrency(id) >= most) {
      throw new Failure('LIMIT', `You have ${most} sessions open already (${name} of your throttling policy)`);
    }
    this.#limits.set(id, limits);
    return budgets.enter(id, () => this.#budgetLimits(protocol, id, limits));
  }

  #left(id: AccountId): void {
    if (this.#budgets.imap.concurrency(id) + this.#budgets.pop3.concurrency(id) === 0) this.#limits.delete(id);
  }

  /** What was announced before this call has been read when it resolves. */
  async settled(): Promise<void> {
    await this.#refreshing;
  }

  close(): void {
    this.#unwatch();
  }

  /** `known`: for a budget that outlives its sessions. */
  #budgetLimits(protocol: Protocol, id: AccountId, known: ThrottlingLimits): BudgetLimits {
    const limits = this.#limits.get(id) ?? known;
    return protocol === 'imap'
      ? {
          maxBurst: limits.imapMaxBurst,
          rechargeRate: limits.imapRechargeRate,
          cutoffBalance: limits.imapCutoffBalance,
        }
      : {
          maxBurst: limits.popMaxBurst,
          rechargeRate: limits.popRechargeRate,
          cutoffBalance: limits.popCutoffBalance,
        };
  }

  #refresh(ids: readonly AccountId[]): void {
    const reading = ids.map((id) =>
      this.#directory.effectiveThrottling(id).then(
        (limits) => {
          if (this.#limits.has(id)) this.#limits.set(id, limits);
        },
        (error: unknown) => {
          const fields = { account: id, error: String(error) };
          this.#log.warn(fields, 'a throttling policy could not be read; the old one stays');
        },
      ),
    );
    this.#refreshing = Promise.all([this.#refreshing, ...reading]);
  }
}
