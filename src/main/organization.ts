/**
 * What setup creates: organization, site, server, mailbox database, first domain, default receive connectors
 * (exchange-behaviour.md §3.2), the built-in accounts. POP3 and IMAP4 are there, Manual and stopped (§4).
 */
import type { Directory } from '../directory/api.ts';
import {
  CONNECTOR_PORTS,
  type ConnectorPorts,
  defaultConnectors,
  onAllAddresses,
  shiftedConnectorPorts,
} from '../directory/connectors.ts';
import type { Binding, Credentials, DatabaseRecord, MailProtocolSettings, Server, SiteId } from '../directory/model.ts';

export const SERVER_ROLES = ['front-end', 'back-end', 'both'] as const;
export type ServerRole = (typeof SERVER_ROLES)[number];

export interface ServerPlan {
  readonly server: string;
  readonly fqdn: string;
  /** Where other servers dial it; missing: the FQDN. */
  readonly internalAddress?: string;
  /** Missing: both. */
  readonly role?: ServerRole;
}

export interface OrganizationPlan extends ServerPlan {
  readonly organization: string;
  readonly site: string;
  readonly domain: string;
  readonly database: string;
  readonly administrator: Credentials;
}

export interface PortPlan {
  readonly connectors: ConnectorPorts;
  /** `backEnd`: ProxyTargetPort. */
  readonly imap: { readonly plain: number; readonly tls: number; readonly backEnd: number };
  readonly pop3: { readonly plain: number; readonly tls: number; readonly backEnd: number };
  readonly web: number;
  /** Plain HTTP. */
  readonly redirect: number;
  readonly backEndHttps: number;
  /** Addresses to listen on. */
  readonly bind: (port: number) => readonly Binding[];
}

export interface CreatedOrganization {
  readonly server: Server;
  readonly database: DatabaseRecord;
}

/** The directory is empty. Connectors are made with the standard ports; `applyPorts` moves them. */
export async function createOrganization(directory: Directory, plan: OrganizationPlan): Promise<CreatedOrganization> {
  await directory.setOrganization({ name: plan.organization });
  const site = await directory.addSite(plan.site);
  const server = await createServer(directory, site.id, plan);
  const database = await createDatabase(directory, server, plan.database);
  await directory.addDomain({ name: plan.domain, type: 'Authoritative', isDefault: true });
  await addBuiltInAccounts(directory, plan, database);
  return { server, database };
}

/** A server of the site with what its roles need. POP3 and IMAP4 are installed, Manual and stopped. */
export async function createServer(directory: Directory, site: SiteId, plan: ServerPlan): Promise<Server> {
  const role = plan.role ?? 'both';
  const server = await directory.addServer({
    name: plan.server,
    fqdn: plan.fqdn,
    ...(plan.internalAddress === undefined ? {} : { internalAddress: plan.internalAddress }),
    site,
    frontEnd: role !== 'back-end',
    backEnd: role !== 'front-end',
  });
  for (const connector of defaultConnectors(server)) await directory.addConnector(connector);
  return server;
}

/** An SQLite mailbox database below the data directory of that server. */
export function createDatabase(directory: Directory, server: Server, name: string): Promise<DatabaseRecord> {
  return directory.addDatabase({
    name,
    server: server.id,
    engine: 'sqlite',
    location: `databases/${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`,
  });
}

/** Postmaster mail (RFC 5321 §4.5.1) has to reach somebody: the administrator's mailbox takes it. */
async function addBuiltInAccounts(
  directory: Directory,
  plan: OrganizationPlan,
  database: DatabaseRecord,
): Promise<void> {
  const { domain } = plan;
  await directory.addAccount({
    kind: 'administrator',
    displayName: 'Administrator',
    alias: 'administrator',
    userPrincipalName: `administrator@${domain}`,
    mailbox: { database: database.id, addresses: [`administrator@${domain}`, `postmaster@${domain}`] },
    credentials: plan.administrator,
  });
  for (const kind of ['guest', 'anonymous'] as const) {
    await directory.addAccount({
      kind,
      displayName: kind === 'guest' ? 'Guest' : 'Anonymous',
      alias: kind,
      userPrincipalName: `${kind}@${domain}`,
      mailbox: null,
      credentials: null,
    });
  }
}

/** All addresses of the machine, the standard ports. */
export const STANDARD_PORTS: PortPlan = {
  connectors: CONNECTOR_PORTS,
  imap: { plain: 143, tls: 993, backEnd: 1993 },
  pop3: { plain: 110, tls: 995, backEnd: 1995 },
  web: 443,
  redirect: 80,
  backEndHttps: 444,
  bind: onAllAddresses,
};

/** Standard ports plus `by`, on one address; null: on all. */
export function shiftedPorts(by: number, address: string | null): PortPlan {
  return {
    connectors: shiftedConnectorPorts(by),
    imap: { plain: 143 + by, tls: 993 + by, backEnd: 1993 + by },
    pop3: { plain: 110 + by, tls: 995 + by, backEnd: 1995 + by },
    web: 443 + by,
    redirect: 80 + by,
    backEndHttps: 444 + by,
    bind: address === null ? onAllAddresses : (port) => [{ address, port }],
  };
}

/** Moves every listener of a server; nothing is written that is already so. */
export async function applyPorts(directory: Directory, server: Server, ports: PortPlan): Promise<void> {
  const { bind } = ports;
  // Each side has its own settings, and those of a role that a server does not have cannot be set.
  const settings = ({ plain, tls, backEnd }: PortPlan['imap']): Partial<MailProtocolSettings> => ({
    ...(server.frontEnd ? { unencryptedOrTlsBindings: bind(plain), sslBindings: bind(tls) } : {}),
    ...(server.backEnd ? { proxyTargetPort: backEnd } : {}),
  });
  const imap = settings(ports.imap);
  const pop3 = settings(ports.pop3);
  const same = (now: object, wanted: object): boolean =>
    Object.entries(wanted).every(([key, value]) => JSON.stringify(Reflect.get(now, key)) === JSON.stringify(value));
  if (!same(await directory.imapSettings(server.id), imap)) await directory.setImapSettings(server.id, imap);
  if (!same(await directory.popSettings(server.id), pop3)) await directory.setPopSettings(server.id, pop3);
  const { backEndHttps: backEndHttpsPort } = ports;
  if (server.backEnd && !same(await directory.clientAccessServer(server.id), { backEndHttpsPort }))
    await directory.setClientAccessServer(server.id, { backEndHttpsPort });
  const wanted = new Map(
    defaultConnectors(server, ports.connectors, bind).map((connector) => [connector.name, connector]),
  );
  for (const connector of await directory.connectors(server.id)) {
    const { bindings, implicitTlsBindings } = wanted.get(connector.name) ?? connector;
    if (!same(connector, { bindings, implicitTlsBindings })) {
      await directory.changeConnector(connector.id, { bindings, implicitTlsBindings });
    }
  }
}
