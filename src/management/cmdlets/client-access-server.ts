/** Get-/Set-ClientAccessServer: what the client-facing services of one server have in common (admin/load-balancers.md). */
import type { RoleGroup } from '../../directory/model.ts';
import { clientAccessServerSchema } from '../../directory/settings/client-access-server.ts';
import { narrowestMatch } from '../../directory/settings/ip-range.ts';
import { checkScope } from '../../directory/settings/rules.ts';
import type { ChangingCmdlet, Cmdlet, ReadingCmdlet } from '../cmdlet.ts';
import { domainControllerParameter, serverOf, serverParameter } from './identity.ts';
import { applying } from './results.ts';
import {
  changesOf,
  patchFrom,
  planText,
  settingCells,
  settingParameters,
  warnOfEffects,
} from './settings-parameters.ts';

const MAY_CHANGE: readonly RoleGroup[] = ['Organization Management', 'Server Management'];
const MAY_READ: readonly RoleGroup[] = [...MAY_CHANGE, 'View-Only Organization Management'];
const PARAMETERS = settingParameters(clientAccessServerSchema);
/** Probes and one-shot clients of the machine itself come from here, and send no header. */
const LOOPBACK = ['127.0.0.1', '::1'] as const;
const server = { ...serverParameter, aliases: ['Identity'], position: 1 };

const getClientAccessServer: ReadingCmdlet = {
  name: 'Get-ClientAccessServer',
  aliases: ['Get-ClientAccessService'],
  changes: false,
  synopsis: 'Shows what the client-facing services of a server have in common.',
  parameters: [server, domainControllerParameter],
  examples: [{ line: 'Get-ClientAccessServer', says: 'The load balancers whose word counts.' }],
  roles: MAY_READ,
  columns: [],
  async *run({ args, services }) {
    const of = await serverOf(services, args);
    const settings = await services.directory.clientAccessServer(of.id);
    yield { Server: of.name, ...settingCells(clientAccessServerSchema, settings) };
  },
};

const setClientAccessServer: ChangingCmdlet = {
  name: 'Set-ClientAccessServer',
  aliases: ['Set-ClientAccessService'],
  changes: true,
  synopsis: 'Changes what the client-facing services of a server have in common.',
  description:
    'A load balancer in ProxyProtocolIPRanges is believed whatever client it names, and a connection from it without the header ends: name the balancers alone, and turn the header on there at the same time.',
  parameters: [server, ...PARAMETERS.map((one) => one.parameter), domainControllerParameter],
  examples: [
    {
      line: 'Set-ClientAccessServer -ProxyProtocolIPRanges 192.0.2.10,192.0.2.11',
      says: 'Two load balancers that send the PROXY protocol.',
    },
    {
      line: 'Set-ClientAccessServer -ProxyProtocolIPRanges @{Add="2001:db8::10"}',
      says: 'One more.',
    },
    { line: 'Set-ClientAccessServer -ProxyProtocolIPRanges $null', says: 'Nobody is believed any more.' },
  ],
  roles: MAY_CHANGE,
  columns: [],
  async plan(call) {
    const { directory } = call.services;
    const of = await serverOf(call.services, call.args);
    const before = await directory.clientAccessServer(of.id);
    const patch = clientAccessServerSchema.check(patchFrom(call.args, PARAMETERS, before));
    checkScope(clientAccessServerSchema, patch, of);
    const changes = changesOf(clientAccessServerSchema, before, patch);
    const head = `Set ClientAccessServer ${of.name}`;
    const { proxyProtocolIpRanges } = clientAccessServerSchema.merge(before, patch);
    const shutOut = LOOPBACK.filter((address) => narrowestMatch(proxyProtocolIpRanges, address) !== null);
    if (changes.length > 0 && shutOut.length > 0)
      call.warn(
        `the ranges hold ${shutOut.join(' and ')}: programs and health probes of the server itself send no header and would be cut off`,
      );
    return {
      what: planText(head, changes),
      dangerous: changes.length > 0 && shutOut.length > 0,
      apply: () =>
        applying(async () => {
          if (changes.length > 0) await directory.setClientAccessServer(of.id, patch);
          warnOfEffects(call, head, changes, 0);
        }),
    };
  },
};

export const clientAccessServerCmdlets: readonly Cmdlet[] = [getClientAccessServer, setClientAccessServer];
