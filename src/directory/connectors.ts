/**
 * Receive connectors: those that setup creates (exchange-behaviour.md §3.2), new ones by usage (§3.3), rules between
 * the connectors of one server, and which connector takes a client (§3.4: the most specific range wins).
 */
import { Failure } from '../observe/failure.ts';
import { internalAddress } from './internal-address.ts';
import type { Directory } from './api.ts';
import type { Binding, ConnectorAuthMechanism, PermissionGroup, ReceiveConnector, Server } from './model.ts';
import { narrowestMatch, parseIpRange, partlyOverlap } from './settings/ip-range.ts';
import { ANYWHERE, type ConnectorSettings, receiveConnectorSchema } from './settings/receive-connector.ts';
import { binding as bindingType, UNLIMITED } from './settings/value-types.ts';

export type NewConnector = Omit<ReceiveConnector, 'id'>;

export interface ConnectorPorts {
  readonly smtp: number;
  readonly submission: number;
  /** Implicit TLS (RFC 8314 §3.3). */
  readonly submissions: number;
  readonly outboundProxy: number;
  readonly transport: number;
  readonly clientProxy: number;
}

/**
 * Exchange's, but for Client Proxy: Exchange uses 465 between its own servers, Penfold gives 465 to users as
 * RFC 8314 §3.3 has it and moves the internal connector to 2465.
 */
export const CONNECTOR_PORTS: ConnectorPorts = {
  smtp: 25,
  submission: 587,
  submissions: 465,
  outboundProxy: 717,
  transport: 2525,
  clientProxy: 2465,
};

/** The standard ports moved up, for a server without the right to open ports below 1024. */
export function shiftedConnectorPorts(by: number): ConnectorPorts {
  const { smtp, submission, submissions, outboundProxy, transport, clientProxy } = CONNECTOR_PORTS;
  return {
    smtp: smtp + by,
    submission: submission + by,
    submissions: submissions + by,
    outboundProxy: outboundProxy + by,
    transport: transport + by,
    clientProxy: clientProxy + by,
  };
}

const BASIC: readonly ConnectorAuthMechanism[] = ['Tls', 'BasicAuth', 'BasicAuthRequireTLS'];

/** All local addresses. */
export const onAllAddresses = (port: number): readonly Binding[] => [
  { address: '::', port },
  { address: '0.0.0.0', port },
];

/** The five connectors setup creates on a server with both roles; fewer where a role is missing. */
export function defaultConnectors(
  server: Pick<Server, 'id' | 'name' | 'fqdn' | 'frontEnd' | 'backEnd'>,
  ports: ConnectorPorts = CONNECTOR_PORTS,
  bind: (port: number) => readonly Binding[] = onAllAddresses,
): readonly NewConnector[] {
  const base = receiveConnectorSchema.defaults({ fqdn: server.fqdn });
  const make = (settings: Partial<ConnectorSettings>): NewConnector => ({ ...base, ...settings, server: server.id });
  const frontEnd: readonly NewConnector[] = [
    make({
      name: `Default Frontend ${server.name}`,
      bindings: bind(ports.smtp),
      authMechanism: [...BASIC, 'ExchangeServer', 'Integrated'],
      permissionGroups: ['AnonymousUsers', 'ExchangeLegacyServers', 'ExchangeServers'],
      protocolLoggingLevel: 'Verbose',
    }),
    make({
      name: `Client Frontend ${server.name}`,
      bindings: bind(ports.submission),
      implicitTlsBindings: bind(ports.submissions),
      authMechanism: [...BASIC, 'Integrated'],
      permissionGroups: ['ExchangeUsers'],
      messageRateLimit: 5,
      messageRateSource: 'User',
    }),
    make({
      name: `Outbound Proxy Frontend ${server.name}`,
      bindings: bind(ports.outboundProxy),
      authMechanism: [...BASIC, 'ExchangeServer', 'Integrated'],
      permissionGroups: ['ExchangeServers'],
    }),
  ];
  const backEnd: readonly NewConnector[] = [
    make({
      name: `Default ${server.name}`,
      transportRole: 'HubTransport',
      bindings: bind(ports.transport),
      authMechanism: ['Tls', 'BasicAuth', 'ExchangeServer', 'Integrated'],
      permissionGroups: ['ExchangeLegacyServers', 'ExchangeServers', 'ExchangeUsers'],
      maxRecipientsPerMessage: 5000,
      maxInboundConnectionPerSource: UNLIMITED,
      maxInboundConnectionPercentagePerSource: 100,
    }),
    make({
      name: `Client Proxy ${server.name}`,
      transportRole: 'HubTransport',
      bindings: bind(ports.clientProxy),
      authMechanism: [...BASIC, 'ExchangeServer', 'Integrated'],
      permissionGroups: ['ExchangeServers', 'ExchangeUsers'],
      messageRateLimit: 5,
      messageRateSource: 'User',
    }),
  ];
  return [...(server.frontEnd ? frontEnd : []), ...(server.backEnd ? backEnd : [])];
}

/**
 * What a connector is for between servers of the organization (§3.2): `delivery` is `Default <server>`, where mail for
 * mailboxes comes in; `client-proxy` is `Client Proxy <server>`, where front ends bring submissions. Null: it serves
 * clients. Told by groups, as Exchange tells them apart, since an admin may give them other names.
 */
