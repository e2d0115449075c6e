/** Get-/Set-TransportConfig: limits of the whole organization (exchange-behaviour.md §9.1). */
import type { RoleGroup, TransportConfig } from '../../directory/model.ts';
import { transportConfigSchema } from '../../directory/settings/transport-config.ts';
import type { ChangingCmdlet, Cmdlet, ReadingCmdlet } from '../cmdlet.ts';
import { domainControllerParameter } from './identity.ts';
import { applying } from './results.ts';
import {
  changesOf,
  patchFrom,
  planText,
  settingCells,
  settingParameters,
  warnOfEffects,
} from './settings-parameters.ts';

const MAY_CHANGE: readonly RoleGroup[] = ['Organization Management'];
const MAY_READ: readonly RoleGroup[] = [
  ...MAY_CHANGE,
  'Server Management',
  'Recipient Management',
  'View-Only Organization Management',
];
const PARAMETERS = settingParameters(transportConfigSchema);

const getTransportConfig: ReadingCmdlet = {
  name: 'Get-TransportConfig',
  changes: false,
  synopsis: 'Shows the limits of mail in the whole organization.',
  parameters: [domainControllerParameter],
  examples: [{ line: 'Get-TransportConfig', says: 'Largest messages, most recipients, the postmaster.' }],
  roles: MAY_READ,
  columns: [],
  async *run({ services }) {
    const organization = await services.directory.organization();
    yield { Identity: organization.name, ...settingCells<TransportConfig>(transportConfigSchema, organization) };
  },
};

const setTransportConfig: ChangingCmdlet = {
  name: 'Set-TransportConfig',
  changes: true,
  synopsis: 'Changes the limits of mail in the whole organization.',
  description:
    'The strictest limit wins: a receive connector may take less. Mail between people of the organization follows the limits of their mailboxes where they have some.',
  parameters: [...PARAMETERS.map((one) => one.parameter), domainControllerParameter],
  examples: [
    { line: 'Set-TransportConfig -MaxReceiveSize 25MB -MaxSendSize 25MB', says: 'Messages of 25 MB, in and out.' },
    { line: 'Set-TransportConfig -MaxRecipientEnvelopeLimit 1000', says: 'A thousand recipients of one message.' },
  ],
  roles: MAY_CHANGE,
  columns: [],
  async plan(call) {
    const { directory } = call.services;
    const before: TransportConfig = await directory.organization();
    const patch = transportConfigSchema.check(patchFrom(call.args, PARAMETERS, before));
    const changes = changesOf(transportConfigSchema, before, patch);
    const head = 'Set TransportConfig';
    return {
      what: planText(head, changes),
      dangerous: false,
      apply: () =>
        applying(async () => {
          if (changes.length > 0) await directory.setOrganization(patch);
          warnOfEffects(call, head, changes, 0);
        }),
    };
  },
};

export const transportConfigCmdlets: readonly Cmdlet[] = [getTransportConfig, setTransportConfig];
