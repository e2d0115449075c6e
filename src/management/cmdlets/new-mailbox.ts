/** New-Mailbox and Enable-Mailbox: a mailbox with a new account, or for an account that has none (exchange-behaviour.md §11). */
import type { Directory, NewAccount } from '../../directory/api.ts';
import type { AccountKind, DatabaseRecord, Server } from '../../directory/model.ts';
import {
  ALIAS_LENGTH,
  checkedAddress,
  checkedDisplayName,
  checkedPrincipalName,
  domainKey,
  nameKey,
  splitAddress,
} from '../../directory/names.ts';
import { boolean, mailAddress, text } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type { Arguments, ChangingCmdlet, Parameter } from '../cmdlet.ts';
import { checkedPersonAlias } from '../health/monitoring-mailbox.ts';
import { givesPassword, makePassword, newPassword, password } from './account-password.ts';
import {
  accountNamed,
  completeDatabase,
  databaseNamed,
  domainControllerParameter,
  hasMailbox,
  identityParameter,
  identityType,
} from './identity.ts';
import { mailboxObject, placesOf } from './mailbox.ts';
import { checkAcceptedDomain, checkNamesFree, MAY_CHANGE_RECIPIENTS, recipientType } from './recipient-facts.ts';
import { applying } from './results.ts';

const name: Parameter<string> = {
  name: 'Name',
  type: identityType,
  required: true,
  position: 1,
  help: 'The name people see, unless -DisplayName says another one; the other names follow from it where they are not given.',
};
const displayName: Parameter<string> = { name: 'DisplayName', type: identityType, help: 'Without it: Name.' };
const alias: Parameter<string> = {
  name: 'Alias',
  type: identityType,
  help: 'The short name; unique. Without it: what stands before the @ of the address, else it follows from Name.',
};
const userPrincipalName: Parameter<string> = {
  name: 'UserPrincipalName',
  aliases: ['UPN'],
  type: identityType,
  help: 'The name to log on with, name@domain. Without it: the address.',
};
const primarySmtpAddress: Parameter<string> = {
  name: 'PrimarySmtpAddress',
  type: { ...mailAddress, accepts: 'a mail address such as ada@example.org' },
  help: 'The address. Without it: the UserPrincipalName, else Alias in the default accepted domain.',
};
const SAM_ACCOUNT_NAME_LENGTH = 20;
const samAccountName: Parameter<string> = {
  name: 'SamAccountName',
  type: text({ min: 1, max: SAM_ACCOUNT_NAME_LENGTH }),
  help: 'For scripts written for Exchange: taken as the Alias where that is not given. DOMAIN\\name logs on by the Alias.',
};
const database: Parameter<string> = {
  name: 'Database',
  type: identityType,
  help: 'The mailbox database. Without it: the first one of this server.',
  complete: completeDatabase,
};
const KINDS = ['Shared', 'Room', 'Equipment'] as const;
const KIND_OF: Readonly<Record<(typeof KINDS)[number], AccountKind>> = {
  Shared: 'shared',
  Room: 'room',
  Equipment: 'equipment',
};
const kindSwitches = KINDS.map((kind) => ({
  kind: KIND_OF[kind],
  parameter: {
    name: kind,
    type: boolean,
    isSwitch: true,
    help: `A ${kind.toLowerCase()} mailbox: without a password, opened by people with FullAccess.`,
  } satisfies Parameter<boolean>,
}));

/** @throws Failure CANNOT when two are given, or a password with one */
function kindFrom(args: Arguments): AccountKind {
  const given = kindSwitches.filter(({ parameter }) => args.optional(parameter) === true);
  const [first, second] = given;
  if (first === undefined) return 'user';
  if (second !== undefined)
    throw new Failure('CANNOT', `a mailbox is one of ${given.map((one) => `-${one.parameter.name}`).join(' and ')}`);
  if (givesPassword(args))
    throw new Failure('CANNOT', `a ${recipientType(first.kind)} has no password; give people FullAccess to it`);
  return first.kind;
}

