/** Reading sites, servers and mailbox databases: few rows. What refers to them, and their own writes, start here. */
import { Failure } from '../../../observe/failure.ts';
import type { DatabaseId, DatabaseRecord, Server, ServerId, Site, SiteId } from '../../model.ts';
import { databaseOf, serverOf, siteOf } from './rows.ts';
import type { Reader } from './seam.ts';

export async function readSites(reader: Reader): Promise<readonly Site[]> {
  return (await reader.all('SELECT * FROM site ORDER BY lower(name)')).map(siteOf);
}

/** @throws Failure NONEXISTENT */
export async function existingSite(reader: Reader, id: SiteId): Promise<Site> {
  const row = await reader.get('SELECT * FROM site WHERE id = ?', id);
  if (row === null) throw new Failure('NONEXISTENT', 'there is no such site');
  return siteOf(row);
}

export async function readServers(reader: Reader): Promise<readonly Server[]> {
  return (await reader.all('SELECT * FROM server ORDER BY lower(name)')).map(serverOf);
}

/** @throws Failure NONEXISTENT */
export async function existingServer(reader: Reader, id: ServerId): Promise<Server> {
  const row = await reader.get('SELECT * FROM server WHERE id = ?', id);
  if (row === null) throw noServer();
  return serverOf(row);
}

export const noServer = (): Failure => new Failure('NONEXISTENT', 'there is no such server');

export async function readDatabases(reader: Reader): Promise<readonly DatabaseRecord[]> {
  return (await reader.all('SELECT * FROM mailbox_database ORDER BY lower(name)')).map(databaseOf);
}

export const noDatabase = (): Failure => new Failure('NONEXISTENT', 'there is no such mailbox database');

/** For the audit log. */
export async function databaseName(reader: Reader, id: DatabaseId): Promise<string> {
  const row = await reader.get('SELECT * FROM mailbox_database WHERE id = ?', id);
  return row === null ? id : databaseOf(row).name;
}
