/**
 * Enable-ExchangeCertificate: makes a certificate of this server the one that POP, IMAP and SMTP show
 * (exchange-behaviour.md §5.9). Here a name decides which certificate is shown, so assigning one means setting that
 * name: X509CertificateName of the protocol, TlsCertificateName of the connectors that users meet.
 */
import type { Directory } from '../../directory/api.ts';
import type { Server } from '../../directory/model.ts';
import { enumeration, listOf } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import { oneLineName, tlsCertificateName } from '../../tls/certificate-name.ts';
import type { ChangingCmdlet, CmdletCall, Parameter } from '../cmdlet.ts';
import type { CertificateFacts, RunningServices } from '../services-of-instance.ts';
import { identityParameter } from './identity.ts';
import { applying } from './results.ts';
import { runningServer } from './running-server.ts';

const SERVICES = ['POP', 'IMAP', 'SMTP', 'IIS', 'None'] as const;
type CertificateService = (typeof SERVICES)[number];

const thumbprint = identityParameter({
  name: 'Thumbprint',
  aliases: ['Identity'],
  help: 'The certificate, as Get-ExchangeCertificate shows it. Without it: the one clients get who name no host.',
});
const services: Parameter<readonly CertificateService[]> = {
  name: 'Services',
  type: listOf(enumeration(SERVICES)),
  required: true,
  help: 'POP, IMAP and SMTP. IIS is taken and changes nothing: the web pages show the certificate of the name asked for.',
};

function certificateOf({ args }: CmdletCall, running: RunningServices): CertificateFacts {
  const known = running.certificates();
  const typed = args.optional(thumbprint)?.replaceAll(/[:\s]/g, '').toUpperCase();
  const found =
    typed === undefined
      ? known[0]
      : known.find(({ certificate }) => certificate.fingerprint.replaceAll(':', '') === typed);
  if (found === undefined)
    throw new Failure('NONEXISTENT', 'there is no such certificate. All: Get-ExchangeCertificate');
  return found;
}

/** A setting needs one host name; a wildcard stands for many and is served by the name in the setting as it is. */
function nameFor(facts: CertificateFacts, current: string, running: RunningServices): string {
  const same = running.certificateFor(current)?.certificate.fingerprint256 === facts.certificate.fingerprint256;
  if (same) return current;
  const name = facts.names.find((each) => !each.startsWith('*'));
  if (name !== undefined) return name;
  throw new Failure(
    'CANNOT',
    `${oneLineName(facts.subject)} is for wildcard names only: set X509CertificateName to a name it covers, with Set-PopSettings or Set-ImapSettings`,
  );
}

interface Step {
  readonly what: string;
  apply(): Promise<unknown>;
}

async function stepsFor(
  directory: Directory,
  server: Server,
  running: RunningServices,
  facts: CertificateFacts,
  wanted: ReadonlySet<CertificateService>,
): Promise<readonly Step[]> {
  const steps: Step[] = [];
  if (wanted.has('POP')) {
    const { x509CertificateName: now } = await directory.popSettings(server.id);
    const next = nameFor(facts, now, running);
    if (next !== now) {
      steps.push({
        what: `PopSettings: X509CertificateName ${now} → ${next}`,
        apply: () => directory.setPopSettings(server.id, { x509CertificateName: next }),
      });
    }
  }
  if (wanted.has('IMAP')) {
    const { x509CertificateName: now } = await directory.imapSettings(server.id);
    const next = nameFor(facts, now, running);
    if (next !== now) {
      steps.push({
        what: `ImapSettings: X509CertificateName ${now} → ${next}`,
        apply: () => directory.setImapSettings(server.id, { x509CertificateName: next }),
      });
    }
  }
  if (wanted.has('SMTP')) {
    const next = tlsCertificateName(facts);
    for (const connector of await directory.connectors(server.id)) {
      if (connector.transportRole !== 'FrontendTransport' || connector.tlsCertificateName === next) continue;
      steps.push({
        what: `"${connector.name}": TlsCertificateName ${connector.tlsCertificateName || '(none)'} → ${next}`,
        apply: () => directory.changeConnector(connector.id, { tlsCertificateName: next }),
      });
    }
  }
  return steps;
}

export const enableExchangeCertificate: ChangingCmdlet = {
  name: 'Enable-ExchangeCertificate',
  changes: true,
  synopsis: 'Makes a certificate of this server the one that POP, IMAP and SMTP show.',
  description:
    'A name decides which certificate is shown: this sets X509CertificateName of POP and IMAP and TlsCertificateName of the connectors of the front end. New connections get it at once. Certificates themselves are named in penfold.toml ([tls]).',
  parameters: [thumbprint, services],
  examples: [
    { line: 'Enable-ExchangeCertificate -Services POP,IMAP', says: 'The default certificate for both.' },
    { line: 'Enable-ExchangeCertificate -Services SMTP', says: 'The connectors of the front end, too.' },
  ],
  roles: ['Organization Management', 'Server Management'],
  columns: [],
  async plan(call) {
    const { directory, server } = call.services;
    const running = runningServer(call.services);
    const facts = certificateOf(call, running);
    const steps = await stepsFor(directory, server, running, facts, new Set(call.args.get(services)));
    const changes = steps.map((step) => step.what).join('; ');
    return {
      what: `Enable the certificate ${oneLineName(facts.subject)} on server ${server.name}: ${changes === '' ? 'it is the one that is shown already' : changes}`,
      dangerous: false,
      apply: () =>
        applying(async () => {
          for (const step of steps) await step.apply();
        }),
    };
  },
};
