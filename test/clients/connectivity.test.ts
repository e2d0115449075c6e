/**
 * The probes of Test-PopConnectivity and Test-ImapConnectivity against a server that is not ours, Dovecot from Debian's
 * packages, and the ways they have to fail there (issue 3, Must show 4).
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { dovecotInstalled, startDovecot } from '../../bench/peers/dovecot.ts';
import type { Peer } from '../../bench/peers/peer.ts';
import type { ProbeTarget } from '../../src/management/connectivity/line-client.ts';
import { type ConnectivityTest, testConnectivity } from '../../src/management/connectivity/run.ts';

const absent = dovecotInstalled() && process.getuid?.() === 0 ? false : 'needs Dovecot and root';
const credential = { user: 'ada', password: 'correct horse battery' };
let directory = '';
let dovecot: Peer;
let authority = '';

before(async () => {
  if (absent !== false) return;
  directory = await mkdtemp(path.join(os.tmpdir(), 'penfold-dovecot-'));
  dovecot = await startDovecot({
    directory,
    flavour: 'default',
    users: [{ name: credential.user, password: credential.password }],
  });
  authority = await readFile(path.join(directory, 'cert.pem'), 'utf8');
});
after(async () => {
  if (absent !== false) return;
  await dovecot.stop();
  await rm(directory, { recursive: true, force: true });
});

const target = (port: number, connectionType: ProbeTarget['connectionType']): ProbeTarget => ({
  host: '127.0.0.1',
  port,
  connectionType,
  serverName: 'localhost',
  trustAny: false,
  authorities: [authority],
});

const run = (change: Partial<ConnectivityTest> & Pick<ConnectivityTest, 'protocol' | 'target'>) =>
  testConnectivity({
    submission: null,
    credential,
    address: 'ada@localhost',
    perConnectionTimeoutMs: 10_000,
    timeoutMs: 10_000,
    ...change,
  });

test('logs on to Dovecot by both protocols and all connection types', { skip: absent }, async () => {
  for (const [protocol, at] of [
    ['imap', target(dovecot.imaps.port, 'Ssl')],
    ['imap', target(dovecot.imap.port, 'Tls')],
    ['imap', target(dovecot.imap.port, 'Plaintext')],
    ['pop3', target(dovecot.pop3s.port, 'Ssl')],
    ['pop3', target(dovecot.pop3.port, 'Tls')],
    ['pop3', target(dovecot.pop3.port, 'Plaintext')],
  ] as const) {
    const done = await run({ protocol, target: at });
    assert.deepEqual([done.result, done.error], ['Success', ''], `${protocol} ${at.connectionType}`);
  }
});

test('fails on Dovecot with a wrong password, a wrong name, an unknown authority, a closed port', {
  skip: absent,
}, async () => {
  const wrong = { credential: { user: 'ada', password: 'no' } };
  const imaps = target(dovecot.imaps.port, 'Ssl');
  assert.match((await run({ protocol: 'imap', target: imaps, ...wrong })).error, /^IMAP Error: p\d+ NO/);
  assert.match(
    (await run({ protocol: 'pop3', target: target(dovecot.pop3s.port, 'Ssl'), ...wrong })).error,
    /^POP3 Error: -ERR/,
  );
  assert.match((await run({ protocol: 'imap', target: { ...imaps, serverName: 'other.test' } })).error, /another name/);
  assert.match((await run({ protocol: 'imap', target: { ...imaps, authorities: [] } })).error, /not trusted/);
  assert.match((await run({ protocol: 'imap', target: { ...imaps, port: 1 } })).error, /refused/);
});
