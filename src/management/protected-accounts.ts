/**
 * Accounts that may run cmdlets are changed and removed only by who may run at least the same ones. Else whoever looks
 * after mailboxes could set the Administrator's password and be Administrator, give himself FullAccess to his mail, or
 * turn off his web access and with it the admin API (exchange-behaviour.md §1.1). Stands around the directory that every
 * cmdlet of a call gets, so that no cmdlet can forget it.
 */
import type { Directory } from '../directory/api.ts';
import type { AccountId } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import type { Caller } from './cmdlet.ts';

export function protectingAccounts(directory: Directory, caller: Caller): Directory {
  if (caller.roles.includes('Organization Management')) return directory;
  const check = async (id: AccountId): Promise<void> => {
    const beyond = (await directory.roleGroups(id)).filter((group) => !caller.roles.includes(group));
    if (beyond.length === 0) return;
    const account = await directory.account(id);
    throw new Failure(
      'NOPERM',
      `${account?.userPrincipalName ?? 'this account'} is in ${beyond.join(', ')}; only members of that or of Organization Management change it`,
    );
  };
  return {
    ...directory,
    changeAccount: async (id, patch) => {
      await check(id);
      return directory.changeAccount(id, patch);
    },
    removeAccount: async (id) => {
      await check(id);
      await directory.removeAccount(id);
    },
    setClientAccess: async (id, patch) => {
      await check(id);
      return directory.setClientAccess(id, patch);
    },
    setMailboxSettings: async (id, patch) => {
      await check(id);
      return directory.setMailboxSettings(id, patch);
    },
    setPermission: async (permission) => {
      await check(permission.mailbox);
      await directory.setPermission(permission);
    },
    // An app password opens the mail; ends of sessions are how somebody is kept from looking.
    addAppPassword: async (given) => {
      await check(given.account);
      return directory.addAppPassword(given);
    },
    changeAppPassword: async (account, id, change) => {
      await check(account);
      return directory.changeAppPassword(account, id, change);
    },
    removeAppPassword: async (account, id) => {
      await check(account);
      await directory.removeAppPassword(account, id);
    },
    endWebSessions: async (account, ids) => {
      await check(account);
      return directory.endWebSessions(account, ids);
    },
    setPreferences: async (account, patch) => {
      await check(account);
      return directory.setPreferences(account, patch);
    },
    // What would end the protection, were it asked for inside a cmdlet.
    as: (actor) => protectingAccounts(directory.as(actor), caller),
  };
}
