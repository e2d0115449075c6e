/** Logons with app passwords: where one counts, what a wrong one costs, and that it ends what it opened. */
import assert from 'node:assert/strict';
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Directory } from '../directory/api.ts';
import type { AppPassword, AppPasswordProtocol } from '../directory/app-password.ts';
import { openSqliteDirectory } from '../directory/engine/sqlite/directory.ts';
import type { Account } from '../directory/model.ts';
import { Failure, type FailureCode } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import type { Authenticator, LogonContext, SaslStep } from './api.ts';
import { createAppPassword, credentialsOfAccount, readAppPassword } from './app-passwords.ts';
import { type Argon2, nodeArgon2 } from './argon2id.ts';
import { createAuthenticator } from './authenticator.ts';
import { refusalNow } from './still-allowed.ts';
import { Throttle, THROTTLE_LIMITS } from './throttle.ts';
import { UseNotes } from './use-notes.ts';
import { makeCredentials } from './verifiers.ts';

const OWN = 'correct horse battery';
const CHEAP = { parameters: { memory: 64, passes: 1, parallelism: 1 }, iterations: 4096 };
const imap: LogonContext = { protocol: 'imap', remoteAddress: '192.0.2.1', encrypted: true, channelBinding: null };
const pop: LogonContext = { ...imap, protocol: 'pop3' };
const web: LogonContext = { ...imap, protocol: 'web' };

let directory: Directory;
let ann: Account;
let auth: Authenticator;
let throttle: Throttle;
let uses: UseNotes;
let runs: number;
let asked: number;
let lines: Array<Record<string, unknown>>;

const counting: Argon2 = (input) => {
  runs += 1;
  return nodeArgon2({ ...input, memory: Math.min(input.memory, 64), passes: 1 });
};

before(async () => {
  directory = await openSqliteDirectory({ file: ':memory:' });
  await directory.addDomain({ name: 'example.org', type: 'Authoritative', isDefault: true });
  const site = await directory.addSite('S');
  const facts = { name: 'A', fqdn: 'a.example.org', frontEnd: true, backEnd: true };
  const server = await directory.addServer({ ...facts, site: site.id });
  const { id } = await directory.addDatabase({ name: 'D', server: server.id, engine: 'sqlite', location: 'd' });
  ann = await directory.addAccount({
    kind: 'user',
    displayName: 'Ann',
    alias: 'ann',
    userPrincipalName: 'ann@example.org',
    mailbox: { database: id, addresses: ['ann@example.org'] },
    credentials: await makeCredentials(OWN, CHEAP),
  });
});
after(() => directory.close());

beforeEach(async () => {
  for (const { id } of await directory.appPasswords(ann.id)) await directory.removeAppPassword(ann.id, id);
  runs = 0;
  asked = 0;
  lines = [];
  const keep = (fields: object, text: string): void => {
    lines.push({ ...fields, text });
  };
  const log: Log = { debug: keep, info: keep, warn: keep, error: keep, child: () => log };
  throttle = new Throttle(THROTTLE_LIMITS, () => 1_000_000);
  uses = new UseNotes({ directory });
  const watched: Directory = {
    ...directory,
    appPasswordVerifiers: (account) => {
      asked += 1;
      return directory.appPasswordVerifiers(account);
    },
  };
  auth = createAuthenticator({ directory: watched, log, throttle, uses, hash: counting, delay: async () => {} });
});

const make = (
  name: string,
  protocols: readonly AppPasswordProtocol[],
): Promise<{ appPassword: AppPassword; password: string }> =>
  createAppPassword(directory, ann.id, { name, protocols }, CHEAP);

async function refused(work: Promise<unknown>, code: FailureCode, text?: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof Failure, String(error));
    assert.equal(error.code, code, error.message);
    if (text !== undefined) assert.match(error.message, text);
    return true;
  });
}

