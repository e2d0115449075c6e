/** Get-/New-/Set-/Remove-ReceiveConnector (exchange-behaviour.md §3.2–3.4). */
import { checkAgainstOthers, connectorForUsage, type ConnectorUsage } from '../../directory/connectors.ts';
import type { ReceiveConnector, RoleGroup, Server, ServiceName } from '../../directory/model.ts';
import { nameKey } from '../../directory/names.ts';
import { type ConnectorSettings, receiveConnectorSchema } from '../../directory/settings/receive-connector.ts';
import { checkConnector } from '../../directory/settings/rules.ts';
import { transportConfigSchema } from '../../directory/settings/transport-config.ts';
import { boolean, enumeration } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type {
  Arguments,
  ChangingCmdlet,
  Cmdlet,
  CmdletCall,
  CmdletObject,
  Parameter,
  ReadingCmdlet,
} from '../cmdlet.ts';
import {
  completeConnector,
  connectorNamed,
  domainControllerParameter,
  identityParameter,
  serverNamed,
  serverOf,
  serverParameter,
} from './identity.ts';
import { applying } from './results.ts';
import { checkNewBindings, checkTlsCertificateName, openSessions, warnOfUncovered } from './running-server.ts';
import {
  changesOf,
  changeText,
  patchFrom,
  planText,
  settingCells,
  settingParameters,
  warnOfEffects,
} from './settings-parameters.ts';

const MAY_CHANGE: readonly RoleGroup[] = ['Organization Management', 'Server Management'];
const MAY_READ: readonly RoleGroup[] = [...MAY_CHANGE, 'View-Only Organization Management'];
const PARAMETERS = settingParameters(receiveConnectorSchema, { except: ['name'] });

const fromAnotherServer: Parameter<string> = { ...serverParameter, fromPipeline: false };

const nameParameter: Parameter<unknown> = {
  name: 'Name',
  type: receiveConnectorSchema.row('Name').type,
  help: 'Name of the connector, unique on the server.',
};

function shown(server: Server, connector: ReceiveConnector): CmdletObject {
  return {
    Identity: `${server.name}\\${connector.name}`,
    Name: connector.name,
    Server: server.name,
    ...settingCells(receiveConnectorSchema, connector, ['name']),
    Guid: connector.id,
  };
}

const anyIdentity = identityParameter({
  help: 'Name, Server\\Name or GUID of one connector. Without it: all.',
  complete: completeConnector,
});

const getReceiveConnector: ReadingCmdlet = {
  name: 'Get-ReceiveConnector',
  changes: false,
  synopsis: 'Shows the receive connectors: where a server takes mail from, by which rules.',
  parameters: [
    anyIdentity,
    { ...fromAnotherServer, help: 'Only the connectors of this server. Without it: those of all servers.' },
    domainControllerParameter,
  ],
  examples: [
    { line: 'Get-ReceiveConnector', says: 'All connectors with their addresses and ports.' },
    { line: 'Get-ReceiveConnector "Client Frontend <Server Name>" | Format-List', says: 'Everything about one.' },
    {
      line: 'Get-ReceiveConnector -Server <Server Name> | Format-Table Name,Fqdn,AdvertiseClientSettings',
      says: 'Which connectors are shown to users on their settings page.',
    },
  ],
  roles: MAY_READ,
  columns: ['Identity', 'Bindings', 'Enabled'],
  async *run({ args, services }) {
    const typed = args.optional(anyIdentity);
    const only = args.has(serverParameter) ? await serverOf(services, args) : null;
    if (typed !== undefined) {
      const { connector, server } = await connectorNamed(services, typed);
      if (only !== null && only.id !== server.id)
        throw new Failure('NONEXISTENT', `"${connector.name}" is a connector of ${server.name}, not of ${only.name}`);
      yield shown(server, connector);
      return;
    }
    for (const server of only === null ? await services.directory.servers() : [only])
      for (const connector of await services.directory.connectors(server.id)) yield shown(server, connector);
  },
};

