/**
 * New-/Set-ThrottlingPolicy: budgets per user (exchange-behaviour.md §9.3). The defaults are the global policy, which
 * is built in and never edited; a policy holds only what it sets, the rest is inherited value by value.
 */
import type { ThrottlingLimits, ThrottlingPolicy } from '../model.ts';
import { NO_SERVER, type Setting, SettingsSchema } from './schema.ts';
import * as type from './value-types.ts';

const limit = (name: string, unit: string, initial: number, help: string): Setting<number> => ({
  name,
  type: type.integer({ min: 0, unlimited: true }, unit),
  scope: 'both',
  effect: 'live',
  help,
  initial: () => initial,
});

interface Budget {
  readonly concurrency: number;
  readonly burst: number;
  readonly recharge: number;
}

const concurrency = (prefix: string, protocol: string, budget: Budget): Setting<number> =>
  limit(`${prefix}MaxConcurrency`, '', budget.concurrency, `Sessions at one time of one user over ${protocol}.`);
const burst = (prefix: string, protocol: string, budget: Budget): Setting<number> =>
  limit(
    `${prefix}MaxBurst`,
    'ms',
    budget.burst,
    `Server time a user may spend at once over ${protocol} before his answers are delayed.`,
  );
const recharge = (prefix: string, protocol: string, budget: Budget): Setting<number> =>
  limit(
    `${prefix}RechargeRate`,
    'ms an hour',
    budget.recharge,
    `Server time over ${protocol} that a user regains in an hour.`,
  );
const cutoff = (prefix: string, protocol: string): Setting<number> =>
  limit(
    `${prefix}CutoffBalance`,
    'ms',
    type.UNLIMITED,
    `Server time overspent over ${protocol} from which a user is refused until it is regained; not below ${prefix}MaxBurst.`,
  );

const POP: Budget = { concurrency: 20, burst: 3_600_000, recharge: 600_000 };
const IMAP: Budget = { concurrency: type.UNLIMITED, burst: 3_600_000, recharge: 600_000 };
const OWA: Budget = { concurrency: 20, burst: 480_000, recharge: 1_800_000 };

export const throttlingLimitsSchema = new SettingsSchema<ThrottlingLimits>('ThrottlingPolicy', {
  popMaxConcurrency: concurrency('Pop', 'POP3', POP),
  popMaxBurst: burst('Pop', 'POP3', POP),
  popRechargeRate: recharge('Pop', 'POP3', POP),
  popCutoffBalance: cutoff('Pop', 'POP3'),
  imapMaxConcurrency: concurrency('Imap', 'IMAP4', IMAP),
  imapMaxBurst: burst('Imap', 'IMAP4', IMAP),
  imapRechargeRate: recharge('Imap', 'IMAP4', IMAP),
  imapCutoffBalance: cutoff('Imap', 'IMAP4'),
  owaMaxConcurrency: concurrency('Owa', 'the web pages', OWA),
  owaMaxBurst: burst('Owa', 'the web pages', OWA),
  owaRechargeRate: recharge('Owa', 'the web pages', OWA),
  owaCutoffBalance: cutoff('Owa', 'the web pages'),
  messageRateLimit: limit(
    'MessageRateLimit',
    'messages a minute',
    type.UNLIMITED,
    'Messages a minute that a user submits; more are put off with a transient error.',
  ),
  recipientRateLimit: limit(
    'RecipientRateLimit',
    'recipients in 24 hours',
    type.UNLIMITED,
    'Recipients in 24 hours that a user submits to.',
  ),
});

export const GLOBAL_THROTTLING_LIMITS: ThrottlingLimits = throttlingLimitsSchema.defaults(NO_SERVER);

/** Built in: what nobody else has set. */
export const GLOBAL_THROTTLING_POLICY: ThrottlingPolicy = {
  name: 'GlobalThrottlingPolicy',
  scope: 'Global',
  limits: GLOBAL_THROTTLING_LIMITS,
};
