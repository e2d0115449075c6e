/**
 * Test-PopConnectivity, Test-ImapConnectivity (exchange-behaviour.md §10), Test-SmtpConnectivity (ours): really log on
 * through the front door, and unless -LightMode really send and receive. Any server can be named, not only ours.
 */
import type { RoleGroup, Server } from '../../directory/model.ts';
import * as type from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type { CmdletCall, CmdletObject, ManagementServices, Parameter, ReadingCmdlet } from '../cmdlet.ts';
import type { ProbeTarget } from '../connectivity/line-client.ts';
import { type ProbedProtocol, testConnectivity } from '../connectivity/run.ts';
import type { ProbeCredential } from '../connectivity/probe.ts';

const CONNECTION_TYPES = ['Plaintext', 'Ssl', 'Tls'] as const;
type ConnectionType = (typeof CONNECTION_TYPES)[number];

interface Probed {
  readonly protocol: ProbedProtocol;
  /** As the cmdlet's name has it. */
  readonly noun: 'Pop' | 'Imap' | 'Smtp';
  readonly title: string;
  readonly sslPort: number;
  readonly plainPort: number;
  readonly description: string;
}

const clientAccessServer: Parameter<string> = {
  name: 'ClientAccessServer',
  aliases: ['Server', 'Identity'],
  position: 1,
  type: type.text({ min: 1, max: 253, accepts: 'the name of a server, or a host name' }),
  help: 'Server under test: one of the organization, or any host name with -MailboxCredential.',
  complete: async (services) => (await services.directory.servers()).map((one) => one.name),
};
const mailboxServer: Parameter<string> = {
  name: 'MailboxServer',
  type: type.text({ min: 1, max: 253 }),
  help: 'Back end to test through; it has to hold the mailbox that logs on.',
};
const mailboxCredential: Parameter<string> = {
  name: 'MailboxCredential',
  type: type.text({ min: 3, max: 1024, pattern: /^[^:]+:.+$/, accepts: 'user:password' }),
  secret: true,
  help: "User name and password of the mailbox that logs on, with a colon between. Default: the server's own health mailbox.",
};
const connectionType: Parameter<ConnectionType> = {
  name: 'ConnectionType',
  type: type.enumeration(CONNECTION_TYPES),
  help: 'Ssl: TLS from the first byte (default). Tls: STARTTLS or STLS. Plaintext: neither.',
};
const port: Parameter<number> = {
  name: 'PortClientAccessServer',
  aliases: ['Port'],
  type: type.integer({ min: 0, max: 65_535 }),
  help: 'Port; 0 or missing: the one that goes with the connection type.',
};
const perConnectionTimeout: Parameter<number> = {
  name: 'PerConnectionTimeout',
  type: type.integer({ min: 0, max: 120 }, 'seconds'),
  help: 'Seconds for connecting and for each answer; 0 or missing: 120.',
};
const timeout: Parameter<number> = {
  name: 'Timeout',
  type: type.integer({ min: 0, max: 3600 }, 'seconds'),
  help: 'Seconds for the whole test; 0 or missing: 180.',
};
const toggle = (name: string, help: string): Parameter<boolean> => ({
  name,
  type: type.boolean,
  isSwitch: true,
  help,
});
const lightMode = toggle('LightMode', 'Logs on and leaves; sends no test message.');
const trustAny = toggle('TrustAnySSLCertificate', 'Takes any certificate.');
const resetCredentials = toggle('ResetTestAccountCredentials', 'Gives the health mailbox a new password first.');
const monitoringContext = toggle('MonitoringContext', 'Taken for scripts written for Exchange; changes nothing.');
const smtpServer: Parameter<string> = {
  name: 'SmtpServer',
  type: type.text({ min: 3, max: 260, pattern: /^.+:\d{1,5}$/, accepts: 'host:port' }),
  help: "Where the test message is submitted, for a server that is not the organization's, with -MailboxCredential. Not in Exchange.",
};

const PARAMETERS: readonly Parameter<unknown>[] = [
  clientAccessServer,
  mailboxServer,
  mailboxCredential,
  connectionType,
  port,
  perConnectionTimeout,
  timeout,
  lightMode,
  trustAny,
  resetCredentials,
  monitoringContext,
  smtpServer,
];
const MAY_RESET: readonly RoleGroup[] = ['Organization Management', 'Server Management'];
const DEFAULT_CONNECTION_TIMEOUT_S = 120;
const DEFAULT_TIMEOUT_S = 180;

