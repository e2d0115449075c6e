/** A directory as an earlier schema left it opens, keeps what it held, and takes what is new. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { openSqliteDirectory } from './directory.ts';
import { SCHEMA_VERSION } from './migrations.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'penfold-directory-'));
});
after(() => rm(folder, { recursive: true }));

test('schema 1', async () => {
  const file = path.join(folder, 'schema-1.db');
  const old = new DatabaseSync(file);
  old.exec(await readFile(new URL('schema-1.sql', import.meta.url), 'utf8'));
  old.close();

  const directory = await openSqliteDirectory({ file });
  assert.deepEqual(await directory.organization(), {
    name: 'Contoso',
    maxReceiveSize: 20_000_000,
    maxSendSize: Infinity,
    maxRecipientEnvelopeLimit: 500,
    externalPostmasterAddress: '',
  });
  assert.deepEqual(
    (await directory.domains()).map((one) => [one.name, one.type, one.isDefault]),
    [
      ['example.net', 'InternalRelay', false],
      ['example.org', 'Authoritative', true],
    ],
  );
  const ann = await directory.accountByLogonName('ann@example.net');
  assert.ok(ann?.mailbox);
  assert.deepEqual(ann.mailbox.addresses, ['Ann@example.org', 'ann@example.net']);
  assert.equal((await directory.credentials(ann.id))?.scramSha256.iterations, 4096);
  assert.equal((await directory.clientAccess(ann.id)).popEnabled, false);
  const [server] = await directory.servers();
  assert.ok(server !== undefined);
  const imap = await directory.imapSettings(server.id);
  assert.deepEqual([imap.banner, imap.maxConnectionsPerUser, imap.maxConnections], ['Hello.', 7, 2_147_483_647]);
  assert.deepEqual(
    (await directory.connectors(server.id)).map((one) => one.name),
    ['Client Frontend MAIL1'],
  );
  assert.equal((await directory.services(server.id)).find((one) => one.service === 'imap4')?.running, true);

  // What the old schema had no place for.
  assert.equal((await directory.effectiveQuotas(ann.id)).prohibitSendQuota, 2_147_483_648);
  assert.equal((await directory.effectiveThrottling(ann.id)).popMaxConcurrency, 20);
  const administrator = await directory.accountByAlias('administrator');
  assert.ok(administrator !== null);
  assert.deepEqual(await directory.roleGroups(administrator.id), ['Organization Management']);
  assert.deepEqual(await directory.auditLog({ limit: 10 }), []);
  await directory.setMailboxSettings(ann.id, { language: 'de' });
  await directory.setPermission({ mailbox: ann.id, user: administrator.id, rights: ['SendAs'] });
  await directory.setOrganization({ maxRecipientEnvelopeLimit: 100 });
  await directory.close();

  const again = await openSqliteDirectory({ file });
  assert.deepEqual(
    [(await again.organization()).maxReceiveSize, (await again.organization()).maxRecipientEnvelopeLimit],
    [20_000_000, 100],
  );
  assert.equal((await again.mailboxSettings(ann.id)).language, 'de');
  assert.equal((await again.auditLog({ limit: 10 })).length, 3);
  await again.close();
});

test('an upgraded file has the same tables as a new one', async () => {
  const upgraded = path.join(folder, 'upgraded.db');
  const old = new DatabaseSync(upgraded);
  old.exec(await readFile(new URL('schema-1.sql', import.meta.url), 'utf8'));
  old.close();
  const fresh = path.join(folder, 'fresh.db');
  const tables: string[] = [];
  for (const file of [upgraded, fresh]) {
    await (await openSqliteDirectory({ file })).close();
    const raw = new DatabaseSync(file);
    const rows = raw.prepare("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name");
    tables.push(
      rows
        .all()
        .map((row) => `${String(row['name'])}: ${String(row['sql'])}`)
        .join('\n'),
    );
    assert.equal(raw.prepare('PRAGMA user_version').get()?.['user_version'], SCHEMA_VERSION);
    assert.equal(raw.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok');
    assert.deepEqual(raw.prepare('PRAGMA foreign_key_check').all(), []);
    raw.close();
  }
  assert.equal(tables[0], tables[1]);
});
