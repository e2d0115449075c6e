/**
 * Test-*Connectivity as an attacker uses it: who may only read must not get the health mailbox's password sent to a
 * host of his own, nor have it changed.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { openSqliteDirectory } from '../../src/directory/engine/sqlite/directory.ts';
import type { Directory } from '../../src/directory/api.ts';
import type { RoleGroup, Server } from '../../src/directory/model.ts';
import type { RawArguments } from '../../src/management/binding.ts';
import { testConnectivityCmdlets } from '../../src/management/cmdlets/test-connectivity.ts';
import { probeImap } from '../../src/management/connectivity/imap-probe.ts';
import { probePop } from '../../src/management/connectivity/pop-probe.ts';
import { createDoor } from '../../src/management/door.ts';
import { Failure } from '../../src/observe/failure.ts';
import { silentLog } from '../../src/observe/log.ts';
import { fakeRunningServer } from '../management/fake-running-server.ts';

test('a probe ends with who asked for it; it would knock for an hour at a server of his choice', async () => {
  for (const [probe, greeting, answer] of [
    [probePop, '+OK hello', (line: string) => (line === 'STAT' ? '+OK 0 0' : '+OK')],
    [probeImap, '* OK hello', (line: string) => `${line.split(' ', 1)[0]} OK done`],
  ] as const) {
    let lines = 0;
    const gone = new AbortController();
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.write(`${greeting}\r\n`);
      socket.on('data', (chunk) => {
        for (const line of chunk.toString('latin1').split('\r\n').slice(0, -1)) {
          lines += 1;
          socket.write(`${answer(line)}\r\n`);
          // It has logged on and looks for the message now.
          if (lines === 8) gone.abort(new Error('gone'));
        }
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    const began = performance.now();
    const trust = { serverName: 'localhost', trustAny: true, authorities: [] };
    try {
      await assert.rejects(
        probe({
          target: { host: '127.0.0.1', port: address.port, connectionType: 'Plaintext', ...trust },
          credential: { user: 'a', password: 'b' },
          message: { id: 'never' },
          perConnectionTimeoutMs: 5_000,
          timeoutMs: 5_000,
          signal: gone.signal,
        }),
        /gone/,
      );
      assert.ok(performance.now() - began < 4_000);
    } finally {
      server.close();
    }
  }
});

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
    const args = { ResetTestAccountCredentials: true, LightMode: true, PerConnectionTimeout: 1 };
    assert.equal(await attempt(['View-Only Organization Management'], 'Test-PopConnectivity', args), 'NOPERM');
    assert.deepEqual(asked, []);
    assert.equal(await attempt(['Server Management'], 'Test-PopConnectivity', args), 'ran');
    assert.deepEqual(asked, [true]);
  });

  test('hosts outside, and ports that are not ours, are for those who may change servers', async () => {
    const outside = {
      ClientAccessServer: '127.0.0.1',
      MailboxCredential: 'a:b',
      LightMode: true,
      PerConnectionTimeout: 1,
      Port: 1,
    };
    assert.equal(await attempt(['View-Only Organization Management'], 'Test-ImapConnectivity', outside), 'NOPERM');
    assert.equal(await attempt(['Server Management'], 'Test-ImapConnectivity', outside), 'ran');
    // Something else listens on 127.0.0.1: it must not be sent the health mailbox's password.
    const ownPort = { LightMode: true, PerConnectionTimeout: 1, Port: 1 };
    assert.equal(await attempt(['Organization Management'], 'Test-ImapConnectivity', ownPort), 'CANNOT');
  });
});
