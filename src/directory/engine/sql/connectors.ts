/** Receive connectors of every server (exchange-behaviour.md §3). */
import { randomUUID } from 'node:crypto';
import { Failure } from '../../../observe/failure.ts';
import { settingsValues } from '../../audit.ts';
import { checkAgainstOthers } from '../../connectors.ts';
import { type ConnectorId, connectorId, type ReceiveConnector, type Server, serverId } from '../../model.ts';
import { type ConnectorSettings, receiveConnectorSchema } from '../../settings/receive-connector.ts';
import { checkConnector } from '../../settings/rules.ts';
import { jsonOf, textOf } from './rows.ts';
import type { OnRefused, Reader, Row, Transaction } from './seam.ts';
import { existingServer } from './topology.ts';

/** In the order in which they were made. */
export async function readConnectors(
  reader: Reader,
  server: Server,
  onRefused: OnRefused,
): Promise<readonly ReceiveConnector[]> {
  const rows = await reader.all('SELECT * FROM connector WHERE server = ? ORDER BY number', server.id);
  return rows.map((row) => connectorOf(row, server, onRefused));
}

export async function addConnector(
  transaction: Transaction,
  given: Omit<ReceiveConnector, 'id'>,
  onRefused: OnRefused,
): Promise<ReceiveConnector> {
  const { server: of, ...rest } = given;
  const id = connectorId(randomUUID());
  const server = await existingServer(transaction, of);
  const settings = receiveConnectorSchema.merge(
    receiveConnectorSchema.defaults({ fqdn: server.fqdn }),
    receiveConnectorSchema.check(rest),
  );
  await checkRules(transaction, server, id, settings, onRefused);
  await transaction.run(
    'INSERT INTO connector (id, server, name, settings) VALUES (?, ?, ?, ?)',
    id,
    server.id,
    settings.name,
    JSON.stringify(receiveConnectorSchema.store(settings)),
  );
  transaction.note('connector', id);
  transaction.audit(
    receiveConnectorSchema.title,
    `${server.name}\\${settings.name}`,
    null,
    settingsValues(receiveConnectorSchema, settings),
  );
  return { ...settings, id, server: server.id };
}

export async function changeConnector(
  transaction: Transaction,
  id: ConnectorId,
  patch: Partial<ConnectorSettings>,
  onRefused: OnRefused,
): Promise<ReceiveConnector> {
  const checked = receiveConnectorSchema.check(patch);
  const { server, settings: now } = await existing(transaction, id, onRefused);
  const settings = receiveConnectorSchema.merge(now, checked);
  await checkRules(transaction, server, id, settings, onRefused);
  await transaction.run(
    'UPDATE connector SET name = ?, settings = ? WHERE id = ?',
    settings.name,
    JSON.stringify(receiveConnectorSchema.store(settings)),
    id,
  );
  transaction.note('connector', id);
  transaction.audit(
    receiveConnectorSchema.title,
    `${server.name}\\${settings.name}`,
    settingsValues(receiveConnectorSchema, now),
    settingsValues(receiveConnectorSchema, settings),
  );
  return { ...settings, id, server: server.id };
}

export async function removeConnector(transaction: Transaction, id: ConnectorId, onRefused: OnRefused): Promise<void> {
  const { server, settings: now } = await existing(transaction, id, onRefused);
  await transaction.run('DELETE FROM connector WHERE id = ?', id);
  transaction.note('connector', id);
  transaction.audit(
    receiveConnectorSchema.title,
    `${server.name}\\${now.name}`,
    settingsValues(receiveConnectorSchema, now),
    null,
  );
}

async function checkRules(
  reader: Reader,
  server: Server,
  id: ConnectorId,
  settings: ConnectorSettings,
  onRefused: OnRefused,
): Promise<void> {
  checkConnector(settings);
  const others = (await readConnectors(reader, server, onRefused)).filter((one) => one.id !== id);
  if (others.some((other) => other.name.toLowerCase() === settings.name.toLowerCase()))
    throw new Failure('ALREADYEXISTS', `the receive connector ${settings.name} exists already`);
  checkAgainstOthers(settings, others);
}

async function existing(
  reader: Reader,
  id: ConnectorId,
  onRefused: OnRefused,
): Promise<{ readonly server: Server; readonly settings: ConnectorSettings }> {
  const row = await reader.get('SELECT * FROM connector WHERE id = ?', id);
  if (row === null) throw new Failure('NONEXISTENT', 'there is no such receive connector');
  const server = await existingServer(reader, serverId(textOf(row, 'server')));
  const { id: _, server: __, ...settings } = connectorOf(row, server, onRefused);
  return { server, settings };
}

function connectorOf(row: Row, server: Server, onRefused: OnRefused): ReceiveConnector {
  const settings = receiveConnectorSchema.load(jsonOf(row, 'settings'), { fqdn: server.fqdn }, onRefused);
  return { ...settings, id: connectorId(textOf(row, 'id')), server: server.id };
}
