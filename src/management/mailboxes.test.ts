import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { makeCredentials } from '../auth/verifiers.ts';
import type { Directory } from '../directory/api.ts';
import { openSqliteDirectory } from '../directory/engine/sqlite/directory.ts';
import type { Credentials, Server } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import { accountWithMailbox, createMailboxes, everyAccount, type MailboxPlan } from './mailboxes.ts';
import { actOnServices, servicesNamed } from './services.ts';

describe('mailboxes and services', () => {
  let directory: Directory;
  let server: Server;
  let credentials: Credentials;
  before(async () => {
    directory = await openSqliteDirectory({ file: ':memory:' });
    const site = await directory.addSite('Site');
    server = await directory.addServer({
      name: 'S',
      fqdn: 's.example.org',
      site: site.id,
      frontEnd: true,
      backEnd: true,
    });
    await directory.addDatabase({ name: 'DB', server: server.id, engine: 'sqlite', location: 'db' });
    await directory.addDomain({ name: 'example.org', type: 'Authoritative', isDefault: true });
    await directory.addDomain({ name: 'example.net', type: 'Authoritative', isDefault: false });
    credentials = await makeCredentials('a password', {
      parameters: { memory: 64, passes: 1, parallelism: 1 },
      iterations: 4096,
    });
  });
  after(() => directory.close());

  const plan = (address: string, more: Partial<MailboxPlan> = {}): MailboxPlan => ({
    address,
    count: null,
    displayName: null,
    database: null,
    credentials,
    ...more,
  });

  test('one mailbox, and the same name in another domain', async () => {
    const [ada] = await createMailboxes(directory, plan('Ada@Example.org', { displayName: 'Ada L' }));
    assert.equal(ada?.mailbox?.primaryAddress, 'Ada@example.org');
    assert.deepEqual([ada?.alias, ada?.userPrincipalName, ada?.displayName], ['ada', 'ada@example.org', 'Ada L']);
    const [other] = await createMailboxes(directory, plan('ada@example.net'));
    assert.equal(other?.alias, 'ada.example.net');
    assert.equal((await accountWithMailbox(directory, 'ada@EXAMPLE.net')).id, other?.id);
  });

  test('many at once, numbered, in more than one transaction', async () => {
    const told: number[] = [];
    const made = await createMailboxes(
      directory,
      plan('user%d@example.org', { count: 2345, displayName: 'User %d', onProgress: (done) => told.push(done) }),
    );
    assert.equal(made.length, 2345);
    assert.equal(made[2344]?.displayName, 'User 2345');
    assert.deepEqual([told[0], told[1], told.at(-1), told.length], [100, 200, 2345, 24]);
    let count = 0;
    for await (const account of everyAccount(directory)) if (account.alias.startsWith('user')) count += 1;
    assert.equal(count, 2345);
  });

  const refused: ReadonlyArray<[string, () => MailboxPlan, string, RegExp]> = [
    ['a domain that is not ours', () => plan('x@elsewhere.org'), 'NONEXISTENT', /penfold domain add elsewhere\.org/],
    ['a number without a count', () => plan('x%d@example.org'), 'CANNOT', /--count N/],
    ['a count without a number', () => plan('x@example.org', { count: 2 }), 'CANNOT', /needs one %d/],
    ['an unknown database', () => plan('x@example.org', { database: 'nope' }), 'NONEXISTENT', /Known: "DB"/],
    ['no address', () => plan('x'), 'CANNOT', /no mail address/],
    ['an address that exists', () => plan('ADA@example.org'), 'ALREADYEXISTS', /./],
  ];
  for (const [name, make, code, text] of refused) {
    test(`refused: ${name}`, async () => {
      await assert.rejects(
        createMailboxes(directory, make()),
        (error) => error instanceof Failure && error.code === code && text.test(error.message),
      );
    });
  }

  test('a protocol is both of its services; one side can be named alone', async () => {
    assert.deepEqual(servicesNamed(server, 'POP3'), ['pop3', 'pop3-backend']);
    assert.deepEqual(servicesNamed(server, 'MSExchangeIMAP4BE'), ['imap4-backend']);
    const changed = await actOnServices(directory, server, servicesNamed(server, 'pop3'), 'enable');
    assert.deepEqual(
      changed.map(({ service, startupType, running }) => [service, startupType, running]),
      [
        ['pop3-backend', 'Automatic', true],
        ['pop3', 'Automatic', true],
      ],
    );
    await actOnServices(directory, server, ['pop3'], 'disable');
    await assert.rejects(actOnServices(directory, server, ['pop3'], 'start'), /penfold service enable pop3/);
  });
});
