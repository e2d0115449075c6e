/**
 * Get-/Set-ServerComponentState: what of a server is out of service, and who took it out (exchange-behaviour.md §4).
 * A component is active only when every requester says so; who took it out gives it back.
 */
import { COMPONENT_REQUESTERS, componentsOf, inactiveBecauseOf } from '../../directory/components.ts';
import type { ComponentName, ComponentRequest, RoleGroup, Server } from '../../directory/model.ts';
import { enumeration } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type {
  Arguments,
  ChangingCmdlet,
  Cmdlet,
  CmdletObject,
  ManagementServices,
  Parameter,
  ReadingCmdlet,
} from '../cmdlet.ts';
import { domainControllerParameter, serverNamed, serverParameter } from './identity.ts';
import { applying } from './results.ts';

const MAY_CHANGE: readonly RoleGroup[] = ['Organization Management', 'Server Management'];
const MAY_READ: readonly RoleGroup[] = [...MAY_CHANGE, 'View-Only Organization Management'];

const identity: Parameter<string> = { ...serverParameter, name: 'Identity', aliases: ['Server'], position: 1 };
const component: Parameter<ComponentName> = {
  name: 'Component',
  type: enumeration(componentsOf({ frontEnd: true, backEnd: true })),
  fromPipeline: true,
  help: 'PopProxy and ImapProxy are the front ends of POP3 and IMAP4; ServerWideOffline takes everything with it.',
};
const requester: Parameter<ComponentRequest['requester']> = {
  name: 'Requester',
  type: enumeration(COMPONENT_REQUESTERS),
  required: true,
  help: 'Who asks. What one requester has made inactive only the same one makes active again.',
};
const state: Parameter<ComponentRequest['state']> = {
  name: 'State',
  type: enumeration(['Active', 'Inactive']),
  required: true,
  help: 'Inactive: clients are refused with a readable line; open sessions stay.',
};

const serverOf = (services: ManagementServices, args: Arguments): Promise<Server> => {
  const typed = args.optional(identity);
  return typed === undefined ? Promise.resolve(services.server) : serverNamed(services.directory, typed);
};

const requestText = (request: ComponentRequest): string =>
  `${request.requester}${request.component === 'ServerWideOffline' ? ' (ServerWideOffline)' : ''} since ${new Date(request.at).toISOString()}`;

function shown(server: Server, name: ComponentName, requests: readonly ComponentRequest[]): CmdletObject {
  const against = inactiveBecauseOf(requests, name);
  return {
    Identity: server.name,
    Component: name,
    State: against.length === 0 ? 'Active' : 'Inactive',
    InactiveBecauseOf: against.map(requestText),
    Requests: requests
      .filter((request) => request.component === name)
      .map((request) => `${request.requester}: ${request.state} since ${new Date(request.at).toISOString()}`),
  };
}

/** @throws Failure CANNOT */
function checkHas(server: Server, name: ComponentName): void {
  if (!componentsOf(server).includes(name)) throw new Failure('CANNOT', `${server.name} has no component ${name}`);
}

const getState: ReadingCmdlet = {
  name: 'Get-ServerComponentState',
  changes: false,
  synopsis: 'Shows which components of a server take clients, and who has taken one out of service.',
  parameters: [identity, { ...component, fromPipeline: false }, domainControllerParameter],
  examples: [
    { line: 'Get-ServerComponentState <Server Name>', says: 'All components.' },
    { line: 'Get-ServerComponentState -Component ImapProxy | Format-List', says: 'One, with all requests.' },
  ],
  roles: MAY_READ,
  columns: ['Component', 'State', 'InactiveBecauseOf'],
  async *run({ args, services }) {
    const server = await serverOf(services, args);
    const wanted = args.optional(component);
    if (wanted !== undefined) checkHas(server, wanted);
    const requests = await services.directory.componentRequests(server.id);
    for (const name of componentsOf(server))
      if (wanted === undefined || wanted === name) yield shown(server, name, requests);
  },
};

const setState: ChangingCmdlet = {
  name: 'Set-ServerComponentState',
  changes: true,
  synopsis: 'Takes a component of a server out of service, or gives it back.',
  parameters: [identity, { ...component, required: true }, requester, state, domainControllerParameter],
  examples: [
    {
      line: 'Set-ServerComponentState <Server Name> -Component PopProxy -Requester Maintenance -State Inactive -WhatIf',
      says: 'Shows what it would mean to take POP3 out of service.',
    },
    {
      line: 'Set-ServerComponentState <Server Name> -Component PopProxy -Requester HealthAPI -State Active',
      says: 'Gives back what automatic recovery has taken out.',
    },
  ],
  roles: MAY_CHANGE,
  columns: [],
  async plan(call) {
    const { directory } = call.services;
    const server = await serverOf(call.services, call.args);
    const request = {
      component: call.args.get(component),
      requester: call.args.get(requester),
      state: call.args.get(state),
    };
    checkHas(server, request.component);
    const now = await directory.componentRequests(server.id);
    const same = now.find((one) => one.component === request.component && one.requester === request.requester);
    const before = same?.state ?? 'Active';
    const others = inactiveBecauseOf(now, request.component).filter((one) => one !== same);
    return {
      what: `Set ServerComponentState of server ${server.name}: ${request.component} for ${request.requester} ${before} → ${request.state}`,
      dangerous: request.state === 'Inactive' && before !== 'Inactive',
      apply: () =>
        applying(async () => {
          await directory.setComponentRequest(server.id, request);
          if (request.state === 'Active' && others.length > 0)
            call.warn(`${request.component} stays inactive: ${others.map(requestText).join(', ')}`);
        }),
    };
  },
};

export const serverComponentStateCmdlets: readonly Cmdlet[] = [getState, setState];
