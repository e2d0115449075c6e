/**
 * The authenticator on a directory in memory. Equal cost of unknown user and wrong password is shown by counting
 * argon2 runs, not by the clock.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Directory, NewAccount } from '../directory/api.ts';
import { openSqliteDirectory } from '../directory/engine/sqlite/directory.ts';
import type { AccountId, Credentials, DatabaseId } from '../directory/model.ts';
import { Failure, type FailureCode, ProtocolViolation } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import { LOGON_NAME_BYTES, PASSWORD_BYTES, SASL_RESPONSE_BYTES } from '../wire/limits.ts';
import type { Authenticator, LogonContext } from './api.ts';
import { type Argon2, nodeArgon2 } from './argon2id.ts';
import { createAuthenticator } from './authenticator.ts';
import { REMEMBERED_MS } from './password-check.ts';
import { Throttle, THROTTLE_LIMITS } from './throttle.ts';
import { makeCredentials } from './verifiers.ts';

const RIGHT = 'correct horse battery';
const imap: LogonContext = { protocol: 'imap', remoteAddress: '192.0.2.1', encrypted: true, channelBinding: null };
/** Small memory: this is about the path, not about strength. */
const CHEAP = { parameters: { memory: 64, passes: 1, parallelism: 1 }, iterations: 4096 };

let directory: Directory;
let database: DatabaseId;
let credentials: Credentials;
const ids = new Map<string, AccountId>();

let auth: Authenticator;
let throttle: Throttle;
let runs: number;
let clock: number;
let delays: number[];
let lines: Array<Record<string, unknown>>;

const counting: Argon2 = (input) => {
  runs += 1;
  // Real parameters would make this file slow; the unmatchable verifier has them, so they are cut down here.
  return nodeArgon2({ ...input, memory: Math.min(input.memory, 64), passes: 1 });
};

before(async () => {
  directory = await openSqliteDirectory({ file: ':memory:' });
  credentials = await makeCredentials(RIGHT, CHEAP);
  await directory.addDomain({ name: 'example.org', type: 'Authoritative', isDefault: true });
  const site = await directory.addSite('S');
  const server = await directory.addServer({
    name: 'A',
    fqdn: 'a.example.org',
    site: site.id,
    frontEnd: true,
    backEnd: true,
  });
  database = (await directory.addDatabase({ name: 'D', server: server.id, engine: 'sqlite', location: 'd' })).id;
  const add = async (alias: string, more: Partial<NewAccount> = {}): Promise<void> => {
    const account = await directory.addAccount({
      kind: 'user',
      displayName: alias,
      alias,
      userPrincipalName: `${alias}@example.org`,
      mailbox: { database, addresses: [`${alias}@example.org`] },
      credentials,
      ...more,
    });
    ids.set(alias, account.id);
  };
  for (const alias of ['ann', 'bob', 'off', 'nopop', 'gone']) await add(alias);
  await add('admin', { kind: 'administrator' });
  await add('guest', { kind: 'guest', credentials: null });
  await add('anonymous', { kind: 'anonymous', credentials: null });
  await add('room1', { kind: 'room', credentials: null });
  await add('service', { mailbox: null });
  await directory.changeAccount(idOf('off'), { enabled: false });
  await directory.setClientAccess(idOf('nopop'), { popEnabled: false, smtpClientAuthenticationDisabled: true });
});
after(() => directory.close());

function idOf(alias: string): AccountId {
  const id = ids.get(alias);
  assert.ok(id !== undefined);
  return id;
}

beforeEach(() => {
  runs = 0;
  clock = 1_000_000;
  delays = [];
  lines = [];
  const keep = (fields: object, text: string): void => {
    lines.push({ ...fields, text });
  };
  const log: Log = { debug: keep, info: keep, warn: keep, error: keep, child: () => log };
  throttle = new Throttle(THROTTLE_LIMITS, () => clock);
  auth = createAuthenticator({
    directory,
    log,
    throttle,
    hash: counting,
    now: () => clock,
    delay: async (ms) => {
      delays.push(ms);
    },
  });
});

async function refused(work: Promise<unknown>, code: FailureCode): Promise<string> {
  let text = '';
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof Failure, String(error));
    assert.equal(error.code, code, error.message);
    text = error.message;
    return true;
  });
  return text;
}

