/**
 * What mail programs that set themselves up are told for one domain: the published settings of every front end
 * (client-settings.ts) of protocols that really run, protected ones only (RFC 8314 §3). The same for any address of a
 * domain, so that nobody learns which addresses exist. Autoconfiguration and the DNS records both say this.
 */
import type { Directory } from './api.ts';
import { bestFirst, type ClientSettings, clientSettings } from './client-settings.ts';
import type { ConnectionSetting, Server, ServiceName } from './model.ts';
import { domainKey, splitAddress } from './names.ts';

export interface ProtectedSetting extends ConnectionSetting {
  readonly encryption: 'SSL' | 'TLS';
}

export interface ClientOffer {
  /** As the directory writes it. */
  readonly domain: string;
  readonly organization: string;
  /** Best first; empty: not offered. */
  readonly imap: readonly ProtectedSetting[];
  readonly pop: readonly ProtectedSetting[];
  readonly smtp: readonly ProtectedSetting[];
}

/** Accepted domain behind the `@`, as the directory writes it; null: not one of ours, or no address. */
export async function acceptedDomainOf(directory: Directory, address: string): Promise<string | null> {
  const parts = splitAddress(address);
  if (parts === null) return null;
  const key = domainKey(parts.domain);
  return (await directory.domains()).find((domain) => domainKey(domain.name) === key)?.name ?? null;
}

/** Null: the domain is not accepted here. @throws Failure UNAVAILABLE */
export async function clientOffer(directory: Directory, domain: string): Promise<ClientOffer | null> {
  const accepted = await acceptedDomainOf(directory, `x@${domain}`);
  if (accepted === null) return null;
  const running = new Map<Server, ReadonlySet<ServiceName>>();
  for (const server of await directory.servers()) running.set(server, await servicesRunning(directory, server));
  const anywhere = (service: ServiceName): boolean => [...running.values()].some((services) => services.has(service));

  const imap: ConnectionSetting[] = [];
  const pop: ConnectionSetting[] = [];
  const smtp: ConnectionSetting[] = [];
  for (const [server, services] of running) {
    if (!server.frontEnd) continue;
    const { external } = await publishedSettings(directory, server);
    if (services.has('imap4') && anywhere('imap4-backend')) imap.push(...external.imap);
    if (services.has('pop3') && anywhere('pop3-backend')) pop.push(...external.pop);
    if (services.has('frontend-transport')) smtp.push(...external.smtp);
  }
  const { name: organization } = await directory.organization();
  return {
    domain: accepted,
    organization,
    imap: protectedOnes(imap),
    pop: protectedOnes(pop),
    smtp: protectedOnes(smtp),
  };
}

/** What the admin publishes for clients of one front end. */
export async function publishedSettings(directory: Directory, server: Server): Promise<ClientSettings> {
  return clientSettings({
    pop: await directory.popSettings(server.id),
    imap: await directory.imapSettings(server.id),
    connectors: await directory.connectors(server.id),
  });
}

export async function servicesRunning(directory: Directory, server: Server): Promise<ReadonlySet<ServiceName>> {
  const states = await directory.services(server.id);
  return new Set(states.filter((state) => state.running).map((state) => state.service));
}

/** Best first, each place once: front ends may publish one common name. */
function protectedOnes(settings: readonly ConnectionSetting[]): readonly ProtectedSetting[] {
  const found = new Map<string, ProtectedSetting>();
  for (const { host, port, encryption } of bestFirst(settings)) {
    const key = `${domainKey(host)}:${port}`;
    if (encryption !== 'none' && !found.has(key)) found.set(key, { host, port, encryption });
  }
  return [...found.values()];
}
