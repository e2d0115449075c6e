/** The mailboxes that servers' own probes log on to, by their names; lists for people leave them out, as Exchange's do. */
import type { Account, Server } from '../../directory/model.ts';

const PREFIX = 'healthmailbox-';

export const monitoringAlias = (server: Pick<Server, 'name'>): string =>
  `${PREFIX}${server.name.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-')}`;

export const isMonitoringMailbox = (account: Pick<Account, 'alias'>): boolean => account.alias.startsWith(PREFIX);
