/** Servers that come, change and go. */
import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import { Failure } from '../../../observe/failure.ts';
import { serverValues } from '../../audit.ts';
import { type Server, type ServerId, serverId } from '../../model.ts';
import { isHostName } from '../../settings/value-types.ts';
import { listed, objectName, taken } from './object-names.ts';
import { type Reader, type Transaction, withoutCase } from './seam.ts';
import { existingServer, existingSite, readDatabases } from './topology.ts';

export async function addServer(transaction: Transaction, given: Omit<Server, 'id'>): Promise<Server> {
  const server = checked({ ...given, id: serverId(randomUUID()) });
  const site = await existingSite(transaction, server.site);
  await checkFree(transaction, server);
  await transaction.run(
    'INSERT INTO server (id, name, fqdn, internal_address, site, front_end, back_end) VALUES (?, ?, ?, ?, ?, ?, ?)',
    server.id,
    server.name,
    server.fqdn,
    server.internalAddress ?? '',
    server.site,
    Number(server.frontEnd),
    Number(server.backEnd),
  );
  transaction.note('server', server.id);
  transaction.audit('Server', server.name, null, serverValues(server, site.name));
  return server;
}

export async function changeServer(
  transaction: Transaction,
  id: ServerId,
  patch: Partial<Omit<Server, 'id'>>,
): Promise<Server> {
  const now = await existingServer(transaction, id);
  const next = checked({
    id,
    name: patch.name ?? now.name,
    fqdn: patch.fqdn ?? now.fqdn,
    internalAddress: patch.internalAddress ?? now.internalAddress ?? '',
    site: patch.site ?? now.site,
    frontEnd: patch.frontEnd ?? now.frontEnd,
    backEnd: patch.backEnd ?? now.backEnd,
  });
  const before = await existingSite(transaction, now.site);
  const after = await existingSite(transaction, next.site);
  await checkFree(transaction, next);
  if (!next.backEnd) await checkNoDatabases(transaction, now);
  await transaction.run(
    'UPDATE server SET name = ?, fqdn = ?, internal_address = ?, site = ?, front_end = ?, back_end = ? WHERE id = ?',
    next.name,
    next.fqdn,
    next.internalAddress ?? '',
    next.site,
    Number(next.frontEnd),
    Number(next.backEnd),
    id,
  );
  transaction.note('server', id);
  transaction.audit('Server', now.name, serverValues(now, before.name), serverValues(next, after.name));
  return next;
}

export async function removeServer(transaction: Transaction, id: ServerId): Promise<void> {
  const now = await existingServer(transaction, id);
  const site = await existingSite(transaction, now.site);
  await checkNoDatabases(transaction, now);
  // Its settings, connectors, services and component requests go with it, by the tables' own rule.
  await transaction.run('DELETE FROM server WHERE id = ?', id);
  transaction.note('server', id);
  transaction.audit('Server', now.name, serverValues(now, site.name), null);
}

/** @throws Failure CANNOT */
function checked(server: Server): Server {
  if (!isHostName(server.fqdn)) throw new Failure('CANNOT', 'Fqdn must be a host name such as mail.example.org');
  if (!server.frontEnd && !server.backEnd) throw new Failure('CANNOT', 'a server is front end, back end, or both');
  const { id, site, frontEnd, backEnd, internalAddress = '' } = server;
  if (internalAddress !== '' && !isHostName(internalAddress) && isIP(internalAddress) === 0)
    throw new Failure('CANNOT', 'InternalAddress must be a host name or an IP address');
  return {
    id,
    name: objectName(server.name, 'Server'),
    fqdn: server.fqdn.toLowerCase(),
    ...(internalAddress === '' ? {} : { internalAddress: internalAddress.toLowerCase() }),
    site,
    frontEnd,
    backEnd,
  };
}

async function checkNoDatabases(reader: Reader, server: Server): Promise<void> {
  const databases = (await readDatabases(reader)).filter((one) => one.server === server.id);
  if (databases.length > 0)
    throw new Failure('INUSE', `${listed(databases)} on the server ${server.name}; move or remove them first`);
}

async function checkFree(reader: Reader, { id, name, fqdn }: Server): Promise<void> {
  if ((await reader.get('SELECT 1 FROM server WHERE lower(name) = ? AND id <> ?', withoutCase(name), id)) !== null)
    throw taken('server', name);
  if ((await reader.get('SELECT 1 FROM server WHERE lower(fqdn) = ? AND id <> ?', withoutCase(fqdn), id)) !== null)
    throw taken('server', fqdn);
}
