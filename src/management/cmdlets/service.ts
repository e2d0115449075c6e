/**
 * Get-/Set-/Start-/Stop-Service: the components of a server by their own and by Exchange's display and short names
 * (exchange-behaviour.md §4). A front end without its back end refuses everybody, and forgetting the second service is
 * the classic mistake (§13): one name moves both, -Only moves one, as Exchange has it.
 */
import type { RoleGroup, Server, ServiceName, ServiceState } from '../../directory/model.ts';
import { type ServiceFacts, serviceByName, serviceFacts, SERVICES, servicesOf } from '../../directory/services.ts';
import { boolean, enumeration, listOf, text } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type {
  Arguments,
  ChangingCmdlet,
  Cmdlet,
  CmdletCall,
  CmdletObject,
  Parameter,
  Plan,
  ReadingCmdlet,
} from '../cmdlet.ts';
import { serverOf, serverParameter } from './identity.ts';
import { like } from './opath-filter.ts';
import { applying } from './results.ts';
import { openSessions, runningOn } from './running-server.ts';

const MAY_CHANGE: readonly RoleGroup[] = ['Organization Management', 'Server Management'];
const MAY_READ: readonly RoleGroup[] = [...MAY_CHANGE, 'View-Only Organization Management'];

/** The running server follows the directory within a second; opening ports may take a little longer. */
const FOLLOWS_MS = 5000;
const LOOK_AGAIN_MS = 25;

const namesOf = (facts: ServiceFacts): readonly string[] => [
  facts.service,
  ...facts.exchangeShortNames,
  facts.displayName,
  ...(facts.exchangeDisplayName === null ? [] : [facts.exchangeDisplayName]),
];

function nameParameter(required: boolean): Parameter<readonly string[]> {
  return {
    name: 'Name',
    aliases: ['DisplayName', 'ServiceName', 'Identity'],
    type: listOf(
      text({ min: 1, max: 100, accepts: 'a service such as pop3, MSExchangePOP3, "Microsoft Exchange POP3"' }),
    ),
    position: 1,
    required,
    fromPipeline: true,
    help: `One or several services by short or display name, ours or Exchange's; * stands for any characters.${required ? '' : ' Without it: all.'}`,
    complete: () => Promise.resolve(SERVICES.flatMap(namesOf)),
  };
}
const anyName = nameParameter(false);
const name = nameParameter(true);
const server: Parameter<string> = { ...serverParameter, aliases: ['ComputerName', 'MachineName'] };
const only: Parameter<boolean> = {
  name: 'Only',
  type: boolean,
  isSwitch: true,
  help: 'The named services and no others, as Exchange does. Without it the back end of a named front end goes along.',
};

/** @throws Failure NONEXISTENT: no such service, or not with the roles of this server */
function servicesNamed(at: Server, typed: readonly string[] | undefined): readonly ServiceFacts[] {
  const here = servicesOf(at);
  if (typed === undefined) return here;
  const found = new Set<ServiceFacts>();
  for (const one of typed) {
    const matching = one.includes('*') ? here.filter((facts) => namesOf(facts).some(like(one))) : [serviceByName(one)];
    if (matching.length === 0) throw new Failure('NONEXISTENT', `no service of ${at.name} is like ${one}`);
    for (const facts of matching) {
      if (!here.includes(facts))
        throw new Failure('NONEXISTENT', `${at.name} has no service ${facts.service}: it lacks the role`);
      found.add(facts);
    }
  }
  return here.filter((facts) => found.has(facts));
}

/** The back end of each named front end, too. */
function withCounterparts(at: Server, named: readonly ServiceFacts[], args: Arguments): readonly ServiceFacts[] {
  if (args.optional(only) === true) return named;
  const wanted = new Set<ServiceName>();
  for (const facts of named) {
    wanted.add(facts.service);
    if (facts.side === 'frontEnd' && facts.counterpart !== null) wanted.add(facts.counterpart);
  }
  return servicesOf(at).filter((facts) => wanted.has(facts.service));
}

interface Reality {
  readonly running: boolean;
  /** Why it does not do what it should. */
  readonly problem: string | null;
}

async function realityOf(call: CmdletCall, at: Server): Promise<(state: ServiceState) => Reality> {
  const status = await runningOn(call.services, at)?.status();
  return (state) => {
    if (status === undefined) {
      const problem = at.id === call.services.server.id ? 'no server runs: penfold serve' : 'seen from another server';
      return { running: false, problem: state.running ? problem : null };
    }
    const running = status.services.find((one) => one.service === state.service)?.running ?? false;
    const problem = status.problems.find((one) => one.service === state.service)?.text ?? null;
    return { running, problem };
  };
}

