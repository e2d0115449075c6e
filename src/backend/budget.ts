/**
 * Budgets of server time (exchange-behaviour.md §9.3): a user may overspend MaxBurst, regains RechargeRate an hour,
 * is slowed down behind that and refused below CutoffBalance until the budget is full again. One budget a user and
 * protocol, in memory. Pure but for the clock it is given; knows no session.
 */
import { Failure } from '../observe/failure.ts';

/** Milliseconds of server time; Infinity is unlimited. */
export interface BudgetLimits {
  readonly maxBurst: number;
  /** Regained in an hour. */
  readonly rechargeRate: number;
  /** How far below zero the balance may fall. */
  readonly cutoffBalance: number;
}

/** Longest wait put before one command: a client must not take us for dead. */
const DELAY_MS = 5_000;
const HOUR_MS = 3_600_000;

export class Budget {
  readonly #limits: () => BudgetLimits;
  readonly #now: () => number;
  /** Milliseconds left; below zero: overspent. Starts full, and full again when nobody remembers it. */
  #balance: number;
  #at: number;
  #cutOff = false;

  constructor(limits: () => BudgetLimits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
    this.#balance = limits().maxBurst;
    this.#at = now();
  }

  get balance(): number {
    return this.#balance;
  }

  /** A full budget need not be remembered. */
  get isFull(): boolean {
    this.#recharge();
    return this.#balance >= this.#limits().maxBurst;
  }

  /**
   * Milliseconds to wait before the next command may run.
   * @throws Failure LIMIT while the user is cut off; the text says for how long
   */
  admit(): number {
    this.#recharge();
    const { cutoffBalance, maxBurst, rechargeRate } = this.#limits();
    if (cutoffBalance === Infinity) this.#cutOff = false;
    else if (this.#balance <= -cutoffBalance) this.#cutOff = true;
    if (this.#cutOff) {
      const missing = maxBurst - this.#balance;
      if (missing <= 0) this.#cutOff = false;
      else {
        const minutes = rechargeRate > 0 ? Math.ceil((missing / rechargeRate) * 60) : Infinity;
        const when = Number.isFinite(minutes) ? ` in ${minutes} minute${minutes === 1 ? '' : 's'}` : ' later';
        throw new Failure('LIMIT', `Your budget of server time is used up (CutoffBalance). Try again${when}`);
      }
    }
    return this.#balance >= 0 ? 0 : Math.min(DELAY_MS, -this.#balance);
  }

  /** A command took so long. */
  charge(ms: number): void {
    this.#recharge();
    if (Number.isFinite(this.#balance)) this.#balance -= ms;
  }

  #recharge(): void {
    const now = this.#now();
    const { maxBurst, rechargeRate } = this.#limits();
    // A policy that was widened or narrowed counts at once, for what is left as well.
    if (maxBurst === Infinity) this.#balance = Infinity;
    else if (this.#balance === Infinity) this.#balance = maxBurst;
    else this.#balance = Math.min(maxBurst, this.#balance + ((now - this.#at) * rechargeRate) / HOUR_MS);
    this.#at = now;
  }
}

/** A budget and how many sessions pay from it. */
interface Shared<Account> {
  readonly account: Account;
  readonly budget: Budget;
  users: number;
}

/** One session's share of a budget. An object, not closures: tens of thousands of sessions hold one for hours. */
class Place<Account> {
  readonly #shared: Shared<Account>;
  #leave: ((shared: Shared<Account>) => void) | null;

  constructor(shared: Shared<Account>, leave: (shared: Shared<Account>) => void) {
    this.#shared = shared;
    this.#leave = leave;
  }

  get budget(): Budget {
    return this.#shared.budget;
  }

  /** Idempotent. */
  leave(): void {
    const leave = this.#leave;
    this.#leave = null;
    leave?.(this.#shared);
  }
}

/** The budgets of one protocol, by account. Full ones that nobody uses are forgotten. */
export class Budgets<Account extends string = string> {
  readonly #budgets = new Map<Account, Shared<Account>>();
  readonly #left: (account: Account) => void;
  readonly #now: () => number;

  /** `left` is told of the account of each session that has left. */
  constructor(left: (account: Account) => void = () => {}, now: () => number = () => performance.now()) {
    this.#left = left;
    this.#now = now;
  }

  /** One session of `account` begins; `leave` once at its end. */
  enter(account: Account, limits: () => BudgetLimits): Place<Account> {
    let shared = this.#budgets.get(account);
    if (shared === undefined) {
      this.#sweep();
      shared = { account, budget: new Budget(limits, this.#now), users: 0 };
      this.#budgets.set(account, shared);
    }
    shared.users += 1;
    return new Place(shared, this.#leave);
  }

  /** Sessions of an account now. */
  concurrency(account: Account): number {
    return this.#budgets.get(account)?.users ?? 0;
  }

  readonly #leave = (shared: Shared<Account>): void => {
    shared.users -= 1;
    if (shared.users === 0 && shared.budget.isFull) this.#budgets.delete(shared.account);
    this.#left(shared.account);
  };

  #sweep(): void {
    if (this.#budgets.size < 10_000) return;
    for (const [account, { budget, users }] of this.#budgets) {
      if (users === 0 && budget.isFull) this.#budgets.delete(account);
    }
  }
}
