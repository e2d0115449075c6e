import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { CertificateFacts } from '../services-of-instance.ts';
import { advertisedNames, certificateDates } from './certificates.ts';
import type { Finding } from './finding.ts';
import { clock, disk, permissions } from './machine.ts';
import { dnsFindings, type NameService } from './names.ts';

const NOW = Date.UTC(2026, 10, 23);
const DAY = 86_400_000;

async function inDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'penfold-doctor-'));
  try {
    await run(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const verdicts = (findings: readonly Finding[]): readonly string[] => findings.map((one) => one.verdict);

test('keys and data that others can read are problems, with the command that mends them', () =>
  inDirectory(async (root) => {
    const tls = path.join(root, 'tls');
    await mkdir(tls);
    await chmod(root, 0o700);
    await writeFile(path.join(tls, 'server.key'), 'x', { mode: 0o600 });
    assert.deepEqual(verdicts(await permissions(root, tls)), ['ok']);
    await chmod(path.join(tls, 'server.key'), 0o640);
    await chmod(root, 0o755);
    const found = await permissions(root, tls);
    assert.deepEqual(verdicts(found), ['problem', 'problem']);
    assert.match(found[0]?.fix ?? '', /^chmod 700 /);
    assert.match(found[1]?.fix ?? '', /^chmod 600 .*server\.key$/);
  }));

test('the disk is measured where the data lies', () =>
  inDirectory(async (root) => {
    assert.match((await disk(root)).text, /^\d+\.\d GB free \(\d+ %\)/);
    await assert.rejects(disk(path.join(root, 'missing')));
  }));

test('a clock that was set back shows in the log, one before this version is wrong', () =>
  inDirectory(async (logs) => {
    assert.equal((await clock(logs, NOW)).verdict, 'ok');
    const file = path.join(logs, 'penfold.log');
    await writeFile(file, '');
    await utimes(file, NOW / 1000, NOW / 1000);
    assert.equal((await clock(logs, NOW - 60_000)).verdict, 'ok', 'a minute is nothing');
    assert.match((await clock(logs, NOW - DAY)).text, /set back/);
    assert.equal((await clock(logs, 0)).verdict, 'problem');
  }));

// The certificate itself is not looked at here.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an object that is never used
const certificate = Object.create(X509Certificate.prototype) as X509Certificate;
const facts = (name: string, days: number): CertificateFacts => ({
  subject: `CN=${name}`,
  issuer: 'CN=somebody',
  names: [name],
  notAfter: NOW + days * DAY,
  certificate,
});

test('certificates: expired, soon, well', () => {
  const found = certificateDates([facts('a', -1), facts('b', 3), facts('c', 300)], NOW);
  assert.deepEqual(verdicts(found), ['problem', 'advice', 'ok']);
});

test('a name that users are told and no certificate has is a problem, once', () => {
  const setting = (host: string, encryption: 'SSL' | 'none') => ({
    where: 'Set-PopSettings',
    setting: { host, port: 995, encryption },
  });
  const found = advertisedNames(
    [
      setting('mail.example.org', 'SSL'),
      setting('MAIL.example.org', 'SSL'),
      setting('own.example', 'SSL'),
      setting('x', 'none'),
    ],
    (name) => (name === 'own.example' ? facts(name, 100) : null),
    () => true,
  );
  assert.deepEqual(verdicts(found), ['problem', 'advice']);
  assert.match(found[0]?.text ?? '', /Set-PopSettings tells users mail\.example\.org/);
});

test('DNS: what is there, what is missing, and a DNS that does not answer', async () => {
  const names: NameService = {
    addresses: (host) =>
      host === 'dead.example.org'
        ? Promise.reject(Object.assign(new Error('no'), { code: 'ETIMEOUT' }))
        : Promise.resolve(host === 'mail.example.org' ? ['192.0.2.1'] : []),
    mx: () => Promise.resolve(['mail.example.org']),
    srv: () => Promise.resolve([]),
  };
  const found = await dnsFindings(
    names,
    ['mail.example.org', 'MAIL.EXAMPLE.ORG', 'gone.example.org', 'dead.example.org', 'localhost'],
    [
      { name: 'example.org', type: 'Authoritative', isDefault: true },
      { name: 'intern.test', type: 'Authoritative', isDefault: false },
    ],
  );
  assert.deepEqual(verdicts(found), ['ok', 'problem', 'unknown', 'advice', 'ok', 'advice']);
  assert.match(found[5]?.fix ?? '', /SRV/);
});
