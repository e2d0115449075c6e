import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../observe/failure.ts';
import { newSealingKey } from '../tls/seal.ts';
import {
  JOIN_TOKEN_MS,
  LONGEST_JOIN_TOKEN_MS,
  makeJoinToken,
  openJoinToken,
  parseJoinToken,
  redeemJoinToken,
  removeExpired,
} from './join-token.ts';

/** The two calls of a directory that tokens need. */
function fakeDirectory() {
  const secrets = new Map<string, Uint8Array>();
  return {
    secrets,
    organizationSecret: async (name: string): Promise<Uint8Array | null> => secrets.get(name) ?? null,
    setOrganizationSecret: async (name: string, value: Uint8Array | null, onlyIfAbsent = false) => {
      const now = secrets.get(name) ?? null;
      if (onlyIfAbsent && now !== null) return now;
      if (value === null) secrets.delete(name);
      else secrets.set(name, value);
      return value;
    },
  };
}

const failure = (code: string) => (error: unknown) => error instanceof Failure && error.code === code;
const sealingKey = newSealingKey();
const URL = 'postgres://penfold:pass@db.example.org/penfold';
const made = async (directory: ReturnType<typeof fakeDirectory>, lifeMs = JOIN_TOKEN_MS, now = Date.now()) =>
  parseJoinToken(await makeJoinToken(directory, { sealingKey, url: URL, lifeMs, now }));

test('a token opens the sealing key once', async () => {
  const directory = fakeDirectory();
  const token = await made(directory);
  assert.equal(token.url, URL);
  assert.deepEqual(Buffer.from(await openJoinToken(directory, token)), Buffer.from(sealingKey));
  assert.deepEqual(Buffer.from(await redeemJoinToken(directory, token)), Buffer.from(sealingKey));
  await assert.rejects(openJoinToken(directory, token), failure('EXPIRED'));
  await assert.rejects(redeemJoinToken(directory, token), failure('EXPIRED'));
  assert.equal(directory.secrets.size, 0, 'nothing of it stays');
});

test('of two servers that use one token at once one is refused', async () => {
  const directory = fakeDirectory();
  const token = await made(directory);
  const both = await Promise.allSettled([redeemJoinToken(directory, token), redeemJoinToken(directory, token)]);
  assert.deepEqual(both.map((one) => one.status).toSorted(), ['fulfilled', 'rejected']);
});

test('an expired token is refused, and its time cannot be made longer in the directory', async () => {
  const directory = fakeDirectory();
  const token = await made(directory, 1000, Date.now() - 1001);
  await assert.rejects(openJoinToken(directory, token), failure('EXPIRED'));
  await assert.rejects(redeemJoinToken(directory, token), failure('EXPIRED'));
  const record = JSON.parse(Buffer.from(directory.secrets.get('join-token') ?? []).toString());
  const longer = { ...record, expires: Date.now() + 60_000 };
  await directory.setOrganizationSecret('join-token', Buffer.from(JSON.stringify(longer)));
  await assert.rejects(openJoinToken(directory, token), failure('CORRUPTION'));
  const limit = { sealingKey, url: URL, lifeMs: LONGEST_JOIN_TOKEN_MS + 1 };
  await assert.rejects(makeJoinToken(directory, limit), failure('CANNOT'));
});

test('a running server takes an expired token out of the directory, and leaves others', async () => {
  const directory = fakeDirectory();
  await made(directory, 1000);
  await removeExpired(directory);
  assert.equal(directory.secrets.size, 1);
  await removeExpired(directory, Date.now() + 1001);
  assert.equal(directory.secrets.size, 0);
});

test('a later token takes the place of the earlier one', async () => {
  const directory = fakeDirectory();
  const earlier = await made(directory);
  const later = await made(directory);
  await assert.rejects(redeemJoinToken(directory, earlier), failure('EXPIRED'));
  assert.deepEqual(Buffer.from(await redeemJoinToken(directory, later)), Buffer.from(sealingKey));
});

test('a token with a guessed key opens nothing; the directory alone opens nothing', async () => {
  const directory = fakeDirectory();
  const token = await made(directory);
  await assert.rejects(openJoinToken(directory, { ...token, key: newSealingKey() }), failure('CORRUPTION'));
  const stored = Buffer.from(directory.secrets.get('join-token') ?? []).toString();
  for (const secret of [Buffer.from(sealingKey), Buffer.from(token.key)])
    assert.equal(stored.includes(secret.toString('base64')), false);
});

test('what is no token is refused without showing any of it', async () => {
  const whole = await makeJoinToken(fakeDirectory(), { sealingKey, url: URL, lifeMs: JOIN_TOKEN_MS });
  for (const text of [
    '',
    'penfold-join-1.',
    'postgres://x',
    whole.slice(0, -8),
    `x${whole}`,
    `${whole}${'A'.repeat(9000)}`,
  ]) {
    assert.throws(
      () => parseJoinToken(text),
      (error) =>
        failure('CANNOT')(error) && !JSON.stringify(Object.assign({}, error, { text: String(error) })).includes('pass'),
      text.slice(0, 30),
    );
  }
});
