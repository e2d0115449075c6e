/** New-/Set-ReceiveConnector: every setting of a receive connector (exchange-behaviour.md §3.4). */
import type { ConnectorAuthMechanism, PermissionGroup, ReceiveConnector } from '../model.ts';
import { type Effect, type Setting, SettingsSchema } from './schema.ts';
import * as type from './value-types.ts';

/** A connector's settings without its identity. */
export type ConnectorSettings = Omit<ReceiveConnector, 'id' | 'server'>;

export const AUTH_MECHANISMS = [
  'Tls',
  'Integrated',
  'BasicAuth',
  'BasicAuthRequireTLS',
  'ExchangeServer',
  'ExternalAuthoritative',
] as const satisfies readonly ConnectorAuthMechanism[];
export const PERMISSION_GROUPS = [
  'AnonymousUsers',
  'ExchangeUsers',
  'ExchangeServers',
  'ExchangeLegacyServers',
  'Partners',
] as const satisfies readonly PermissionGroup[];

/** All IPv4 and IPv6 addresses. */
export const ANYWHERE: readonly string[] = ['0.0.0.0-255.255.255.255', '::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'];
const ONE_DAY = 86_400;
const MEGABYTE = 1024 * 1024;

function setting<T>(
  name: string,
  valueType: type.ValueType<T>,
  initial: Setting<T>['initial'],
  help: string,
  effect: Effect = 'new-sessions',
): Setting<T> {
  return { name, type: valueType, scope: 'both', effect, help, initial };
}

const unlimitedCount = (max?: number) =>
  type.integer({ min: 1, unlimited: true, ...(max === undefined ? {} : { max }) });

