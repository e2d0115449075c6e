/** Get-Mailbox and Set-Mailbox: who a mailbox belongs to, its addresses, quotas, limits (exchange-behaviour.md §9, §11). */
import { credentialsOfAccount } from '../../auth/app-passwords.ts';
import type { AccountPatch, Directory } from '../../directory/api.ts';
import type { AccountKind, DatabaseRecord, MailboxSettings, Server } from '../../directory/model.ts';
import { addressKey, checkedDisplayName, checkedPrincipalName, nameKey } from '../../directory/names.ts';
import { mailboxSchema } from '../../directory/settings/mailbox.ts';
import { checkQuotas, mailboxWarnings } from '../../directory/settings/rules.ts';
import { boolean, enumeration, formatTimeSpan } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type { Arguments, CmdletCall, CmdletObject, ChangingCmdlet, Parameter, ReadingCmdlet } from '../cmdlet.ts';
import { checkedPersonAlias, isMonitoringMailbox } from '../health/monitoring-mailbox.ts';
import { givesPassword, makePassword, newPassword, password } from './account-password.ts';
import {
  completePolicy,
  domainControllerParameter,
  identityType,
  type MailboxAccount,
  mailboxNamed,
  serverNamed,
  throttlingPolicyNamed,
} from './identity.ts';
import { addressesFrom, addressText, emailAddresses, primarySmtpAddress } from './mail-addresses.ts';
import { filterParameter } from './opath-filter.ts';
import {
  anyMailbox,
  checkAcceptedDomain,
  checkNamesFree,
  databaseName,
  inDatabase,
  listMailboxes,
  MAY_CHANGE_RECIPIENTS,
  MAY_READ_RECIPIENTS,
  oneMailbox,
  RECIPIENT_TYPES,
  type RecipientType,
  recipientType,
  resultSize,
} from './recipient-facts.ts';
import { applying } from './results.ts';
import {
  changesOf,
  changeText,
  patchFrom,
  planText,
  settingCells,
  settingParameters,
  warnOfEffects,
} from './settings-parameters.ts';

interface Places {
  readonly databases: readonly DatabaseRecord[];
  readonly servers: readonly Server[];
}

export async function placesOf(directory: Directory): Promise<Places> {
  return { databases: await directory.databases(), servers: await directory.servers() };
}

export async function mailboxObject(
  directory: Directory,
  { databases, servers }: Places,
  account: MailboxAccount,
): Promise<CmdletObject> {
  const database = databases.find((one) => one.id === account.mailbox.database);
  return {
    Identity: account.alias,
    Name: account.displayName,
    DisplayName: account.displayName,
    Alias: account.alias,
    UserPrincipalName: account.userPrincipalName,
    PrimarySmtpAddress: account.mailbox.primaryAddress,
    EmailAddresses: account.mailbox.addresses,
    RecipientTypeDetails: recipientType(account.kind),
    AccountDisabled: !account.enabled,
    Database: databaseName(databases, account),
    ServerName: servers.find((one) => one.id === database?.server)?.name ?? '',
    ...settingCells(mailboxSchema, await directory.mailboxSettings(account.id)),
    ExchangeGuid: account.mailbox.id,
    Guid: account.id,
  };
}

const onServer: Parameter<string> = {
  name: 'Server',
  type: identityType,
  help: 'Only mailboxes in databases of this server.',
  complete: async ({ directory }) => (await directory.servers()).map((server) => server.name),
};
const ofType: Parameter<RecipientType> = {
  name: 'RecipientTypeDetails',
  type: enumeration(RECIPIENT_TYPES),
  help: 'Only mailboxes of this kind.',
};

const monitoring: Parameter<boolean> = {
  name: 'Monitoring',
  type: boolean,
  isSwitch: true,
  help: 'The mailboxes that the probes of servers log on to; without it they are left out.',
};

