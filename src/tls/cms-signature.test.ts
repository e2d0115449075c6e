import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createAuthority } from './authority.ts';
import { cmsSigned, type Signer } from './cms-signature.ts';

const noOpenssl = spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed';

/** OpenSSL as the foreign reader. */
describe('CMS signatures (RFC 5652)', { skip: noOpenssl }, () => {
  let folder: string;
  let caFile: string;
  let signer: Signer;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'penfold-cms-'));
    const authority = await createAuthority({ directory: folder, organization: 'Test', domains: ['example.test'] });
    caFile = authority.certificateFile;
    signer = await authority.issue({ names: ['mail.example.test'], days: 30 });
  });
  after(() => rm(folder, { recursive: true }));

  const verified = async (der: Buffer): Promise<{ readonly ok: boolean; readonly content: string }> => {
    const file = path.join(folder, 'signed.der');
    const out = path.join(folder, 'content');
    await writeFile(file, der);
    await writeFile(out, '');
    const words = ['cms', '-verify', '-inform', 'DER', '-in', file, '-CAfile', caFile, '-purpose', 'any', '-out', out];
    const { status } = spawnSync('openssl', words);
    return { ok: status === 0, content: await readFile(out, 'utf8') };
  };

  test('the content comes out and the chain is good', async () => {
    assert.deepEqual(await verified(cmsSigned(Buffer.from('a profile'), signer)), { ok: true, content: 'a profile' });
  });

  test('with an RSA key, too', async () => {
    const key = path.join(folder, 'rsa.key');
    const certificate = path.join(folder, 'rsa.pem');
    const made = spawnSync('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      '/CN=rsa.example.test',
      '-keyout',
      key,
      '-out',
      certificate,
      '-days',
      '2',
    ]);
    assert.equal(made.status, 0, String(made.stderr));
    const rsa = { chainPem: await readFile(certificate, 'utf8'), keyPem: await readFile(key, 'utf8') };
    const before = caFile;
    caFile = certificate;
    try {
      assert.deepEqual(await verified(cmsSigned(Buffer.from('x'), rsa)), { ok: true, content: 'x' });
    } finally {
      caFile = before;
    }
  });

  test('a changed content is noticed', async () => {
    const der = cmsSigned(Buffer.from('a profile'), signer);
    der[der.indexOf('a profile')] = 0x62;
    assert.equal((await verified(der)).ok, false);
  });
});
