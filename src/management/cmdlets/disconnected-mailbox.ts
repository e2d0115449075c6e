/**
 * Disable-, Remove- and Connect-Mailbox, Get-DisconnectedMailbox: a mailbox that loses its account keeps its mail for
 * MailboxRetention of its database and can be connected again (exchange-behaviour.md §9.2, §11).
 */
import type { Account, DatabaseRecord, DisconnectedMailbox } from '../../directory/model.ts';
import { addressKey, checkedAddress, checkedAlias, nameKey } from '../../directory/names.ts';
import { boolean, formatTimeSpan } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type {
  ChangingCmdlet,
  Cmdlet,
  CmdletObject,
  ManagementServices,
  Parameter,
  Plan,
  ReadingCmdlet,
} from '../cmdlet.ts';
import {
  accountNamed,
  completeDatabase,
  completeMailbox,
  databaseNamed,
  domainControllerParameter,
  hasMailbox,
  identityParameter,
  identityType,
  type MailboxAccount,
  mailboxNamed,
  nothingCalled,
} from './identity.ts';
import { mailboxObject, placesOf, shortName } from './mailbox.ts';
import { purgeDisconnected } from './mailbox-purge.ts';
import {
  checkAcceptedDomain,
  databaseName,
  holderOf,
  MAY_CHANGE_RECIPIENTS,
  MAY_READ_RECIPIENTS,
  oneMailbox,
} from './recipient-facts.ts';
import { applying } from './results.ts';

const inDatabase: Parameter<string> = {
  name: 'Database',
  type: identityType,
  help: 'Only disconnected mailboxes of this mailbox database.',
  complete: completeDatabase,
};

const completeLeft = async ({ directory }: ManagementServices): Promise<readonly string[]> =>
  (await directory.disconnectedMailboxes()).flatMap((one) => [one.alias, one.id]);

/** GUID, alias, display name, or an address it had. @throws Failure NONEXISTENT, CANNOT (ambiguous) */
async function disconnectedNamed(
  { directory }: ManagementServices,
  typed: string,
  database: DatabaseRecord | null,
): Promise<DisconnectedMailbox> {
  const all = (await directory.disconnectedMailboxes()).filter(
    (one) => database === null || one.database === database.id,
  );
  const word = nameKey(typed.trim());
  const byId = all.find((one) => one.id === word);
  if (byId !== undefined) return byId;
  const found = all.filter(
    (one) =>
      nameKey(one.alias) === word ||
      nameKey(one.displayName) === word ||
      one.addresses.some((address) => addressKey(address) === addressKey(typed.trim())),
  );
  const [only, second] = found;
  if (only === undefined)
    throw nothingCalled(
      'disconnected mailbox',
      typed,
      all.map((one) => one.alias),
    );
  if (second !== undefined) {
    const each = found.map((one) => `${one.id} (since ${new Date(one.at).toISOString()})`);
    throw new Failure('CANNOT', `"${typed}" may be any of ${found.length} mailboxes; name one: ${each.join(', ')}`);
  }
  return only;
}

const anyIdentity = identityParameter({
  help: 'GUID, alias, display name or former address of one. Without it: all.',
  complete: completeLeft,
});

const getDisconnectedMailbox: ReadingCmdlet = {
  name: 'Get-DisconnectedMailbox',
  changes: false,
  synopsis:
    'Shows mailboxes whose account was removed or whose mailbox was disabled, and until when their mail is kept.',
  description:
    'Exchange shows them with Get-MailboxStatistics -Database; here they have a cmdlet of their own. Connect-Mailbox gives one an account again.',
  parameters: [anyIdentity, inDatabase, domainControllerParameter],
  examples: [{ line: 'Get-DisconnectedMailbox', says: 'All of them, the newest first.' }],
  roles: MAY_READ_RECIPIENTS,
  columns: ['DisplayName', 'Alias', 'Database', 'DisconnectDate', 'KeptUntil', 'MailboxGuid'],
  async *run({ args, services }) {
    const { directory } = services;
    const typedDatabase = args.optional(inDatabase);
    const only = typedDatabase === undefined ? null : await databaseNamed(directory, typedDatabase);
    const typed = args.optional(anyIdentity);
    const wanted =
      typed === undefined ? await directory.disconnectedMailboxes() : [await disconnectedNamed(services, typed, only)];
    const databases = await directory.databases();
    for (const left of wanted) {
      if (only !== null && left.database !== only.id) continue;
      const { mailboxRetention } = await directory.databaseSettings(left.database);
      yield {
        Identity: left.id,
        DisplayName: left.displayName,
        Alias: left.alias,
        EmailAddresses: left.addresses,
        Database: databases.find((one) => one.id === left.database)?.name ?? '',
        DisconnectDate: new Date(left.at).toISOString(),
        KeptUntil: new Date(left.at + mailboxRetention * 1000).toISOString(),
        MailboxGuid: left.id,
      } satisfies CmdletObject;
    }
  },
};