export const getMailbox: ReadingCmdlet = {
  name: 'Get-Mailbox',
  changes: false,
  synopsis: 'Shows mailboxes: names, addresses, database, quotas and limits.',
  description:
    'An identity that names nothing is an error; Exchange shows all mailboxes then. How full a mailbox is: Get-MailboxStatistics. Which protocols it may use: Get-CASMailbox.',
  parameters: [
    anyMailbox,
    inDatabase,
    onServer,
    ofType,
    filterParameter,
    monitoring,
    resultSize,
    domainControllerParameter,
  ],
  examples: [
    { line: 'Get-Mailbox', says: 'All mailboxes.' },
    { line: 'Get-Mailbox <Mailbox> | Format-List', says: 'One mailbox with all of its settings.' },
    { line: 'Get-Mailbox -RecipientTypeDetails SharedMailbox', says: 'Shared mailboxes only.' },
    { line: 'Get-Mailbox -Filter {AccountDisabled -eq $true}', says: 'Mailboxes nobody can log on to.' },
  ],
  roles: MAY_READ_RECIPIENTS,
  columns: ['Name', 'Alias', 'PrimarySmtpAddress', 'RecipientTypeDetails', 'Database', 'ProhibitSendQuota'],
  async *run(call) {
    const { args, services } = call;
    const { directory } = services;
    const places = await placesOf(directory);
    const typed = args.optional(anyMailbox);
    if (typed !== undefined) {
      yield await mailboxObject(directory, places, await mailboxNamed(directory, typed));
      return;
    }
    const typedServer = args.optional(onServer);
    const server = typedServer === undefined ? null : await serverNamed(directory, typedServer);
    const wanted = args.optional(ofType);
    const isThere = ({ mailbox }: MailboxAccount): boolean =>
      server === null || places.databases.find((one) => one.id === mailbox.database)?.server === server.id;
    const ofProbes = args.optional(monitoring) ?? false;
    const isWanted = (account: MailboxAccount): boolean =>
      isMonitoringMailbox(account) === ofProbes &&
      isThere(account) &&
      (wanted === undefined || recipientType(account.kind) === wanted);
    yield* listMailboxes(call, async (account) =>
      isWanted(account) ? mailboxObject(directory, places, account) : null,
    );
  },
};

const displayName: Parameter<string> = {
  name: 'DisplayName',
  aliases: ['Name'],
  type: identityType,
  help: 'The name people see.',
};
const alias: Parameter<string> = { name: 'Alias', type: identityType, help: 'The short name; unique.' };
const userPrincipalName: Parameter<string> = {
  name: 'UserPrincipalName',
  aliases: ['UPN'],
  type: identityType,
  help: 'The name to log on with, name@domain; unique.',
};
const accountDisabled: Parameter<boolean> = {
  name: 'AccountDisabled',
  type: boolean,
  help: 'True: nobody logs on as this account, open sessions end; mail still comes in. False: it may log on again.',
};
const TYPES = ['Regular', 'Room', 'Equipment', 'Shared'] as const;
const KIND_OF_TYPE: Readonly<Record<(typeof TYPES)[number], AccountKind>> = {
  Regular: 'user',
  Room: 'room',
  Equipment: 'equipment',
  Shared: 'shared',
};
const type: Parameter<(typeof TYPES)[number]> = {
  name: 'Type',
  type: enumeration(TYPES),
  help: 'What the mailbox is. Shared, Room and Equipment have no password: people with FullAccess open them, and the password there was is removed.',
};
const SETTINGS = settingParameters(mailboxSchema).map((one) =>
  one.row.name === 'ThrottlingPolicy' ? { ...one, parameter: { ...one.parameter, complete: completePolicy } } : one,
);

