/** Sites that come, change and go. */
import { randomUUID } from 'node:crypto';
import { Failure } from '../../../observe/failure.ts';
import { type Site, type SiteId, siteId } from '../../model.ts';
import { listed, objectName, taken } from './object-names.ts';
import { type Reader, type Transaction, withoutCase } from './seam.ts';
import { existingSite, readServers } from './topology.ts';

export async function addSite(transaction: Transaction, name: string): Promise<Site> {
  const site: Site = { id: siteId(randomUUID()), name: objectName(name, 'Site') };
  await checkFree(transaction, site);
  await transaction.run('INSERT INTO site (id, name) VALUES (?, ?)', site.id, site.name);
  transaction.note('site', site.id);
  transaction.audit('Site', site.name, null, { Name: site.name });
  return site;
}

export async function changeSite(
  transaction: Transaction,
  id: SiteId,
  patch: Partial<Omit<Site, 'id'>>,
): Promise<Site> {
  const now = await existingSite(transaction, id);
  const next: Site = { id, name: patch.name === undefined ? now.name : objectName(patch.name, 'Site') };
  await checkFree(transaction, next);
  await transaction.run('UPDATE site SET name = ? WHERE id = ?', next.name, id);
  transaction.note('site', id);
  transaction.audit('Site', now.name, { Name: now.name }, { Name: next.name });
  return next;
}

export async function removeSite(transaction: Transaction, id: SiteId): Promise<void> {
  const now = await existingSite(transaction, id);
  const servers = (await readServers(transaction)).filter((one) => one.site === id);
  if (servers.length > 0)
    throw new Failure('INUSE', `${listed(servers)} in the site ${now.name}; move or remove them first`);
  await transaction.run('DELETE FROM site WHERE id = ?', id);
  transaction.note('site', id);
  transaction.audit('Site', now.name, { Name: now.name }, null);
}

async function checkFree(reader: Reader, { id, name }: Site): Promise<void> {
  if ((await reader.get('SELECT 1 FROM site WHERE lower(name) = ? AND id <> ?', withoutCase(name), id)) !== null)
    throw taken('site', name);
}
