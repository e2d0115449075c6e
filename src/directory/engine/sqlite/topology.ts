/** Organization, sites, servers, mailbox databases, accepted domains: few rows, read whole and kept. */
import { randomUUID } from 'node:crypto';
import { Failure } from '../../../observe/failure.ts';
import type { DirectoryChange } from '../../api.ts';
import {
  type AcceptedDomain,
  type DatabaseRecord,
  databaseId,
  type Organization,
  type Server,
  type ServerId,
  serverId,
  type Site,
  siteId,
} from '../../model.ts';
import { checkedDisplayName, checkedDomain, domainKey } from '../../names.ts';
import { byteSize, isHostName } from '../../settings/value-types.ts';
import type { DirectoryFile } from './file.ts';
import { DOMAIN_TYPES, databaseOf, domainOf, ENGINES, organizationOf, serverOf, siteOf } from './rows.ts';

const OBJECT_NAME_LENGTH = 64;
const organizationSize = byteSize({ min: 0, unlimited: true });

export class Topology {
  readonly #file: DirectoryFile;
  #organization: Organization | null = null;
  #sites: readonly Site[] | null = null;
  #servers: readonly Server[] | null = null;
  #databases: readonly DatabaseRecord[] | null = null;
  #domains: readonly AcceptedDomain[] | null = null;

  constructor(file: DirectoryFile) {
    this.#file = file;
  }

  forget(change: DirectoryChange): void {
    if (change.kind === 'organization') this.#organization = null;
    if (change.kind === 'site') this.#sites = null;
    if (change.kind === 'server') this.#servers = null;
    if (change.kind === 'database') this.#databases = null;
    if (change.kind === 'domain') this.#domains = null;
  }

  organization(): Organization {
    if (this.#organization === null) {
      const row = this.#file.get('SELECT * FROM organization');
      if (row === null) throw new Failure('CORRUPTION', 'the directory has no organization; restore it from a backup');
      this.#organization = organizationOf(row);
    }
    return this.#organization;
  }

