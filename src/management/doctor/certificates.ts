/** Certificates that clients meet: names and dates. */
import type { ConnectionSetting } from '../../directory/model.ts';
import type { CertificateFacts } from '../services-of-instance.ts';
import { advice, type Finding, ok, problem } from './finding.ts';

const DAY_MS = 86_400_000;
/** A public certificate that is renewed by a program is never so close to its end. */
export const SOON_DAYS = 14;

export function certificateDates(known: readonly CertificateFacts[], now: number): readonly Finding[] {
  return known.map(({ subject, names, notAfter }) => {
    const who = names[0] ?? subject;
    const days = Math.floor((notAfter - now) / DAY_MS);
    const until = new Date(notAfter).toISOString().slice(0, 10);
    if (days < 0)
      return problem(
        'certificates',
        `the certificate of ${who} has expired on ${until}`,
        'renew it; the server reads the new file by itself',
      );
    if (days < SOON_DAYS)
      return advice('certificates', `the certificate of ${who} ends in ${days} days (${until})`, 'renew it');
    return ok('certificates', `${who}, until ${until}`);
  });
}

/** Every name that is told to users has a certificate. `own`: subject of the organization's authority. */
export function advertisedNames(
  advertised: ReadonlyArray<{ readonly where: string; readonly setting: ConnectionSetting }>,
  covering: (name: string) => CertificateFacts | null,
  ownIssuer: (facts: CertificateFacts) => boolean,
): readonly Finding[] {
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const { where, setting } of advertised) {
    const host = setting.host.toLowerCase();
    if (setting.encryption === 'none' || seen.has(host)) continue;
    seen.add(host);
    const facts = covering(host);
    if (facts === null) {
      findings.push(
        problem(
          'certificates',
          `${where} tells users ${host}, and no certificate has that name: mail programs will refuse`,
          'put a certificate for it into penfold.toml ([tls] certificate, key), or advertise another name',
        ),
      );
    } else if (ownIssuer(facts)) {
      findings.push(
        advice(
          'certificates',
          `${host} is vouched for by this organization's own authority only: each device has to trust it`,
          'bring a certificate of a public authority ([tls] in penfold.toml), or hand out tls/ca.pem',
        ),
      );
    } else findings.push(ok('certificates', `${host} has one`));
  }
  return findings;
}