const identity = identityParameter({
  required: true,
  help: 'Name, Server\\Name or GUID of the connector.',
  complete: completeConnector,
});

const serviceOf = (settings: Pick<ConnectorSettings, 'transportRole'>): ServiceName =>
  settings.transportRole === 'FrontendTransport' ? 'frontend-transport' : 'transport';

/** Everything that can refuse or warn before a connector is written. @throws Failure CANNOT, ALREADYEXISTS */
async function check(
  call: CmdletCall,
  server: Server,
  before: ReceiveConnector | null,
  after: ConnectorSettings,
): Promise<void> {
  checkConnector(after);
  const others = (await call.services.directory.connectors(server.id)).filter((other) => other.id !== before?.id);
  const twin = others.find((other) => nameKey(other.name) === nameKey(after.name));
  if (twin !== undefined)
    throw new Failure('ALREADYEXISTS', `server ${server.name} has a receive connector "${twin.name}" already`);
  checkAgainstOthers(after, others);
  const had = before === null ? [] : [...before.bindings, ...before.implicitTlsBindings];
  const change = { server, service: serviceOf(after), before: had };
  await checkNewBindings(call, { ...change, name: 'Bindings', after: after.bindings });
  await checkNewBindings(call, { ...change, name: 'ImplicitTlsBindings', after: after.implicitTlsBindings });
  const offersTls = after.authMechanism.includes('Tls');
  if (offersTls && after.fqdn !== (before?.fqdn ?? server.fqdn)) warnOfUncovered(call, server, [after.fqdn]);
  if (after.tlsCertificateName !== '' && after.tlsCertificateName !== before?.tlsCertificateName)
    checkTlsCertificateName(call, server, after.tlsCertificateName);
  if (after.advertiseClientSettings && !after.enabled)
    call.warn(`"${after.name}" is advertised to users and not enabled: they see nothing of it`);
  if (after.permissionGroups.length === 0 && before === null)
    call.warn(`"${after.name}" has no PermissionGroups: nobody may submit through it`);
  if (sendsPasswordsInTheClear(after))
    call.warn(`"${after.name}" takes BasicAuth without TLS: passwords may cross the network in the clear`);
}

const sendsPasswordsInTheClear = (settings: ConnectorSettings): boolean =>
  settings.authMechanism.includes('BasicAuth') &&
  !settings.authMechanism.includes('BasicAuthRequireTLS') &&
  !settings.requireTls &&
  settings.permissionGroups.includes('ExchangeUsers') &&
  settings.transportRole === 'FrontendTransport';

