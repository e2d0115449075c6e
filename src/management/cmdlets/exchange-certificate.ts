/**
 * Get-ExchangeCertificate: the certificates clients of this server get, and for which protocol (exchange-behaviour.md
 * §5.9). There is no Import-: a certificate is named in penfold.toml ([tls]), its files are read again when they
 * change, and a name decides which is shown, so nothing has to be assigned to a service, either.
 */
import type { RoleGroup, Server } from '../../directory/model.ts';
import { Failure } from '../../observe/failure.ts';
import { oneLineName, tlsCertificateName } from '../../tls/certificate-name.ts';
import type { Cmdlet, CmdletObject, ManagementServices, Parameter, ReadingCmdlet } from '../cmdlet.ts';
import type { CertificateFacts, RunningServices } from '../services-of-instance.ts';
import { enableExchangeCertificate } from './enable-exchange-certificate.ts';
import { identityParameter, identityType } from './identity.ts';
import { runningServer } from './running-server.ts';

const MAY_READ: readonly RoleGroup[] = [
  'Organization Management',
  'Server Management',
  'View-Only Organization Management',
];
const DAY_MS = 86_400_000;

const thumbprint = identityParameter({
  name: 'Thumbprint',
  aliases: ['Identity'],
  help: 'One certificate. Without it: all.',
});
const domainName: Parameter<string> = {
  name: 'DomainName',
  type: identityType,
  help: 'Only the certificate that clients get who ask for this host name.',
};

/** The protocols that show this certificate to clients who name no server (SNI) or their usual one. */
async function servicesOf(
  services: ManagementServices,
  server: Server,
  running: RunningServices,
  facts: CertificateFacts,
): Promise<readonly string[]> {
  const uses = (name: string): boolean =>
    running.certificateFor(name)?.certificate.fingerprint256 === facts.certificate.fingerprint256;
  const { directory } = services;
  const found: string[] = [];
  if (uses((await directory.imapSettings(server.id)).x509CertificateName)) found.push('IMAP');
  if (uses((await directory.popSettings(server.id)).x509CertificateName)) found.push('POP');
  if ((await directory.connectors(server.id)).some((connector) => uses(connector.fqdn))) found.push('SMTP');
  return found;
}

function shown(facts: CertificateFacts, services: readonly string[]): CmdletObject {
  const { certificate } = facts;
  const left = facts.notAfter - Date.now();
  const notYet = Date.parse(certificate.validFrom) > Date.now();
  return {
    Thumbprint: certificate.fingerprint.replaceAll(':', ''),
    Services: services,
    Subject: oneLineName(facts.subject),
    CertificateDomains: facts.names,
    Issuer: oneLineName(facts.issuer),
    NotBefore: new Date(certificate.validFrom).toISOString(),
    NotAfter: new Date(facts.notAfter).toISOString(),
    DaysLeft: Math.floor(left / DAY_MS),
    Status: left <= 0 || notYet ? 'DateInvalid' : 'Valid',
    TlsCertificateName: tlsCertificateName(facts),
    SerialNumber: certificate.serialNumber,
    IsSelfSigned: certificate.checkIssued(certificate),
  };
}

const getExchangeCertificate: ReadingCmdlet = {
  name: 'Get-ExchangeCertificate',
  changes: false,
  synopsis: 'Shows the certificates clients of this server get, for which protocols, and until when they are good.',
  description:
    'A certificate of your own is named in penfold.toml: [tls] certificate and key. Its files are looked at every second; a renewed one counts for the next connection, without a restart.',
  parameters: [thumbprint, domainName],
  examples: [
    { line: 'Get-ExchangeCertificate', says: 'All certificates in use.' },
    { line: 'Get-ExchangeCertificate -DomainName localhost | Format-List', says: 'The one for a host name.' },
  ],
  roles: MAY_READ,
  columns: ['Thumbprint', 'Services', 'Subject', 'NotAfter'],
  async *run({ args, services }) {
    const running = runningServer(services);
    const { server } = services;
    const name = args.optional(domainName);
    const typed = args.optional(thumbprint)?.replaceAll(/[:\s]/g, '').toUpperCase();
    let certificates = running.certificates();
    if (name !== undefined) {
      const facts = running.certificateFor(name);
      if (facts === null) throw new Failure('NONEXISTENT', `no certificate of ${server.name} covers ${name}`);
      certificates = [facts];
    }
    const wanted = certificates.filter(
      ({ certificate }) => typed === undefined || certificate.fingerprint.replaceAll(':', '') === typed,
    );
    if (wanted.length === 0)
      throw new Failure('NONEXISTENT', `there is no such certificate. All: Get-ExchangeCertificate`);
    for (const facts of wanted) yield shown(facts, await servicesOf(services, server, running, facts));
  },
};

export const exchangeCertificateCmdlets: readonly Cmdlet[] = [getExchangeCertificate, enableExchangeCertificate];
