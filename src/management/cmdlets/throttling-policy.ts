/**
 * Get-/New-/Set-/Remove-ThrottlingPolicy and Get-/Set-ThrottlingPolicyAssociation: budgets per user
 * (exchange-behaviour.md §9.3). A policy holds what it sets; the rest comes from the organization's policy, then from
 * the global one, which is built in.
 */
import type { RoleGroup, ThrottlingLimits, ThrottlingPolicy } from '../../directory/model.ts';
import { nameKey } from '../../directory/names.ts';
import { checkThrottling } from '../../directory/settings/rules.ts';
import { GLOBAL_THROTTLING_LIMITS, throttlingLimitsSchema } from '../../directory/settings/throttling.ts';
import { enumeration, text, type ValueType } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type {
  Arguments,
  Cell,
  ChangingCmdlet,
  Cmdlet,
  CmdletObject,
  ManagementServices,
  Parameter,
  ReadingCmdlet,
} from '../cmdlet.ts';
import {
  completeMailbox,
  completePolicy,
  domainControllerParameter,
  identityParameter,
  mailboxNamed,
  throttlingPolicyNamed,
} from './identity.ts';
import { applying } from './results.ts';
import { cellOf, settingCells, settingParameters } from './settings-parameters.ts';

const MAY_CHANGE: readonly RoleGroup[] = ['Organization Management', 'Server Management'];
const MAY_READ: readonly RoleGroup[] = [...MAY_CHANGE, 'View-Only Organization Management'];
const NAME_LENGTH = 64;

/** `$null`: the value is inherited. */
function inheritable<T>(type: ValueType<T>): ValueType<T | null> {
  const inherits = (typed: string): boolean => ['', '$null', 'inherit'].includes(typed.trim().toLowerCase());
  return {
    kind: type.kind,
    accepts: `${type.accepts}; or $null to inherit it`,
    choices: type.choices,
    read: (value) => (value === null ? null : type.read(value)),
    store: (value) => (value === null ? null : type.store(value)),
    parse: (typed) => (inherits(typed) ? null : type.parse(typed)),
    format: (value) => (value === null ? '(inherited)' : type.format(value)),
  };
}

const LIMITS = settingParameters(throttlingLimitsSchema).map(({ row, parameter }) => ({
  row,
  parameter: {
    ...parameter,
    type: inheritable(row.type),
    help: `${row.help} Not given, or $null: inherited.`,
  },
}));

type Limits = Partial<ThrottlingLimits>;

/** What was set, with what is given now on top. */
function limitsFrom(args: Arguments, current: Limits): Limits {
  const limits: Limits = { ...current };
  for (const { row, parameter } of LIMITS) {
    if (!args.has(parameter)) continue;
    const value: unknown = args.get(parameter);
    if (value === null) Reflect.deleteProperty(limits, row.key);
    else Reflect.set(limits, row.key, value);
  }
  return limits;
}

/** Every limit that a policy's users have, value by value. @throws Failure CANNOT when they contradict each other */
async function checkLimits(services: ManagementServices, policy: ThrottlingPolicy): Promise<void> {
  const all = await services.directory.throttlingPolicies();
  const organization =
    policy.scope === 'Organization' ? undefined : all.find((one) => one.scope === 'Organization')?.limits;
  checkThrottling({ ...GLOBAL_THROTTLING_LIMITS, ...organization, ...policy.limits });
}

function shown(policy: ThrottlingPolicy): CmdletObject {
  const limits: Record<string, Cell> = {};
  for (const row of throttlingLimitsSchema.rows) {
    const value: unknown = Reflect.get(policy.limits, row.key);
    limits[row.name] = value === undefined ? null : cellOf(row.type, value);
  }
  return {
    Identity: policy.name,
    Name: policy.name,
    ThrottlingPolicyScope: policy.scope,
    IsDefault: policy.scope === 'Global',
    ...limits,
  };
}

const COLUMNS = ['Name', 'ThrottlingPolicyScope', 'PopMaxConcurrency', 'ImapMaxConcurrency', 'MessageRateLimit'];

const anyIdentity = identityParameter({ help: 'One policy. Without it: all.', complete: completePolicy });
const scope: Parameter<'Regular' | 'Organization' | 'Global'> = {
  name: 'ThrottlingPolicyScope',
  type: enumeration(['Regular', 'Organization', 'Global']),
  help: 'Regular: for the mailboxes it is given to. Organization: for all; there may be one. Global: built in.',
};

