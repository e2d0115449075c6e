/**
 * Get-/Set-PopSettings and Get-/Set-ImapSettings from one pattern: the two differ in their schema and their service.
 * What a Set would break is found before it is made (exchange-behaviour.md §1.3, §13).
 */
import type { Directory } from '../../directory/api.ts';
import type { MailProtocolSettings, RoleGroup, Server, ServerId, ServiceName } from '../../directory/model.ts';
import { checkMailProtocolSettings, checkScope, mailProtocolWarnings } from '../../directory/settings/rules.ts';
import type { SettingsSchema } from '../../directory/settings/schema.ts';
import type { ChangingCmdlet, Cmdlet, CmdletCall, ReadingCmdlet } from '../cmdlet.ts';
import { checkPlace } from '../server-places.ts';
import { domainControllerParameter, serverOf, serverParameter } from './identity.ts';
import { applying } from './results.ts';
import {
  checkCertificateName,
  checkNewBindings,
  openSessions,
  warnOfUncovered,
  warnOfUnwritable,
} from './running-server.ts';
import {
  changesOf,
  patchFrom,
  planText,
  settingCells,
  settingParameters,
  warnOfEffects,
} from './settings-parameters.ts';

interface ProtocolNoun<S extends MailProtocolSettings> {
  readonly noun: 'PopSettings' | 'ImapSettings';
  /** The noun in names of cmdlets that only documentation has (exchange-behaviour.md §12). */
  readonly otherNouns: readonly string[];
  readonly title: 'POP3' | 'IMAP4';
  /** As sessions name it. */
  readonly protocol: 'pop3' | 'imap';
  readonly service: ServiceName;
  readonly schema: SettingsSchema<S>;
  read(directory: Directory, server: ServerId): Promise<S>;
  write(directory: Directory, server: ServerId, patch: Partial<S>): Promise<S>;
  readonly getExamples: Cmdlet['examples'];
  readonly setExamples: Cmdlet['examples'];
}

/** The role `POP3 and IMAP4 Protocols` belongs to these groups (§1.1). */
const MAY_CHANGE: readonly RoleGroup[] = ['Organization Management', 'Server Management'];
const MAY_READ: readonly RoleGroup[] = [...MAY_CHANGE, 'View-Only Organization Management'];

const MISNOMERS = [
  'MaxConnectionsFromSingleIP',
  'ProtocolLoggingEnabled',
  'ExternalConnectionSetting',
  'InternalConnectionSetting',
];

export function mailProtocolCmdlets<S extends MailProtocolSettings>(facts: ProtocolNoun<S>): readonly Cmdlet[] {
  return [getCmdlet(facts), setCmdlet(facts)];
}

function getCmdlet<S extends MailProtocolSettings>(facts: ProtocolNoun<S>): ReadingCmdlet {
  return {
    name: `Get-${facts.noun}`,
    aliases: facts.otherNouns.map((noun) => `Get-${noun}`),
    changes: false,
    synopsis: `Shows the ${facts.title} settings of a server.`,
    description:
      'There is one set of values for each server and protocol; a mailbox may have its own for some (Get-CASMailbox).',
    parameters: [{ ...serverParameter, aliases: ['Identity'], position: 1 }, domainControllerParameter],
    examples: facts.getExamples,
    roles: MAY_READ,
    columns: ['Server', 'UnencryptedOrTLSBindings', 'SSLBindings', 'LoginType', 'X509CertificateName'],
    async *run({ args, services }) {
      const server = await serverOf(services, args);
      const settings = await facts.read(services.directory, server.id);
      yield { Server: server.name, ...settingCells(facts.schema, settings) };
    },
  };
}