/** What is to become of the account itself, with `Alias a → b` for each thing that changes. @throws Failure */
async function accountChange(
  call: CmdletCall,
  account: MailboxAccount,
): Promise<{ readonly patch: AccountPatch; readonly texts: readonly string[] }> {
  const { args, services } = call;
  const texts: string[] = [];
  const changed = <T extends string>(name: string, before: string, after: T | undefined): T | undefined => {
    if (after === undefined || after === before) return undefined;
    texts.push(`${name} ${before} → ${after}`);
    return after;
  };
  const given = <T>(parameter: Parameter<T>, check: (value: T) => T): T | undefined => {
    const value = args.optional(parameter);
    return value === undefined ? undefined : check(value);
  };
  const next = {
    displayName: changed('DisplayName', account.displayName, given(displayName, checkedDisplayName)),
    alias: changed('Alias', account.alias, given(alias, checkedPersonAlias)),
    userPrincipalName: changed(
      'UserPrincipalName',
      account.userPrincipalName,
      given(userPrincipalName, checkedPrincipalName),
    ),
  };
  const addresses = await addressChange(call, account);
  if (addresses !== undefined) texts.push(addressText(account, addresses));
  await checkNamesFree(
    services.directory,
    {
      ...(next.alias === undefined ? {} : { alias: next.alias }),
      addresses: [...(next.userPrincipalName === undefined ? [] : [next.userPrincipalName]), ...(addresses ?? [])],
    },
    account,
  );
  const enabled = enabledFrom(args, account);
  if (enabled !== undefined)
    texts.push(`AccountDisabled ${boolean.format(!account.enabled)} → ${boolean.format(!enabled)}`);
  const kind = kindFrom(args, account);
  if (kind !== undefined)
    texts.push(`RecipientTypeDetails ${recipientType(account.kind)} → ${recipientType(kind)}${lossOf(account, kind)}`);
  const patch: AccountPatch = {
    ...(next.displayName === undefined ? {} : { displayName: next.displayName }),
    ...(next.alias === undefined ? {} : { alias: next.alias }),
    ...(next.userPrincipalName === undefined ? {} : { userPrincipalName: next.userPrincipalName }),
    ...(addresses === undefined ? {} : { addresses }),
    ...(enabled === undefined ? {} : { enabled }),
    ...(kind === undefined ? {} : { kind }),
  };
  return { patch, texts };
}

/** Undefined: they stay as they are. */
async function addressChange(call: CmdletCall, account: MailboxAccount): Promise<readonly string[] | undefined> {
  const addresses = addressesFrom(call.args, account);
  if (addresses === undefined || addressText(account, addresses) === '') return undefined;
  const old = new Set(account.mailbox.addresses.map(addressKey));
  for (const address of addresses)
    if (!old.has(addressKey(address))) await checkAcceptedDomain(call.services.directory, address);
  return addresses;
}

function enabledFrom(args: Arguments, account: MailboxAccount): boolean | undefined {
  const disabled = args.optional(accountDisabled);
  return disabled === undefined || disabled !== account.enabled ? undefined : !disabled;
}

/** @throws Failure CANNOT for built-in accounts */
function kindFrom(args: Arguments, account: MailboxAccount): AccountKind | undefined {
  const wanted = args.optional(type);
  const kind = wanted === undefined ? account.kind : KIND_OF_TYPE[wanted];
  if (kind === account.kind) return undefined;
  if (account.kind === 'administrator' || account.kind === 'guest' || account.kind === 'anonymous')
    throw new Failure('CANNOT', `${account.alias} is a built-in account; its kind stays`);
  return kind;
}

const lossOf = (account: MailboxAccount, kind: AccountKind): string =>
  account.kind === 'user' && kind !== 'user' ? ' (its password is removed)' : '';

/** Mail that a shorter retention would take; empty: none. */
async function lossByRetention(
  directory: Directory,
  account: MailboxAccount,
  before: MailboxSettings,
  after: MailboxSettings,
): Promise<string> {
  const { deletedItemRetention } = await directory.databaseSettings(account.mailbox.database);
  const seconds = (settings: MailboxSettings): number =>
    settings.useDatabaseRetentionDefaults ? deletedItemRetention : settings.retainDeletedItemsFor;
  if (seconds(after) >= seconds(before)) return '';
  return ` Messages that were deleted more than ${formatTimeSpan(seconds(after))} ago go for good within a day.`;
}

/** @throws Failure CANNOT, NONEXISTENT (policy) */
async function settingsChange(
  call: CmdletCall,
  before: MailboxSettings,
): Promise<{ readonly patch: Partial<MailboxSettings>; readonly after: MailboxSettings }> {
  const patch = mailboxSchema.check(patchFrom(call.args, SETTINGS, before));
  const after = mailboxSchema.merge(before, patch);
  checkQuotas(after);
  if (patch.throttlingPolicy !== undefined && patch.throttlingPolicy !== '') {
    const policy = await throttlingPolicyNamed(call.services.directory, patch.throttlingPolicy);
    if (policy.scope !== 'Regular')
      throw new Failure('CANNOT', `${policy.name} counts for everyone; a mailbox takes policies of scope Regular`);
  }
  return { patch, after };
}

