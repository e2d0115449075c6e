/**
 * Get-ClientDnsRecord: the DNS records by which mail programs find their servers (RFC 6186, RFC 8314 §5.1, and the
 * names that Thunderbird and Outlook look up), from the same settings as autoconfiguration, ready for a zone file.
 * Exchange has no such cmdlet.
 */
import type { Directory } from '../../directory/api.ts';
import { type ClientOffer, clientOffer, type ProtectedSetting } from '../../directory/client-offer.ts';
import type { RoleGroup, Server } from '../../directory/model.ts';
import { domainKey } from '../../directory/names.ts';
import type { Cmdlet, CmdletObject, ReadingCmdlet } from '../cmdlet.ts';
import { completeDomain, domainControllerParameter, domainNamed, identityParameter } from './identity.ts';

const MAY_READ: readonly RoleGroup[] = [
  'Organization Management',
  'Server Management',
  'Recipient Management',
  'View-Only Organization Management',
];
const TTL = 3600;
const HTTPS = 443;

export interface DnsRecord {
  readonly name: string;
  readonly type: 'SRV' | 'CNAME';
  readonly data: string;
  readonly note: string;
}

/** `webHost`: where the web service answers; null: nowhere, so nothing can be looked up there. */
export function clientDnsRecords(offer: ClientOffer, webHost: string | null): readonly DnsRecord[] {
  const domain = domainKey(offer.domain);
  const service = (
    name: string,
    settings: readonly ProtectedSetting[],
    encryption: ProtectedSetting['encryption'],
    note: string,
  ): readonly DnsRecord[] => {
    const owner = `_${name}._tcp.${domain}.`;
    const published = settings.filter((one) => one.encryption === encryption);
    // RFC 6186 §3.4: a target of "." says that the service is not there, which is more than saying nothing.
    if (published.length === 0) return [{ name: owner, type: 'SRV', data: '0 0 0 .', note: `${note}: not offered` }];
    return published.map(({ host, port }) => ({
      name: owner,
      type: 'SRV' as const,
      data: `${encryption === 'SSL' ? 0 : 10} 1 ${port} ${domainKey(host)}.`,
      note,
    }));
  };
  const alias = (label: string, note: string): readonly DnsRecord[] =>
    webHost === null ? [] : [{ name: `${label}.${domain}.`, type: 'CNAME', data: `${domainKey(webHost)}.`, note }];
  return [
    ...service('imaps', offer.imap, 'SSL', 'IMAP4 with TLS from the first byte'),
    ...service('imap', offer.imap, 'TLS', 'IMAP4 with STARTTLS'),
    ...service('pop3s', offer.pop, 'SSL', 'POP3 with TLS from the first byte'),
    ...service('pop3', offer.pop, 'TLS', 'POP3 with STLS'),
    ...service('submissions', offer.smtp, 'SSL', 'submission with TLS from the first byte'),
    ...service('submission', offer.smtp, 'TLS', 'submission with STARTTLS'),
    ...alias('autoconfig', 'Thunderbird; the certificate has to cover this name'),
    ...alias('autodiscover', 'Outlook; the certificate has to cover this name'),
    ...(webHost === null
      ? []
      : [
          {
            name: `_autodiscover._tcp.${domain}.`,
            type: 'SRV' as const,
            data: `0 1 ${HTTPS} ${domainKey(webHost)}.`,
            note: 'Outlook, where autodiscover is not covered by a certificate',
          },
        ]),
  ];
}

const shown = ({ name, type, data, note }: DnsRecord): CmdletObject => ({
  Name: name,
  Type: type,
  Data: data,
  Note: note,
  Line: `${name} ${TTL} IN ${type} ${data}`,
});

const identity = identityParameter({ help: 'One accepted domain. Without it: all.', complete: completeDomain });

const getClientDnsRecord: ReadingCmdlet = {
  name: 'Get-ClientDnsRecord',
  changes: false,
  synopsis: 'Shows the DNS records by which mail programs set themselves up.',
  description:
    'Made from the external connection settings of POP3 and IMAP4 and from receive connectors with AdvertiseClientSettings, and only for services that run. Line is ready for a zone file. A service that is not offered gets a record that says so (RFC 6186).',
  parameters: [identity, domainControllerParameter],
  examples: [
    { line: 'Get-ClientDnsRecord', says: 'All domains.' },
    { line: 'Get-ClientDnsRecord | Select-Object Line', says: 'Only the lines, for the DNS admin.' },
  ],
  roles: MAY_READ,
  columns: ['Name', 'Type', 'Data', 'Note'],
  async *run(call) {
    const { directory } = call.services;
    const typed = call.args.optional(identity);
    const domains = typed === undefined ? await directory.domains() : [await domainNamed(directory, typed)];
    const webHost = await webHostOf(call.services.directory);
    if (webHost === null) call.warn('the web service runs nowhere: programs cannot ask for settings over HTTPS');
    for (const { name } of domains) {
      const offer = await clientOffer(directory, name);
      if (offer === null) continue;
      if (offer.imap.length + offer.pop.length + offer.smtp.length === 0)
        call.warn(
          `nothing is published for ${name}; see Set-ImapSettings -ExternalConnectionSettings, Set-ReceiveConnector -AdvertiseClientSettings, Get-Service`,
        );
      for (const record of clientDnsRecords(offer, webHost)) yield shown(record);
    }
  },
};

/** The first front end whose web service runs. */
async function webHostOf(directory: Directory): Promise<string | null> {
  for (const server of await directory.servers()) if (await servesWeb(directory, server)) return server.fqdn;
  return null;
}

async function servesWeb(directory: Directory, server: Server): Promise<boolean> {
  if (!server.frontEnd) return false;
  return (await directory.services(server.id)).some(({ service, running }) => service === 'web' && running);
}

export const clientDnsRecordCmdlets: readonly Cmdlet[] = [getClientDnsRecord];