const setReceiveConnector: ChangingCmdlet = {
  name: 'Set-ReceiveConnector',
  changes: true,
  synopsis: 'Changes a receive connector.',
  description: [
    'A change counts within a second. Addresses that the server cannot listen on are refused.',
    'Never change Fqdn of "Default <server>": mail between servers goes through it.',
  ].join('\n\n'),
  parameters: [identity, nameParameter, ...PARAMETERS.map((one) => one.parameter), domainControllerParameter],
  examples: [
    {
      line: 'Set-ReceiveConnector "Client Frontend <Server Name>" -AdvertiseClientSettings $True -FQDN Dublin01.Contoso.com',
      says: 'Shows users on their settings page which server, port and encryption to send mail with.',
    },
    {
      line: 'Set-ReceiveConnector "<Server Name>\\Default Frontend <Server Name>" -MaxMessageSize 25MB -ProtocolLoggingLevel Verbose',
      says: 'Takes messages of 25 MB and logs every command.',
    },
    {
      line: 'Set-ReceiveConnector "Client Frontend <Server Name>" -MessageRateLimit 30 -MessageRateSource User',
      says: 'Each user may send 30 messages a minute.',
    },
    {
      line: 'Set-ReceiveConnector "Default Frontend <Server Name>" -RemoteIPRanges @{Remove="::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"} -WhatIf',
      says: 'Shows what it would mean to take mail by IPv4 only.',
    },
  ],
  roles: MAY_CHANGE,
  columns: [],
  async plan(call) {
    const { connector, server } = await connectorNamed(call.services, call.args.get(identity));
    const patch = withName(call.args, patchFrom<ConnectorSettings>(call.args, PARAMETERS, connector));
    const oldBanner = receiveConnectorSchema.row('Banner').initial({ fqdn: connector.fqdn });
    // The banner that setup wrote names the host; who renames the host means both.
    if (patch.fqdn !== undefined && patch.banner === undefined && connector.banner === oldBanner)
      Reflect.set(patch, 'banner', receiveConnectorSchema.row('Banner').initial({ fqdn: patch.fqdn }));
    const checked = receiveConnectorSchema.check(patch);
    const changes = changesOf<ConnectorSettings>(receiveConnectorSchema, connector, checked);
    const after = receiveConnectorSchema.merge(connector, checked);
    await check(call, server, connector, after);
    const { maxReceiveSize } = await call.services.directory.organization();
    if (checked.maxMessageSize !== undefined && checked.maxMessageSize > maxReceiveSize)
      call.warn(
        `messages above ${transportConfigSchema.row('MaxReceiveSize').type.format(maxReceiveSize)} are refused all the same: Set-TransportConfig -MaxReceiveSize`,
      );
    const renamesDefault =
      nameKey(connector.name) === nameKey(`Default ${server.name}`) &&
      after.fqdn.toLowerCase() !== connector.fqdn.toLowerCase();
    if (renamesDefault)
      call.warn(`"${connector.name}" carries mail between servers; with another Fqdn that mail stops`);
    const head = `Set ReceiveConnector "${server.name}\\${connector.name}"`;
    return {
      what: planText(head, changes),
      dangerous: renamesDefault || (sendsPasswordsInTheClear(after) && !sendsPasswordsInTheClear(connector)),
      apply: () =>
        applying(async () => {
          if (changes.length > 0) await call.services.directory.changeConnector(connector.id, checked);
          warnOfEffects(call, head, changes, openSessions(call.services, server, 'smtp'));
        }),
    };
  },
};

function withName(args: Arguments, patch: Partial<ConnectorSettings>): Partial<ConnectorSettings> {
  const name = args.optional(nameParameter);
  return typeof name === 'string' ? { ...patch, name } : patch;
}

const USAGES = ['Client', 'Internal', 'Internet', 'Partner', 'Custom'] as const satisfies readonly ConnectorUsage[];
const usageParameter: Parameter<ConnectorUsage> = {
  name: 'Usage',
  type: enumeration(USAGES),
  help: 'What the connector is for: sets AuthMechanism and PermissionGroups. Client and Internal set Bindings themselves (0.0.0.0:587, 0.0.0.0:25), Internet sets RemoteIPRanges. Without it: Custom, which nobody may use until it has PermissionGroups.',
};
const usageSwitches: ReadonlyArray<readonly [ConnectorUsage, Parameter<boolean>]> = USAGES.map((usage) => [
  usage,
  { name: usage, type: boolean, isSwitch: true, help: `The same as -Usage ${usage}.` },
]);

/** @throws Failure CANNOT when two usages are given */
function usageOf(args: Arguments): ConnectorUsage {
  const given = usageSwitches.filter(([, parameter]) => args.optional(parameter) === true).map(([usage]) => usage);
  const named = args.optional(usageParameter);
  if (named !== undefined) given.push(named);
  const [usage = 'Custom', ...more] = new Set(given);
  if (more.length > 0) throw new Failure('CANNOT', `-Usage can be one only, not ${[usage, ...more].join(' and ')}`);
  return usage;
}

const newName: Parameter<unknown> = { ...nameParameter, required: true, position: 1 };