const disconnected = identityParameter({
  required: true,
  help: 'GUID, alias, display name or former address of a disconnected mailbox: Get-DisconnectedMailbox.',
  complete: completeLeft,
});
const user: Parameter<string> = {
  name: 'User',
  type: identityType,
  help: 'The account that gets it. Without it: the account of the same alias, and when that is gone it is made again, without a password.',
};

/** Those nobody else has by now; when none is left, the alias in the default domain. */
async function addressesLeft(
  { directory }: ManagementServices,
  left: DisconnectedMailbox,
  alias: string,
  owner: Account | null,
): Promise<{ readonly free: readonly string[]; readonly taken: readonly string[] }> {
  const free: string[] = [];
  const taken: string[] = [];
  for (const address of left.addresses) {
    const holder = await holderOf(directory, address);
    if (holder === null || holder.id === owner?.id) free.push(address);
    else taken.push(address);
  }
  if (free.length > 0) return { free, taken };
  const domain = (await directory.domains()).find((one) => one.isDefault);
  const made = checkedAddress(`${alias}@${domain?.name ?? ''}`);
  await checkAcceptedDomain(directory, made);
  return { free: [made], taken };
}

/** @throws Failure NONEXISTENT, ALREADYEXISTS */
async function newOwner(
  { directory }: ManagementServices,
  left: DisconnectedMailbox,
  typed: string | undefined,
): Promise<Account | null> {
  const owner = typed === undefined ? await directory.accountByAlias(left.alias) : await accountNamed(directory, typed);
  if (owner === null || owner.mailbox === null) return owner;
  const hint = typed === undefined ? '; name an account without one: -User' : '';
  throw new Failure('ALREADYEXISTS', `${shortName(owner)} has a mailbox already${hint}`);
}

const connectMailbox: ChangingCmdlet = {
  name: 'Connect-Mailbox',
  changes: true,
  synopsis: 'Gives a disconnected mailbox, with the mail in it, to an account.',
  parameters: [disconnected, user, inDatabase, domainControllerParameter],
  examples: [
    {
      line: 'Get-DisconnectedMailbox | Connect-Mailbox -WhatIf',
      says: 'Shows which accounts the disconnected mailboxes would go back to.',
    },
  ],
  roles: MAY_CHANGE_RECIPIENTS,
  columns: ['Name', 'Alias', 'PrimarySmtpAddress', 'RecipientTypeDetails', 'Database'],
  async plan(call): Promise<Plan> {
    const { args, services } = call;
    const { directory } = services;
    const typedDatabase = args.optional(inDatabase);
    const place = typedDatabase === undefined ? null : await databaseNamed(directory, typedDatabase);
    const left = await disconnectedNamed(services, args.get(disconnected), place);
    const owner = await newOwner(services, left, args.optional(user));
    const alias = owner?.alias ?? checkedAlias(left.alias);
    const { free, taken } = await addressesLeft(services, left, alias, owner);
    if (taken.length > 0) call.warn(`${taken.join(', ')}: somebody else's by now, and so not among its addresses`);
    const mailbox = { id: left.id, database: left.database, addresses: free };
    const to = owner === null ? `a new account ${alias} (${left.displayName})` : shortName(owner);
    return {
      what: `Connect Mailbox ${left.id} of ${shortName(left)} to ${to}: ${free.join(', ')}`,
      dangerous: false,
      apply: () =>
        applying(async () => {
          const made =
            owner === null
              ? await directory.addAccount({
                  kind: 'user',
                  displayName: left.displayName,
                  alias,
                  userPrincipalName: free[0] ?? alias,
                  mailbox,
                  credentials: null,
                })
              : await directory.changeAccount(owner.id, { mailbox });
          if (owner === null) call.warn(`${alias} has no password yet: Set-Mailbox ${alias} -Password`);
          return hasMailbox(made) ? [await mailboxObject(directory, await placesOf(directory), made)] : [];
        }),
    };
  },
};

/** `its mail stays in DB1 for 30.00:00:00 (Connect-Mailbox)`. */
async function staysFor({ directory }: ManagementServices, account: MailboxAccount): Promise<string> {
  const { mailboxRetention } = await directory.databaseSettings(account.mailbox.database);
  return `its mail stays in ${databaseName(await directory.databases(), account)} for ${formatTimeSpan(mailboxRetention)} (Connect-Mailbox)`;
}

