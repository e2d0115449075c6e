/**
 * From nothing to a data directory that `penfold serve` runs: of the first server of an organization, or of one more.
 * `organization.key` is written last: a set-up that was interrupted does not count as one.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { DataLayout } from '../config/data-directory.ts';
import { configurationTemplate } from '../config/reference.ts';
import type { Directory } from '../directory/api.ts';
import { openPostgresDirectory } from '../directory/engine/postgres/directory.ts';
import type { Actor, DatabaseRecord, Server, Site } from '../directory/model.ts';
import { nameKey } from '../directory/names.ts';
import { Failure } from '../observe/failure.ts';
import { silentLog } from '../observe/log.ts';
import { createAuthority, writeAuthority } from '../tls/authority.ts';
import { KEY_FILE_MODE, writeWhole } from '../tls/key-file.ts';
import { openServerAuthority } from '../tls/server-authority.ts';
import { openCertificates } from './certificates.ts';
import { createData } from './create-data.ts';
import { type JoinToken, openJoinToken, redeemJoinToken } from './join-token.ts';
import { isSetUp, openDirectory, ownServer } from './open-directory.ts';
import {
  applyPorts,
  createDatabase,
  createOrganization,
  createServer,
  type OrganizationPlan,
  type PortPlan,
  type ServerPlan,
} from './organization.ts';
import { openOrganizationSecrets, OrganizationSecrets, writeSealingKey } from './organization-secrets.ts';

const DIRECTORY_URL_FILE = 'directory.url';
const CONFIGURATION_MODE = 0o640;

export interface SetUpServer {
  readonly server: Server;
  readonly site: Site;
  readonly database: DatabaseRecord | null;
  /** PEM of the authority that clients trust. */
  readonly authorityFile: string;
}

/** Where a server listens; null: the standard ports on all addresses. */
interface Places {
  readonly ports: PortPlan | null;
}

export interface FirstServer extends Places {
  readonly plan: OrganizationPlan;
  /** PostgreSQL, for an organization of several servers; null: an SQLite file in the data directory. */
  readonly directoryUrl: string | null;
}

export interface JoiningServer extends Places {
  readonly token: JoinToken;
  readonly plan: ServerPlan;
  readonly site: string;
  /** Makes the site when there is none of that name. */
  readonly createSite: boolean;
  /** Null: none. Undefined: named by number. */
  readonly database: string | null | undefined;
  /** For the audit log. */
  readonly actor: Actor;
}

/** @throws Failure ALREADYEXISTS, CANNOT, UNAVAILABLE (the directory) */
export async function setUpFirst(layout: DataLayout, request: FirstServer): Promise<SetUpServer> {
  const { plan, directoryUrl, ports } = request;
  refuseSecond(layout);
  await mkdir(layout.root, { recursive: true, mode: 0o700 });
  if (directoryUrl === null) {
    await createData(layout, plan, async (directory, { server }) => {
      if (ports !== null) await applyPorts(directory, server, ports);
    });
  } else {
    const directory = await openPostgresDirectory({ urls: [directoryUrl], log: silentLog });
    try {
      const [other] = await directory.servers();
      if (other !== undefined)
        throw new Failure(
          'ALREADYEXISTS',
          `that database holds an organization already, ${(await directory.organization()).name} with the server ${other.name}. Add this server to it: penfold setup --join FILE`,
        );
      const { server } = await createOrganization(directory, plan);
      if (ports !== null) await applyPorts(directory, server, ports);
    } finally {
      await directory.close();
    }
  }
  await writeConfiguration(layout, plan.server, directoryUrl, ports);
  // Opened as `serve` does it, not before the file says where the directory is.
  const directory = await openOwn(layout, directoryUrl);
  try {
    const server = await ownServer(directory, plan.server);
    const authorityFile = await makeCertificates(layout, directory, server);
    await openOrganizationSecrets(layout, directory);
    return await described(directory, server, authorityFile);
  } finally {
    await directory.close();
  }
}

/**
 * The token is used up when everything that can be checked before has been.
 * @throws Failure EXPIRED (the token), ALREADYEXISTS, NONEXISTENT (the site), CANNOT, UNAVAILABLE (the directory)
 */
export async function setUpJoined(layout: DataLayout, request: JoiningServer): Promise<SetUpServer> {
  const { token, plan, ports } = request;
  refuseSecond(layout);
  const opened = await openPostgresDirectory({ urls: [token.url], log: silentLog });
  try {
    const directory = opened.as(request.actor);
    const secrets = new OrganizationSecrets(directory, await openJoinToken(directory, token));
    // Nothing of the organization is believed before its secrets have opened with the token's key.
    await openServerAuthority(await secrets.serverAuthority());
    const clientAuthority = await secrets.clientAuthority();
    const site = await siteFor(directory, request);
    await checkFree(directory, plan);
    const database = await databaseNameFor(directory, request);
    await mkdir(layout.root, { recursive: true, mode: 0o700 });
    await writeAuthority(layout.tls, clientAuthority);
    await checkPermitted(layout, plan.fqdn);
    await writeConfiguration(layout, plan.server, token.url, ports);
    await redeemJoinToken(directory, token);
    const made = await addToOrganization(directory, request, site, database);
    try {
      const authorityFile = await makeCertificates(layout, directory, made);
      await writeSealingKey(layout, secrets.sealingKey);
      return await described(directory, made, authorityFile);
    } catch (error) {
      await takeOut(directory, made);
      throw error;
    }
  } finally {
    await opened.close();
  }
}

