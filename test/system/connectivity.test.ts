/**
 * The Test-*Connectivity probes against a running server, and the ways they have to fail (issue 3, Must show 4).
 * test/clients/connectivity.test.ts runs them against Dovecot.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ProbeTarget } from '../../src/management/connectivity/line-client.ts';
import {
  type ConnectivityResult,
  type ConnectivityTest,
  testConnectivity,
} from '../../src/management/connectivity/run.ts';
import { actOnServices } from '../../src/management/services.ts';
import { startOrganization, type TestOrganization } from '../support/organization.ts';

let organization: TestOrganization;
before(async () => {
  organization = await startOrganization({ engine: 'memory' });
});
after(() => organization.stop());

const target = (port: number, connectionType: ProbeTarget['connectionType']): ProbeTarget => ({
  host: '127.0.0.1',
  port,
  connectionType,
  serverName: 'localhost',
  trustAny: false,
  authorities: [organization.ca],
});

function run(change: Partial<ConnectivityTest> = {}): Promise<ConnectivityResult> {
  const { address, password } = organization.user(0);
  return testConnectivity({
    protocol: 'imap',
    target: target(organization.imap.tls, 'Ssl'),
    submission: null,
    credential: { user: address, password },
    address,
    perConnectionTimeoutMs: 5_000,
    timeoutMs: 5_000,
    ...change,
  });
}

test('logon works by each protocol and connection type', async () => {
  const { imap, pop3, smtp } = organization;
  for (const [protocol, at] of [
    ['imap', target(imap.tls, 'Ssl')],
    ['imap', target(imap.plain, 'Tls')],
    ['pop3', target(pop3.tls, 'Ssl')],
    ['pop3', target(pop3.plain, 'Tls')],
    ['smtp', target(smtp.submissions, 'Ssl')],
    ['smtp', target(smtp.submission, 'Tls')],
  ] as const) {
    const done = await run({ protocol, target: at });
    assert.deepEqual([done.result, done.error], ['Success', ''], `${protocol} ${at.connectionType}`);
    assert.ok(done.latencyMs > 0);
  }
});

test('the full test sends a message, finds it and leaves nothing behind', async () => {
  for (const [protocol, at] of [
    ['imap', target(organization.imap.tls, 'Ssl')],
    ['pop3', target(organization.pop3.tls, 'Ssl')],
  ] as const) {
    const done = await run({ protocol, target: at, submission: target(organization.smtp.submission, 'Tls') });
    assert.deepEqual([done.result, done.error], ['Success', ''], protocol);
  }
  const { account } = organization.user(0);
  assert.ok(account.mailbox !== null);
  const mailbox = await organization.databaseOf(account).open(account.mailbox.id);
  assert.equal(mailbox.folderByName('INBOX')?.exists, 0);
  mailbox.close();
});

test('a wrong password fails with the answer of the server', async () => {
  const credential = { user: organization.user(0).address, password: 'wrong' };
  const imap = await run({ credential });
  assert.equal(imap.result, 'Failure');
  assert.match(imap.error, /^IMAP Error: p\d+ NO \[AUTHENTICATIONFAILED\]/);
  const pop = await run({ credential, protocol: 'pop3', target: target(organization.pop3.tls, 'Ssl') });
  assert.match(pop.error, /^POP3 Error: -ERR \[AUTH\]/);
  const smtp = await run({ credential, protocol: 'smtp', target: target(organization.smtp.submissions, 'Ssl') });
  assert.match(smtp.error, /^SMTP Error: 535 /);
});

test('a certificate of another name or of an unknown authority fails, unless any is trusted', async () => {
  const wrongName = { ...target(organization.imap.tls, 'Ssl'), serverName: 'mail.contoso.com' };
  assert.match((await run({ target: wrongName })).error, /another name/);
  const unknown = { ...target(organization.imap.plain, 'Tls'), authorities: [] };
  assert.match((await run({ target: unknown })).error, /not trusted/);
  assert.equal((await run({ target: { ...unknown, trustAny: true } })).result, 'Success');
});

test('plain text is refused where LoginType wants TLS, and the probe says so', async () => {
  const done = await run({ target: target(organization.imap.plain, 'Plaintext') });
  assert.match(done.error, /LOGINDISABLED/);
});

test('a stopped back end fails with its reason, a stopped front end with a refused connection', async () => {
  const { directory, server } = organization;
  await actOnServices(directory, server, ['imap4-backend'], 'stop');
  await organization.running.settled();
  const noBackEnd = await run();
  assert.equal(noBackEnd.result, 'Failure');
  assert.match(noBackEnd.error, /\[UNAVAILABLE\].*Backend/);
  await actOnServices(directory, server, ['imap4-backend'], 'start');
  await actOnServices(directory, server, ['pop3'], 'stop');
  await organization.running.settled();
  const noFrontEnd = await run({ protocol: 'pop3', target: target(organization.pop3.tls, 'Ssl') });
  assert.match(noFrontEnd.error, /refused/);
});

test('a server that says nothing costs the time that was allowed and no more', async () => {
  const { createServer } = await import('node:net');
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await new Promise((resolve) => silent.once('listening', resolve));
  const address = silent.address();
  assert.ok(address !== null && typeof address === 'object');
  const done = await run({ target: target(address.port, 'Plaintext'), perConnectionTimeoutMs: 200 });
  assert.match(done.error, /no answer within/);
  silent.close();
});
