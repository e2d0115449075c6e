/** Organization, sites, servers, mailbox databases with their settings: few rows, read whole and kept. */
import { randomUUID } from 'node:crypto';
import { Failure } from '../../../observe/failure.ts';
import type { DirectoryChange } from '../../api.ts';
import { databaseValues, serverValues, settingsValues } from '../../audit.ts';
import {
  type Actor,
  type DatabaseId,
  type DatabaseRecord,
  type DatabaseSettings,
  databaseId,
  type Organization,
  type Server,
  type ServerId,
  serverId,
  type Site,
  siteId,
} from '../../model.ts';
import { checkedDisplayName } from '../../names.ts';
import { databaseSchema } from '../../settings/database.ts';
import { checkQuotas } from '../../settings/rules.ts';
import { NO_SERVER } from '../../settings/schema.ts';
import { transportConfigSchema } from '../../settings/transport-config.ts';
import { isHostName } from '../../settings/value-types.ts';
import type { DirectoryFile } from './file.ts';
import { databaseOf, ENGINES, jsonOf, organizationOf, serverOf, siteOf } from './rows.ts';

export const OBJECT_NAME_LENGTH = 64;

export class Topology {
  readonly #file: DirectoryFile;
  readonly #onRefused: (name: string) => void;
  #organization: Organization | null = null;
  #sites: readonly Site[] | null = null;
  #servers: readonly Server[] | null = null;
  #databases: readonly DatabaseRecord[] | null = null;
  readonly #databaseSettings = new Map<DatabaseId, DatabaseSettings>();

  /** `onRefused` hears of stored settings that are no longer acceptable. */
  constructor(file: DirectoryFile, onRefused: (name: string) => void) {
    this.#file = file;
    this.#onRefused = onRefused;
  }

  forget(change: DirectoryChange): void {
    if (change.kind === 'organization') this.#organization = null;
    if (change.kind === 'site') this.#sites = null;
    if (change.kind === 'server') this.#servers = null;
    if (change.kind === 'database') {
      this.#databases = null;
      this.#databaseSettings.clear();
    }
  }

  organization(): Organization {
    if (this.#organization === null) {
      const row = this.#file.get('SELECT * FROM organization');
      if (row === null) throw new Failure('CORRUPTION', 'the directory has no organization; restore it from a backup');
      this.#organization = organizationOf(row, this.#onRefused);
    }
    return this.#organization;
  }

  setOrganization(actor: Actor, patch: Partial<Organization>): Organization {
    const { name: givenName, ...limits } = patch;
    const checked = transportConfigSchema.check(limits);
    const givenDisplayName = givenName === undefined ? null : checkedDisplayName(givenName, 'Organization name');
    this.#file.write(actor, (transaction) => {
      const now = this.organization();
      const next = transportConfigSchema.merge(now, checked);
      const name = givenDisplayName ?? now.name;
      this.#file.run(
        'UPDATE organization SET name = ?, transport_config = ?',
        name,
        JSON.stringify(transportConfigSchema.store(next)),
      );
      transaction.note('organization', null);
      transaction.audit(
        'TransportConfig',
        name,
        { Name: now.name, ...settingsValues(transportConfigSchema, now) },
        { Name: name, ...settingsValues(transportConfigSchema, next) },
      );
    });
    return this.organization();
  }

  sites(): readonly Site[] {
    this.#sites ??= this.#file.all('SELECT * FROM site ORDER BY name').map(siteOf);
    return this.#sites;
  }

  addSite(actor: Actor, name: string): Site {
    const site: Site = { id: siteId(randomUUID()), name: objectName(name, 'Site') };
    this.#file.write(actor, (transaction) => {
      if (this.#file.get('SELECT 1 FROM site WHERE name = ?', site.name) !== null) throw taken('site', site.name);
      this.#file.run('INSERT INTO site (id, name) VALUES (?, ?)', site.id, site.name);
      transaction.note('site', site.id);
      transaction.audit('Site', site.name, null, { Name: site.name });
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

  addServer(actor: Actor, given: Omit<Server, 'id'>): Server {
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
    this.#file.write(actor, (transaction) => {
      const site = this.sites().find((one) => one.id === server.site);
      if (site === undefined) throw new Failure('NONEXISTENT', 'there is no such site');
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
      transaction.note('server', server.id);
      transaction.audit('Server', server.name, null, serverValues(server, site.name));
    });
    return server;
  }

  databases(): readonly DatabaseRecord[] {
    this.#databases ??= this.#file.all('SELECT * FROM mailbox_database ORDER BY name').map(databaseOf);
    return this.#databases;
  }

  /** For the audit log. */
  databaseName(id: DatabaseId): string {
    return this.databases().find((one) => one.id === id)?.name ?? id;
  }

  addDatabase(actor: Actor, given: Omit<DatabaseRecord, 'id'>): DatabaseRecord {
    if (!ENGINES.includes(given.engine)) throw new Failure('CANNOT', `Engine must be one of ${ENGINES.join(', ')}`);
    if (given.location === '') throw new Failure('CANNOT', 'Location must name a folder or a connection URL');
    const database: DatabaseRecord = {
      id: databaseId(randomUUID()),
      name: objectName(given.name, 'Database'),
      server: given.server,
      engine: given.engine,
      location: given.location,
    };
    this.#file.write(actor, (transaction) => {
      const server = this.server(database.server);
      if (!server.backEnd) throw new Failure('CANNOT', 'a mailbox database needs a server with a back end');
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
      transaction.note('database', database.id);
      transaction.audit('MailboxDatabase', database.name, null, databaseValues(database, server.name));
    });
    return database;
  }

  databaseSettings(id: DatabaseId): DatabaseSettings {
    const known = this.#databaseSettings.get(id);
    if (known !== undefined) return known;
    const row = this.#file.get('SELECT settings FROM mailbox_database WHERE id = ?', id);
    if (row === null) throw new Failure('NONEXISTENT', 'there is no such mailbox database');
    const settings = databaseSchema.load(jsonOf(row, 'settings'), NO_SERVER, this.#onRefused);
    this.#databaseSettings.set(id, settings);
    return settings;
  }

  setDatabaseSettings(actor: Actor, id: DatabaseId, patch: Partial<DatabaseSettings>): DatabaseSettings {
    const checked = databaseSchema.check(patch);
    this.#file.write(actor, (transaction) => {
      const now = this.databaseSettings(id);
      const next = databaseSchema.merge(now, checked);
      checkQuotas(next);
      this.#file.run(
        'UPDATE mailbox_database SET settings = ? WHERE id = ?',
        JSON.stringify(databaseSchema.store(next)),
        id,
      );
      transaction.note('database', id);
      transaction.audit(
        'MailboxDatabase',
        this.databaseName(id),
        settingsValues(databaseSchema, now),
        settingsValues(databaseSchema, next),
      );
    });
    return this.databaseSettings(id);
  }
}

export const taken = (what: string, name: string): Failure =>
  new Failure('ALREADYEXISTS', `the ${what} ${name} exists already`);

/** @throws Failure CANNOT */
export function objectName(name: string, what: string): string {
  const trimmed = name.trim();
  if (trimmed.length < 1 || trimmed.length > OBJECT_NAME_LENGTH || /[\u0000-\u001f\u007f\\/]/.test(trimmed))
    throw new Failure('CANNOT', `${what} name must be 1–${OBJECT_NAME_LENGTH} characters without / and \\`);
  return trimmed;
}
