import assert from 'node:assert/strict';
import { randomBytes, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type DataLayout, dataLayout } from '../config/data-directory.ts';
import type { Directory } from '../directory/api.ts';
import { Failure } from '../observe/failure.ts';
import { createAuthority } from '../tls/authority.ts';
import { createData } from './create-data.ts';
import { openDirectory } from './open-directory.ts';
import { openOrganizationSecrets } from './organization-secrets.ts';

const BYTES = Buffer.alloc(32, 1);
let root: string;
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'penfold-secrets-'));
});
after(() => rm(root, { recursive: true }));

/** As set-up of the version before many servers left it: no `organization.key`, nothing sealed. */
async function oldInstance(name: string): Promise<{ readonly layout: DataLayout; readonly directory: Directory }> {
  const layout = dataLayout(path.join(root, name));
  await createData(layout, {
    organization: 'Example',
    site: 'Default-First-Site',
    server: 'MAIL',
    fqdn: 'mail.example.org',
    domain: 'example.org',
    database: 'DB1',
    administrator: {
      argon2id: '$argon2id$none',
      scramSha256: { iterations: 4096, salt: BYTES, storedKey: BYTES, serverKey: BYTES },
    },
  });
  return { layout, directory: await openDirectory(layout) };
}

const corrupt = (error: unknown): boolean => error instanceof Failure && error.code === 'CORRUPTION';

test('an instance of an earlier version keeps its salts and its authority, and gets an authority for servers', async () => {
  const { layout, directory } = await oldInstance('upgrade');
  const salts = randomBytes(32);
  const saltFile = path.join(layout.directory, 'salt.key');
  await writeFile(saltFile, salts, { mode: 0o600 });
  const authority = await createAuthority({ directory: layout.tls, organization: 'Example', domains: ['example.org'] });

  const secrets = await openOrganizationSecrets(layout, directory);
  assert.deepEqual(Buffer.from(await secrets.saltKey()), salts);
  assert.equal(existsSync(saltFile), false);
  assert.equal((await secrets.clientAuthority()).certificatePem, authority.certificatePem);
  const servers = await secrets.serverAuthority();
  assert.match(new X509Certificate(servers.certificatePem).subject, /CN=Example server authority/);
  assert.equal((await stat(layout.organizationKey)).mode & 0o777, 0o600);

  const again = await openOrganizationSecrets(layout, directory);
  assert.deepEqual(await again.serverAuthority(), servers);
  assert.deepEqual(Buffer.from(await again.saltKey()), salts);
  for (const entry of await directory.auditLog({ limit: 100 })) {
    const said = JSON.stringify(entry);
    assert.equal(said.includes(salts.toString('base64')) || said.includes('PRIVATE KEY'), false, said);
  }
  await directory.close();
});

test('a lost or foreign key is reported, never replaced', async () => {
  const { layout, directory } = await oldInstance('lost');
  const secrets = await openOrganizationSecrets(layout, directory);
  const before = await secrets.serverAuthority();
  await rm(layout.organizationKey);
  await assert.rejects(openOrganizationSecrets(layout, directory), corrupt);
  assert.equal(existsSync(layout.organizationKey), false);
  await writeFile(layout.organizationKey, `${randomBytes(32).toString('base64')}\n`);
  const foreign = await openOrganizationSecrets(layout, directory);
  await assert.rejects(foreign.serverAuthority(), corrupt);
  await writeFile(layout.organizationKey, 'short\n');
  await assert.rejects(openOrganizationSecrets(layout, directory), corrupt);
  await writeFile(layout.organizationKey, `${Buffer.from(secrets.sealingKey).toString('base64')}\n`);
  assert.deepEqual(await (await openOrganizationSecrets(layout, directory)).serverAuthority(), before);
  await directory.close();
});