function refuseSecond(layout: DataLayout): void {
  if (!isSetUp(layout)) return;
  throw new Failure('ALREADYEXISTS', `${layout.root} is set up already; setting up again would replace it`);
}

async function openOwn(layout: DataLayout, url: string | null): Promise<Directory> {
  return url === null ? openDirectory(layout) : openPostgresDirectory({ urls: [url], log: silentLog });
}

async function writeConfiguration(
  layout: DataLayout,
  server: string,
  directoryUrl: string | null,
  ports: PortPlan | null,
): Promise<void> {
  const values = new Map([['server.name', server]]);
  if (directoryUrl !== null) {
    await writeWhole(path.join(layout.root, DIRECTORY_URL_FILE), `${directoryUrl}\n`, KEY_FILE_MODE);
    values.set('directory.url_file', DIRECTORY_URL_FILE);
  }
  if (ports !== null) {
    const { bind } = ports;
    const text = (port: number): string =>
      bind(port)
        .map((one) => `${one.address.includes(':') ? `[${one.address}]` : one.address}:${one.port}`)
        .join(', ');
    values.set('web.bindings', text(ports.web));
    values.set('web.redirect_bindings', text(ports.redirect));
  }
  // An admin may have written his own before.
  await writeFile(layout.configuration, configurationTemplate(values), { flag: 'wx', mode: CONFIGURATION_MODE }).catch(
    (error: unknown) => {
      if (!(error instanceof Error && Reflect.get(error, 'code') === 'EEXIST')) throw error;
    },
  );
}

/** For clients; the one for other servers is made whenever it starts. */
async function makeCertificates(layout: DataLayout, directory: Directory, server: Server): Promise<string> {
  const certificates = await openCertificates(layout, directory, server, silentLog);
  certificates.close();
  return certificates.authorityFile;
}

async function described(directory: Directory, server: Server, authorityFile: string): Promise<SetUpServer> {
  const site = (await directory.sites()).find((one) => one.id === server.site);
  if (site === undefined) throw new Failure('CORRUPTION', `the site of ${server.name} is gone`);
  const database = (await directory.databases()).find((one) => one.server === server.id) ?? null;
  return { server, site, database, authorityFile };
}

/** Clients would refuse its certificate otherwise. @throws Failure CANNOT */
async function checkPermitted(layout: DataLayout, fqdn: string): Promise<void> {
  const authority = await createAuthority({ directory: layout.tls, organization: '', domains: [] });
  await authority.issue({ names: [fqdn], days: 1 });
}

/** Null: to be made. @throws Failure NONEXISTENT */
async function siteFor(directory: Directory, { site, createSite }: JoiningServer): Promise<Site | null> {
  const sites = await directory.sites();
  const found = sites.find((one) => nameKey(one.name) === nameKey(site));
  if (found !== undefined) return found;
  if (createSite) return null;
  throw new Failure(
    'NONEXISTENT',
    `the organization has no site ${site}, only ${sites.map((one) => one.name).join(', ')}. Make it with this server: --create-site`,
  );
}

/** @throws Failure ALREADYEXISTS */
async function checkFree(directory: Directory, { server, fqdn }: ServerPlan): Promise<void> {
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  const other = (await directory.servers()).find((one) => same(one.name, server) || same(one.fqdn, fqdn));
  if (other === undefined) return;
  throw new Failure(
    'ALREADYEXISTS',
    `the organization has a server ${other.name} (${other.fqdn}) already. Choose another --server and --fqdn, or take that one out first: penfold Remove-ExchangeServer ${other.name}`,
  );
}

/** @throws Failure ALREADYEXISTS */
async function databaseNameFor(directory: Directory, { database, plan }: JoiningServer): Promise<string | null> {
  if (plan.role === 'front-end' || database === null) return null;
  const taken = new Set((await directory.databases()).map((one) => nameKey(one.name)));
  if (database !== undefined) {
    if (taken.has(nameKey(database)))
      throw new Failure('ALREADYEXISTS', `the organization has a mailbox database ${database} already`);
    return database;
  }
  for (let number = 1; ; number++) {
    const name = `Mailbox Database ${number}`;
    if (!taken.has(nameKey(name))) return name;
  }
}

async function addToOrganization(
  directory: Directory,
  request: JoiningServer,
  existing: Site | null,
  database: string | null,
): Promise<Server> {
  const site = existing ?? (await directory.addSite(request.site));
  const server = await createServer(directory, site.id, request.plan);
  try {
    if (request.ports !== null) await applyPorts(directory, server, request.ports);
    if (database !== null) await createDatabase(directory, server, database);
    return server;
  } catch (error) {
    await takeOut(directory, server);
    throw error;
  }
}

/** So that the next attempt finds the names free. */
async function takeOut(directory: Directory, server: Server): Promise<void> {
  for (const one of await directory.databases()) if (one.server === server.id) await directory.removeDatabase(one.id);
  await directory.removeServer(server.id);
}