const plain = (authorizationId: string, name: string, password: string): Buffer =>
  Buffer.from(`${authorizationId}\0${name}\0${password}`);

describe('passwords', () => {
  test('the right password opens the own mailbox, under every name', async () => {
    for (const name of ['ann@example.org', 'ANN', 'example\\ann']) {
      const logon = await auth.password(name, RIGHT, imap);
      assert.equal(logon.account.id, idOf('ann'));
      assert.equal(logon.mailbox, logon.account);
    }
    assert.equal(lines.at(-1)?.['text'], 'logon');
    assert.equal(runs, 1, 'remembered after the first');
  });

  test('unknown user, wrong password, account without password: one argon2 run, one text, one code', async () => {
    const texts = new Set<string>();
    for (const name of ['nobody@example.org', 'ann', 'room1']) {
      const before = runs;
      texts.add(await refused(auth.password(name, 'wrong', imap), 'AUTHENTICATIONFAILED'));
      assert.equal(runs - before, 1, name);
    }
    assert.equal(texts.size, 1);
    assert.deepEqual(
      lines.map((line) => line['reason']),
      ['unknown-user', 'wrong-password', 'no-password'],
    );
  });

  test('each refusal has its own code and log line', async () => {
    const pop: LogonContext = { ...imap, protocol: 'pop3' };
    const smtp: LogonContext = { ...imap, protocol: 'smtp' };
    const cases: ReadonlyArray<readonly [string, string, LogonContext, FailureCode, string]> = [
      ['guest', RIGHT, imap, 'AUTHORIZATIONFAILED', 'guest'],
      ['anonymous', 'x', smtp, 'AUTHORIZATIONFAILED', 'anonymous'],
      ['admin', RIGHT, imap, 'AUTHORIZATIONFAILED', 'administrator'],
      ['admin', RIGHT, pop, 'AUTHORIZATIONFAILED', 'administrator'],
      ['admin', 'wrong', pop, 'AUTHENTICATIONFAILED', 'wrong-password'],
      ['off', RIGHT, imap, 'CONTACTADMIN', 'account-disabled'],
      ['off', 'wrong', imap, 'AUTHENTICATIONFAILED', 'wrong-password'],
      ['nopop', RIGHT, pop, 'CONTACTADMIN', 'protocol-disabled'],
      ['nopop', RIGHT, smtp, 'CONTACTADMIN', 'protocol-disabled'],
      ['service', RIGHT, imap, 'CONTACTADMIN', 'no-mailbox'],
    ];
    for (const [name, password, context, code, reason] of cases) {
      const before = runs;
      await refused(auth.password(name, password, context), code);
      assert.equal(lines.at(-1)?.['reason'], reason, name);
      assert.ok(runs - before <= 1);
    }
    await auth.password('nopop', RIGHT, imap);
    await auth.password('admin', RIGHT, { ...imap, protocol: 'web' });
    await auth.password('admin', RIGHT, smtp);
  });

  test('a password is remembered for minutes and forgotten when it changes', async () => {
    await auth.password('bob', RIGHT, imap);
    await auth.password('bob', RIGHT, imap);
    assert.equal(runs, 1);
    clock += REMEMBERED_MS + 1;
    await auth.password('bob', RIGHT, imap);
    assert.equal(runs, 2);
    await directory.changeAccount(idOf('bob'), { credentials: await makeCredentials('another secret', CHEAP) });
    await refused(auth.password('bob', RIGHT, imap), 'AUTHENTICATIONFAILED');
    await auth.password('bob', 'another secret', imap);
    await directory.changeAccount(idOf('bob'), { credentials: null });
    await refused(auth.password('bob', 'another secret', imap), 'AUTHENTICATIONFAILED');
    await directory.changeAccount(idOf('bob'), { credentials });
  });

  test('sixteen connections at once with one password cost one run', async () => {
    await Promise.all(Array.from({ length: 16 }, () => auth.password('ann', RIGHT, imap)));
    assert.equal(runs, 1);
  });

  test('without TLS a password is not taken unless the front end allows it', async () => {
    const clear = { ...imap, encrypted: false };
    await refused(auth.password('ann', RIGHT, clear), 'PRIVACYREQUIRED');
    assert.equal(runs, 0);
    await auth.password('ann', RIGHT, { ...clear, plainTextAllowed: true });
  });

  test('limits of names and passwords', async () => {
    await refused(auth.password('x'.repeat(LOGON_NAME_BYTES + 1), 'x', imap), 'AUTHENTICATIONFAILED');
    await refused(auth.password('ann', 'x'.repeat(PASSWORD_BYTES + 1), imap), 'AUTHENTICATIONFAILED');
    assert.equal(runs, 0);
    await refused(auth.password('ann', 'x'.repeat(PASSWORD_BYTES), imap), 'AUTHENTICATIONFAILED');
    assert.equal(runs, 1);
  });

  test('no log line ever holds a password or a response', async () => {
    await refused(auth.password('ann', 'hunter2-secret', imap), 'AUTHENTICATIONFAILED');
    await refused(
      auth.begin('PLAIN', imap)?.step(plain('', 'ann', 'hunter2-secret')) ?? Promise.resolve(),
      'AUTHENTICATIONFAILED',
    );
    await auth.password('ann', RIGHT, imap);
    assert.doesNotMatch(JSON.stringify(lines), /hunter2|horse/);
    assert.equal(lines.length, 3);
  });

  test('a directory that fails is UNAVAILABLE, not a wrong password', async () => {
    const broken = createAuthenticator({
      directory: { ...directory, accountByLogonName: () => Promise.reject(new Error('disk')) },
      hash: counting,
    });
    await refused(broken.password('ann', RIGHT, imap), 'UNAVAILABLE');
  });
});

