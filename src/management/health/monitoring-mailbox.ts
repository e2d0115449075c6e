/** The mailboxes that servers' own probes log on to, by their names; lists for people leave them out, as Exchange's do. */
import type { Account, Server } from '../../directory/model.ts';
import { checkedAlias } from '../../directory/names.ts';
import { Failure } from '../../observe/failure.ts';

const PREFIX = 'healthmailbox-';

export const monitoringAlias = (server: Pick<Server, 'name'>): string =>
  `${PREFIX}${server.name.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-')}`;

/**
 * For aliases that people give: the prefix hides an account from lists.
 * @throws Failure CANNOT
 */
export function checkedPersonAlias(alias: string): string {
  const checked = checkedAlias(alias);
  if (!checked.startsWith(PREFIX)) return checked;
  throw new Failure('CANNOT', `an Alias that begins with ${PREFIX} is for the mailboxes of the server's own probes`);
}

export const isMonitoringMailbox = (account: Pick<Account, 'alias'>): boolean => account.alias.startsWith(PREFIX);