export const setMailbox: ChangingCmdlet = {
  name: 'Set-Mailbox',
  changes: true,
  synopsis: 'Changes a mailbox: names, addresses, password, quotas, limits, whether anyone can log on.',
  description:
    'Own quotas count while UseDatabaseQuotaDefaults is false, RetainDeletedItemsFor while UseDatabaseRetentionDefaults is false. Everything counts at once, also for open sessions.',
  parameters: [
    oneMailbox,
    displayName,
    alias,
    userPrincipalName,
    primarySmtpAddress,
    emailAddresses,
    password,
    makePassword,
    accountDisabled,
    type,
    ...SETTINGS.map((one) => one.parameter),
    domainControllerParameter,
  ],
  examples: [
    {
      line: 'Set-Mailbox <Mailbox> -UseDatabaseQuotaDefaults $false -IssueWarningQuota 4GB -ProhibitSendQuota 5GB -ProhibitSendReceiveQuota 6GB',
      says: 'Quotas of its own.',
    },
    { line: 'Set-Mailbox <Mailbox> -DisplayName "Ada Lovelace" -WhatIf', says: 'Shows what a new name would change.' },
    { line: 'Set-Mailbox <Mailbox> -Password -WhatIf', says: 'A new password; the shell asks for it.' },
    {
      line: 'Set-Mailbox <Mailbox> -AccountDisabled $true -WhatIf',
      says: 'Nobody could log on to it any more; mail would still come in.',
    },
    {
      line: 'Set-Mailbox <Mailbox> -UseDatabaseRetentionDefaults $false -RetainDeletedItemsFor 30.00:00:00',
      says: 'Deleted messages can be recovered for 30 days.',
    },
  ],
  roles: MAY_CHANGE_RECIPIENTS,
  columns: ['Identity', 'Password'],
  async plan(call) {
    const { directory } = call.services;
    const account = await mailboxNamed(directory, call.args.get(oneMailbox));
    const head = `Set Mailbox ${account.alias}`;
    const own = await accountChange(call, account);
    const givesNew = givesPassword(call.args);
    const kind = own.patch.kind ?? account.kind;
    if (givesNew && kind !== 'user' && kind !== 'administrator')
      throw new Failure('CANNOT', `a ${recipientType(kind)} has no password; give people FullAccess to it`);
    const before = await directory.mailboxSettings(account.id);
    const { patch, after } = await settingsChange(call, before);
    const changes = changesOf(mailboxSchema, before, patch);
    const texts = [...own.texts, ...(givesNew ? ['a new password'] : [])];
    const settings = changeText(changes);
    const loss = await lossByRetention(directory, account, before, after);
    const all = [...texts, ...(settings === '' ? [] : [settings])];
    return {
      what: `${texts.length === 0 ? planText(head, changes) : `${head}: ${all.join(', ')}`}${loss}`,
      dangerous: own.patch.enabled === false || lossOf(account, kind) !== '' || loss !== '',
      apply: () =>
        applying(async () => {
          const fresh = await newPassword(call, [account.alias, account.userPrincipalName], (typed) =>
            credentialsOfAccount(directory, account.id, typed),
          );
          const change = { ...own.patch, ...(fresh === null ? {} : { credentials: fresh.credentials }) };
          if (Object.keys(change).length > 0) await directory.changeAccount(account.id, change);
          if (changes.length > 0) await directory.setMailboxSettings(account.id, patch);
          for (const text of mailboxWarnings(patch, after)) call.warn(text);
          if (changes.length > 0 || texts.length === 0) warnOfEffects(call, head, changes, 0);
          const generated = fresh?.generated ?? null;
          return generated === null ? [] : [{ Identity: account.alias, Password: generated }];
        }),
    };
  },
};

/** For messages: `ann` when both names say the same, else `ann (Ann Other)`. */
export const shortName = (account: { readonly alias: string; readonly displayName: string }): string =>
  nameKey(account.alias) === nameKey(account.displayName) ? account.alias : `${account.alias} (${account.displayName})`;
