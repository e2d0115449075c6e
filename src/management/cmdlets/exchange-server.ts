/** Get-ExchangeServer: the servers of the organization and their roles (exchange-behaviour.md, head). */
import type { RoleGroup, Server } from '../../directory/model.ts';
import type { Cmdlet, ReadingCmdlet } from '../cmdlet.ts';
import { domainControllerParameter, identityParameter, serverNamed } from './identity.ts';
import { runningOn } from './running-server.ts';

const MAY_READ: readonly RoleGroup[] = [
  'Organization Management',
  'Server Management',
  'Recipient Management',
  'View-Only Organization Management',
];

const identity = identityParameter({
  help: 'Name, host name or GUID of one server. Without it: all.',
  complete: async ({ directory }) => (await directory.servers()).map((server) => server.name),
});

const rolesOf = (server: Server): readonly string[] => [
  ...(server.backEnd ? ['Mailbox'] : []),
  ...(server.frontEnd ? ['ClientAccess'] : []),
];

const getExchangeServer: ReadingCmdlet = {
  name: 'Get-ExchangeServer',
  aliases: ['Get-Server'],
  changes: false,
  synopsis: 'Shows the servers of the organization, their site and their roles.',
  parameters: [identity, domainControllerParameter],
  examples: [
    { line: 'Get-ExchangeServer', says: 'All servers.' },
    { line: 'Get-Server <Server Name> | Format-List', says: 'Everything about one.' },
  ],
  roles: MAY_READ,
  columns: ['Name', 'Site', 'ServerRole', 'AdminDisplayVersion'],
  async *run({ args, services }) {
    const typed = args.optional(identity);
    const sites = await services.directory.sites();
    const servers =
      typed === undefined ? await services.directory.servers() : [await serverNamed(services.directory, typed)];
    for (const server of servers) {
      const status = await runningOn(services, server)?.status();
      yield {
        Identity: server.name,
        Name: server.name,
        Fqdn: server.fqdn,
        Site: sites.find((site) => site.id === server.site)?.name ?? null,
        ServerRole: rolesOf(server),
        IsClientAccessServer: server.frontEnd,
        IsMailboxServer: server.backEnd,
        AdminDisplayVersion: status === undefined ? null : `Penfold ${status.version}`,
        RunningSince: status === undefined ? null : new Date(status.since).toISOString(),
        Guid: server.id,
      };
    }
  },
};

export const exchangeServerCmdlets: readonly Cmdlet[] = [getExchangeServer];