describe('lock-out', () => {
  const fail = (name: string, context = imap) => refused(auth.password(name, 'wrong', context), 'AUTHENTICATIONFAILED');

  test('answers slow down, then (address, user) is refused without a look at the password, and it expires', async () => {
    for (let i = 0; i < THROTTLE_LIMITS.lockAfter; i += 1) await fail('ann');
    assert.deepEqual(delays, [500, 1000, 2000, 4000, 4000, 4000, 4000]);
    const before = runs;
    const text = await refused(auth.password('ann@example.org', RIGHT, imap), 'LIMIT');
    assert.match(text, /Try again in 15 minutes/);
    assert.equal(runs, before);
    assert.equal(lines.at(-1)?.['reason'], 'locked-out');
    // Elsewhere, and for others, nothing changed.
    await auth.password('ann', RIGHT, { ...imap, remoteAddress: '192.0.2.2' });
    await auth.password('gone', RIGHT, imap);
    assert.deepEqual(
      throttle.list().map(({ address, user }) => [address, user]),
      [['192.0.2.1', 'ann@example.org']],
    );
    clock += THROTTLE_LIMITS.lockMs;
    await auth.password('ann', RIGHT, imap);
    assert.deepEqual(throttle.list(), []);
  });

  test('unknown names lock alike, and an admin lifts it', async () => {
    for (let i = 0; i < THROTTLE_LIMITS.lockAfter; i += 1) await fail('nobody');
    const before = runs;
    await refused(auth.password('nobody@example.org', 'x', imap), 'LIMIT');
    assert.equal(runs, before);
    assert.equal(throttle.lift('192.0.2.1'), 1);
    await fail('nobody');
  });

  test('attempts side by side learn no more than one after the other', async () => {
    const many = Array.from({ length: 40 }, (_, n) => auth.password('ann', `guess ${n}`, imap));
    const codes = (await Promise.allSettled(many)).map((one) =>
      one.status === 'rejected' && one.reason instanceof Failure ? one.reason.code : 'in',
    );
    assert.equal(codes.filter((code) => code === 'AUTHENTICATIONFAILED').length, THROTTLE_LIMITS.lockAfter);
    assert.equal(codes.filter((code) => code === 'LIMIT').length, 40 - THROTTLE_LIMITS.lockAfter);
  });

  test('successes are not counted and clear the failures', async () => {
    for (let round = 0; round < 5; round += 1) {
      for (let i = 0; i < THROTTLE_LIMITS.lockAfter - 1; i += 1) await fail('ann');
      await auth.password('ann', RIGHT, imap);
    }
    assert.equal(throttle.size, 0);
  });
});