/** Characters that an alias or an address cannot have fall away: `Ada Lovelace` → `AdaLovelace`, as Exchange does. */
const squeezed = (typed: string): string => typed.replaceAll(/[^\p{L}\p{N}._+'-]/gu, '').slice(0, ALIAS_LENGTH);

async function defaultDomain(directory: Directory): Promise<string> {
  const found = (await directory.domains()).find((one) => one.isDefault);
  if (found !== undefined) return found.name;
  throw new Failure('NONEXISTENT', 'there is no default accepted domain; name the address: -PrimarySmtpAddress');
}

/** @throws Failure NONEXISTENT */
export async function databaseFor(directory: Directory, server: Server, typed?: string): Promise<DatabaseRecord> {
  if (typed !== undefined) return databaseNamed(directory, typed);
  const [first] = (await directory.databases()).filter((one) => one.server === server.id);
  if (first !== undefined) return first;
  throw new Failure('NONEXISTENT', `server ${server.name} has no mailbox database; make one: New-MailboxDatabase`);
}

interface Names {
  readonly displayName: string;
  readonly alias: string;
  readonly userPrincipalName: string;
  readonly address: string;
}

/**
 * Each name that was not given, from those that were.
 * @throws Failure CANNOT, NONEXISTENT (domain), ALREADYEXISTS
 */
async function namesFrom(directory: Directory, args: Arguments): Promise<Names> {
  const typedName = args.get(name);
  const typedUpn = args.optional(userPrincipalName);
  const typedAddress = args.optional(primarySmtpAddress);
  const upn = typedUpn === undefined ? undefined : checkedPrincipalName(typedUpn);
  const fallback = await defaultDomain(directory);
  const local = splitAddress(typedAddress ?? upn ?? '');
  const inDefault = local === null || domainKey(local.domain) === domainKey(fallback);
  // With its domain elsewhere, so that ada@a and ada@b can both be.
  const followed = local === null ? typedName : inDefault ? local.localPart : `${local.localPart}.${local.domain}`;
  const given = args.optional(alias) ?? args.optional(samAccountName);
  const short = given ?? squeezed(followed);
  if (short === '')
    throw new Failure(
      'CANNOT',
      `no alias follows from the name "${typedName}"; give one: -Alias, or -PrimarySmtpAddress`,
    );
  const checkedShort = checkedPersonAlias(short);
  const address = checkedAddress(typedAddress ?? upn ?? `${checkedShort}@${fallback}`);
  await checkAcceptedDomain(directory, address);
  const names = {
    displayName: checkedDisplayName(args.optional(displayName) ?? typedName),
    alias: checkedShort,
    userPrincipalName: upn ?? checkedPrincipalName(address),
    address,
  };
  await checkNamesFree(directory, { alias: names.alias, addresses: [names.address, names.userPrincipalName] }, null);
  return names;
}

export const newMailbox: ChangingCmdlet = {
  name: 'New-Mailbox',
  changes: true,
  synopsis: 'Makes an account with a mailbox.',
  description:
    'Without -Password and -GeneratePassword nobody can log on until one is set. POP3 and IMAP4 are on for a new mailbox: Get-CASMailbox.',
  parameters: [
    name,
    password,
    makePassword,
    userPrincipalName,
    primarySmtpAddress,
    alias,
    displayName,
    samAccountName,
    database,
    ...kindSwitches.map((one) => one.parameter),
    domainControllerParameter,
  ],
  examples: [
    {
      line: 'New-Mailbox "Ada Lovelace" -Alias ada -GeneratePassword',
      says: 'ada in the default domain, with a password that is shown once.',
    },
    { line: 'New-Mailbox -Name "Charles Babbage" -Alias charles -Password', says: 'The shell asks for the password.' },
    { line: 'New-Mailbox "Sales" -Shared', says: 'A shared mailbox; Add-MailboxPermission says who opens it.' },
    { line: 'New-Mailbox "Room 5" -Room -WhatIf', says: 'Shows the names a room would get.' },
  ],
  roles: MAY_CHANGE_RECIPIENTS,
  columns: ['Name', 'Alias', 'PrimarySmtpAddress', 'RecipientTypeDetails', 'Database', 'Password'],
  async plan(call) {
    const { args, services } = call;
    const { directory } = services;
    const kind = kindFrom(args);
    const names = await namesFrom(directory, args);
    const place = await databaseFor(directory, services.server, args.optional(database));
    const typedSam = args.optional(samAccountName);
    if (typedSam !== undefined && nameKey(typedSam) !== names.alias)
      call.warn(`SamAccountName "${typedSam}" is not kept: the Alias ${names.alias} takes its place`);
    const withPassword = givesPassword(args);
    const logon = kind !== 'user' ? '' : withPassword ? ', with a password' : ', without a password: nobody can log on';
    return {
      what: `New ${recipientType(kind)} "${names.displayName}": Alias ${names.alias}, PrimarySmtpAddress ${names.address}, UserPrincipalName ${names.userPrincipalName}, in ${place.name}${logon}`,
      dangerous: false,
      apply: () =>
        applying(async () => {
          const fresh = await newPassword(call, [names.alias, names.userPrincipalName]);
          const account: NewAccount = {
            kind,
            displayName: names.displayName,
            alias: names.alias,
            userPrincipalName: names.userPrincipalName,
            mailbox: { database: place.id, addresses: [names.address] },
            credentials: fresh?.credentials ?? null,
          };
          const made = await directory.addAccount(account);
          if (!hasMailbox(made)) throw new Error('an account was made without the mailbox that was asked for');
          if (kind === 'user' && !withPassword)
            call.warn(
              `${names.alias} has no password and cannot log on. Set one: Set-Mailbox ${names.alias} -Password`,
            );
          const shown = await mailboxObject(directory, await placesOf(directory), made);
          const generated = fresh?.generated ?? null;
          return [generated === null ? shown : { ...shown, Password: generated }];
        }),
    };
  },
};

const account = identityParameter({
  required: true,
  help: 'Alias, user principal name or GUID of an account without a mailbox.',
});

export const enableMailbox: ChangingCmdlet = {
  name: 'Enable-Mailbox',
  changes: true,
  synopsis: 'Gives a mailbox to an account that has none.',
  description:
    'The mailbox is new and empty. To get back what Disable-Mailbox took away within MailboxRetention: Connect-Mailbox.',
  parameters: [account, primarySmtpAddress, alias, database, domainControllerParameter],
  examples: [
    {
      line: 'Disable-Mailbox <Mailbox> -Confirm:$false; Enable-Mailbox <Mailbox>',
      says: 'An empty mailbox in place of the old one, whose mail stays for MailboxRetention.',
    },
  ],
  roles: MAY_CHANGE_RECIPIENTS,
  columns: ['Name', 'Alias', 'PrimarySmtpAddress', 'RecipientTypeDetails', 'Database'],
  async plan(call) {
    const { args, services } = call;
    const { directory } = services;
    const owner = await accountNamed(directory, args.get(account));
    if (hasMailbox(owner))
      throw new Failure('ALREADYEXISTS', `${owner.alias} has a mailbox already: ${owner.mailbox.primaryAddress}`);
    if (owner.kind === 'guest' || owner.kind === 'anonymous')
      throw new Failure('CANNOT', `the built-in account ${owner.alias} has no mailbox`);
    const typedAlias = args.optional(alias);
    const short = typedAlias === undefined ? owner.alias : checkedPersonAlias(typedAlias);
    const fallback = await defaultDomain(directory);
    const ownDomain = splitAddress(owner.userPrincipalName)?.domain ?? '';
    const known = (await directory.domains()).some((one) => domainKey(one.name) === domainKey(ownDomain));
    const address = checkedAddress(
      args.optional(primarySmtpAddress) ?? (known ? owner.userPrincipalName : `${short}@${fallback}`),
    );
    await checkAcceptedDomain(directory, address);
    await checkNamesFree(directory, { alias: short, addresses: [address] }, owner);
    const place = await databaseFor(directory, services.server, args.optional(database));
    const left = (await directory.disconnectedMailboxes()).find((one) => nameKey(one.alias) === owner.alias);
    if (left !== undefined)
      call.warn(`${owner.alias} had a mailbox whose mail is still there; to get it back: Connect-Mailbox ${left.id}`);
    const renamed = short === owner.alias ? '' : `, Alias ${owner.alias} → ${short}`;
    return {
      what: `Enable Mailbox ${owner.alias}: a new mailbox ${address} in ${place.name}${renamed}`,
      dangerous: false,
      apply: () =>
        applying(async () => {
          const made = await directory.changeAccount(owner.id, {
            ...(renamed === '' ? {} : { alias: short }),
            mailbox: { database: place.id, addresses: [address] },
          });
          return hasMailbox(made) ? [await mailboxObject(directory, await placesOf(directory), made)] : [];
        }),
    };
  },
};
