/**
 * Test-*Connectivity as an attacker uses it: who may only read must not get the health mailbox's password sent to a
 * host of his own, nor have it changed.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openSqliteDirectory } from '../../src/directory/engine/sqlite/directory.ts';
import type { Directory } from '../../src/directory/api.ts';
import type { RoleGroup, Server } from '../../src/directory/model.ts';
import type { RawArguments } from '../../src/management/binding.ts';
import { testConnectivityCmdlets } from '../../src/management/cmdlets/test-connectivity.ts';
import { createDoor } from '../../src/management/door.ts';
import { Failure } from '../../src/observe/failure.ts';
import { silentLog } from '../../src/observe/log.ts';
import { fakeRunningServer } from '../management/fake-running-server.ts';

describe('connectivity tests by who may only read', () => {
  let directory: Directory;
  let server: Server;
  const asked: boolean[] = [];
  before(async () => {
    directory = await openSqliteDirectory({ file: ':memory:' });
    const site = await directory.addSite('Site');
    server = await directory.addServer({
      name: 'mail',
      fqdn: 'mail.example.test',
      site: site.id,
      frontEnd: true,
      backEnd: true,
    });
  });
  after(() => directory.close());

  const attempt = async (roles: readonly RoleGroup[], name: string, args: RawArguments): Promise<string> => {
    const none = (): never => {
      throw new Failure('UNAVAILABLE', 'no mail here');
    };
    const running = {
      ...fakeRunningServer(() => ({ directory, server })),
      authorityPem: () => Promise.resolve(''),
      probeCredential: (reset: boolean) => {
        asked.push(reset);
        return Promise.resolve({ user: 'health@example.test', password: 'the secret' });
      },
    };
    const mail = { databaseOf: none, purgeMailbox: none };
    const door = createDoor(testConnectivityCmdlets, { directory, server, mail, running, log: silentLog });
    try {
      for await (const _ of door.run({ user: 'reader', roles, via: 'api' }, name, args));
      return 'ran';
    } catch (error) {
      if (error instanceof Failure) return error.code;
      throw error;
    }
  };

  test('the password of the health mailbox goes to no host that is named by the caller', async () => {
    for (const name of ['Test-PopConnectivity', 'Test-ImapConnectivity', 'Test-SmtpConnectivity'])
      assert.equal(
        await attempt(['View-Only Organization Management'], name, {
          SmtpServer: '127.0.0.1:1',
          TrustAnySSLCertificate: true,
          PerConnectionTimeout: 1,
        }),
        'CANNOT',
        name,
      );
  });

  test('a new password for the health mailbox is a change', async () => {
    asked.length = 0;
    const args = { ResetTestAccountCredentials: true, LightMode: true, PerConnectionTimeout: 1, Port: 1 };
    assert.equal(await attempt(['View-Only Organization Management'], 'Test-PopConnectivity', args), 'NOPERM');
    assert.deepEqual(asked, []);
    assert.equal(await attempt(['Server Management'], 'Test-PopConnectivity', args), 'ran');
    assert.deepEqual(asked, [true]);
  });
});
