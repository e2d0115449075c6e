/** `penfold service …`: what runs. A protocol's front end and back end are turned on and off in one step. */
import type { Command } from 'commander';
import type { DataLayout } from '../config/data-directory.ts';
import type { ServiceName } from '../directory/model.ts';
import { serviceFacts } from '../directory/services.ts';
import type { ControlClient } from '../management/control/client.ts';
import { actOnServices, type ServiceAction, servicesNamed } from '../management/services.ts';
import { localActor } from './local-actor.ts';
import { type DataOption, layoutOf, withData } from './options.ts';
import { CommandError, print, table } from './output.ts';

/** A running server follows within a second; longer than this, and something is wrong. */
const FOLLOW_MS = 5_000;
const LOOK_MS = 50;

const ACTIONS: ReadonlyArray<readonly [ServiceAction, string]> = [
  ['enable', 'start now and with every start of the server (Automatic)'],
  ['disable', 'stop now and do not start again (Disabled)'],
  ['start', 'start now; whether it starts with the server stays as it is'],
  ['stop', 'stop now; whether it starts with the server stays as it is'],
];

export function addService(program: Command): void {
  const service = program.command('service').description('turn POP3, IMAP4 and the other services on and off');
  withData(service.command('list'))
    .description('all services of this server')
    .addHelpText('after', '\nExample:\n  penfold service list')
    .action((options: DataOption) => list(layoutOf(options)));
  for (const [action, description] of ACTIONS) {
    withData(service.command(action))
      .description(description)
      .argument('<service>', 'pop3, imap4, frontend-transport, … or the name of one side: pop3-backend')
      .addHelpText('after', `\nExample:\n  penfold service ${action} imap4`)
      .action((name: string, options: DataOption) => act(layoutOf(options), name, action));
  }
}

async function list(layout: DataLayout): Promise<void> {
  const { openDirectory, ownServer } = await import('../main/open-directory.ts');
  const { readConfiguration } = await import('../config/read.ts');
  const { runningInstance } = await import('../main/instance.ts');
  const directory = await openDirectory(layout);
  try {
    const configuration = await readConfiguration(layout.configuration);
    const server = await ownServer(directory, configuration.server.name);
    const running = await (await runningInstance(layout, configuration))?.status();
    const states = await directory.services(server.id);
    const rows = states.map((state) => {
      const live = running?.services.find((one) => one.service === state.service);
      const ports = running?.listeners
        .filter((listener) => listener.service === state.service)
        .map((listener) => `${listener.port} (${listener.security})`);
      const now = live === undefined ? (state.running ? 'with the server' : 'no') : live.running ? 'yes' : 'no';
      return [state.service, serviceFacts(state.service).displayName, state.startupType, now, ports?.join(', ') ?? ''];
    });
    print(table(['SERVICE', 'NAME', 'STARTUP', 'RUNNING', 'PORTS'], rows));
    if (running === undefined) process.stderr.write('The server is not running.\n');
  } finally {
    await directory.close();
  }
}

async function act(layout: DataLayout, name: string, action: ServiceAction): Promise<void> {
  const { openDirectory, ownServer } = await import('../main/open-directory.ts');
  const { readConfiguration } = await import('../config/read.ts');
  const { runningInstance } = await import('../main/instance.ts');
  const { logPlace } = await import('../main/log.ts');
  const directory = await openDirectory(layout);
  try {
    const configuration = await readConfiguration(layout.configuration);
    const server = await ownServer(directory, configuration.server.name);
    const services = servicesNamed(server, name);
    const changed = await actOnServices(directory.as(localActor(`service ${action}`)), server, services, action);
    for (const state of changed) {
      print(`${state.service}: ${state.startupType}, ${state.running ? 'running' : 'stopped'}`);
    }
    const control = await runningInstance(layout, configuration);
    if (control === null) process.stderr.write('The server is not running; this applies when it starts.\n');
    else await follow(control, services, action === 'enable' || action === 'start', logPlace(layout, configuration));
  } finally {
    await directory.close();
  }
}

/** The server sees the change by itself; this only waits to say what came of it. */
async function follow(
  control: ControlClient,
  services: readonly ServiceName[],
  wanted: boolean,
  logFile: string,
): Promise<void> {
  const { setTimeout: delay } = await import('node:timers/promises');
  const until = performance.now() + FOLLOW_MS;
  const concerns = (service: string): boolean => services.some((one) => one === service);
  for (let seen = false; ; ) {
    const status = await control.status();
    const there = status.services.filter((one) => concerns(one.service)).every((one) => one.running === wanted);
    const problems = wanted ? status.problems.filter((one) => concerns(one.service)) : [];
    // Ports are opened one after the other: only the second look sees them all.
    if (seen && (there || problems.length > 0)) {
      for (const listener of status.listeners) {
        if (wanted && concerns(listener.service)) {
          print(`  listening on ${listener.host}:${listener.port} (${listener.security})`);
        }
      }
      if (problems.length > 0) throw new CommandError(problems.map((one) => one.text).join('\npenfold: '));
      return;
    }
    seen = there || problems.length > 0;
    if (performance.now() > until) {
      throw new CommandError('the running server could not follow', { next: `Its log says why: ${logFile}` });
    }
    await delay(LOOK_MS);
  }
}