function setCmdlet<S extends MailProtocolSettings>(facts: ProtocolNoun<S>): ChangingCmdlet {
  const parameters = settingParameters(facts.schema, { misnomers: MISNOMERS });
  return {
    name: `Set-${facts.noun}`,
    aliases: facts.otherNouns.map((noun) => `Set-${noun}`),
    changes: true,
    synopsis: `Changes the ${facts.title} settings of a server.`,
    description: [
      'A change counts within a second; nothing has to be restarted. Each parameter says what becomes of open sessions.',
      'Lists: v1,v2 replaces the list, @{Add=…;Remove=…} edits it, $null empties it.',
      'A certificate name that no certificate covers and an address or port that cannot be listened on are refused. Connection settings that match no binding are taken with a warning: a load balancer may map ports.',
    ].join('\n\n'),
    parameters: [
      { ...serverParameter, aliases: ['Identity'] },
      ...parameters.map((one) => one.parameter),
      domainControllerParameter,
    ],
    examples: facts.setExamples,
    roles: MAY_CHANGE,
    columns: [],
    async plan(call) {
      const { directory } = call.services;
      const server = await serverOf(call.services, call.args);
      const before = await facts.read(directory, server.id);
      const patch = facts.schema.check(patchFrom(call.args, parameters, before));
      const after = facts.schema.merge(before, patch);
      const changes = changesOf(facts.schema, before, patch);
      checkScope(facts.schema, patch, server);
      checkMailProtocolSettings(after);
      if (after.logFileLocation !== before.logFileLocation)
        checkPlace(call.caller, 'LogFileLocation', after.logFileLocation);
      await checkAgainstMachine(call, facts, server, before, after);
      const head = `Set ${facts.noun} of server ${server.name}`;
      return {
        what: planText(head, changes),
        dangerous: await isDangerous(call, facts.service, server, before, after),
        apply: () =>
          applying(async () => {
            if (changes.length > 0) await facts.write(directory, server.id, patch);
            warnOfEffects(call, head, changes, openSessions(call.services, server, facts.protocol));
          }),
      };
    },
  };
}

async function checkAgainstMachine<S extends MailProtocolSettings>(
  call: CmdletCall,
  facts: ProtocolNoun<S>,
  server: Server,
  before: S,
  after: S,
): Promise<void> {
  const had = [...before.unencryptedOrTlsBindings, ...before.sslBindings];
  const { service } = facts;
  await checkNewBindings(call, {
    server,
    service,
    name: 'UnencryptedOrTLSBindings',
    before: had,
    after: after.unencryptedOrTlsBindings,
  });
  await checkNewBindings(call, { server, service, name: 'SSLBindings', before: had, after: after.sslBindings });
  if (after.x509CertificateName !== before.x509CertificateName)
    checkCertificateName(call, server, after.x509CertificateName);
  if (after.logFileLocation !== before.logFileLocation)
    await warnOfUnwritable(call, server, 'LogFileLocation', after.logFileLocation);
  const known = mailProtocolWarnings(before);
  for (const warning of mailProtocolWarnings(after)) if (!known.includes(warning)) call.warn(warning);
  const hosts = (settings: S): readonly string[] =>
    [...settings.externalConnectionSettings, ...settings.internalConnectionSettings]
      .filter((one) => one.encryption !== 'none')
      .map((one) => one.host);
  const told = hosts(before);
  warnOfUncovered(
    call,
    server,
    hosts(after).filter((host) => !told.includes(host)),
  );
}

/** Asked first: passwords in the clear, and a running service that nobody could reach any more. */
async function isDangerous(
  call: CmdletCall,
  service: ServiceName,
  server: Server,
  before: MailProtocolSettings,
  after: MailProtocolSettings,
): Promise<boolean> {
  if (after.loginType === 'PlainTextLogin' && before.loginType !== 'PlainTextLogin') return true;
  const count = (settings: MailProtocolSettings): number =>
    settings.sslBindings.length + settings.unencryptedOrTlsBindings.length;
  if (count(after) > 0 || count(before) === 0) return false;
  const states = await call.services.directory.services(server.id);
  return states.some((state) => state.service === service && state.running);
}