const newReceiveConnector: ChangingCmdlet = {
  name: 'New-ReceiveConnector',
  changes: true,
  synopsis: 'Makes a receive connector.',
  description:
    'Two connectors may share an address and port when their RemoteIPRanges differ: of several ranges that hold a client the smallest wins, so they may overlap only when one holds the other.',
  parameters: [
    newName,
    fromAnotherServer,
    usageParameter,
    ...usageSwitches.map(([, parameter]) => parameter),
    ...PARAMETERS.map((one) => one.parameter),
    domainControllerParameter,
  ],
  examples: [
    {
      line: 'New-ReceiveConnector -Name "Printers" -Usage Custom -Bindings 127.0.0.1:20025 -RemoteIPRanges 127.0.0.0/8 -PermissionGroups AnonymousUsers',
      says: 'Takes mail of devices that cannot log on, from their network only.',
    },
    {
      line: 'New-ReceiveConnector "From the Internet" -Internet -Bindings 127.0.0.1:20026 -MaxMessageSize 10MB -WhatIf',
      says: 'Shows what would be made for mail from anywhere.',
    },
    {
      line: 'New-ReceiveConnector "Partner" -Usage Partner -Bindings 127.0.0.1:20027 -RemoteIPRanges 192.0.2.0/24 -RequireTLS $true -WhatIf',
      says: 'A partner company, with TLS only.',
    },
  ],
  roles: MAY_CHANGE,
  columns: ['Identity', 'Bindings', 'Enabled'],
  async plan(call) {
    const { args, services } = call;
    const named = args.optional(fromAnotherServer);
    const server = named === undefined ? services.server : await serverNamed(services.directory, named);
    const defaults = receiveConnectorSchema.defaults({ fqdn: server.fqdn });
    const patch = patchFrom<ConnectorSettings>(args, PARAMETERS, defaults);
    const { bindings, remoteIpRanges, ...rest } = patch;
    const usage = usageOf(args);
    const base = connectorForUsage(server, usage, {
      name: String(args.get(newName)),
      ...(bindings === undefined ? {} : { bindings }),
      ...(remoteIpRanges === undefined ? {} : { remoteIpRanges }),
    });
    const banner = receiveConnectorSchema.row('Banner').initial({ fqdn: rest.fqdn ?? server.fqdn });
    const settings = receiveConnectorSchema.merge(
      base,
      receiveConnectorSchema.check({ banner: String(banner), ...rest }),
    );
    await check(call, server, null, settings);
    const listed = changeText(
      changesOf(receiveConnectorSchema, defaults, settings).filter(({ row }) => row.key !== 'name'),
    );
    return {
      what: `New ReceiveConnector "${server.name}\\${settings.name}" for usage ${usage}. Other than the defaults: ${listed}`,
      dangerous: sendsPasswordsInTheClear(settings),
      apply: () =>
        applying(async () => [
          shown(server, await services.directory.addConnector({ ...settings, server: server.id })),
        ]),
    };
  },
};

const removeReceiveConnector: ChangingCmdlet = {
  name: 'Remove-ReceiveConnector',
  changes: true,
  synopsis: 'Removes a receive connector for good.',
  parameters: [identity, domainControllerParameter],
  examples: [
    {
      line: 'Remove-ReceiveConnector "Outbound Proxy Frontend <Server Name>" -WhatIf',
      says: 'Shows what would be removed.',
    },
    { line: 'Remove-ReceiveConnector Printers -Confirm:$false', says: 'Removes it without a question.' },
  ],
  roles: MAY_CHANGE,
  columns: [],
  async plan(call) {
    const { connector, server } = await connectorNamed(call.services, call.args.get(identity));
    const { bindings } = receiveConnectorSchema.store(connector);
    const places = receiveConnectorSchema.row('Bindings').type.format(bindings);
    return {
      what: `Remove ReceiveConnector "${server.name}\\${connector.name}": nobody can reach ${places} any more unless another connector has it`,
      dangerous: true,
      apply: () => applying(() => call.services.directory.removeConnector(connector.id)),
    };
  },
};

export const receiveConnectorCmdlets: readonly Cmdlet[] = [
  getReceiveConnector,
  newReceiveConnector,
  setReceiveConnector,
  removeReceiveConnector,
];
