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
  type SiteId,
  siteId,
} from '../../model.ts';
import { checkedDisplayName } from '../../names.ts';
import { databaseSchema } from '../../settings/database.ts';
import { checkQuotas } from '../../settings/rules.ts';
import { NO_SERVER } from '../../settings/schema.ts';
import { transportConfigSchema } from '../../settings/transport-config.ts';
import { isHostName } from '../../settings/value-types.ts';
import type { DirectoryFile } from './file.ts';
import { databaseOf, ENGINES, jsonOf, numberOf, organizationOf, serverOf, siteOf } from './rows.ts';

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
      this.#checkSiteFree(site);
      this.#file.run('INSERT INTO site (id, name) VALUES (?, ?)', site.id, site.name);
      transaction.note('site', site.id);
      transaction.audit('Site', site.name, null, { Name: site.name });
    });
    return site;
  }

  changeSite(actor: Actor, id: SiteId, patch: Partial<Omit<Site, 'id'>>): Site {
    return this.#file.write(actor, (transaction) => {
      const now = this.#site(id);
      const next: Site = { id, name: patch.name === undefined ? now.name : objectName(patch.name, 'Site') };
      this.#checkSiteFree(next);
      this.#file.run('UPDATE site SET name = ? WHERE id = ?', next.name, id);
      transaction.note('site', id);
      transaction.audit('Site', now.name, { Name: now.name }, { Name: next.name });
      return next;
    });
  }

  removeSite(actor: Actor, id: SiteId): void {
    this.#file.write(actor, (transaction) => {
      const now = this.#site(id);
      const servers = this.servers().filter((one) => one.site === id);
      if (servers.length > 0)
        throw new Failure('INUSE', `${listed(servers)} in the site ${now.name}; move or remove them first`);
      this.#file.run('DELETE FROM site WHERE id = ?', id);
      transaction.note('site', id);
      transaction.audit('Site', now.name, { Name: now.name }, null);
    });
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
    const server = checkedServer({ ...given, id: serverId(randomUUID()) });
    this.#file.write(actor, (transaction) => {
      const site = this.#site(server.site);
      this.#checkServerFree(server);
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

  changeServer(actor: Actor, id: ServerId, patch: Partial<Omit<Server, 'id'>>): Server {
    return this.#file.write(actor, (transaction) => {
      const now = this.server(id);
      const next = checkedServer({
        id,
        name: patch.name ?? now.name,
        fqdn: patch.fqdn ?? now.fqdn,
        site: patch.site ?? now.site,
        frontEnd: patch.frontEnd ?? now.frontEnd,
        backEnd: patch.backEnd ?? now.backEnd,
      });
      const site = this.#site(next.site);
      this.#checkServerFree(next);
      if (!next.backEnd) this.#checkNoDatabases(now);
      this.#file.run(
        'UPDATE server SET name = ?, fqdn = ?, site = ?, front_end = ?, back_end = ? WHERE id = ?',
        next.name,
        next.fqdn,
        next.site,
        Number(next.frontEnd),
        Number(next.backEnd),
        id,
      );
      transaction.note('server', id);
      transaction.audit(
        'Server',
        now.name,
        serverValues(now, this.#site(now.site).name),
        serverValues(next, site.name),
      );
      return next;
    });
  }

  removeServer(actor: Actor, id: ServerId): void {
    this.#file.write(actor, (transaction) => {
      const now = this.server(id);
      this.#checkNoDatabases(now);
      // Its settings, connectors, services and component requests go with it, by the tables' own rule.
      this.#file.run('DELETE FROM server WHERE id = ?', id);
      transaction.note('server', id);
      transaction.audit('Server', now.name, serverValues(now, this.#site(now.site).name), null);
    });
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
    const database = checkedDatabase({ ...given, id: databaseId(randomUUID()) });
    this.#file.write(actor, (transaction) => {
      const server = this.#backEnd(database.server);
      this.#checkDatabaseFree(database);
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

  changeDatabase(actor: Actor, id: DatabaseId, patch: Partial<Omit<DatabaseRecord, 'id' | 'engine'>>): DatabaseRecord {
    return this.#file.write(actor, (transaction) => {
      const now = this.#database(id);
      const next = checkedDatabase({
        id,
        name: patch.name ?? now.name,
        server: patch.server ?? now.server,
        engine: now.engine,
        location: patch.location ?? now.location,
      });
      const server = this.#backEnd(next.server);
      this.#checkDatabaseFree(next);
      this.#file.run(
        'UPDATE mailbox_database SET name = ?, server = ?, location = ? WHERE id = ?',
        next.name,
        next.server,
        next.location,
        id,
      );
      transaction.note('database', id);
      transaction.audit(
        'MailboxDatabase',
        now.name,
        databaseValues(now, this.server(now.server).name),
        databaseValues(next, server.name),
      );
      return next;
    });
  }

  removeDatabase(actor: Actor, id: DatabaseId): void {
    this.#file.write(actor, (transaction) => {
      const now = this.#database(id);
      const row = this.#file.get(
        `SELECT (SELECT count(*) FROM account WHERE database = ?1)
              + (SELECT count(*) FROM disconnected_mailbox WHERE database = ?1) AS mailboxes`,
        id,
      );
      const mailboxes = row === null ? 0 : numberOf(row, 'mailboxes');
      if (mailboxes > 0)
        throw new Failure(
          'INUSE',
          `${mailboxes} mailbox${mailboxes === 1 ? ' is' : 'es are'} in ${now.name}, disconnected ones included; move or remove them first`,
        );
      this.#file.run('DELETE FROM mailbox_database WHERE id = ?', id);
      transaction.note('database', id);
      transaction.audit('MailboxDatabase', now.name, databaseValues(now, this.server(now.server).name), null);
    });
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

  #site(id: SiteId): Site {
    const site = this.sites().find((one) => one.id === id);
    if (site === undefined) throw new Failure('NONEXISTENT', 'there is no such site');
    return site;
  }

  #database(id: DatabaseId): DatabaseRecord {
    const database = this.databases().find((one) => one.id === id);
    if (database === undefined) throw new Failure('NONEXISTENT', 'there is no such mailbox database');
    return database;
  }

  #backEnd(id: ServerId): Server {
    const server = this.server(id);
    if (!server.backEnd) throw new Failure('CANNOT', 'a mailbox database needs a server with a back end');
    return server;
  }

  #checkNoDatabases(server: Server): void {
    const databases = this.databases().filter((one) => one.server === server.id);
    if (databases.length > 0)
      throw new Failure('INUSE', `${listed(databases)} on the server ${server.name}; move or remove them first`);
  }

  #checkSiteFree(site: Site): void {
    if (this.#file.get('SELECT 1 FROM site WHERE name = ? AND id <> ?', site.name, site.id) !== null)
      throw taken('site', site.name);
  }

  #checkServerFree({ id, name, fqdn }: Server): void {
    if (this.#file.get('SELECT 1 FROM server WHERE name = ? AND id <> ?', name, id) !== null)
      throw taken('server', name);
    if (this.#file.get('SELECT 1 FROM server WHERE fqdn = ? AND id <> ?', fqdn, id) !== null)
      throw taken('server', fqdn);
  }

  #checkDatabaseFree({ id, name }: DatabaseRecord): void {
    if (this.#file.get('SELECT 1 FROM mailbox_database WHERE name = ? AND id <> ?', name, id) !== null)
      throw taken('mailbox database', name);
  }
}

