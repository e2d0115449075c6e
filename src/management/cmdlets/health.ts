/** Get-ServerHealth, Get-HealthReport and Invoke-MonitoringProbe (exchange-behaviour.md §4). */
import * as type from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type { CmdletCall, CmdletObject, Parameter, ReadingCmdlet } from '../cmdlet.ts';
import type { HealthEntry } from '../health/entry.ts';
import { PROBES } from '../health/probes.ts';
import type { RunningServices } from '../services-of-instance.ts';

const identity: Parameter<string> = {
  name: 'Identity',
  aliases: ['Server'],
  position: 1,
  type: type.text({ min: 1, max: 253, accepts: 'the name of this server' }),
  help: 'The server; it has to be the one this runs on.',
  complete: (services) => Promise.resolve([services.server.name]),
};
const HEALTH_SETS = [...new Set(PROBES.map((probe) => probe.healthSet))];
const healthSet: Parameter<string> = {
  name: 'HealthSet',
  type: type.enumeration(HEALTH_SETS),
  help: 'Only this health set.',
};
const refresh: Parameter<boolean> = {
  name: 'Refresh',
  type: type.boolean,
  isSwitch: true,
  help: 'Runs the probes now instead of showing how they last went. Not in Exchange.',
};
const probeIdentity: Parameter<string> = {
  name: 'Identity',
  position: 1,
  required: true,
  type: type.text({ min: 1, max: 100, accepts: 'HealthSet\\Probe, such as IMAP\\ImapCTPProbe' }),
  help: 'The probe, with or without its health set: IMAP\\ImapCTPProbe.',
  complete: () => Promise.resolve(PROBES.map((probe) => `${probe.healthSet}\\${probe.name}`)),
};
const probeServer: Parameter<string> = { ...identity, name: 'Server', aliases: [], position: 2 };

const ROLES = ['Organization Management', 'Server Management', 'View-Only Organization Management'] as const;

function runningServer(call: CmdletCall, name: string | undefined): RunningServices {
  const { running, server } = call.services;
  if (name !== undefined && name.toLowerCase() !== server.name.toLowerCase()) {
    throw new Failure('NONEXISTENT', `health is asked of the server itself; this one is ${server.name}`);
  }
  if (running === null)
    throw new Failure('UNAVAILABLE', 'no server runs on this data directory. Start it: penfold serve');
  return running;
}

const shown = (server: string, entry: HealthEntry): CmdletObject => ({
  Server: server,
  State: entry.state === 'Disabled' ? 'Offline' : 'Online',
  Name: entry.probe,
  HealthSetName: entry.healthSet,
  AlertValue: entry.state,
  'Latency(MS)': entry.latencyMs === null ? '' : { text: entry.latencyMs.toFixed(1), value: entry.latencyMs },
  Error: entry.error,
  LastRun: entry.at === null ? '' : new Date(entry.at).toISOString(),
  Since: new Date(entry.since).toISOString(),
  Description: entry.says,
});

async function entriesOf(call: CmdletCall): Promise<readonly HealthEntry[]> {
  const running = runningServer(call, call.args.optional(identity));
  const all = (call.args.optional(refresh) ?? false) ? await running.probeAll() : running.health();
  const only = call.args.optional(healthSet);
  return all.filter((entry) => only === undefined || entry.healthSet === only);
}

const RANK: ReadonlyArray<HealthEntry['state']> = ['Unhealthy', 'Unknown', 'Healthy', 'Disabled'];

export const healthCmdlets: readonly ReadingCmdlet[] = [
  {
    name: 'Get-ServerHealth',
    synopsis: 'How each probe of this server last went.',
    description:
      'Probes run every minute through the front door, as mail programs do. A probe of a service that an admin has stopped is Disabled.',
    changes: false,
    parameters: [identity, healthSet, refresh],
    examples: [
      { line: 'Get-ServerHealth', says: 'All probes.' },
      { line: 'Get-ServerHealth "<Server Name>" -HealthSet IMAP -Refresh', says: 'Probes IMAP4 now.' },
    ],
    roles: ROLES,
    columns: ['Server', 'State', 'Name', 'HealthSetName', 'AlertValue', 'Latency(MS)', 'Error'],
    async *run(call) {
      for (const entry of await entriesOf(call)) yield shown(call.services.server.name, entry);
    },
  },
  {
    name: 'Get-HealthReport',
    synopsis: 'The health sets of this server, each by its worst probe.',
    changes: false,
    parameters: [identity, healthSet, refresh],
    examples: [{ line: 'Get-HealthReport', says: 'One line a health set.' }],
    roles: ROLES,
    columns: ['Server', 'HealthSet', 'AlertValue', 'LastTransitionTime', 'MonitorCount'],
    async *run(call) {
      const sets = Map.groupBy(await entriesOf(call), (entry) => entry.healthSet);
      for (const [set, entries] of sets) {
        const worst = entries.toSorted((a, b) => RANK.indexOf(a.state) - RANK.indexOf(b.state))[0];
        if (worst === undefined) continue;
        yield {
          Server: call.services.server.name,
          HealthSet: set,
          AlertValue: worst.state,
          LastTransitionTime: new Date(worst.since).toISOString(),
          MonitorCount: entries.length,
          Error: worst.error,
        };
      }
    },
  },
  {
    name: 'Invoke-MonitoringProbe',
    synopsis: 'Runs one probe now and shows how it went.',
    changes: false,
    parameters: [probeIdentity, probeServer],
    examples: [{ line: 'Invoke-MonitoringProbe IMAP\\ImapCTPProbe', says: 'Logs on by IMAP4 as a person would.' }],
    roles: ['Organization Management', 'Server Management', 'View-Only Organization Management'],
    columns: [],
    async *run(call) {
      const running = runningServer(call, call.args.optional(probeServer));
      const typed = call.args.get(probeIdentity);
      const name = typed.slice(typed.lastIndexOf('\\') + 1);
      const entry = await running.probe(name);
      if (entry === null) {
        const names = PROBES.map((probe) => `${probe.healthSet}\\${probe.name}`).join(', ');
        throw new Failure('NONEXISTENT', `there is no probe ${typed}; there are: ${names}`);
      }
      yield shown(call.services.server.name, entry);
    },
  },
];
