/** Throttling policies (exchange-behaviour.md §9.3): few rows, read whole. The global one is in no row. */
import { Failure } from '../../../observe/failure.ts';
import { policyValues } from '../../audit.ts';
import type { MailboxSettings, ThrottlingLimits, ThrottlingPolicy } from '../../model.ts';
import { checkThrottling } from '../../settings/rules.ts';
import {
  GLOBAL_THROTTLING_LIMITS,
  GLOBAL_THROTTLING_POLICY,
  throttlingLimitsSchema,
} from '../../settings/throttling.ts';
import { objectName } from './object-names.ts';
import { jsonOf, numberOf, textOf, wordOf } from './rows.ts';
import { type OnRefused, type Reader, type Row, type Transaction, withoutCase } from './seam.ts';

const OBJECT_KIND = 'ThrottlingPolicy';
const STORED_SCOPES = ['Regular', 'Organization'] as const satisfies ReadonlyArray<ThrottlingPolicy['scope']>;

/** The global one first, then by name. */
export async function readPolicies(reader: Reader, onRefused: OnRefused): Promise<readonly ThrottlingPolicy[]> {
  const rows = await reader.all('SELECT * FROM throttling_policy ORDER BY lower(name)');
  return [GLOBAL_THROTTLING_POLICY, ...rows.map((row) => policyOf(row, onRefused))];
}

export async function setPolicy(
  transaction: Transaction,
  given: ThrottlingPolicy,
  onRefused: OnRefused,
): Promise<ThrottlingPolicy> {
  const name = objectName(given.name, 'ThrottlingPolicy');
  if (given.scope === 'Global' || sameName(name, GLOBAL_THROTTLING_POLICY.name)) throw untouchable();
  if (!STORED_SCOPES.includes(given.scope))
    throw new Failure('CANNOT', `ThrottlingPolicyScope must be one of ${STORED_SCOPES.join(', ')}`);
  const limits = throttlingLimitsSchema.check(given.limits);
  const policies = await readPolicies(transaction, onRefused);
  const now = policies.find((one) => sameName(one.name, name)) ?? null;
  const organization = ofOrganization(policies);
  if (given.scope === 'Organization' && organization !== null && !sameName(organization.name, name))
    throw new Failure(
      'CANNOT',
      `${organization.name} is the organization's policy already; there can be only one. Change it, or remove it first`,
    );
  const next: ThrottlingPolicy = { name: now?.name ?? name, scope: given.scope, limits };
  if (now?.scope === 'Regular' && next.scope === 'Organization') await checkUnused(transaction, now);
  checkThrottling(merged([next.scope === 'Regular' ? organization : null, next]));
  await transaction.run(
    `INSERT INTO throttling_policy (name, scope, limits) VALUES (?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET scope = excluded.scope, limits = excluded.limits`,
    next.name,
    next.scope,
    JSON.stringify(throttlingLimitsSchema.store(limits)),
  );
  transaction.note('throttling-policy', next.name);
  transaction.audit(OBJECT_KIND, next.name, now === null ? null : policyValues(now), policyValues(next));
  return next;
}

export async function removePolicy(transaction: Transaction, name: string, onRefused: OnRefused): Promise<void> {
  if (sameName(name, GLOBAL_THROTTLING_POLICY.name)) throw untouchable();
  const now = (await readPolicies(transaction, onRefused)).find((one) => sameName(one.name, name));
  if (now === undefined) throw new Failure('NONEXISTENT', `there is no throttling policy ${name}`);
  await checkUnused(transaction, now);
  await transaction.run('DELETE FROM throttling_policy WHERE name = ?', now.name);
  transaction.note('throttling-policy', now.name);
  transaction.audit(OBJECT_KIND, now.name, policyValues(now), null);
}

/** Own policy, then the organization's, then the global one, value by value. */
export function effectiveThrottling(
  policies: readonly ThrottlingPolicy[],
  settings: MailboxSettings,
): ThrottlingLimits {
  const own =
    settings.throttlingPolicy === ''
      ? null
      : (policies.find((one) => sameName(one.name, settings.throttlingPolicy)) ?? null);
  return merged([ofOrganization(policies), own]);
}

/** A mailbox takes a policy of scope Regular. @throws Failure NONEXISTENT, CANNOT */
export function checkAssignable(policies: readonly ThrottlingPolicy[], name: string): void {
  const policy = policies.find((one) => sameName(one.name, name));
  if (policy === undefined) {
    const known = policies.filter((one) => one.scope === 'Regular');
    throw new Failure(
      'NONEXISTENT',
      `there is no throttling policy ${name}. ${known.length === 0 ? 'Make one: New-ThrottlingPolicy' : `Known: ${known.map((one) => one.name).join(', ')}`}`,
    );
  }
  if (policy.scope !== 'Regular')
    throw new Failure(
      'CANNOT',
      `ThrottlingPolicy must be a policy of scope Regular; ${policy.name} has scope ${policy.scope} and counts anyway`,
    );
}

const ofOrganization = (policies: readonly ThrottlingPolicy[]): ThrottlingPolicy | null =>
  policies.find((one) => one.scope === 'Organization') ?? null;

async function checkUnused(reader: Reader, policy: ThrottlingPolicy): Promise<void> {
  const row = await reader.get(
    "SELECT count(*) AS mailboxes FROM mailbox_settings WHERE lower(settings ->> 'throttlingPolicy') = ?",
    withoutCase(policy.name),
  );
  const mailboxes = row === null ? 0 : numberOf(row, 'mailboxes');
  if (mailboxes > 0)
    throw new Failure(
      'INUSE',
      `${mailboxes} mailbox${mailboxes === 1 ? ' has' : 'es have'} the policy ${policy.name}: Set-Mailbox -ThrottlingPolicy $null first`,
    );
}

function policyOf(row: Row, onRefused: OnRefused): ThrottlingPolicy {
  const limits: Partial<ThrottlingLimits> = {};
  const stored = jsonOf(row, 'limits');
  for (const { key, name, type } of throttlingLimitsSchema.rows) {
    const raw: unknown = typeof stored === 'object' && stored !== null ? Reflect.get(stored, key) : undefined;
    const value = raw === undefined ? undefined : type.read(raw);
    if (raw !== undefined && value === undefined) onRefused(name);
    if (value !== undefined) Reflect.set(limits, key, value);
  }
  return { name: textOf(row, 'name'), scope: wordOf(row, 'scope', STORED_SCOPES), limits };
}

/** Later ones count more. */
const merged = (policies: ReadonlyArray<ThrottlingPolicy | null>): ThrottlingLimits =>
  policies.reduce<ThrottlingLimits>(
    (limits, policy) => (policy === null ? limits : throttlingLimitsSchema.merge(limits, policy.limits)),
    GLOBAL_THROTTLING_LIMITS,
  );

const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

const untouchable = (): Failure =>
  new Failure(
    'CANNOT',
    `${GLOBAL_THROTTLING_POLICY.name} is built in. Make one of your own: New-ThrottlingPolicy -ThrottlingPolicyScope Organization`,
  );