  setOrganization(patch: Partial<Organization>): Organization {
    for (const [name, size] of [
      ['MaxReceiveSize', patch.maxReceiveSize],
      ['MaxSendSize', patch.maxSendSize],
    ] as const)
      if (size !== undefined && organizationSize.read(size) === undefined)
        throw new Failure('CANNOT', `${name} must be ${organizationSize.accepts}`);
    const name = patch.name === undefined ? undefined : checkedDisplayName(patch.name, 'Organization name');
    this.#file.write((note) => {
      const now = { ...this.organization(), ...patch };
      const stored = (size: number): number | null => (size === Infinity ? null : size);
      this.#file.run(
        'UPDATE organization SET name = ?, max_receive_size = ?, max_send_size = ?',
        name ?? now.name,
        stored(now.maxReceiveSize),
        stored(now.maxSendSize),
      );
      note('organization', null);
    });
    return this.organization();
  }

  sites(): readonly Site[] {
    this.#sites ??= this.#file.all('SELECT * FROM site ORDER BY name').map(siteOf);
    return this.#sites;
  }

  addSite(name: string): Site {
    const site: Site = { id: siteId(randomUUID()), name: objectName(name, 'Site') };
    this.#file.write((note) => {
      if (this.#file.get('SELECT 1 FROM site WHERE name = ?', site.name) !== null) throw taken('site', site.name);
      this.#file.run('INSERT INTO site (id, name) VALUES (?, ?)', site.id, site.name);
      note('site', site.id);
    });
    return site;
  }

  servers(): readonly Server[] {
    this.#servers ??= this.#file.all('SELECT * FROM server ORDER BY name').map(serverOf);
    return this.#servers;
  }

  /** @throws Failure NONEXISTENT */
  server(id: ServerId): Server {
    const server = this.servers().find((one) => one.id === id);
    if (server === undefined) throw new Failure('NONEXISTENT', 'there is no such server');
    return server;
  }

  addServer(given: Omit<Server, 'id'>): Server {
    if (!isHostName(given.fqdn)) throw new Failure('CANNOT', 'Fqdn must be a host name such as mail.example.org');
    if (!given.frontEnd && !given.backEnd) throw new Failure('CANNOT', 'a server is front end, back end, or both');
    const server: Server = {
      id: serverId(randomUUID()),
      name: objectName(given.name, 'Server'),
      fqdn: given.fqdn.toLowerCase(),
      site: given.site,
      frontEnd: given.frontEnd,
      backEnd: given.backEnd,
    };
    this.#file.write((note) => {
      if (this.#file.get('SELECT 1 FROM site WHERE id = ?', server.site) === null)
        throw new Failure('NONEXISTENT', 'there is no such site');
      if (this.#file.get('SELECT 1 FROM server WHERE name = ?', server.name) !== null)
        throw taken('server', server.name);
      if (this.#file.get('SELECT 1 FROM server WHERE fqdn = ?', server.fqdn) !== null)
        throw taken('server', server.fqdn);
      this.#file.run(
        'INSERT INTO server (id, name, fqdn, site, front_end, back_end) VALUES (?, ?, ?, ?, ?, ?)',
        server.id,
        server.name,
        server.fqdn,
        server.site,
        Number(server.frontEnd),
        Number(server.backEnd),
      );
      note('server', server.id);
    });
    return server;
  }

  databases(): readonly DatabaseRecord[] {
    this.#databases ??= this.#file.all('SELECT * FROM mailbox_database ORDER BY name').map(databaseOf);
    return this.#databases;
  }

  addDatabase(given: Omit<DatabaseRecord, 'id'>): DatabaseRecord {
    if (!ENGINES.includes(given.engine)) throw new Failure('CANNOT', `Engine must be one of ${ENGINES.join(', ')}`);
    if (given.location === '') throw new Failure('CANNOT', 'Location must name a folder or a connection URL');
    const database: DatabaseRecord = {
      id: databaseId(randomUUID()),
      name: objectName(given.name, 'Database'),
      server: given.server,
      engine: given.engine,
      location: given.location,
    };
    this.#file.write((note) => {
      const server = this.#file.get('SELECT back_end FROM server WHERE id = ?', database.server);
      if (server === null) throw new Failure('NONEXISTENT', 'there is no such server');
      if (server['back_end'] !== 1) throw new Failure('CANNOT', 'a mailbox database needs a server with a back end');
      if (this.#file.get('SELECT 1 FROM mailbox_database WHERE name = ?', database.name) !== null)
        throw taken('mailbox database', database.name);
      this.#file.run(
        'INSERT INTO mailbox_database (id, name, server, engine, location) VALUES (?, ?, ?, ?, ?)',
        database.id,
        database.name,
        database.server,
        database.engine,
        database.location,
      );
      note('database', database.id);
    });
    return database;
  }

  domains(): readonly AcceptedDomain[] {
    this.#domains ??= this.#file.all('SELECT * FROM domain ORDER BY key').map(domainOf);
    return this.#domains;
  }

  /** The first domain is the default one whatever `isDefault` says; a later default takes the place of the old one. */
  addDomain(domain: AcceptedDomain): void {
    const name = checkedDomain(domain.name);
    const key = domainKey(name);
    if (!DOMAIN_TYPES.includes(domain.type))
      throw new Failure('CANNOT', `DomainType must be one of ${DOMAIN_TYPES.join(', ')}`);
    this.#file.write((note) => {
      if (this.#file.get('SELECT 1 FROM domain WHERE key = ?', key) !== null) throw taken('accepted domain', name);
      const isFirst = this.#file.get('SELECT 1 FROM domain LIMIT 1') === null;
      if (domain.isDefault) this.#file.run('UPDATE domain SET is_default = 0');
      this.#file.run(
        'INSERT INTO domain (key, name, type, is_default) VALUES (?, ?, ?, ?)',
        key,
        name,
        domain.type,
        Number(domain.isDefault || isFirst),
      );
      note('domain', name);
    });
  }
}

const taken = (what: string, name: string): Failure =>
  new Failure('ALREADYEXISTS', `the ${what} ${name} exists already`);

function objectName(name: string, what: string): string {
  const trimmed = name.trim();
  if (trimmed.length < 1 || trimmed.length > OBJECT_NAME_LENGTH || /[\u0000-\u001f\u007f\\/]/.test(trimmed))
    throw new Failure('CANNOT', `${what} name must be 1–${OBJECT_NAME_LENGTH} characters without / and \\`);
  return trimmed;
}
