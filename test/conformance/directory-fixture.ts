/** What the suites of the directory share: how an engine is opened, a small organization, people in it. */
import assert from 'node:assert/strict';
import type { Directory, NewAccount } from '../../src/directory/api.ts';
import type { Credentials, DatabaseId, Server, Site } from '../../src/directory/model.ts';
import { Failure, type FailureCode } from '../../src/observe/failure.ts';

export interface DirectoryUnderTest {
  readonly directory: Directory;
  /** A second opening of the same directory, as another process would have it; null where there is none. */
  another(): Promise<Directory | null>;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** ms since 1970. */
  readonly now?: () => number;
  readonly auditRetention?: { readonly days: number; readonly entries: number };
}

export type OpenDirectory = (options?: OpenOptions) => Promise<DirectoryUnderTest>;

export const credentials = (seed: number): Credentials => ({
  argon2id: `$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$${seed}`,
  scramSha256: {
    iterations: 4096,
    salt: new Uint8Array(16).fill(seed),
    storedKey: new Uint8Array(32).fill(seed + 1),
    serverKey: new Uint8Array(32).fill(seed + 2),
  },
});

export async function refused(work: Promise<unknown>, code: FailureCode, text?: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof Failure, String(error));
    assert.equal(error.code, code, error.message);
    if (text !== undefined) assert.match(error.message, text);
    return true;
  });
}

export interface SmallOrganization {
  readonly site: Site;
  readonly server: Server;
  readonly database: DatabaseId;
}

export async function smallOrganization(directory: Directory): Promise<SmallOrganization> {
  await directory.setOrganization({ name: 'Contoso' });
  await directory.addDomain({ name: 'Example.ORG', type: 'Authoritative', isDefault: false });
  const site = await directory.addSite('Default-First-Site-Name');
  const fields = { name: 'MAIL1', fqdn: 'mail1.example.org', site: site.id, frontEnd: true, backEnd: true };
  const server = await directory.addServer(fields);
  const database = await directory.addDatabase({ name: 'DB1', server: server.id, engine: 'sqlite', location: 'db1' });
  return { site, server, database: database.id };
}

export const person = (database: DatabaseId, alias: string, more: Partial<NewAccount> = {}): NewAccount => ({
  kind: 'user',
  displayName: alias,
  alias,
  userPrincipalName: `${alias}@example.org`,
  mailbox: { database, addresses: [`${alias}@example.org`] },
  credentials: null,
  ...more,
});