const disableMailbox: ChangingCmdlet = {
  name: 'Disable-Mailbox',
  changes: true,
  synopsis: 'Takes the mailbox from an account and keeps the account.',
  description:
    'Addresses, settings and the rights of others on it go. The mail stays for MailboxRetention of its database; Connect-Mailbox brings it back.',
  parameters: [oneMailbox, domainControllerParameter],
  examples: [{ line: 'Disable-Mailbox <Mailbox> -WhatIf', says: 'Shows for how long the mail would stay.' }],
  roles: MAY_CHANGE_RECIPIENTS,
  columns: [],
  async plan({ args, services }) {
    const account = await mailboxNamed(services.directory, args.get(oneMailbox));
    return {
      what: `Disable Mailbox ${shortName(account)}: no mail comes in any more, the account stays; ${await staysFor(services, account)}`,
      dangerous: true,
      apply: () =>
        applying(async () => {
          await services.directory.changeAccount(account.id, { mailbox: null });
        }),
    };
  },
};

const anyMailboxToRemove = identityParameter({
  help: 'Name, alias, address, GUID, user principal name or DOMAIN\\user of the mailbox.',
  complete: completeMailbox,
});
const permanent: Parameter<boolean> = {
  name: 'Permanent',
  type: boolean,
  help: 'True: the mail is deleted for good at once.',
};
const storeMailbox: Parameter<string> = {
  name: 'StoreMailboxIdentity',
  type: identityType,
  help: 'A disconnected mailbox instead, whose mail is deleted for good: Get-DisconnectedMailbox.',
  complete: completeLeft,
};

const removeMailbox: ChangingCmdlet = {
  name: 'Remove-Mailbox',
  changes: true,
  synopsis: 'Removes an account with its mailbox; with -Permanent $true the mail, too.',
  description:
    'Without -Permanent the mail stays for MailboxRetention of its database, and Connect-Mailbox brings it back. Built-in accounts stay. To keep the account: Disable-Mailbox.',
  parameters: [anyMailboxToRemove, permanent, storeMailbox, inDatabase, domainControllerParameter],
  examples: [
    { line: 'Remove-Mailbox <Mailbox> -WhatIf', says: 'Shows for how long the mail would stay.' },
    { line: 'Remove-Mailbox <Mailbox> -Permanent $true -WhatIf', says: 'Shows what would be gone for good.' },
  ],
  roles: MAY_CHANGE_RECIPIENTS,
  columns: [],
  async plan(call): Promise<Plan> {
    const { args, services } = call;
    const { directory } = services;
    const typed = args.optional(anyMailboxToRemove);
    const typedLeft = args.optional(storeMailbox);
    if ((typed === undefined) === (typedLeft === undefined))
      throw new Failure(
        'CANNOT',
        'Remove-Mailbox needs -Identity (a mailbox) or -StoreMailboxIdentity, one of the two',
      );
    const typedDatabase = args.optional(inDatabase);
    const place = typedDatabase === undefined ? null : await databaseNamed(directory, typedDatabase);
    if (typedLeft !== undefined) {
      const left = await disconnectedNamed(services, typedLeft, place);
      return {
        what: `Remove the disconnected mailbox ${left.id} of ${shortName(left)}: its mail is deleted for good`,
        dangerous: true,
        apply: () => applying(() => purgeDisconnected(services, left)),
      };
    }
    const account = await mailboxNamed(directory, typed ?? '');
    if (account.kind === 'administrator' || account.kind === 'guest' || account.kind === 'anonymous')
      throw new Failure('CANNOT', `the built-in account ${account.alias} stays; Disable-Mailbox takes its mailbox`);
    const purges = args.optional(permanent) === true;
    const mail = purges ? 'its mail is deleted for good' : await staysFor(services, account);
    return {
      what: `Remove Mailbox ${shortName(account)}: the account goes, no mail comes in any more; ${mail}`,
      dangerous: true,
      apply: () =>
        applying(async () => {
          await directory.removeAccount(account.id);
          if (!purges) return;
          const left = (await directory.disconnectedMailboxes()).find((one) => one.id === account.mailbox.id);
          if (left !== undefined) await purgeDisconnected(services, left);
        }),
    };
  },
};

export const disconnectedMailboxCmdlets: readonly Cmdlet[] = [
  getDisconnectedMailbox,
  connectMailbox,
  disableMailbox,
  removeMailbox,
];