function shown(at: Server, state: ServiceState, reality: Reality): CmdletObject {
  const facts = serviceFacts(state.service);
  return {
    Status: reality.running ? 'Running' : 'Stopped',
    Name: facts.service,
    DisplayName: facts.displayName,
    StartType: state.startupType,
    Wanted: state.running ? 'Running' : 'Stopped',
    Problem: reality.problem,
    ExchangeName: facts.exchangeShortNames[0] ?? null,
    ExchangeDisplayName: facts.exchangeDisplayName,
    Side: facts.side === 'frontEnd' ? 'front end' : 'back end',
    Server: at.name,
  };
}

const getService: ReadingCmdlet = {
  name: 'Get-Service',
  changes: false,
  synopsis: 'Shows the services of a server, whether they run and how they start.',
  description: 'Status is what really runs; Wanted is what an admin has asked for. Problem says why the two differ.',
  parameters: [anyName, server],
  examples: [
    { line: 'Get-Service', says: 'All services.' },
    { line: 'Get-Service MSExchangePOP3,MSExchangePOP3BE', says: 'The two of POP3, by the names Exchange has.' },
    { line: 'Get-Service "Microsoft Exchange IMAP4*"', says: 'The two of IMAP4, by display name.' },
  ],
  roles: MAY_READ,
  columns: ['Status', 'Name', 'DisplayName', 'StartType'],
  async *run(call) {
    const at = await serverOf(call.services, call.args);
    const named = servicesNamed(at, call.args.optional(anyName)).map((facts) => facts.service);
    const reality = await realityOf(call, at);
    for (const state of await call.services.directory.services(at.id))
      if (named.includes(state.service)) yield shown(at, state, reality(state));
  },
};

const startupType = enumeration(['Automatic', 'Manual', 'Disabled']);
const startupParameter: Parameter<ServiceState['startupType']> = {
  name: 'StartupType',
  aliases: ['StartMode', 'StartType'],
  type: startupType,
  help: 'Automatic: starts with the server. Manual: when an admin starts it. Disabled: not at all.',
};
const statusParameter: Parameter<'Running' | 'Stopped'> = {
  name: 'Status',
  type: enumeration(['Running', 'Stopped']),
  help: 'Starts or stops the service now.',
};

type ServicePatch = Partial<Omit<ServiceState, 'service'>>;

/** @throws Failure CANNOT when a disabled service is to run */
async function planFor(call: CmdletCall, verb: string, patch: ServicePatch): Promise<Plan> {
  const { directory } = call.services;
  const at = await serverOf(call.services, call.args);
  const named = servicesNamed(at, call.args.get(name));
  const both = withCounterparts(at, named, call.args);
  const states = await directory.services(at.id);
  const texts: string[] = [];
  const along: string[] = [];
  const toChange: ServiceName[] = [];
  for (const { service } of both) {
    const state = states.find((one) => one.service === service);
    if (state === undefined) continue;
    const next = { ...state, ...patch };
    if (patch.running === true && next.startupType === 'Disabled')
      throw new Failure('CANNOT', `${service} is disabled. First: Set-Service ${service} -StartupType Manual`);
    const parts: string[] = [];
    if (next.startupType !== state.startupType) parts.push(`StartupType ${state.startupType} → ${next.startupType}`);
    if (next.running !== state.running)
      parts.push(`Status ${state.running ? 'Running' : 'Stopped'} → ${next.running ? 'Running' : 'Stopped'}`);
    if (parts.length === 0) continue;
    toChange.push(service);
    texts.push(`${service}: ${parts.join(', ')}`);
    if (!named.some((facts) => facts.service === service)) along.push(service);
  }
  if (along.length > 0)
    call.warn(`${along.join(', ')} goes along: one side without the other serves nobody (-Only leaves it as it is)`);
  const ended = patch.running === false ? sessionsOf(call, at, toChange) : 0;
  const sessions = ended === 0 ? '' : `. ${ended} open session${ended === 1 ? ' ends' : 's end'}`;
  return {
    what: `${verb} Service of server ${at.name}: ${texts.join('; ') || 'nothing to change, it is so already'}${sessions}`,
    dangerous: ended > 0,
    apply: () =>
      applying(async () => {
        // The back end first when starting, last when stopping: no client meets a front end without one.
        for (const service of patch.running === false ? toChange : toChange.toReversed())
          await directory.setService(at.id, service, patch);
        if (patch.running !== undefined) await followed(call, at, toChange, patch.running);
        if (patch.running === true) await warnOfMissingSide(call, at, both);
      }),
  };
}

function sessionsOf(call: CmdletCall, at: Server, services: readonly ServiceName[]): number {
  const count = (protocol: 'imap' | 'pop3' | 'smtp', ...names: ServiceName[]): number =>
    names.some((one) => services.includes(one)) ? openSessions(call.services, at, protocol) : 0;
  return (
    count('pop3', 'pop3', 'pop3-backend') +
    count('imap', 'imap4', 'imap4-backend') +
    count('smtp', 'frontend-transport')
  );
}