function cmdlet(probed: Probed): ReadingCmdlet {
  const name = `Test-${probed.noun}Connectivity`;
  return {
    name,
    synopsis: `Logs on by ${probed.title} through the front door and tells whether it worked.`,
    description: probed.description,
    changes: false,
    parameters: PARAMETERS,
    examples: [
      { line: `${name} -LightMode`, says: 'Logs on to this server with its health mailbox.' },
      {
        line: `${name} -ClientAccessServer "<Server Name>" -ConnectionType Tls -LightMode`,
        says: 'The same over the port that begins in the clear.',
      },
    ],
    roles: [...MAY_RESET, 'View-Only Organization Management'],
    columns: ['CasServer', 'LocalSite', 'Scenario', 'Result', 'Latency(MS)', 'Error'],
    run: (call) => run(probed, call),
  };
}

/**
 * Whoever may only read may not have this server connect wherever he likes, nor send the health mailbox's password to
 * whatever listens on a port of his choice.
 */
function checkMayReach({ args, caller, services }: CmdletCall, probed: Probed, place: Place): void {
  const wanted = args.optional(port) ?? 0;
  if (place.server === null && !caller.roles.some((role) => MAY_RESET.includes(role))) {
    throw new Failure('NOPERM', `hosts outside the organization are tested by members of ${MAY_RESET.join(' or ')}`);
  }
  const { running, server } = services;
  if (wanted === 0 || place.server === null || args.has(mailboxCredential)) return;
  const doors = place.server.id === server.id ? (running?.frontDoor(probed.protocol) ?? []) : [];
  if (doors.some((door) => door.port === wanted)) return;
  const ports = doors.map((door) => door.port).join(', ');
  throw new Failure(
    'CANNOT',
    `the health mailbox logs on at this server's own ports only${ports === '' ? '' : ` (${ports})`}; for port ${wanted} give -MailboxCredential`,
  );
}

async function* run(probed: Probed, call: CmdletCall): AsyncIterable<CmdletObject> {
  const { args, services } = call;
  const kind = args.optional(connectionType) ?? 'Ssl';
  const place = await placeOf(services, args.optional(clientAccessServer));
  checkMayReach(call, probed, place);
  const light = args.optional(lightMode) ?? false;
  const facts = describe(probed, place, kind);
  const skipped = await reasonToSkip(call, place);
  if (skipped !== null) {
    yield { ...facts, Result: 'Skipped', 'Latency(MS)': '', Error: skipped };
    return;
  }
  const { credential, address } = await credentialFor(call, place);
  const target = await targetOf(probed, call, place, kind, args.optional(port) ?? 0);
  const submission = light ? null : await submissionOf(call, place);
  const { result, latencyMs, error } = await testConnectivity({
    protocol: probed.protocol,
    target,
    submission: probed.protocol === 'smtp' && !light ? target : submission,
    credential,
    address,
    perConnectionTimeoutMs: (args.optional(perConnectionTimeout) || DEFAULT_CONNECTION_TIMEOUT_S) * 1000,
    timeoutMs: (args.optional(timeout) || DEFAULT_TIMEOUT_S) * 1000,
    signal: call.signal,
  });
  yield {
    ...facts,
    Port: target.port,
    Result: result,
    'Latency(MS)': { text: latencyMs.toFixed(2), value: latencyMs },
    Error: error,
    UserName: credential.user,
  };
}

/** A server of the organization, or just a host. */
interface Place {
  readonly server: Server | null;
  readonly host: string;
  readonly site: string;
}

async function placeOf(services: ManagementServices, name: string | undefined): Promise<Place> {
  const { directory } = services;
  const wanted = name?.toLowerCase() ?? services.server.name.toLowerCase();
  const server = (await directory.servers()).find(
    (one) => one.name.toLowerCase() === wanted || one.fqdn.toLowerCase() === wanted,
  );
  if (server === undefined) return { server: null, host: name ?? '', site: '' };
  const site = (await directory.sites()).find((one) => one.id === server.site)?.name ?? '';
  return { server, host: server.fqdn, site };
}

function describe(probed: Probed, place: Place, kind: ConnectionType): CmdletObject {
  const short = place.server?.name ?? place.host;
  return {
    CasServer: short,
    LocalSite: place.site,
    Scenario: `Test ${probed.title} Connectivity`,
    Result: '',
    'Latency(MS)': '',
    Error: '',
    ClientAccessServer: place.host,
    ClientAccessServerShortName: short,
    ConnectionType: kind,
    SecureAccess: kind !== 'Plaintext',
    Port: 0,
    ScenarioDescription: probed.description,
    PerformanceCounterName: `${probed.noun}Connectivity-Latency`,
    UserName: '',
  };
}

async function reasonToSkip({ args, services }: CmdletCall, place: Place): Promise<string | null> {
  if (place.server?.id !== services.server.id || services.running !== null) return null;
  return args.has(mailboxCredential)
    ? null
    : 'no server runs on this data directory, so it has no health mailbox; start it, or give -MailboxCredential';
}

