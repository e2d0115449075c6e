/** Throttling policies (exchange-behaviour.md §9.3): few rows, read whole and kept. The global one is in no row. */
import { Failure } from '../../../observe/failure.ts';
import type { DirectoryChange } from '../../api.ts';
import { policyValues } from '../../audit.ts';
import type { Actor, MailboxSettings, ThrottlingLimits, ThrottlingPolicy } from '../../model.ts';
import { checkThrottling } from '../../settings/rules.ts';
import {
  GLOBAL_THROTTLING_LIMITS,
  GLOBAL_THROTTLING_POLICY,
  throttlingLimitsSchema,
} from '../../settings/throttling.ts';
import type { DirectoryFile } from './file.ts';
import { jsonOf, numberOf, type Row, textOf, wordOf } from './rows.ts';
import { objectName } from './topology.ts';

const OBJECT_KIND = 'ThrottlingPolicy';
const STORED_SCOPES = ['Regular', 'Organization'] as const satisfies ReadonlyArray<ThrottlingPolicy['scope']>;

export class ThrottlingPolicies {
  readonly #file: DirectoryFile;
  readonly #onRefused: (name: string) => void;
  #policies: readonly ThrottlingPolicy[] | null = null;

  /** `onRefused` hears of stored limits that are no longer acceptable. */
  constructor(file: DirectoryFile, onRefused: (name: string) => void) {
    this.#file = file;
    this.#onRefused = onRefused;
  }

  forget(change: DirectoryChange): void {
    if (change.kind === 'throttling-policy') this.#policies = null;
  }

  /** The global one first, then by name. */
  all(): readonly ThrottlingPolicy[] {
    this.#policies ??= [
      GLOBAL_THROTTLING_POLICY,
      ...this.#file.all('SELECT * FROM throttling_policy ORDER BY name').map((row) => this.#load(row)),
    ];
    return this.#policies;
  }

  set(actor: Actor, given: ThrottlingPolicy): ThrottlingPolicy {
    const name = objectName(given.name, 'ThrottlingPolicy');
    if (given.scope === 'Global' || sameName(name, GLOBAL_THROTTLING_POLICY.name)) throw untouchable();
    if (!STORED_SCOPES.includes(given.scope))
      throw new Failure('CANNOT', `ThrottlingPolicyScope must be one of ${STORED_SCOPES.join(', ')}`);
    const limits = throttlingLimitsSchema.check(given.limits);
    return this.#file.write(actor, (transaction) => {
      const now = this.all().find((one) => sameName(one.name, name)) ?? null;
      const organization = this.#ofOrganization();
      if (given.scope === 'Organization' && organization !== null && !sameName(organization.name, name))
        throw new Failure(
          'CANNOT',
          `${organization.name} is the organization's policy already; there can be only one. Change it, or remove it first`,
        );
      const next: ThrottlingPolicy = { name: now?.name ?? name, scope: given.scope, limits };
      if (now?.scope === 'Regular' && next.scope === 'Organization') this.#checkUnused(now);
      checkThrottling(effective([next.scope === 'Regular' ? organization : null, next]));
      this.#file.run(
        `INSERT INTO throttling_policy (name, scope, limits) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET scope = ?2, limits = ?3`,
        next.name,
        next.scope,
        JSON.stringify(throttlingLimitsSchema.store(limits)),
      );
      transaction.note('throttling-policy', next.name);
      transaction.audit(OBJECT_KIND, next.name, now === null ? null : policyValues(now), policyValues(next));
      return next;
    });
  }

  remove(actor: Actor, name: string): void {
    if (sameName(name, GLOBAL_THROTTLING_POLICY.name)) throw untouchable();
    this.#file.write(actor, (transaction) => {
      const now = this.all().find((one) => sameName(one.name, name));
      if (now === undefined) throw new Failure('NONEXISTENT', `there is no throttling policy ${name}`);
      this.#checkUnused(now);
      this.#file.run('DELETE FROM throttling_policy WHERE name = ?', now.name);
      transaction.note('throttling-policy', now.name);
      transaction.audit(OBJECT_KIND, now.name, policyValues(now), null);
    });
  }

  /** Own policy, then the organization's, then the global one, value by value. */
  effective(settings: MailboxSettings): ThrottlingLimits {
    const own =
      settings.throttlingPolicy === ''
        ? null
        : (this.all().find((one) => sameName(one.name, settings.throttlingPolicy)) ?? null);
    return effective([this.#ofOrganization(), own]);
  }

  /** A mailbox takes a policy of scope Regular. @throws Failure NONEXISTENT, CANNOT */
  checkAssignable(name: string): void {
    const policy = this.all().find((one) => sameName(one.name, name));
    if (policy === undefined) {
      const known = this.all().filter((one) => one.scope === 'Regular');
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

  #ofOrganization(): ThrottlingPolicy | null {
    return this.all().find((one) => one.scope === 'Organization') ?? null;
  }

  #checkUnused(policy: ThrottlingPolicy): void {
    const row = this.#file.get(
      `SELECT count(*) AS mailboxes FROM mailbox_settings
       WHERE json_extract(settings, '$.throttlingPolicy') = ? COLLATE NOCASE`,
      policy.name,
    );
    const mailboxes = row === null ? 0 : numberOf(row, 'mailboxes');
    if (mailboxes > 0)
      throw new Failure(
        'INUSE',
        `${mailboxes} mailbox${mailboxes === 1 ? ' has' : 'es have'} the policy ${policy.name}: Set-Mailbox -ThrottlingPolicy $null first`,
      );
  }

  #load(row: Row): ThrottlingPolicy {
    const limits: Partial<ThrottlingLimits> = {};
    const stored = jsonOf(row, 'limits');
    for (const { key, name, type } of throttlingLimitsSchema.rows) {
      const raw: unknown = typeof stored === 'object' && stored !== null ? Reflect.get(stored, key) : undefined;
      const value = raw === undefined ? undefined : type.read(raw);
      if (raw !== undefined && value === undefined) this.#onRefused(name);
      if (value !== undefined) Reflect.set(limits, key, value);
    }
    return { name: textOf(row, 'name'), scope: wordOf(row, 'scope', STORED_SCOPES), limits };
  }
}

/** Later ones count more. */
const effective = (policies: ReadonlyArray<ThrottlingPolicy | null>): ThrottlingLimits =>
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
