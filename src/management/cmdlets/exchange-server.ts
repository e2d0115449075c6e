/** Get-/Set-/Remove-ExchangeServer: the servers of the organization and their roles (exchange-behaviour.md, head). */
import { isIP } from 'node:net';
import { internalAddress } from '../../directory/internal-address.ts';
import type { RoleGroup, Server } from '../../directory/model.ts';
import { hostName, isHostName, text } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type { ChangingCmdlet, Cmdlet, Parameter, ReadingCmdlet } from '../cmdlet.ts';
import {
  completeServer,
  completeSite,
  domainControllerParameter,
  identityParameter,
  identityType,
  serverNamed,
  siteNamed,
} from './identity.ts';
import { applying } from './results.ts';
import { runningOn } from './running-server.ts';

const MAY_CHANGE: readonly RoleGroup[] = ['Organization Management'];
const MAY_READ: readonly RoleGroup[] = [
  ...MAY_CHANGE,
  'Server Management',
  'Recipient Management',
  'View-Only Organization Management',
];

const anyIdentity = identityParameter({
  help: 'Name, host name or GUID of one server. Without it: all.',
  complete: completeServer,
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
  parameters: [anyIdentity, domainControllerParameter],
  examples: [
    { line: 'Get-ExchangeServer', says: 'All servers.' },
    { line: 'Get-Server <Server Name> | Format-List', says: 'Everything about one.' },
  ],
  roles: MAY_READ,
  columns: ['Name', 'Site', 'ServerRole', 'AdminDisplayVersion'],
  async *run({ args, services }) {
    const typed = args.optional(anyIdentity);
    const sites = await services.directory.sites();
    const servers =
      typed === undefined ? await services.directory.servers() : [await serverNamed(services.directory, typed)];
    for (const server of servers) {
      const status = await runningOn(services, server)?.status();
      yield {
        Identity: server.name,
        Name: server.name,
        Fqdn: server.fqdn,
        InternalAddress: internalAddress(server),
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

const identity = identityParameter({
  required: true,
  help: 'Name, host name or GUID of the server.',
  complete: completeServer,
});
const siteParameter: Parameter<string> = {
  name: 'Site',
  type: identityType,
  help: 'Site where the server stands.',
  complete: completeSite,
};
const fqdnParameter: Parameter<string> = {
  name: 'Fqdn',
  type: hostName,
  help: 'Its name on the network. The server shows a certificate with the new name after its next start.',
};
const addressParameter: Parameter<string> = {
  name: 'InternalAddress',
  type: text({ min: 0, max: 253, accepts: 'a host name, an IP address, or an empty text for the FQDN' }),
  help: 'Where the other servers reach it. Empty: its FQDN.',
};

const setExchangeServer: ChangingCmdlet = {
  name: 'Set-ExchangeServer',
  aliases: ['Set-Server'],
  changes: true,
  synopsis: 'Moves a server to another site, or says where the other servers reach it.',
  description: 'Name and roles are given when a server joins, and stay.',
  parameters: [identity, siteParameter, fqdnParameter, addressParameter, domainControllerParameter],
  examples: [
    {
      line: 'Set-ExchangeServer <Server Name> -InternalAddress 10.1.0.5',
      says: 'Other servers dial this address; its certificate proves which server answers.',
    },
    { line: 'Set-ExchangeServer <Server Name> -InternalAddress ""', says: 'They dial its FQDN again.' },
  ],
  roles: MAY_CHANGE,
  columns: [],
  async plan(call) {
    const { args, services } = call;
    const { directory } = services;
    const server = await serverNamed(directory, args.get(identity));
    const sites = await directory.sites();
    const typedSite = args.optional(siteParameter);
    const site = typedSite === undefined ? undefined : await siteNamed(directory, typedSite);
    const fqdn = args.optional(fqdnParameter)?.toLowerCase();
    const address = args.optional(addressParameter)?.toLowerCase();
    if (address !== undefined && address !== '' && !isHostName(address) && isIP(address) === 0)
      throw new Failure('CANNOT', '-InternalAddress must be a host name or an IP address');
    const nameOf = (id: Server['site']): string => sites.find((one) => one.id === id)?.name ?? id;
    const now = server.internalAddress ?? '';
    const changes = [
      ...(site === undefined || site.id === server.site ? [] : [`Site ${nameOf(server.site)} → ${site.name}`]),
      ...(fqdn === undefined || fqdn === server.fqdn ? [] : [`Fqdn ${server.fqdn} → ${fqdn}`]),
      ...(address === undefined || address === now ? [] : [`InternalAddress ${now || 'none'} → ${address || 'none'}`]),
    ];
    const head = `Set ExchangeServer ${server.name}`;
    return {
      what: `${head}: ${changes.join(', ') || 'nothing to change, the values are those already'}`,
      dangerous: false,
      apply: () =>
        applying(async () => {
          if (changes.length === 0) {
            call.warn(`${head}: no setting was changed, the values are those already`);
            return;
          }
          await directory.changeServer(server.id, {
            ...(site === undefined ? {} : { site: site.id }),
            ...(fqdn === undefined ? {} : { fqdn }),
            ...(address === undefined ? {} : { internalAddress: address }),
          });
          if (fqdn !== undefined) call.warn(`${server.name} goes by its new name from its next start on`);
        }),
    };
  },
};

const removeExchangeServer: ChangingCmdlet = {
  name: 'Remove-ExchangeServer',
  aliases: ['Remove-Server'],
  changes: true,
  synopsis: 'Takes a server out of the organization, with its settings and connectors.',
  description:
    'Refused while mailbox databases live on it, and for the server this runs on. The others refuse its connections from then on. It still has the secrets of the organization and the password of the directory: when it was stolen and not scrapped, change that password, and make a new authority for servers: penfold server new-authority.',
  parameters: [identity, domainControllerParameter],
  examples: [
    {
      line: 'Get-ExchangeServer | Where-Object { $_.Name -like "OLD*" } | Remove-ExchangeServer -WhatIf',
      says: 'What would be done with the servers of such a name.',
    },
  ],
  roles: MAY_CHANGE,
  columns: [],
  async plan(call) {
    const { directory, server: own } = call.services;
    const server = await serverNamed(directory, call.args.get(identity));
    if (server.id === own.id)
      throw new Failure('CANNOT', `${server.name} is the server this runs on; take it out from another one`);
    return {
      what: `Remove ExchangeServer ${server.name}: it cannot connect to the others any more, nor start again`,
      dangerous: true,
      apply: () => applying(() => directory.removeServer(server.id)),
    };
  },
};

export const exchangeServerCmdlets: readonly Cmdlet[] = [getExchangeServer, setExchangeServer, removeExchangeServer];
