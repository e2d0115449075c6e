/**
 * What the recipient cmdlets have in common: who may run them, which mailboxes a Get goes through, how a mailbox and
 * its kind are called by Exchange (exchange-behaviour.md §2, §11).
 */
import type { Directory } from '../../directory/api.ts';
import type { Account, AccountKind, DatabaseRecord, DisconnectedMailbox, RoleGroup } from '../../directory/model.ts';
import { accountId } from '../../directory/model.ts';
import { addressKey, domainKey, splitAddress } from '../../directory/names.ts';
import { integer } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type { CmdletCall, CmdletObject, Parameter } from '../cmdlet.ts';
import { everyAccount } from '../mailboxes.ts';
import {
  completeDatabase,
  completeMailbox,
  databaseNamed,
  hasMailbox,
  identityParameter,
  identityType,
  type MailboxAccount,
} from './identity.ts';
import { filterParameter, parseFilter } from './opath-filter.ts';

export const MAY_CHANGE_RECIPIENTS: readonly RoleGroup[] = ['Organization Management', 'Recipient Management'];
export const MAY_READ_RECIPIENTS: readonly RoleGroup[] = [
  ...MAY_CHANGE_RECIPIENTS,
  'Server Management',
  'View-Only Organization Management',
];

const MAILBOX_WORDS = 'Name, alias, address, GUID, user principal name or DOMAIN\\user of';

export const anyMailbox = identityParameter({
  help: `${MAILBOX_WORDS} one mailbox. Without it: all.`,
  complete: completeMailbox,
});
export const oneMailbox = identityParameter({
  required: true,
  help: `${MAILBOX_WORDS} the mailbox.`,
  complete: completeMailbox,
});

/** As Exchange: more are shown only when asked for. */
export const DEFAULT_RESULT_SIZE = 1000;
export const resultSize: Parameter<number> = {
  name: 'ResultSize',
  type: integer({ min: 1, unlimited: true }),
  help: `At most this many; ${DEFAULT_RESULT_SIZE} without it, or Unlimited.`,
};
export const inDatabase: Parameter<string> = {
  name: 'Database',
  type: identityType,
  help: 'Only mailboxes of this mailbox database.',
  complete: completeDatabase,
};

/** By Exchange's names; a built-in account that has a mailbox counts as a person. */
export const RECIPIENT_TYPES = ['UserMailbox', 'SharedMailbox', 'RoomMailbox', 'EquipmentMailbox'] as const;
export type RecipientType = (typeof RECIPIENT_TYPES)[number];
export function recipientType(kind: AccountKind): RecipientType {
  switch (kind) {
    case 'shared':
      return 'SharedMailbox';
    case 'room':
      return 'RoomMailbox';
    case 'equipment':
      return 'EquipmentMailbox';
    case 'user':
    case 'administrator':
    case 'guest':
    case 'anonymous':
      return 'UserMailbox';
  }
}

export const databaseName = (databases: readonly DatabaseRecord[], account: MailboxAccount): string =>
  databases.find((one) => one.id === account.mailbox.database)?.name ?? '';

/** Null: in no database that was asked for. */
async function wantedDatabase(call: CmdletCall): Promise<DatabaseRecord | null> {
  const typed = call.args.optional(inDatabase);
  return typed === undefined ? null : databaseNamed(call.services.directory, typed);
}

/**
 * Every mailbox that is asked for, shown one at a time, up to -ResultSize: 10,000 stream in the order of aliases.
 * Takes -Database, -Filter and -ResultSize where the cmdlet has them.
 */
export async function* listMailboxes(
  call: CmdletCall,
  show: (account: MailboxAccount) => Promise<CmdletObject | null>,
): AsyncIterable<CmdletObject> {
  const { args, services, signal } = call;
  const database = await wantedDatabase(call);
  const condition = args.optional(filterParameter);
  const fits = condition === undefined ? () => true : parseFilter(condition);
  const most = args.optional(resultSize) ?? DEFAULT_RESULT_SIZE;
  let count = 0;
  for await (const account of everyAccount(services.directory)) {
    signal.throwIfAborted();
    if (!hasMailbox(account) || (database !== null && account.mailbox.database !== database.id)) continue;
    const object = await show(account);
    if (object === null || !fits(object)) continue;
    if (count === most) {
      call.warn(`there are more than ${most}; -ResultSize Unlimited shows all`);
      return;
    }
    count += 1;
    yield object;
  }
}

/** @throws Failure NONEXISTENT with the cmdlet that takes mail for the domain */
export async function checkAcceptedDomain(directory: Directory, address: string): Promise<void> {
  const domain = splitAddress(address)?.domain ?? '';
  const domains = await directory.domains();
  if (domains.some((one) => domainKey(one.name) === domainKey(domain))) return;
  throw new Failure(
    'NONEXISTENT',
    `${domain} is no accepted domain here. Known: ${domains.map((one) => one.name).join(', ')}. Add it: New-AcceptedDomain ${domain}`,
  );
}

/**
 * Refuses in the plan what the directory would refuse at the end: an alias or a name that leads to another account.
 * @throws Failure ALREADYEXISTS
 */
export async function checkNamesFree(
  directory: Directory,
  names: { readonly alias?: string; readonly addresses: readonly string[] },
  own: Account | null,
): Promise<void> {
  const taken = (what: string, other: Account): Failure =>
    new Failure('ALREADYEXISTS', `${what} is taken by ${other.userPrincipalName} (${other.displayName})`);
  if (names.alias !== undefined) {
    const other = await directory.accountByAlias(names.alias);
    if (other !== null && other.id !== own?.id) throw taken(`the alias ${names.alias}`, other);
  }
  for (const address of names.addresses) {
    const other = await holderOf(directory, address);
    if (other !== null && other.id !== own?.id) throw taken(address, other);
  }
}

/** Who has this as an address or as user principal name. */
export async function holderOf(directory: Directory, address: string): Promise<Account | null> {
  const byAddress = await directory.accountByAddress(address);
  if (byAddress !== null) return byAddress;
  const byName = await directory.accountByLogonName(address);
  return byName !== null && addressKey(byName.userPrincipalName) === addressKey(address) ? byName : null;
}

/**
 * The account a disconnected mailbox had, as far as it is known: what MailStore asks for to reach the mail that is
 * left. Nobody can log on as it and the directory does not know it.
 */
export const formerAccount = (left: DisconnectedMailbox): MailboxAccount => ({
  id: accountId(''),
  kind: 'user',
  enabled: false,
  displayName: left.displayName,
  alias: left.alias,
  userPrincipalName: left.addresses[0] ?? left.alias,
  mailbox: {
    id: left.id,
    database: left.database,
    primaryAddress: left.addresses[0] ?? '',
    addresses: left.addresses,
  },
});
