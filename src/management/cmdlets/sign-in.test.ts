import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Directory } from '../../directory/api.ts';
import { openSqliteDirectory } from '../../directory/engine/sqlite/directory.ts';
import type { Account, Credentials, RoleGroup } from '../../directory/model.ts';
import { silentLog } from '../../observe/log.ts';
import { Failure } from '../../observe/failure.ts';
import { createDoor, type ManagementDoor } from '../door.ts';
import { signInCmdlets } from './sign-in.ts';

const credentials: Credentials = {
  argon2id: '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$eA',
  scramSha256: {
    iterations: 4096,
    salt: new Uint8Array(16),
    storedKey: new Uint8Array(32),
    serverKey: new Uint8Array(32),
  },
};

describe('web sessions and app passwords by cmdlet', () => {
  let directory: Directory;
  let door: ManagementDoor;
  let ann: Account;
  let boss: Account;

  before(async () => {
    directory = await openSqliteDirectory({ file: ':memory:' });
    const site = await directory.addSite('Site');
    const facts = { name: 'S', fqdn: 's.test', frontEnd: true, backEnd: true };
    const server = await directory.addServer({ ...facts, site: site.id });
    const add = (alias: string): Promise<Account> =>
      directory.addAccount({
        kind: 'user',
        displayName: alias,
        alias,
        userPrincipalName: `${alias}@example.test`,
        mailbox: null,
        credentials,
      });
    [ann, boss] = [await add('ann'), await add('boss')];
    await directory.setRoleGroups(boss.id, ['Organization Management']);
    const unavailable = (): never => {
      throw new Failure('UNAVAILABLE', 'no mail here');
    };
    const mail = { databaseOf: unavailable, purgeMailbox: unavailable };
    door = createDoor(signInCmdlets, { directory, server, mail, running: null, log: silentLog });
  });
  after(() => directory.close());

  async function run(
    name: string,
    args: Record<string, string>,
    role: RoleGroup = 'Recipient Management',
  ): Promise<ReadonlyArray<Readonly<Record<string, unknown>>>> {
    const objects: Array<Readonly<Record<string, unknown>>> = [];
    const caller = { user: 'clerk@example.test', roles: [role], via: 'shell' } as const;
    for await (const object of door.run(caller, name, args, { confirm: false })) objects.push(object);
    return objects;
  }
  const signIn = (account: Account, seed: number): Promise<{ readonly id: string }> =>
    directory.addWebSession({
      account: account.id,
      token: new Uint8Array(32).fill(seed),
      userAgent: `Browser/${seed}`,
      clientAddress: '192.0.2.1',
      isRemembered: false,
    });
  const make = (account: Account, name: string, selector: string): Promise<unknown> =>
    directory.addAppPassword({ account: account.id, name, protocols: ['IMAP'], selector, credentials });

  test('sessions are shown and end one by one or all', async () => {
    const [first] = [await signIn(ann, 1), await signIn(ann, 2), await signIn(ann, 3)];
    const shown = await run('Get-WebSession', { Identity: 'ann' });
    assert.equal(shown.length, 3);
    assert.ok(!JSON.stringify(shown).includes('oken'));
    await run('Remove-WebSession', { Identity: 'ann', WebSession: first.id });
    assert.equal((await directory.webSessions(ann.id)).length, 2);
    await assert.rejects(run('Remove-WebSession', { Identity: 'ann', WebSession: first.id }), { code: 'NONEXISTENT' });
    await run('Remove-WebSession', { Identity: 'ann@example.test' });
    assert.deepEqual(await run('Get-WebSession', { Identity: 'ann' }), []);
    const [entry] = await directory.auditLog({ limit: 1 });
    assert.deepEqual([entry?.actor.command, entry?.objectKind], ['Remove-WebSession', 'WebSession']);
  });

  test('app passwords are shown without secrets and go by name or all', async () => {
    for (const name of ['Phone', 'Tablet', 'Watch']) await make(ann, name, name.toLowerCase());
    const shown = await run('Get-AppPassword', { Identity: 'ann' });
    assert.deepEqual(
      shown.map((one) => one['AppPassword']),
      ['Phone', 'Tablet', 'Watch'],
    );
    assert.ok(!/argon2id|selector/.test(JSON.stringify(shown)));
    await run('Remove-AppPassword', { Identity: 'ann', AppPassword: 'phone' });
    await assert.rejects(run('Remove-AppPassword', { Identity: 'ann', AppPassword: 'Tablit' }), {
      message: /mean "Tablet"/,
    });
    await run('Remove-AppPassword', { Identity: 'ann' });
    assert.deepEqual(await directory.appPasswords(ann.id), []);
  });

  test('those of an administrator are for who may as much', async () => {
    await signIn(boss, 9);
    await make(boss, 'Phone', 'phone');
    await assert.rejects(run('Remove-WebSession', { Identity: 'boss' }), { code: 'NOPERM' });
    await assert.rejects(run('Remove-AppPassword', { Identity: 'boss' }), { code: 'NOPERM' });
    await run('Remove-WebSession', { Identity: 'boss' }, 'Organization Management');
    await run('Remove-AppPassword', { Identity: 'boss' }, 'Organization Management');
    assert.equal((await directory.webSessions(boss.id)).length, 0);
  });
});
