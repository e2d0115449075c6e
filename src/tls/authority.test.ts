import assert from 'node:assert/strict';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Failure } from '../observe/failure.ts';
import { silentLog } from '../observe/log.ts';
import { AUTHORITY_DAYS, createAuthority } from './authority.ts';
import { nameConstraints, parseNameConstraints, permits, PRIVATE_RANGES } from './name-constraints.ts';
import { ensureServerCertificate, LEAF_DAYS, RENEW_BEFORE_DAYS, scheduleRenewal } from './server-certificate.ts';

const DAY_MS = 86_400_000;
let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'penfold-tls-'));
});
after(() => rm(folder, { recursive: true }));

const authorityIn = (name: string, now?: () => Date) =>
  createAuthority({
    directory: path.join(folder, name),
    organization: 'Example',
    domains: ['example.org'],
    ...(now === undefined ? {} : { now }),
  });
const failure = (code: string) => (error: unknown) => error instanceof Failure && error.code === code;

test('an authority is made once, its key readable by nobody else', async () => {
  const made = await authorityIn('once');
  const again = await authorityIn('once');
  assert.equal(again.certificatePem, made.certificatePem);
  assert.equal((await stat(path.join(folder, 'once', 'ca.key'))).mode & 0o777, 0o600);
  assert.equal(made.certificate.ca, true);
  assert.match(made.certificate.subject, /CN=Example mail CA/);
  assert.equal(createPublicKey(made.certificatePem).asymmetricKeyDetails?.namedCurve, 'prime256v1');
  const days = (made.certificate.validToDate.getTime() - Date.now()) / DAY_MS;
  assert.ok(Math.abs(days - AUTHORITY_DAYS) < 1);
  const other = await authorityIn('other');
  assert.notEqual(other.certificate.serialNumber, made.certificate.serialNumber);
});

test('a damaged authority is reported and never replaced', async () => {
  await authorityIn('damaged');
  const key = path.join(folder, 'damaged', 'ca.key');
  await writeFile(key, await readFile(path.join(folder, 'other', 'ca.key')));
  await assert.rejects(authorityIn('damaged'), failure('CORRUPTION'));
  await rm(key);
  await assert.rejects(authorityIn('damaged'), failure('CORRUPTION'));
});

test('the authority vouches for its own domains and private addresses only', async () => {
  const authority = await authorityIn('once');
  for (const name of ['example.org', 'MAIL.example.org', 'localhost', '127.0.0.1', '::1', '10.1.2.3', '172.31.0.1'])
    assert.equal(authority.permits(name), true, name);
  for (const name of ['example.com', 'notexample.org', '192.0.2.1', '172.32.0.1', '2001:db8::1'])
    assert.equal(authority.permits(name), false, name);
  await assert.rejects(authority.issue({ names: ['bank.example.com'], days: 1 }), failure('CANNOT'));
  const again = parseNameConstraints(nameConstraints(['a.org'], PRIVATE_RANGES));
  assert.deepEqual(again.dnsNames, ['a.org']);
  assert.equal(again.ipRanges.length, PRIVATE_RANGES.length);
  assert.equal(permits(again, 'fe80::1'), true);
  assert.throws(() => parseNameConstraints(Buffer.from('3003a10100', 'hex')));
});

test('a server certificate names everything the server is called and is kept while it is good', async () => {
  const authority = await authorityIn('once');
  const options = { authority, directory: path.join(folder, 'server'), fqdn: 'mail1.example.org', log: silentLog };
  const first = await ensureServerCertificate(options);
  assert.equal(first.renewed, true);
  const certificate = new X509Certificate(await readFile(first.certificateFile));
  for (const name of ['mail1.example.org', 'localhost']) assert.equal(certificate.checkHost(name), name);
  for (const address of ['127.0.0.1', '::1']) assert.equal(certificate.checkIP(address), address);
  assert.equal(certificate.verify(authority.certificate.publicKey), true);
  assert.ok(Math.abs((certificate.validToDate.getTime() - Date.now()) / DAY_MS - LEAF_DAYS) < 1);
  assert.equal((await stat(first.keyFile)).mode & 0o777, 0o600);

  assert.equal((await ensureServerCertificate(options)).renewed, false);
  const later = (days: number) => () => new Date(Date.now() + days * DAY_MS);
  const early = { ...options, now: later(LEAF_DAYS - RENEW_BEFORE_DAYS - 1) };
  assert.equal((await ensureServerCertificate(early)).renewed, false);
  const due = { ...options, now: later(LEAF_DAYS - RENEW_BEFORE_DAYS + 1) };
  assert.equal((await ensureServerCertificate(due)).renewed, true, 'expires soon');
  const renamed = { ...options, names: ['imap.example.org'] };
  assert.equal((await ensureServerCertificate(renamed)).renewed, true, 'a new name');
  const moved = { ...options, authority: await authorityIn('other') };
  assert.equal((await ensureServerCertificate(moved)).renewed, true, 'another authority');
  await writeFile(first.certificateFile, 'garbage');
  assert.equal((await ensureServerCertificate(options)).renewed, true, 'unreadable');
});

test('the renewal schedule keeps no process alive', async () => {
  const authority = await authorityIn('once');
  const stop = scheduleRenewal({ authority, directory: folder, fqdn: 'mail1.example.org', log: silentLog });
  stop();
});
