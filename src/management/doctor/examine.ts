/**
 * `penfold doctor`: looks at everything mail depends on and says what to do. Works with a running server and without;
 * what only a running server can tell is marked as not looked at.
 */
import { clientSettings } from '../../directory/client-settings.ts';
import type { Directory } from '../../directory/api.ts';
import type { ConnectionSetting, MailProtocolSettings, Server, ServiceState } from '../../directory/model.ts';
import { serviceFacts } from '../../directory/services.ts';
import { mailProtocolWarnings } from '../../directory/settings/rules.ts';
import type { InstanceStatus } from '../control/api.ts';
import type { HealthEntry } from '../health/entry.ts';
import type { CertificateFacts } from '../services-of-instance.ts';
import { advertisedNames, certificateDates } from './certificates.ts';
import { advice, type Finding, ok, problem, unknown } from './finding.ts';
import { clock, disk, permissions } from './machine.ts';
import { dnsFindings, type NameService } from './names.ts';

export interface DoctorServices {
  readonly directory: Directory;
  readonly server: Server;
  readonly paths: { readonly root: string; readonly tls: string; readonly logs: string };
  readonly names: NameService;
  /** Null: no server runs. */
  readonly status: InstanceStatus | null;
  /** Null: could not be asked. */
  readonly health: readonly HealthEntry[] | null;
  /** The certificates clients meet, the default one first. */
  readonly certificates: readonly CertificateFacts[];
  readonly covering: (name: string) => CertificateFacts | null;
  readonly isOwnIssuer: (facts: CertificateFacts) => boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export async function* examine(services: DoctorServices): AsyncIterable<Finding> {
  const { directory, server, paths, now } = services;
  yield* await permissions(paths.root, paths.tls);
  yield await disk(paths.root);
  yield await clock(paths.logs, now);
  yield* serviceFindings(services, await directory.services(server.id));
  yield* certificateDates(services.certificates, now);
  const [pop, imap, connectors, domains] = await Promise.all([
    directory.popSettings(server.id),
    directory.imapSettings(server.id),
    directory.connectors(server.id),
    directory.domains(),
  ]);
  const { internal, external } = clientSettings({ pop, imap, connectors });
  const advertised = [
    ...named('Set-PopSettings', [...external.pop, ...internal.pop]),
    ...named('Set-ImapSettings', [...external.imap, ...internal.imap]),
    ...named('AdvertiseClientSettings', [...external.smtp, ...internal.smtp]),
  ];
  yield* advertisedNames(advertised, services.covering, services.isOwnIssuer);
  yield* settingsFindings('Pop', pop);
  yield* settingsFindings('Imap', imap);
  if (!connectors.some((one) => one.enabled && one.advertiseClientSettings)) {
    yield advice(
      'settings',
      'users are not told where to submit mail',
      `Set-ReceiveConnector "Client Frontend ${server.name}" -AdvertiseClientSettings $true`,
    );
  }
  const hosts = [server.fqdn, ...advertised.map(({ setting }) => setting.host)];
  yield* await dnsFindings(services.names, hosts, domains);
  yield* healthFindings(services);
}

const named = (where: string, settings: readonly ConnectionSetting[]) =>
  settings.map((setting) => ({ where, setting }));

function* serviceFindings({ status, server }: DoctorServices, states: readonly ServiceState[]): Iterable<Finding> {
  const running = new Set(states.filter((state) => state.running).map((state) => state.service));
  if (status === null) {
    yield problem('services', `no server runs on this data directory`, 'penfold serve, or systemctl start penfold');
  } else yield ok('services', `${server.name} runs since ${new Date(status.since).toISOString()}`);
  for (const { service } of states) {
    const { counterpart, displayName, side } = serviceFacts(service);
    if (side !== 'frontEnd' || counterpart === null) continue;
    const other = serviceFacts(counterpart).displayName;
    if (running.has(service) && !running.has(counterpart)) {
      yield problem(
        'services',
        `${displayName} runs without ${other}: nobody can log on`,
        `penfold service enable ${service}`,
      );
    } else if (!running.has(service) && running.has(counterpart)) {
      yield problem(
        'services',
        `${other} runs without ${displayName}: nobody can connect`,
        `penfold service enable ${service}`,
      );
    } else if (running.has(service)) yield ok('services', `${displayName} and ${other} run`);
    else yield advice('services', `${displayName} is off`, `penfold service enable ${service}`);
  }
  for (const { service, text } of status?.problems ?? []) {
    yield problem('ports', `${service}: ${text}`, 'free the port, or choose another binding');
  }
  if (status !== null && status.problems.length === 0) {
    const list = status.listeners.map((one) => String(one.port)).join(', ');
    yield list === '' ? advice('ports', 'the server listens nowhere', null) : ok('ports', `listening on ${list}`);
  }
}

function* settingsFindings(noun: 'Pop' | 'Imap', settings: MailProtocolSettings): Iterable<Finding> {
  for (const text of mailProtocolWarnings(settings)) yield advice('settings', text, `Get-${noun}Settings`);
  if (settings.externalConnectionSettings.length === 0) {
    yield advice(
      'settings',
      `users outside are not told how to connect by ${noun === 'Pop' ? 'POP3' : 'IMAP4'}`,
      `Set-${noun}Settings -ExternalConnectionSettings {mail.example.org:${noun === 'Pop' ? 995 : 993}:SSL}`,
    );
  }
}

function* healthFindings({ health }: DoctorServices): Iterable<Finding> {
  if (health === null) {
    yield unknown('health', 'probes run only in a running server');
    return;
  }
  for (const { probe, state, error, says } of health) {
    if (state === 'Unhealthy') yield problem('health', `${probe}: ${error}`, says);
    else if (state === 'Healthy') yield ok('health', says);
  }
}