async function credentialFor(
  call: CmdletCall,
  place: Place,
): Promise<{ readonly credential: ProbeCredential; readonly address: string }> {
  const { args, services } = call;
  const typed = args.optional(mailboxCredential);
  if (typed !== undefined) {
    const colon = typed.indexOf(':');
    const user = typed.slice(0, colon);
    const account = await services.directory.accountByLogonName(user);
    const address = account?.mailbox?.primaryAddress ?? (user.includes('@') ? user : `${user}@${place.host}`);
    return { credential: { user, password: typed.slice(colon + 1) }, address };
  }
  if (place.server === null || services.running === null) {
    throw new Failure(
      'CANNOT',
      `${place.host} is no server of this organization: say who logs on with -MailboxCredential user:password`,
    );
  }
  // Whoever may only read would have the password of a real mailbox sent to a host of his own.
  if (args.has(smtpServer))
    throw new Failure(
      'CANNOT',
      '-SmtpServer needs -MailboxCredential: the health mailbox logs on to our own servers only',
    );
  const resets = args.optional(resetCredentials) ?? false;
  if (resets && !call.caller.roles.some((role) => MAY_RESET.includes(role)))
    throw new Failure('NOPERM', `-ResetTestAccountCredentials is a change, for members of ${MAY_RESET.join(' or ')}`);
  const credential = await services.running.probeCredential(resets);
  return { credential, address: credential.user };
}

async function targetOf(
  probed: Probed,
  call: CmdletCall,
  place: Place,
  kind: ConnectionType,
  wantedPort: number,
): Promise<ProbeTarget> {
  const { running, server } = call.services;
  const trust = { serverName: place.host, trustAny: call.args.optional(trustAny) ?? false };
  const authorities = running === null ? [] : [await running.authorityPem()];
  const usual = kind === 'Ssl' ? probed.sslPort : probed.plainPort;
  if (place.server === null || place.server.id !== server.id || running === null) {
    const port = wantedPort === 0 ? usual : wantedPort;
    return { host: place.host, port, connectionType: kind, ...trust, authorities };
  }
  const security = kind === 'Ssl' ? 'ssl' : 'starttls';
  const doors = running.frontDoor(probed.protocol).filter((door) => wantedPort === 0 || door.port === wantedPort);
  const door = doors.find((one) => one.security === security);
  return {
    // A closed port is tried all the same: the refusal is the result.
    host: door?.host ?? '127.0.0.1',
    port: door?.port ?? (wantedPort === 0 ? usual : wantedPort),
    connectionType: kind,
    ...trust,
    authorities,
  };
}

async function submissionOf(call: CmdletCall, place: Place): Promise<ProbeTarget> {
  const { running, server } = call.services;
  const named = call.args.optional(smtpServer);
  const trust = { serverName: place.host, trustAny: call.args.optional(trustAny) ?? false };
  const authorities = running === null ? [] : [await running.authorityPem()];
  if (named !== undefined) {
    const colon = named.lastIndexOf(':');
    const host = named.slice(0, colon);
    const number = Number(named.slice(colon + 1));
    return {
      host,
      port: number,
      connectionType: number === 465 ? 'Ssl' : 'Tls',
      ...trust,
      serverName: host,
      authorities,
    };
  }
  if (place.server === null) {
    throw new Failure(
      'CANNOT',
      `say where the test message is submitted with -SmtpServer host:port, or use -LightMode`,
    );
  }
  if (place.server.id !== server.id || running === null) {
    return { host: place.host, port: 587, connectionType: 'Tls', ...trust, authorities };
  }
  const door = running.submissionDoor();
  if (door === null) throw new Failure('UNAVAILABLE', 'no receive connector takes submission now; use -LightMode');
  const connection = door.security === 'ssl' ? 'Ssl' : 'Tls';
  return { host: door.host, port: door.port, connectionType: connection, ...trust, authorities };
}

export const testConnectivityCmdlets: readonly ReadingCmdlet[] = [
  cmdlet({
    protocol: 'imap',
    noun: 'Imap',
    title: 'IMAP4',
    sslPort: 993,
    plainPort: 143,
    description:
      'Connects, searches for the test message it has sent, deletes it and any older than 24 hours. With -LightMode it only logs on.',
  }),
  cmdlet({
    protocol: 'pop3',
    noun: 'Pop',
    title: 'POP3',
    sslPort: 995,
    plainPort: 110,
    description: 'Connects, finds the test message it has sent, deletes it. With -LightMode it only logs on.',
  }),
  cmdlet({
    protocol: 'smtp',
    noun: 'Smtp',
    title: 'SMTP',
    sslPort: 465,
    plainPort: 587,
    description: 'Connects, logs on, submits a test message to the same mailbox. Not in Exchange.',
  }),
];
