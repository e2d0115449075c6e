import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import {
  failure,
  type InMemoryOrganization,
  inMemoryOrganization,
} from '../../../test/management/in-memory-organization.ts';
import { accountNamed, databaseNamed, domainNamed, mailboxNamed, serverNamed, serverOfMailbox } from './identity.ts';

let org: InMemoryOrganization;
beforeEach(async () => {
  org = await inMemoryOrganization();
});
afterEach(() => org.close());

test('servers: name, host name, GUID, distinguished name, legacy distinguished name', async () => {
  const names = [
    'MAIL1',
    ' mail1 ',
    'MAIL1.Example.test',
    org.server.id,
    'CN=MAIL1,CN=Servers,DC=example,DC=test',
    '/o=Example/ou=First/cn=Configuration/cn=Servers/cn=MAIL1',
  ];
  for (const name of names) assert.equal((await serverNamed(org.directory, name)).name, 'MAIL1', name);
  await assert.rejects(serverNamed(org.directory, 'x'), failure('NONEXISTENT', /^there is no server called "x"$/));
});

test('mailboxes: address, proxy address, UPN, alias, DOMAIN\\user, display name, GUIDs, distinguished name', async () => {
  const { mailbox } = org;
  const names = [
    'ann@example.test',
    'A.Other@Example.Test',
    'ann',
    'EXAMPLE\\ann',
    'example.test/ann',
    'Ann Other',
    mailbox.id,
    mailbox.mailbox?.id ?? assert.fail(),
    'CN=Ann Other,OU=Users,DC=example,DC=test',
  ];
  for (const name of names) assert.equal((await mailboxNamed(org.directory, name)).id, mailbox.id, name);
  assert.equal((await accountNamed(org.directory, 'ann')).alias, 'ann');
  assert.equal((await serverOfMailbox(org.directory, await mailboxNamed(org.directory, 'ann'))).name, 'MAIL1');
});

test('databases and domains', async () => {
  for (const name of ['db1', 'MAIL1\\DB1']) assert.equal((await databaseNamed(org.directory, name)).name, 'DB1');
  await assert.rejects(databaseNamed(org.directory, 'DB2'), failure('NONEXISTENT', /did you mean "DB1"/));
  assert.equal((await domainNamed(org.directory, 'EXAMPLE.test.')).name, 'example.test');
});

test('Tab offers what is there', async () => {
  const caller = { user: 'a', roles: ['Organization Management'], via: 'shell' } as const;
  const rows: ReadonlyArray<readonly [string, string, string, readonly string[]]> = [
    ['Set-ReceiveConnector', 'Identity', 'client p', ['Client Proxy MAIL1']],
    ['Get-CASMailbox', 'Identity', 'a', ['ann']],
    ['Set-CASMailbox', 'PopEnabled', '$t', ['$true']],
    ['Set-PopSettings', 'LoginType', 'sec', ['SecureLogin']],
    ['Get-PopSettings', 'Server', '', ['MAIL1']],
    ['Start-Service', 'Name', 'msexchangei', ['MSExchangeIMAP4', 'MSExchangeIMAP4BE']],
    ['Set-ServerComponentState', 'Component', 'imap', ['ImapProxy']],
    ['Set-AcceptedDomain', 'Identity', 'ex', ['example.test']],
  ];
  for (const [cmdlet, parameter, typed, offered] of rows)
    assert.deepEqual(await org.door.complete(caller, cmdlet, parameter, typed), offered, `${cmdlet} -${parameter}`);
});