describe('mechanisms', () => {
  const clear: LogonContext = { ...imap, encrypted: false };
  const bound: LogonContext = { ...imap, channelBinding: new Uint8Array(32) };

  test('what is announced and what may begin agree', () => {
    const cases: ReadonlyArray<readonly [LogonContext, string[]]> = [
      [clear, ['SCRAM-SHA-256']],
      [imap, ['SCRAM-SHA-256', 'PLAIN']],
      [bound, ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'PLAIN']],
      [{ ...imap, protocol: 'smtp' }, ['SCRAM-SHA-256', 'PLAIN', 'LOGIN']],
      [{ ...clear, plainTextAllowed: true }, ['SCRAM-SHA-256', 'PLAIN']],
    ];
    for (const [context, names] of cases) {
      assert.deepEqual(auth.mechanisms(context), names);
      for (const name of names) assert.notEqual(auth.begin(name.toLowerCase(), context), null);
    }
    assert.equal(auth.begin('PLAIN', clear), null);
    assert.equal(auth.begin('LOGIN', clear), null);
    assert.equal(auth.begin('SCRAM-SHA-256-PLUS', imap), null);
    assert.equal(auth.begin('CRAM-MD5', imap), null);
  });

  test('PLAIN with and without initial response', async () => {
    const direct = await auth.begin('PLAIN', imap)?.step(plain('', 'ann', RIGHT));
    assert.equal(direct?.done, true);
    const asked = auth.begin('PLAIN', imap);
    const challenge = await asked?.step(null);
    assert.ok(challenge?.done === false && challenge.challenge.length === 0);
    assert.equal((await asked?.step(plain('', 'ann', RIGHT)))?.done, true);
    await assert.rejects(async () => asked?.step(plain('', 'ann', RIGHT)), ProtocolViolation);
  });

  test('PLAIN for another identity: own names only', async () => {
    const as = (authorizationId: string) =>
      auth.begin('PLAIN', imap)?.step(plain(authorizationId, 'ann', RIGHT)) ?? Promise.reject(new Error('none'));
    for (const own of ['ann', 'ann@example.org', 'EXAMPLE\\ann']) assert.equal((await as(own)).done, true);
    for (const other of ['bob', 'nobody', 'admin']) await refused(as(other), 'AUTHORIZATIONFAILED');
  });

  test('malformed messages are violations, not wrong passwords', async () => {
    const bad: ReadonlyArray<readonly [string, Buffer]> = [
      ['PLAIN', Buffer.from('')],
      ['PLAIN', Buffer.from('ann\0secret')],
      ['PLAIN', Buffer.from('\0\0secret')],
      ['PLAIN', Buffer.from('\0ann\0sec\0ret')],
      ['PLAIN', Buffer.from([0, 0xff, 0xfe, 0, 0x61])],
      ['PLAIN', Buffer.alloc(SASL_RESPONSE_BYTES + 1, 0x61)],
      ['PLAIN', plain('', 'x'.repeat(LOGON_NAME_BYTES + 1), 'y')],
      ['PLAIN', plain('', 'x', 'y'.repeat(PASSWORD_BYTES + 1))],
      ['LOGIN', Buffer.from('')],
      ['LOGIN', Buffer.from([0xc3])],
    ];
    for (const [mechanism, message] of bad)
      await assert.rejects(async () => auth.begin(mechanism, imap)?.step(message), ProtocolViolation);
    assert.equal(runs, 0);
  });

  test('LOGIN asks for name and password, or takes the name at once', async () => {
    const exchange = auth.begin('LOGIN', imap);
    const text = (step: Awaited<ReturnType<NonNullable<typeof exchange>['step']>> | undefined): string =>
      step?.done === false ? Buffer.from(step.challenge).toString() : 'done';
    assert.equal(text(await exchange?.step(null)), 'Username:');
    assert.equal(text(await exchange?.step(Buffer.from('ann'))), 'Password:');
    assert.equal(text(await exchange?.step(Buffer.from(RIGHT))), 'done');
    const short = auth.begin('LOGIN', imap);
    assert.equal(text(await short?.step(Buffer.from('ann'))), 'Password:');
    await refused(short?.step(Buffer.from('wrong')) ?? Promise.resolve(), 'AUTHENTICATIONFAILED');
  });
});