/** A SCRAM client (RFC 5802 §3). */
async function scram(password: string): Promise<SaslStep> {
  const exchange = auth.begin('SCRAM-SHA-256', imap);
  assert.ok(exchange !== null);
  const bare = 'n=ann,r=nonce';
  const first = await exchange.step(Buffer.from(`n,,${bare}`));
  assert.ok(!first.done);
  const serverFirst = Buffer.from(first.challenge).toString();
  const [, nonce = '', salt = '', iterations = ''] = /^r=(.*),s=(.*),i=(\d+)$/.exec(serverFirst) ?? [];
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256');
  const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
  const clientKey = hmac(salted, 'Client Key');
  const storedKey = createHash('sha256').update(clientKey).digest();
  const withoutProof = `c=biws,r=${nonce}`;
  const message = `${bare},${serverFirst},${withoutProof}`;
  const signature = hmac(storedKey, message);
  const proof = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0))).toString('base64');
  const last = await exchange.step(Buffer.from(`${withoutProof},p=${proof}`));
  assert.ok(last.done && last.final !== null);
  const expected = hmac(hmac(salted, 'Server Key'), message).toString('base64');
  assert.equal(Buffer.from(last.final).toString(), `v=${expected}`, 'the server knows it, too');
  return last;
}

describe('app passwords', () => {
  test('what is made has twenty readable characters, sixteen of them secret, and is read in any spelling', async () => {
    const { password, appPassword } = await make('Phone', ['IMAP']);
    assert.match(password, /^([a-hjkmnp-z2-9]{4}-){4}[a-hjkmnp-z2-9]{4}$/);
    const read = readAppPassword(password);
    assert.deepEqual(read, { selector: password.slice(0, 4), password });
    for (const typed of [password.replaceAll('-', ' '), password.replaceAll('-', ''), ` ${password.toUpperCase()} `])
      assert.deepEqual(readAppPassword(typed), read);
    for (const typed of [OWN, '', password.slice(1), `${password}-aaaa`, 'x'.repeat(10_000)])
      assert.equal(readAppPassword(typed), null);
    const stored = JSON.stringify(await directory.appPasswordVerifiers(ann.id));
    assert.ok(!stored.includes(password.slice(5)) && stored.includes(appPassword.id));
  });

  test('one opens the mailbox by the protocols it was made for; the log says which, and not what', async () => {
    const { password, appPassword } = await make('Phone', ['IMAP', 'SMTP']);
    const logon = await auth.password('ann', password, imap);
    assert.deepEqual(logon.appPassword, { id: appPassword.id, name: 'Phone' });
    assert.equal(lines.at(-1)?.['appPassword'], 'Phone');
    await auth.password('ann', password.replaceAll('-', ' '), { ...imap, protocol: 'smtp' });
    await refused(auth.password('ann', password, pop), 'AUTHORIZATIONFAILED', /"Phone" is for IMAP, SMTP only/);
    await refused(auth.password('ann', password, web), 'AUTHORIZATIONFAILED', /own password/);
    await refused(auth.password('ann', password, { ...web, jmap: true }), 'AUTHORIZATIONFAILED', /JMAP/);
    assert.equal(lines.at(-1)?.['reason'], 'app-password-protocol');
    assert.ok(!JSON.stringify(lines).includes(password.slice(5, 9)));
    assert.equal((await auth.password('ann', OWN, imap)).appPassword, undefined);
  });

  test('JMAP programs take one for JMAP; the sign-in page and the admin API do not', async () => {
    const { password } = await make('Program', ['JMAP']);
    assert.equal((await auth.password('ann', password, { ...web, jmap: true })).appPassword?.name, 'Program');
    await refused(auth.password('ann', password, web), 'AUTHORIZATIONFAILED');
  });

  test('right, wrong, of another account: one argon2 run, one text; a right one is remembered', async () => {
    const { password } = await make('Phone', ['IMAP']);
    await make('Tablet', ['IMAP']);
    const cost = async (work: Promise<unknown>): Promise<number> => {
      const before = runs;
      await work;
      return runs - before;
    };
    assert.equal(await cost(auth.password('ann', password, imap)), 1);
    assert.equal(await cost(auth.password('ann', password, imap)), 0, 'remembered');
    assert.equal(await cost(auth.password('ann', OWN, imap)), 1);
    assert.equal(await cost(auth.password('ann', OWN, imap)), 0, 'remembered');
    const wrong = `${password.slice(0, -4)}aaaa`;
    const other = `aaaa-${password.slice(5)}`;
    for (const [name, typed] of [
      ['ann', wrong],
      ['ann', other],
      ['ann', 'wrong'],
      ['nobody', password],
    ] as const)
      assert.equal(await cost(refused(auth.password(name, typed, imap), 'AUTHENTICATIONFAILED')), 1, typed);
    assert.equal(throttle.size, 2, 'one for ann, whatever was wrong, one for nobody');
  });

  test('an ordinary logon does not ask for app passwords, by PLAIN or LOGIN', async () => {
    await make('Phone', ['IMAP']);
    await auth.password('ann', OWN, imap);
    await refused(auth.password('ann', 'wrong', imap), 'AUTHENTICATIONFAILED');
    assert.equal(asked, 0);
  });

  test('failures are counted with those of the own password', async () => {
    const { password } = await make('Phone', ['IMAP']);
    const wrong = `${password.slice(0, -4)}aaaa`;
    for (let at = 0; at < THROTTLE_LIMITS.lockAfter; at += 1)
      await refused(auth.password('ann', at % 2 === 0 ? wrong : 'wrong', imap), 'AUTHENTICATIONFAILED');
    await refused(auth.password('ann', password, imap), 'LIMIT');
    await refused(auth.password('ann', OWN, web), 'LIMIT');
  });

  test('SCRAM proves the own password and every app password, also after the own one was changed', async () => {
    const phone = await make('Phone', ['IMAP']);
    const onlyPop = await make('Old', ['POP']);
    const step = await scram(phone.password);
    assert.ok(step.done);
    assert.equal(step.logon.appPassword?.name, 'Phone');
    const own = await scram(OWN);
    assert.ok(own.done && own.logon.appPassword === undefined);
    await refused(scram(onlyPop.password), 'AUTHORIZATIONFAILED');
    await refused(scram('wrong'), 'AUTHENTICATIONFAILED');
    const changed = await credentialsOfAccount(directory, ann.id, 'another horse battery', CHEAP);
    await directory.changeAccount(ann.id, { credentials: changed });
    const again = await scram(phone.password);
    assert.ok(again.done && again.logon.appPassword?.name === 'Phone');
    await refused(scram(OWN), 'AUTHENTICATIONFAILED');
    await directory.changeAccount(ann.id, { credentials: await credentialsOfAccount(directory, ann.id, OWN, CHEAP) });
    assert.equal(runs, 0, 'SCRAM costs no argon2 run');
  });

  test('a new password has a salt of its own where nothing depends on the old one', async () => {
    const before = await directory.credentials(ann.id);
    const next = await credentialsOfAccount(directory, ann.id, 'another horse battery', CHEAP);
    assert.notDeepEqual(next.scramSha256.salt, before?.scramSha256.salt);
  });

  test('what was opened with one ends when it is removed, and only that', async () => {
    const { appPassword } = await make('Phone', ['IMAP']);
    const open = { account: ann.id, mailbox: ann.id, protocol: 'imap' } as const;
    assert.equal(await refusalNow(directory, { ...open, appPassword: appPassword.id }), null);
    const byPop = { ...open, protocol: 'pop3', appPassword: appPassword.id } as const;
    assert.equal(await refusalNow(directory, byPop), 'app-password-protocol');
    await directory.removeAppPassword(ann.id, appPassword.id);
    assert.equal(await refusalNow(directory, { ...open, appPassword: appPassword.id }), 'app-password-removed');
    assert.equal(await refusalNow(directory, { ...open, appPassword: null }), null);
  });

  test('the last use is noted for account, protocol and app password, once the notes are written', async () => {
    const { password, appPassword } = await make('Phone', ['IMAP']);
    await auth.password('ann', password, { ...imap, program: 'mutt' });
    assert.equal((await directory.appPasswords(ann.id))[0]?.lastUsedAt, null, 'nothing is written at the logon');
    await uses.close();
    const [use] = await directory.lastUses(ann.id);
    assert.deepEqual([use?.protocol, use?.clientAddress, use?.program], ['imap', '192.0.2.1', 'mutt']);
    assert.equal((await directory.appPasswords(ann.id))[0]?.id, appPassword.id);
    assert.equal((await directory.appPasswords(ann.id))[0]?.lastUsedAt, use?.at);
  });
});
