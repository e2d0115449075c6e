/**
 * The cmdlets of servers and protocols against a running server, through its control socket: what they refuse because
 * the machine says no, and what has happened when they return.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { controlSocketPath } from '../../src/config/data-directory.ts';
import { defaultConfiguration } from '../../src/config/read.ts';
import type { RawArguments } from '../../src/management/binding.ts';
import type { CmdletObject } from '../../src/management/cmdlet.ts';
import { ConfirmationNeeded } from '../../src/management/door.ts';
import { type Door, doorOverSocket } from '../../src/management/door-client.ts';
import { startOrganization, type TestOrganization } from '../support/organization.ts';
import { failure, only, shownText } from './in-memory-organization.ts';

let org: TestOrganization;
let door: Door;
const warnings: string[] = [];
before(async () => {
  org = await startOrganization({ engine: 'memory', enable: ['pop3'] });
  const socket = controlSocketPath(org.layout, defaultConfiguration().control.socket);
  door = doorOverSocket(socket, { via: 'command', user: 'tester' });
});
after(() => org.stop());

async function run(name: string, args: RawArguments = {}, confirm: boolean | null = false): Promise<CmdletObject[]> {
  warnings.length = 0;
  const objects: CmdletObject[] = [];
  const options = {
    whatIf: false,
    confirm,
    input: null,
    signal: new AbortController().signal,
    onWarning: (text: string) => warnings.push(text),
    onProgress: () => {},
  };
  for await (const object of door.run(name, args, options)) objects.push(object);
  return objects;
}

/** The first line a port of this machine says; null: nobody listens. */
async function greeting(port: number): Promise<string | null> {
  const socket = connect(port, org.host);
  try {
    const [data] = await once(socket, 'data');
    return String(data).split('\r\n')[0] ?? '';
  } catch (error) {
    assert.equal(error instanceof Error && Reflect.get(error, 'code'), 'ECONNREFUSED');
    return null;
  } finally {
    socket.destroy();
  }
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, org.host);
  await once(listener, 'listening');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a listener on TCP has an AddressInfo
  const { port } = listener.address() as AddressInfo;
  listener.close();
  await once(listener, 'close');
  return port;
}

test('Start- and Stop-Service return when it is so', async () => {
  assert.equal(await greeting(org.imap.plain), null);
  await run('Start-Service', { 1: 'MSExchangeIMAP4' });
  assert.deepEqual(warnings, [
    'imap4-backend goes along: one side without the other serves nobody (-Only leaves it as it is)',
  ]);
  assert.match((await greeting(org.imap.plain)) ?? '', /^\* OK /);
  assert.deepEqual(
    (await run('Get-Service', { Name: 'imap4*' })).map((one) => one['Status']),
    ['Running', 'Running'],
  );
  await run('Stop-Service', { 1: 'MSExchangeIMAP4' });
  assert.equal(await greeting(org.imap.plain), null);
});

test('a port that another program has is refused; a free one is open as soon as the change is in effect', async () => {
  const other = createServer().listen(0, org.host);
  await once(other, 'listening');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a listener on TCP has an AddressInfo
  const taken = (other.address() as AddressInfo).port;
  await assert.rejects(
    run('Set-PopSettings', { UnencryptedOrTLSBindings: { add: [`${org.host}:${taken}`], remove: [] } }),
    failure('CANNOT', /cannot listen on 127\.0\.0\.1:\d+: the port is taken by another program/),
  );
  other.close();
  const port = await freePort();
  await run('Set-PopSettings', { UnencryptedOrTLSBindings: { add: [`${org.host}:${port}`], remove: [] } });
  assert.deepEqual(warnings, []);
  await org.running.settled();
  assert.match((await greeting(port)) ?? '', /^\+OK /);
  await run('Set-PopSettings', { UnencryptedOrTLSBindings: { add: [], remove: [`${org.host}:${port}`] } });
  await org.running.settled();
  assert.equal(await greeting(port), null);
});

test('a connector listens with its own banner, and is gone when it is removed', async () => {
  const port = await freePort();
  await run('New-ReceiveConnector', {
    1: 'Printers',
    Custom: true,
    Bindings: `${org.host}:${port}`,
    RemoteIPRanges: '127.0.0.0/8',
    PermissionGroups: 'AnonymousUsers',
    Banner: '220 printers only',
  });
  await org.running.settled();
  assert.equal(await greeting(port), '220 printers only');
  await assert.rejects(run('Remove-ReceiveConnector', { 1: 'Printers' }, null), ConfirmationNeeded);
  await run('Remove-ReceiveConnector', { 1: 'TEST\\Printers' });
  await org.running.settled();
  assert.equal(await greeting(port), null);
});

test('a certificate name that no certificate covers is refused', async () => {
  await assert.rejects(
    run('Set-PopSettings', { X509CertificateName: 'pop.elsewhere.test' }),
    failure('CANNOT', /no certificate of TEST covers pop\.elsewhere\.test.*localhost/),
  );
  const certificate = only(await run('Get-ExchangeCertificate'));
  assert.match(shownText(certificate['CertificateDomains']), /localhost/);
  await run('Set-ReceiveConnector', {
    1: 'Client Frontend TEST',
    TlsCertificateName: shownText(certificate['TlsCertificateName']),
  });
});

test('sessions are shown with user and encryption, counted before a service stops, and ended', async () => {
  await run('Set-PopSettings', { LoginType: 'PlainTextLogin' });
  const { address, password } = org.user(0);
  const socket = connect(org.pop3.plain, org.host);
  const lines = answers(socket);
  await lines();
  for (const line of [`USER ${address}`, `PASS ${password}`]) {
    socket.write(`${line}\r\n`);
    assert.match(await lines(), /^\+OK/);
  }
  const session = only(await run('Get-Session', { Protocol: 'POP3' }));
  assert.deepEqual(
    ['Server', 'Protocol', 'User', 'ClientAddress', 'Encryption'].map((name) => session[name]),
    ['TEST', 'POP3', address, '127.0.0.1', 'none'],
  );
  await assert.rejects(run('Stop-Service', { 1: 'pop3' }, null), (error: unknown) => {
    assert.ok(error instanceof ConfirmationNeeded);
    assert.match(error.message, /1 open session ends/);
    return true;
  });
  await assert.rejects(run('Set-CASMailbox', { 1: address, PopEnabled: false }, null), ConfirmationNeeded);
  const closed = once(socket, 'close');
  await run('Stop-Session', { 1: shownText(session['Identity']) });
  await closed;
  assert.deepEqual(await run('Get-Session'), []);
});

function answers(socket: Socket): () => Promise<string> {
  let rest = '';
  return async () => {
    for (;;) {
      const end = rest.indexOf('\r\n');
      if (end >= 0) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 2);
        return line;
      }
      const [data] = await once(socket, 'data');
      rest += String(data);
    }
  };
}