const getPolicy: ReadingCmdlet = {
  name: 'Get-ThrottlingPolicy',
  changes: false,
  synopsis: 'Shows budgets of server time and of mail per user.',
  description: 'An empty value is inherited: from the policy of the organization, then from GlobalThrottlingPolicy.',
  parameters: [anyIdentity, scope, domainControllerParameter],
  examples: [
    { line: 'Get-ThrottlingPolicy', says: 'All policies.' },
    { line: 'Get-ThrottlingPolicy GlobalThrottlingPolicy | Format-List', says: 'What counts where nothing is set.' },
  ],
  roles: MAY_READ,
  columns: COLUMNS,
  async *run({ args, services }) {
    const typed = args.optional(anyIdentity);
    const wanted = args.optional(scope);
    const policies =
      typed === undefined
        ? await services.directory.throttlingPolicies()
        : [await throttlingPolicyNamed(services.directory, typed)];
    for (const policy of policies) if (wanted === undefined || policy.scope === wanted) yield shown(policy);
  },
};

const newName: Parameter<string> = {
  name: 'Name',
  type: text({ min: 1, max: NAME_LENGTH }),
  position: 1,
  required: true,
  help: 'Unique name of the policy.',
};
const newScope: Parameter<'Regular' | 'Organization'> = {
  name: 'ThrottlingPolicyScope',
  type: enumeration(['Regular', 'Organization']),
  help: 'Regular (without it): for the mailboxes it is given to. Organization: for all; there may be one.',
};

const newPolicy: ChangingCmdlet = {
  name: 'New-ThrottlingPolicy',
  changes: true,
  synopsis: 'Makes a policy with budgets of its own.',
  parameters: [newName, newScope, ...LIMITS.map((one) => one.parameter), domainControllerParameter],
  examples: [
    {
      line: 'New-ThrottlingPolicy Scanners -MessageRateLimit 60 -ImapMaxConcurrency 5',
      says: 'For devices that send much and read little.',
    },
    {
      line: 'New-ThrottlingPolicy Migration -ImapMaxBurst Unlimited -PopMaxBurst Unlimited',
      says: 'For a move of mail.',
    },
  ],
  roles: MAY_CHANGE,
  columns: COLUMNS,
  async plan({ args, services }) {
    const name = args.get(newName).trim();
    const all = await services.directory.throttlingPolicies();
    const twin = all.find((one) => nameKey(one.name) === nameKey(name));
    if (twin !== undefined) throw new Failure('ALREADYEXISTS', `the throttling policy "${twin.name}" exists already`);
    const policy: ThrottlingPolicy = {
      name,
      scope: args.optional(newScope) ?? 'Regular',
      limits: limitsFrom(args, {}),
    };
    const second = policy.scope === 'Organization' ? all.find((one) => one.scope === 'Organization') : undefined;
    if (second !== undefined)
      throw new Failure('CANNOT', `there is one policy of scope Organization already: "${second.name}"`);
    await checkLimits(services, policy);
    return {
      what: `New ThrottlingPolicy "${name}" (${policy.scope}): ${limitTexts({}, policy.limits) || 'everything inherited'}`,
      dangerous: false,
      apply: () => applying(async () => [shown(await services.directory.setThrottlingPolicy(policy))]),
    };
  },
};

function limitTexts(before: Limits, after: Limits): string {
  const changes: string[] = [];
  for (const { row, parameter } of LIMITS) {
    const [old, value]: readonly unknown[] = [Reflect.get(before, row.key), Reflect.get(after, row.key)];
    if (old !== value)
      changes.push(`${row.name} ${parameter.type.format(old ?? null)} → ${parameter.type.format(value ?? null)}`);
  }
  return changes.join(', ');
}

const identity = identityParameter({ required: true, help: 'The policy.', complete: completePolicy });

/** @throws Failure NONEXISTENT; CANNOT for the global policy */
async function ownPolicy(services: ManagementServices, typed: string): Promise<ThrottlingPolicy> {
  const policy = await throttlingPolicyNamed(services.directory, typed);
  if (policy.scope !== 'Global') return policy;
  throw new Failure(
    'CANNOT',
    `${policy.name} is built in. Make one for everybody: New-ThrottlingPolicy <name> -ThrottlingPolicyScope Organization`,
  );
}