export function betweenServers(
  connector: Pick<ReceiveConnector, 'transportRole' | 'authMechanism' | 'permissionGroups'>,
): 'delivery' | 'client-proxy' | null {
  const { transportRole, authMechanism, permissionGroups } = connector;
  if (transportRole !== 'HubTransport' || !authMechanism.includes('ExchangeServer')) return null;
  if (!permissionGroups.includes('ExchangeServers')) return null;
  return permissionGroups.includes('ExchangeLegacyServers') ? 'delivery' : 'client-proxy';
}

/** Where that server takes it from others. @throws Failure UNAVAILABLE when it has no such connector */
export async function destinationOf(
  directory: Pick<Directory, 'connectors'>,
  server: Pick<Server, 'id' | 'name' | 'fqdn' | 'internalAddress'>,
  purpose: 'delivery' | 'client-proxy',
): Promise<{ readonly host: string; readonly port: number }> {
  const connectors = await directory.connectors(server.id);
  const connector = connectors.find((each) => each.enabled && betweenServers(each) === purpose);
  const port = connector?.bindings[0]?.port;
  if (port === undefined) {
    throw new Failure('UNAVAILABLE', `the server ${server.name} has no connector for other servers that is enabled`);
  }
  return { host: internalAddress(server), port };
}

export type ConnectorUsage = 'Client' | 'Internal' | 'Internet' | 'Partner' | 'Custom';

interface UsageFacts {
  readonly authMechanism: readonly ConnectorAuthMechanism[];
  readonly permissionGroups: readonly PermissionGroup[];
  /** Given by the usage, so the admin may not give it. */
  readonly port: number | null;
  readonly anywhere: boolean;
}

const USAGES: Readonly<Record<ConnectorUsage, UsageFacts>> = {
  Client: { authMechanism: [...BASIC, 'Integrated'], permissionGroups: ['ExchangeUsers'], port: 587, anywhere: false },
  Internal: {
    authMechanism: ['Tls', 'ExchangeServer'],
    permissionGroups: ['ExchangeLegacyServers', 'ExchangeServers'],
    port: 25,
    anywhere: false,
  },
  Internet: { authMechanism: ['Tls'], permissionGroups: ['AnonymousUsers'], port: null, anywhere: true },
  Partner: { authMechanism: ['Tls'], permissionGroups: ['Partners'], port: null, anywhere: false },
  Custom: { authMechanism: ['Tls'], permissionGroups: [], port: null, anywhere: false },
};

/** New-ReceiveConnector -Usage (§3.3). @throws Failure CANNOT when something must or may not be given */
export function connectorForUsage(
  server: Pick<Server, 'id' | 'fqdn'>,
  usage: ConnectorUsage,
  given: { readonly name: string; readonly bindings?: readonly Binding[]; readonly remoteIpRanges?: readonly string[] },
): NewConnector {
  const facts = USAGES[usage];
  const demand = (name: string, present: boolean, wanted: boolean): void => {
    if (present === wanted) return;
    throw new Failure('CANNOT', `a ${usage} connector ${wanted ? 'needs' : 'sets its own'} ${name}`);
  };
  demand('Bindings', given.bindings !== undefined, facts.port === null);
  demand('RemoteIPRanges', given.remoteIpRanges !== undefined, !facts.anywhere);
  return {
    ...receiveConnectorSchema.defaults({ fqdn: server.fqdn }),
    server: server.id,
    name: given.name,
    bindings: given.bindings ?? [{ address: '0.0.0.0', port: facts.port ?? 25 }],
    remoteIpRanges: given.remoteIpRanges ?? ANYWHERE,
    authMechanism: facts.authMechanism,
    permissionGroups: facts.permissionGroups,
  };
}

/**
 * Two connectors may share an address and port only when a client's address tells which one is meant (§3.4).
 * @throws Failure CANNOT
 */
export function checkAgainstOthers(connector: ConnectorSettings, others: readonly ConnectorSettings[]): void {
  const mine = [...connector.bindings, ...connector.implicitTlsBindings];
  for (const other of others) {
    const shared = [...other.bindings, ...other.implicitTlsBindings].find((theirs) =>
      mine.some((own) => own.port !== 0 && own.port === theirs.port && own.address === theirs.address),
    );
    if (shared === undefined) continue;
    const place = `${bindingType.format(shared)} is used by "${other.name}"`;
    if (other.transportRole !== connector.transportRole)
      throw new Failure('CANNOT', `${place}, which belongs to another service`);
    for (const own of connector.remoteIpRanges) {
      for (const theirs of other.remoteIpRanges) {
        const [a, b] = [parseIpRange(own), parseIpRange(theirs)];
        if (a === null || b === null || a.family !== b.family) continue;
        if (a.first === b.first && a.last === b.last)
          throw new Failure('CANNOT', `${place} for the same remote range ${theirs}`);
        if (partlyOverlap(a, b))
          throw new Failure(
            'CANNOT',
            `${place}; the ranges ${own} and ${theirs} overlap without one holding the other`,
          );
      }
    }
  }
}

/** Of the connectors on one listener, the one whose smallest range holds the client's address. Null: none does. */
export function connectorFor<C extends Pick<ReceiveConnector, 'remoteIpRanges'>>(
  connectors: readonly C[],
  remoteAddress: string,
): C | null {
  let chosen: C | null = null;
  let least: bigint | null = null;
  for (const connector of connectors) {
    const size = narrowestMatch(connector.remoteIpRanges, remoteAddress);
    if (size === null || (least !== null && size >= least)) continue;
    chosen = connector;
    least = size;
  }
  return chosen;
}
