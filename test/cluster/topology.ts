/**
 * Who stands where: two sites, in each two front ends, two back ends and a PostgreSQL with a mailbox database; the
 * directory's PostgreSQL stands in the first. Addresses exist in network namespaces of this run only.
 */

export const DOMAIN = 'example.test';
export type SiteName = 'East' | 'West';
export type ServerName = 'FE-E1' | 'FE-E2' | 'BE-E1' | 'BE-E2' | 'FE-W1' | 'FE-W2' | 'BE-W1' | 'BE-W2';
export type DataName = 'DIRECTORY' | 'MAIL-E' | 'MAIL-W';
export type ClientName = 'CLIENT-E' | 'CLIENT-W';
export type HostName = ServerName | DataName | ClientName;

interface Place {
  readonly site: SiteName;
  readonly address: string;
}
export interface ServerPlace extends Place {
  readonly frontEnd: boolean;
  readonly backEnd: boolean;
}

export const SITES: Readonly<Record<SiteName, { readonly network: string; readonly gateway: string }>> = {
  East: { network: '10.99.1.0/24', gateway: '10.99.1.1' },
  West: { network: '10.99.2.0/24', gateway: '10.99.2.1' },
};

const frontEnd = { frontEnd: true, backEnd: false } as const;
const backEnd = { frontEnd: false, backEnd: true } as const;
export const SERVERS: Readonly<Record<ServerName, ServerPlace>> = {
  'BE-E1': { site: 'East', address: '10.99.1.21', ...backEnd },
  'BE-E2': { site: 'East', address: '10.99.1.22', ...backEnd },
  'FE-E1': { site: 'East', address: '10.99.1.11', ...frontEnd },
  'FE-E2': { site: 'East', address: '10.99.1.12', ...frontEnd },
  'BE-W1': { site: 'West', address: '10.99.2.21', ...backEnd },
  'BE-W2': { site: 'West', address: '10.99.2.22', ...backEnd },
  'FE-W1': { site: 'West', address: '10.99.2.11', ...frontEnd },
  'FE-W2': { site: 'West', address: '10.99.2.12', ...frontEnd },
};
const DATA: Readonly<Record<DataName, Place>> = {
  DIRECTORY: { site: 'East', address: '10.99.1.31' },
  'MAIL-E': { site: 'East', address: '10.99.1.32' },
  'MAIL-W': { site: 'West', address: '10.99.2.32' },
};
/** The tests themselves run on CLIENT-E. */
const CLIENTS: Readonly<Record<ClientName, Place>> = {
  'CLIENT-E': { site: 'East', address: '10.99.1.100' },
  'CLIENT-W': { site: 'West', address: '10.99.2.100' },
};
export const HOSTS: Readonly<Record<HostName, Place>> = { ...SERVERS, ...DATA, ...CLIENTS };

const namesOf = <N extends string>(record: Readonly<Record<N, unknown>>, isName: (text: string) => text is N): N[] =>
  Object.keys(record).filter(isName);
const isServerName = (text: string): text is ServerName => text in SERVERS;
const isHostName = (text: string): text is HostName => text in HOSTS;

/** In the order in which they are set up: back ends first, so that the first server can hold mailboxes. */
export const SERVER_NAMES: readonly ServerName[] = namesOf(SERVERS, isServerName);
export const HOST_NAMES: readonly HostName[] = namesOf(HOSTS, isHostName);
export const FRONT_ENDS: readonly ServerName[] = SERVER_NAMES.filter((name) => SERVERS[name].frontEnd);
export const BACK_ENDS: readonly ServerName[] = SERVER_NAMES.filter((name) => SERVERS[name].backEnd);

export const fqdnOf = (name: HostName): string => `${name.toLowerCase()}.${DOMAIN}`;

/** Contents of /etc/hosts on every host. */
export const hostsFile = (): string =>
  ['127.0.0.1 localhost', ...HOST_NAMES.map((name) => `${HOSTS[name].address} ${fqdnOf(name)}`), ''].join('\n');