/** Returns when the running server does it, as PowerShell does; says why when it does not. */
async function followed(
  call: CmdletCall,
  at: Server,
  services: readonly ServiceName[],
  running: boolean,
): Promise<void> {
  if (services.length === 0) return;
  if (runningOn(call.services, at) === null) {
    if (at.id === call.services.server.id) call.warn('no server runs: it counts when one is started (penfold serve)');
    return;
  }
  const deadline = performance.now() + FOLLOWS_MS;
  for (;;) {
    const reality = await realityOf(call, at);
    const states = await call.services.directory.services(at.id);
    const behind = states.filter((state) => services.includes(state.service) && reality(state).running !== running);
    if (behind.length === 0) return;
    if (performance.now() > deadline || call.signal.aborted) {
      for (const state of behind)
        call.warn(
          `${state.service} ${running ? 'does not run yet' : 'still runs'}: ${reality(state).problem ?? 'no reason is known'}`,
        );
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

/** With -Only a front end may be left without its back end. */
async function warnOfMissingSide(call: CmdletCall, at: Server, started: readonly ServiceFacts[]): Promise<void> {
  const states = await call.services.directory.services(at.id);
  for (const { service, counterpart } of started) {
    const other = states.find((state) => state.service === counterpart);
    if (other?.running === false) call.warn(`${other.service} is stopped: ${service} alone serves nobody`);
  }
}

const setService: ChangingCmdlet = {
  name: 'Set-Service',
  changes: true,
  synopsis: 'Says how services start.',
  parameters: [name, startupParameter, statusParameter, only, server],
  examples: [
    { line: 'Set-Service MSExchangePOP3 -StartupType Automatic', says: 'POP3 starts with the server, both sides.' },
    {
      line: 'Set-Service imap4 -StartupType Automatic -Status Running',
      says: 'Turns IMAP4 on for good, front end and back end.',
    },
    { line: 'Set-Service MSExchangePOP3BE -StartupType Manual -Only', says: 'One side only, as Exchange does it.' },
  ],
  roles: MAY_CHANGE,
  columns: [],
  plan(call) {
    const [startup, status] = [call.args.optional(startupParameter), call.args.optional(statusParameter)];
    return planFor(call, 'Set', {
      ...(startup === undefined ? {} : { startupType: startup }),
      ...(status === undefined ? {} : { running: status === 'Running' }),
    });
  },
};

const startService: ChangingCmdlet = {
  name: 'Start-Service',
  changes: true,
  synopsis: 'Starts services, a front end with its back end.',
  parameters: [name, only, server],
  examples: [
    { line: 'Start-Service MSExchangeIMAP4', says: 'Starts IMAP4, front end and back end.' },
    { line: 'Start-Service "Microsoft Exchange POP3"', says: 'Starts POP3 by its display name.' },
    { line: 'Start-Service MSExchangePOP3,MSExchangePOP3BE', says: 'The two as Exchange needs them said.' },
  ],
  roles: MAY_CHANGE,
  columns: [],
  plan: (call) => planFor(call, 'Start', { running: true }),
};

const stopService: ChangingCmdlet = {
  name: 'Stop-Service',
  changes: true,
  synopsis: 'Stops services, a front end with its back end.',
  description: 'Asks when sessions are open: they end.',
  parameters: [name, only, server],
  examples: [
    { line: 'Stop-Service MSExchangePOP3', says: 'Stops POP3, front end and back end.' },
    { line: 'Get-Service pop3* | Stop-Service -WhatIf', says: 'Shows what would be stopped.' },
  ],
  roles: MAY_CHANGE,
  columns: [],
  plan: (call) => planFor(call, 'Stop', { running: false }),
};

const restartService: ChangingCmdlet = {
  name: 'Restart-Service',
  changes: true,
  synopsis: 'Stops and starts services, a front end with its back end.',
  description: 'No setting needs it: each counts within a second. It ends all sessions of the service.',
  parameters: [name, only, server],
  examples: [{ line: 'Restart-Service MSExchangeIMAP4 -WhatIf', says: 'Shows how many sessions would end.' }],
  roles: MAY_CHANGE,
  columns: [],
  async plan(call) {
    const stop = await planFor(call, 'Restart', { running: false });
    return {
      what: stop.what,
      dangerous: stop.dangerous,
      apply: () =>
        applying(async () => {
          for await (const _ of stop.apply());
          const start = await planFor(call, 'Restart', { running: true });
          for await (const _ of start.apply());
        }),
    };
  },
};

export const serviceCmdlets: readonly Cmdlet[] = [getService, setService, startService, stopService, restartService];
