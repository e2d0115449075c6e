/**
 * Components an admin or the server's own health checks take out of service (exchange-behaviour.md §4): which there
 * are, who may ask, and what several requests come to. Pure.
 */
import type { ComponentName, ComponentRequest, ComponentRequester, Server } from './model.ts';

export interface ComponentFacts {
  readonly component: ComponentName;
  /** The role that has it. */
  readonly side: 'frontEnd' | 'backEnd' | 'any';
}

export const COMPONENTS: readonly ComponentFacts[] = [
  { component: 'PopProxy', side: 'frontEnd' },
  { component: 'ImapProxy', side: 'frontEnd' },
  { component: 'FrontendTransport', side: 'frontEnd' },
  { component: 'HubTransport', side: 'backEnd' },
  { component: 'OwaProxy', side: 'frontEnd' },
  { component: 'ServerWideOffline', side: 'any' },
];

export const COMPONENT_REQUESTERS = [
  'HealthAPI',
  'Maintenance',
  'Sidelined',
  'Functional',
  'Deployment',
] as const satisfies readonly ComponentRequester[];

export function componentsOf(server: Pick<Server, 'frontEnd' | 'backEnd'>): readonly ComponentName[] {
  return COMPONENTS.filter(({ side }) => side === 'any' || server[side]).map(({ component }) => component);
}

/**
 * Requests that keep a component out of service; none: it is active. ServerWideOffline takes everything with it.
 * `requests` are those of one server.
 */
export function inactiveBecauseOf(
  requests: readonly ComponentRequest[],
  component: ComponentName,
): readonly ComponentRequest[] {
  return requests.filter(
    (request) =>
      request.state === 'Inactive' && (request.component === component || request.component === 'ServerWideOffline'),
  );
}
