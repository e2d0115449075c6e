/** Mailbox databases that come, change and go, and their settings (exchange-behaviour.md §9.2). */
import { randomUUID } from 'node:crypto';
import { Failure } from '../../../observe/failure.ts';
import { databaseValues, settingsValues } from '../../audit.ts';
import {
  type DatabaseId,
  type DatabaseRecord,
  type DatabaseSettings,
  databaseId,
  type Server,
  type ServerId,
} from '../../model.ts';
import { databaseSchema } from '../../settings/database.ts';
import { checkQuotas } from '../../settings/rules.ts';
import { NO_SERVER } from '../../settings/schema.ts';
import { objectName, taken } from './object-names.ts';
import { databaseOf, ENGINES, jsonOf, numberOf } from './rows.ts';
import { type OnRefused, type Reader, type Row, type Transaction, withoutCase } from './seam.ts';
import { existingServer, noDatabase } from './topology.ts';

export async function readDatabaseSettings(
  reader: Reader,
  id: DatabaseId,
  onRefused: OnRefused,
): Promise<DatabaseSettings> {
  return settingsOf(await existingRow(reader, id), onRefused);
}

export async function addDatabase(
  transaction: Transaction,
  given: Omit<DatabaseRecord, 'id'>,
): Promise<DatabaseRecord> {
  const database = checked({ ...given, id: databaseId(randomUUID()) });
  const server = await backEnd(transaction, database.server);
  await checkFree(transaction, database);
  await transaction.run(
    'INSERT INTO mailbox_database (id, name, server, engine, location) VALUES (?, ?, ?, ?, ?)',
    database.id,
    database.name,
    database.server,
    database.engine,
    database.location,
  );
  transaction.note('database', database.id);
  transaction.audit('MailboxDatabase', database.name, null, databaseValues(database, server.name));
  return database;
}

export async function changeDatabase(
  transaction: Transaction,
  id: DatabaseId,
  patch: Partial<Omit<DatabaseRecord, 'id' | 'engine'>>,
): Promise<DatabaseRecord> {
  const now = databaseOf(await existingRow(transaction, id));
  const next = checked({
    id,
    name: patch.name ?? now.name,
    server: patch.server ?? now.server,
    engine: now.engine,
    location: patch.location ?? now.location,
  });
  const before = await existingServer(transaction, now.server);
  const after = await backEnd(transaction, next.server);
  await checkFree(transaction, next);
  await transaction.run(
    'UPDATE mailbox_database SET name = ?, server = ?, location = ? WHERE id = ?',
    next.name,
    next.server,
    next.location,
    id,
  );
  transaction.note('database', id);
  transaction.audit('MailboxDatabase', now.name, databaseValues(now, before.name), databaseValues(next, after.name));
  return next;
}

export async function removeDatabase(transaction: Transaction, id: DatabaseId): Promise<void> {
  const now = databaseOf(await existingRow(transaction, id));
  const row = await transaction.get(
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
  const server = await existingServer(transaction, now.server);
  await transaction.run('DELETE FROM mailbox_database WHERE id = ?', id);
  transaction.note('database', id);
  transaction.audit('MailboxDatabase', now.name, databaseValues(now, server.name), null);
}

export async function setDatabaseSettings(
  transaction: Transaction,
  id: DatabaseId,
  patch: Partial<DatabaseSettings>,
  onRefused: OnRefused,
): Promise<DatabaseSettings> {
  const given = databaseSchema.check(patch);
  const row = await existingRow(transaction, id);
  const now = settingsOf(row, onRefused);
  const next = databaseSchema.merge(now, given);
  checkQuotas(next);
  await transaction.run(
    'UPDATE mailbox_database SET settings = ? WHERE id = ?',
    JSON.stringify(databaseSchema.store(next)),
    id,
  );
  transaction.note('database', id);
  transaction.audit(
    'MailboxDatabase',
    databaseOf(row).name,
    settingsValues(databaseSchema, now),
    settingsValues(databaseSchema, next),
  );
  return next;
}

async function existingRow(reader: Reader, id: DatabaseId): Promise<Row> {
  const row = await reader.get('SELECT * FROM mailbox_database WHERE id = ?', id);
  if (row === null) throw noDatabase();
  return row;
}

const settingsOf = (row: Row, onRefused: OnRefused): DatabaseSettings =>
  databaseSchema.load(jsonOf(row, 'settings'), NO_SERVER, onRefused);

async function backEnd(reader: Reader, id: ServerId): Promise<Server> {
  const server = await existingServer(reader, id);
  if (!server.backEnd) throw new Failure('CANNOT', 'a mailbox database needs a server with a back end');
  return server;
}

/** @throws Failure CANNOT */
function checked({ id, name, server, engine, location }: DatabaseRecord): DatabaseRecord {
  if (!ENGINES.includes(engine)) throw new Failure('CANNOT', `Engine must be one of ${ENGINES.join(', ')}`);
  if (location === '') throw new Failure('CANNOT', 'Location must name a folder or a connection URL');
  return { id, name: objectName(name, 'Database'), server, engine, location };
}

async function checkFree(reader: Reader, { id, name }: DatabaseRecord): Promise<void> {
  const sql = 'SELECT 1 FROM mailbox_database WHERE lower(name) = ? AND id <> ?';
  if ((await reader.get(sql, withoutCase(name), id)) !== null) throw taken('mailbox database', name);
}