/** @throws Failure CANNOT */
function checkedServer(server: Server): Server {
  if (!isHostName(server.fqdn)) throw new Failure('CANNOT', 'Fqdn must be a host name such as mail.example.org');
  if (!server.frontEnd && !server.backEnd) throw new Failure('CANNOT', 'a server is front end, back end, or both');
  const { id, site, frontEnd, backEnd } = server;
  return { id, name: objectName(server.name, 'Server'), fqdn: server.fqdn.toLowerCase(), site, frontEnd, backEnd };
}

/** @throws Failure CANNOT */
function checkedDatabase({ id, name, server, engine, location }: DatabaseRecord): DatabaseRecord {
  if (!ENGINES.includes(engine)) throw new Failure('CANNOT', `Engine must be one of ${ENGINES.join(', ')}`);
  if (location === '') throw new Failure('CANNOT', 'Location must name a folder or a connection URL');
  return { id, name: objectName(name, 'Database'), server, engine, location };
}

/** `DB1 is`, `DB1, DB2 are`. */
const listed = (objects: ReadonlyArray<{ readonly name: string }>): string =>
  `${objects.map((one) => one.name).join(', ')} ${objects.length === 1 ? 'is' : 'are'}`;

export const taken = (what: string, name: string): Failure =>
  new Failure('ALREADYEXISTS', `the ${what} ${name} exists already`);

/** @throws Failure CANNOT */
export function objectName(name: string, what: string): string {
  const trimmed = name.trim();
  if (trimmed.length < 1 || trimmed.length > OBJECT_NAME_LENGTH || /[\u0000-\u001f\u007f\\/]/.test(trimmed))
    throw new Failure('CANNOT', `${what} name must be 1–${OBJECT_NAME_LENGTH} characters without / and \\`);
  return trimmed;
}