const setPolicy: ChangingCmdlet = {
  name: 'Set-ThrottlingPolicy',
  changes: true,
  synopsis: 'Changes the budgets of a policy.',
  parameters: [identity, ...LIMITS.map((one) => one.parameter), domainControllerParameter],
  examples: [
    { line: 'Set-ThrottlingPolicy Migration -PopMaxConcurrency 50', says: 'Fifty POP3 sessions of one user.' },
    { line: 'Set-ThrottlingPolicy Migration -ImapMaxBurst $null', says: 'Inherits the value again.' },
  ],
  roles: MAY_CHANGE,
  columns: [],
  async plan(call) {
    const { args, services } = call;
    const before = await ownPolicy(services, args.get(identity));
    const after: ThrottlingPolicy = { ...before, limits: limitsFrom(args, before.limits) };
    await checkLimits(services, after);
    const changes = limitTexts(before.limits, after.limits);
    const head = `Set ThrottlingPolicy "${before.name}"`;
    return {
      what: `${head}: ${changes || 'nothing to change, the values are those already'}`,
      dangerous: false,
      apply: () =>
        applying(async () => {
          if (changes === '') call.warn(`${head}: no setting was changed, the values are those already`);
          else await services.directory.setThrottlingPolicy(after);
        }),
    };
  },
};

const removePolicy: ChangingCmdlet = {
  name: 'Remove-ThrottlingPolicy',
  changes: true,
  synopsis: 'Removes a policy; its mailboxes follow that of the organization again.',
  parameters: [identity, domainControllerParameter],
  examples: [{ line: 'Remove-ThrottlingPolicy Scanners -Confirm:$false', says: 'Without a question.' }],
  roles: MAY_CHANGE,
  columns: [],
  async plan({ args, services }) {
    const policy = await ownPolicy(services, args.get(identity));
    return {
      what: `Remove ThrottlingPolicy "${policy.name}" (${limitTexts({}, policy.limits) || 'everything inherited'})`,
      dangerous: true,
      apply: () => applying(() => services.directory.removeThrottlingPolicy(policy.name)),
    };
  },
};

const mailbox = identityParameter({ required: true, help: 'The mailbox.', complete: completeMailbox });

const getAssociation: ReadingCmdlet = {
  name: 'Get-ThrottlingPolicyAssociation',
  changes: false,
  synopsis: 'Shows which policy a mailbox has, and the budgets that count for it.',
  parameters: [mailbox, domainControllerParameter],
  examples: [{ line: 'Get-ThrottlingPolicyAssociation <Mailbox>', says: 'The policy and what it comes to.' }],
  roles: [...MAY_READ, 'Recipient Management'],
  columns: [],
  async *run({ args, services }) {
    const account = await mailboxNamed(services.directory, args.get(mailbox));
    const { throttlingPolicy } = await services.directory.mailboxSettings(account.id);
    yield {
      Identity: account.alias,
      Name: account.displayName,
      ThrottlingPolicyId: throttlingPolicy === '' ? null : throttlingPolicy,
      ...settingCells(throttlingLimitsSchema, await services.directory.effectiveThrottling(account.id)),
    };
  },
};

const policyOfMailbox: Parameter<string> = {
  name: 'ThrottlingPolicy',
  type: text({ max: NAME_LENGTH, accepts: 'the name of a policy, or $null for that of the organization' }),
  required: true,
  help: 'The policy; $null: that of the organization.',
  complete: completePolicy,
};

const setAssociation: ChangingCmdlet = {
  name: 'Set-ThrottlingPolicyAssociation',
  changes: true,
  synopsis: 'Gives a mailbox a policy.',
  parameters: [mailbox, policyOfMailbox, domainControllerParameter],
  examples: [
    {
      line: 'Set-ThrottlingPolicyAssociation <Mailbox> -ThrottlingPolicy Migration',
      says: 'One policy for one mailbox.',
    },
    {
      line: 'Set-ThrottlingPolicyAssociation <Mailbox> -ThrottlingPolicy $null',
      says: 'That of the organization again.',
    },
  ],
  roles: [...MAY_CHANGE, 'Recipient Management'],
  columns: [],
  async plan({ args, services }) {
    const account = await mailboxNamed(services.directory, args.get(mailbox));
    const typed = args.get(policyOfMailbox);
    const policy = typed === '' ? null : await throttlingPolicyNamed(services.directory, typed);
    if (policy !== null && policy.scope !== 'Regular')
      throw new Failure('CANNOT', `"${policy.name}" has scope ${policy.scope} and counts for everybody; give $null`);
    const { throttlingPolicy: before } = await services.directory.mailboxSettings(account.id);
    const after = policy?.name ?? '';
    return {
      what: `Set ThrottlingPolicyAssociation of ${account.alias}: ThrottlingPolicy ${before || '(none)'} → ${after || '(none)'}`,
      dangerous: false,
      apply: () =>
        applying(async () => {
          await services.directory.setMailboxSettings(account.id, { throttlingPolicy: after });
        }),
    };
  },
};

export const throttlingPolicyCmdlets: readonly Cmdlet[] = [
  getPolicy,
  newPolicy,
  setPolicy,
  removePolicy,
  getAssociation,
  setAssociation,
];