export const receiveConnectorSchema = new SettingsSchema<ConnectorSettings>('ReceiveConnector', {
  name: setting('Name', type.text({ min: 1, max: 64 }), () => '-', 'Unique name on the server.', 'live'),
  transportRole: setting(
    'TransportRole',
    type.enumeration(['FrontendTransport', 'HubTransport']),
    () => 'FrontendTransport',
    'Which service owns the connector.',
    'listeners',
  ),
  enabled: setting('Enabled', type.boolean, () => true, 'False: the connector does not listen.', 'listeners'),
  bindings: setting(
    'Bindings',
    type.listOf(type.binding),
    () => [],
    'Addresses and ports that start in the clear and can be upgraded with STARTTLS.',
    'listeners',
  ),
  implicitTlsBindings: setting(
    'ImplicitTlsBindings',
    type.listOf(type.binding),
    () => [],
    'Addresses and ports with TLS from the first byte (RFC 8314 §3.3); not in Exchange.',
    'listeners',
  ),
  remoteIpRanges: setting(
    'RemoteIPRanges',
    type.listOf(type.ipRange),
    () => ANYWHERE,
    'Client addresses the connector takes; of several connectors on one port the most specific range wins.',
  ),
  fqdn: setting(
    'Fqdn',
    type.hostName,
    ({ fqdn }) => fqdn,
    'Name in the greeting, the EHLO answer and Received fields.',
  ),
  banner: setting(
    'Banner',
    type.text({ min: 3, max: 500, pattern: /^220( |$)/, accepts: 'text that begins with 220' }),
    ({ fqdn }) => `220 ${fqdn} Penfold ESMTP service is ready`,
    'The greeting line.',
  ),
  authMechanism: setting(
    'AuthMechanism',
    type.listOf(type.enumeration(AUTH_MECHANISMS), 'None'),
    () => ['Tls'],
    'What is announced and taken: STARTTLS and ways to log on.',
  ),
  permissionGroups: setting(
    'PermissionGroups',
    type.listOf(type.enumeration(PERMISSION_GROUPS), 'None'),
    () => [],
    'Who may submit through the connector.',
  ),
  requireTls: setting('RequireTLS', type.boolean, () => false, 'True: no mail without TLS.'),
  advertiseClientSettings: setting(
    'AdvertiseClientSettings',
    type.boolean,
    () => false,
    'True: host name, port and encryption are shown to users on the settings page.',
    'live',
  ),
  maxMessageSize: setting(
    'MaxMessageSize',
    type.byteSize({ min: 65_536 }),
    () => 36 * MEGABYTE,
    'Largest message; announced by SIZE.',
  ),
  maxRecipientsPerMessage: setting(
    'MaxRecipientsPerMessage',
    type.integer({ min: 1, max: 512_000 }),
    () => 200,
    'Recipients of one message; more get 452 and the session goes on.',
  ),
  messageRateLimit: setting(
    'MessageRateLimit',
    unlimitedCount(),
    () => type.UNLIMITED,
    'Messages a minute, counted as MessageRateSource says.',
    'live',
  ),
  messageRateSource: setting(
    'MessageRateSource',
    type.enumeration(['None', 'IPAddress', 'User', 'All']),
    () => 'IPAddress',
    'What MessageRateLimit counts by: client address, logged-on user, or both.',
    'live',
  ),
  connectionTimeout: setting(
    'ConnectionTimeout',
    type.duration({ min: 1, max: ONE_DAY }),
    () => 600,
    'Longest life of a connection, busy or not.',
  ),
  connectionInactivityTimeout: setting(
    'ConnectionInactivityTimeout',
    type.duration({ min: 1, max: ONE_DAY }),
    () => 300,
    'How long a client may stay silent.',
  ),
  maxInboundConnection: setting(
    'MaxInboundConnection',
    unlimitedCount(),
    () => 5000,
    'Connections at one time.',
    'live',
  ),
  maxInboundConnectionPerSource: setting(
    'MaxInboundConnectionPerSource',
    unlimitedCount(10_000),
    () => 20,
    'Connections at one time from one address.',
    'live',
  ),
  maxInboundConnectionPercentagePerSource: setting(
    'MaxInboundConnectionPercentagePerSource',
    type.integer({ min: 1, max: 100 }, 'percent'),
    () => 2,
    'Share of the connections still free that one address may take.',
    'live',
  ),
  maxProtocolErrors: setting(
    'MaxProtocolErrors',
    type.integer({ min: 0, unlimited: true }),
    () => 5,
    'Errors of a client before its connection is closed.',
  ),
  maxLogonFailures: setting(
    'MaxLogonFailures',
    type.integer({ min: 0, max: 10 }),
    () => 3,
    'Failed logons before the connection is closed; 0: never.',
  ),
  tarpitInterval: setting(
    'TarpitInterval',
    type.duration({ min: 0, max: 600 }),
    () => 5,
    'Delay of refusals to peers that have not logged on; 0: none.',
  ),
  authTarpitInterval: setting(
    'AuthTarpitInterval',
    type.duration({ min: 0, max: 600 }),
    () => 5,
    'Delay of the answer to a failed logon; 0: none.',
  ),
  maxHopCount: setting(
    'MaxHopCount',
    type.integer({ min: 1, max: 500 }),
    () => 30,
    'Received fields above which a message is taken for a loop.',
  ),
  maxLocalHopCount: setting(
    'MaxLocalHopCount',
    type.integer({ min: 0, max: 50 }),
    () => 8,
    'Received fields of this server above which a message is taken for a loop; 0: they are not counted.',
  ),
  maxHeaderSize: setting(
    'MaxHeaderSize',
    type.byteSize({ min: 1 }),
    () => 256 * 1024,
    'Bytes of the header of a message.',
  ),
  protocolLoggingLevel: setting(
    'ProtocolLoggingLevel',
    type.enumeration(['None', 'Verbose']),
    () => 'None',
    'Verbose: one line per command in the protocol log.',
    'live',
  ),
  sizeEnabled: setting(
    'SizeEnabled',
    type.enumeration(['Enabled', 'Disabled', 'EnabledWithoutValue']),
    () => 'Enabled',
    'Announces SIZE (RFC 1870), with the limit, without it, or not at all.',
  ),
  chunkingEnabled: setting('ChunkingEnabled', type.boolean, () => true, 'Announces CHUNKING (RFC 3030).'),
  binaryMimeEnabled: setting(
    'BinaryMimeEnabled',
    type.boolean,
    () => true,
    'BINARYMIME (RFC 3030) is not offered: messages are kept and served as lines. Needs ChunkingEnabled.',
    'recorded',
  ),
  eightBitMimeEnabled: setting('EightBitMimeEnabled', type.boolean, () => true, 'Announces 8BITMIME (RFC 6152).'),
  enhancedStatusCodesEnabled: setting(
    'EnhancedStatusCodesEnabled',
    type.boolean,
    () => true,
    'Announces ENHANCEDSTATUSCODES (RFC 2034).',
  ),
  pipeliningEnabled: setting('PipeliningEnabled', type.boolean, () => true, 'Announces PIPELINING (RFC 2920).'),
  deliveryStatusNotificationEnabled: setting(
    'DeliveryStatusNotificationEnabled',
    type.boolean,
    () => true,
    'Announces DSN (RFC 3461).',
  ),
  bareLinefeedRejectionEnabled: setting(
    'BareLinefeedRejectionEnabled',
    type.boolean,
    () => false,
    'Penfold always refuses messages with a bare CR or LF: they are how mail is smuggled.',
    'recorded',
  ),
  requireEhloDomain: setting(
    'RequireEHLODomain',
    type.boolean,
    () => false,
    'True: HELO and EHLO need a host name with a dot, or an address in brackets.',
  ),
  rejectSingleLabelRecipientDomains: setting(
    'RejectSingleLabelRecipientDomains',
    type.boolean,
    () => false,
    'True: recipients whose domain has no dot are refused.',
  ),
  rejectReservedTopLevelRecipientDomains: setting(
    'RejectReservedTopLevelRecipientDomains',
    type.boolean,
    () => false,
    'True: recipients in .test, .example, .invalid and .localhost are refused (RFC 2606 §2).',
  ),
  rejectReservedSecondLevelRecipientDomains: setting(
    'RejectReservedSecondLevelRecipientDomains',
    type.boolean,
    () => false,
    'True: recipients in example.com, example.net and example.org are refused (RFC 2606 §3).',
  ),
  tlsCertificateName: setting(
    'TlsCertificateName',
    type.text({
      max: 1000,
      pattern: /^$|^<I>[^<>]+<S>[^<>]+$/i,
      accepts: 'empty, or <I>issuer<S>subject of a certificate of this server',
    }),
    () => '',
    'Certificate that every client gets; empty: the one for the name the client asks for (SNI), then that for Fqdn.',
  ),
  comment: setting('Comment', type.text({ max: 1000 }), () => '', 'A note for admins.', 'live'),
});
