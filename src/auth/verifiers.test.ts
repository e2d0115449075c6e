import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../observe/failure.ts';
import { PASSWORD_BYTES } from '../wire/limits.ts';
import { type Argon2, capped, matches, nodeArgon2, parseVerifier } from './argon2id.ts';
import { checkNewPassword, generatePassword, PASSWORD_LENGTH } from './password-policy.ts';
import { preparedPassword } from './prepared.ts';
import { THROTTLE_LIMITS, Throttle } from './throttle.ts';
import { makeCredentials, SCRAM_ITERATIONS } from './verifiers.ts';

const failure = (code: string) => (error: unknown) => error instanceof Failure && error.code === code;

test('credentials: argon2id at 19 MiB, two passes, one lane, and SCRAM keys; never twice the same', async () => {
  const [one, two] = await Promise.all([makeCredentials('Grüße aus Köln'), makeCredentials('Grüße aus Köln')]);
  assert.match(one.argon2id, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.notEqual(one.argon2id, two.argon2id);
  assert.notDeepEqual(one.scramSha256.salt, two.scramSha256.salt);
  assert.ok(one.scramSha256.iterations === SCRAM_ITERATIONS && SCRAM_ITERATIONS >= 4096);
  const verifier = parseVerifier(one.argon2id);
  assert.ok(verifier !== null);
  assert.equal(await matches(verifier, Buffer.from('Grüße aus Köln'), nodeArgon2), true);
  assert.equal(await matches(verifier, Buffer.from('grüße aus Köln'), nodeArgon2), false);
});

test('a verifier from another implementation (the reference argon2 command line) is understood', async () => {
  // echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1: from the reference implementation's own test file.
  const verifier = parseVerifier(
    '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
  );
  assert.ok(verifier !== null);
  assert.equal(await matches(verifier, Buffer.from('password'), nodeArgon2), true);
});

test('absurd or foreign verifiers are refused', () => {
  const tail = '$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
  const bad = ['', '$2b$12$x', `$argon2i$v=19$m=64,t=1,p=1${tail}`, `$argon2id$v=16$m=64,t=1,p=1${tail}`];
  for (const costs of ['m=2097152,t=1,p=1', 'm=64,t=999,p=1', 'm=64,t=1,p=99', 'm=7,t=1,p=1', 'm=64,t=0,p=1'])
    bad.push(`$argon2id$v=19$${costs}${tail}`);
  for (const text of bad) assert.equal(parseVerifier(text), null, text);
});

test('passwords that cannot be stored are refused in words', async () => {
  for (const password of ['', 'x'.repeat(PASSWORD_BYTES + 1), 'a\0b', 'tab\u0007'])
    await assert.rejects(makeCredentials(password), failure('CANNOT'));
  assert.equal(preparedPassword('I\u00adX'), 'IX');
  assert.equal(preparedPassword('\u2168'), 'IX');
  assert.equal(preparedPassword('\u0627\u0031'), null);
});

test('policy and generated passwords', () => {
  for (const password of ['x'.repeat(PASSWORD_LENGTH - 1), 'aaaaaaaaaa', 'ababababab', 'abc\u0000defgh'])
    assert.throws(() => checkNewPassword(password), failure('CANNOT'));
  assert.throws(() => checkNewPassword('Ann.Liddell', { names: ['ann.liddell'] }), failure('CANNOT'));
  const made = new Set(Array.from({ length: 200 }, generatePassword));
  assert.equal(made.size, 200);
  for (const password of made) {
    assert.match(password, /^[a-hjkmnp-z2-9]{4}(-[a-hjkmnp-z2-9]{4}){3}$/);
    checkNewPassword(password);
  }
});

test('argon2: so many at once, so many waiting, the rest refused; an error frees its place', async () => {
  const released: Array<(fails: boolean) => void> = [];
  let running = 0;
  let most = 0;
  const slow: Argon2 = () => {
    running += 1;
    most = Math.max(most, running);
    return new Promise((resolve, reject) => {
      released.push((fails) => {
        running -= 1;
        if (fails) reject(new Error('out of memory'));
        else resolve(new Uint8Array(4));
      });
    });
  };
  const hash = capped(slow, 2, 3);
  const input = { password: Buffer.alloc(1), salt: Buffer.alloc(8), memory: 8, passes: 1, parallelism: 1, tagBytes: 4 };
  const all = Array.from({ length: 7 }, () =>
    hash(input).then(
      () => 'done',
      (error: unknown) => error,
    ),
  );
  const [, , , , , sixth, seventh] = all;
  assert.ok(failure('UNAVAILABLE')(await sixth));
  assert.ok(failure('UNAVAILABLE')(await seventh));
  for (let n = 0; n < 5; n += 1) {
    while (released.length === 0) await Promise.resolve();
    released.shift()?.(n === 0);
    await all[n];
  }
  assert.equal(most, 2);
  assert.deepEqual((await Promise.all(all)).filter((one) => one === 'done').length, 4);
  assert.equal(running, 0);
});

test('throttle: bounded memory, lock-outs outlive floods, IPv6 counts by /64, windows end', () => {
  let now = 0;
  const throttle = new Throttle({ ...THROTTLE_LIMITS, keys: 100, lockAfter: 3 }, () => now);
  for (let i = 0; i < 3; i += 1) throttle.failed('2001:db8:1:2::1', 'ann');
  assert.ok(throttle.remaining('2001:db8:1:2:ffff::9', 'ann') > 0);
  assert.equal(throttle.remaining('2001:db8:1:3::1', 'ann'), 0);
  for (let i = 0; i < 1000; i += 1) throttle.failed('192.0.2.7', `made up ${i}`);
  assert.ok(throttle.size <= 100);
  assert.equal(throttle.list().length, 1);
  assert.equal(throttle.list()[0]?.address, '2001:db8:1:2::/64');
  assert.equal(throttle.lift('2001:db8:1:2::5', 'ann'), 1);

  throttle.failed('198.51.100.1', 'bob');
  throttle.failed('198.51.100.1', 'bob');
  now += THROTTLE_LIMITS.windowMs;
  assert.equal(throttle.failed('198.51.100.1', 'bob').locked, false);
  assert.equal(throttle.failed('::ffff:198.51.100.1', 'bob').locked, false);
  assert.equal(throttle.failed('198.51.100.1', 'bob').locked, true);
  now += THROTTLE_LIMITS.lockMs;
  assert.equal(throttle.remaining('198.51.100.1', 'bob'), 0);
});
