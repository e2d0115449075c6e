/** Logging on to somebody else's mailbox, and what `why-cannot-log-on` says of it. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Directory, NewAccount } from '../directory/api.ts';
import { openSqliteDirectory } from '../directory/engine/sqlite/directory.ts';
import type { Account, Credentials, DatabaseId, MailboxRight } from '../directory/model.ts';
import { Failure, type FailureCode } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import type { Authenticator, LogonContext } from './api.ts';
import { type Argon2, nodeArgon2 } from './argon2id.ts';
import { createAuthenticator } from './authenticator.ts';
import { refusalNow } from './still-allowed.ts';
import { Throttle } from './throttle.ts';
import { makeCredentials } from './verifiers.ts';
import { type LogonCheckName, whyCannotLogOn } from './why.ts';

const RIGHT = 'correct horse battery';
const imap: LogonContext = { protocol: 'imap', remoteAddress: '192.0.2.1', encrypted: true, channelBinding: null };
const pop: LogonContext = { ...imap, protocol: 'pop3' };
const smtp: LogonContext = { ...imap, protocol: 'smtp' };

let directory: Directory;
let database: DatabaseId;
let credentials: Credentials;
let auth: Authenticator;
let throttle: Throttle;
let lines: Array<Record<string, unknown>>;
let runs: number;
const accounts = new Map<string, Account>();

const cheap: Argon2 = (input) => {
  runs += 1;
  return nodeArgon2({ ...input, memory: Math.min(input.memory, 64), passes: 1 });
};

function the(alias: string): Account {
  const account = accounts.get(alias);
  assert.ok(account !== undefined, alias);
  return account;
}

async function grant(mailbox: string, user: string, ...rights: MailboxRight[]): Promise<void> {
  await directory.setPermission({ mailbox: the(mailbox).id, user: the(user).id, rights });
}

before(async () => {
  directory = await openSqliteDirectory({ file: ':memory:' });
  credentials = await makeCredentials(RIGHT, {
    parameters: { memory: 64, passes: 1, parallelism: 1 },
    iterations: 4096,
  });
  await directory.setOrganization({ name: 'Contoso' });
  await directory.addDomain({ name: 'example.org', type: 'Authoritative', isDefault: true });
  const site = await directory.addSite('S');
  const fields = { name: 'A', fqdn: 'a.example.org', site: site.id, frontEnd: true, backEnd: true };
  const server = await directory.addServer(fields);
  database = (await directory.addDatabase({ name: 'D', server: server.id, engine: 'sqlite', location: 'd' })).id;
  const add = async (alias: string, more: Partial<NewAccount> = {}): Promise<void> => {
    accounts.set(
      alias,
      await directory.addAccount({
        kind: 'user',
        displayName: alias,
        alias,
        userPrincipalName: `${alias}@example.org`,
        mailbox: { database, addresses: [`${alias}@example.org`] },
        credentials,
        ...more,
      }),
    );
  };
  for (const alias of ['ann', 'bob', 'cut', 'off']) await add(alias);
  await add('admin', { kind: 'administrator' });
  await add('sales', { kind: 'shared', credentials: null, mailbox: { database, addresses: ['verkauf@example.org'] } });
  // Its address reads like the alias of another mailbox: a bare name means the alias.
  await add('trap', { kind: 'shared', credentials: null, mailbox: { database, addresses: ['sales@example.net'] } });
  await add('room1', { kind: 'room', credentials: null });
  await add('service', { mailbox: null });
  await add('star*name');
  await directory.changeAccount(the('off').id, { enabled: false });
  await directory.setClientAccess(the('cut').id, { imapEnabled: false });
  await directory.setClientAccess(the('sales').id, { imapEnabled: false });
  await grant('sales', 'ann', 'FullAccess');
  await grant('admin', 'ann', 'FullAccess');
  await grant('room1', 'ann', 'ReadPermission');
  await grant('sales', 'bob', 'SendAs');
  await grant('sales', 'cut', 'FullAccess');
  await grant('sales', 'off', 'FullAccess');
  await grant('sales', 'service', 'FullAccess');
});
after(() => directory.close());

beforeEach(() => {
  lines = [];
  runs = 0;
  const keep = (fields: object, text: string): void => {
    lines.push({ ...fields, text });
  };
  const log: Log = { debug: keep, info: keep, warn: keep, error: keep, child: () => log };
  throttle = new Throttle();
  auth = createAuthenticator({ directory, log, throttle, hash: cheap, delay: async () => {} });
});

const codeOf = async (work: Promise<unknown>): Promise<FailureCode | 'in'> => {
  try {
    await work;
    return 'in';
  } catch (error) {
    assert.ok(error instanceof Failure, String(error));
    return error.code;
  }
};

test('every form opens the shared mailbox with the password of the delegate', async () => {
  for (const name of [
    'Contoso/ann/sales',
    'example\\ann\\SALES',
    'ann@example.org/sales',
    'ann@example.org\\verkauf@example.org',
    'ann@example.org/sales@example.org',
    'ann*sales',
    'example.org/ann*verkauf@example.org',
  ]) {
    const logon = await auth.password(name, RIGHT, imap);
    assert.deepEqual([logon.account.alias, logon.mailbox.alias], ['ann', 'sales'], name);
    assert.equal(lines.at(-1)?.['mailbox'], 'sales@example.org', name);
  }
});

test('SASL authorization identity (RFC 4616): the mailbox, alone or as the name says; never two', async () => {
  const as = async (authorizationId: string, name: string) => {
    const step = await auth.begin('PLAIN', imap)?.step(Buffer.from(`${authorizationId}\0${name}\0${RIGHT}`));
    assert.ok(step?.done === true);
    return step.logon.mailbox.alias;
  };
  assert.equal(await as('verkauf@example.org', 'ann'), 'sales');
  assert.equal(await as('sales', 'ann*sales'), 'sales');
  assert.equal(await as('ann@example.org', 'ann'), 'ann');
  assert.equal(await as('', 'ann'), 'ann');
  assert.equal(await codeOf(as('ann', 'ann*sales')), 'AUTHORIZATIONFAILED');
  assert.equal(lines.at(-1)?.['reason'], 'two-mailboxes');
  assert.equal(await codeOf(as('bob', 'ann')), 'AUTHORIZATIONFAILED');
  assert.equal(await codeOf(as('nobody', 'ann')), 'AUTHORIZATIONFAILED');
});

test('refusals come after the password, have one text, and the log tells them apart', async () => {
  const cases: ReadonlyArray<readonly [string, LogonContext, FailureCode | 'in', string | undefined]> = [
    ['ann*nothing', imap, 'AUTHORIZATIONFAILED', 'unknown-mailbox'],
    ['ann*verkauf', imap, 'AUTHORIZATIONFAILED', 'unknown-mailbox'],
    ['ann*trap', imap, 'AUTHORIZATIONFAILED', 'no-full-access'],
    ['ann*bob', imap, 'AUTHORIZATIONFAILED', 'no-full-access'],
    ['ann*room1', imap, 'AUTHORIZATIONFAILED', 'no-full-access'],
    ['bob*sales', imap, 'AUTHORIZATIONFAILED', 'no-full-access'],
    ['ann*service', imap, 'AUTHORIZATIONFAILED', 'account-without-mailbox'],
    ['ann*admin', pop, 'AUTHORIZATIONFAILED', 'administrator-mailbox'],
    ['ann*admin', { ...imap, protocol: 'web' }, 'in', undefined],
    // The switches of the one who authenticates count, not those of the mailbox.
    ['cut*sales', imap, 'CONTACTADMIN', 'protocol-disabled'],
    ['cut*sales', pop, 'in', undefined],
    ['off*sales', imap, 'CONTACTADMIN', 'account-disabled'],
    ['service*sales', imap, 'CONTACTADMIN', 'no-mailbox'],
    // Who may send as a mailbox may name it over SMTP.
    ['bob*sales', smtp, 'in', undefined],
    ['sales', imap, 'AUTHENTICATIONFAILED', 'no-password'],
    ['sales*ann', imap, 'AUTHENTICATIONFAILED', 'no-password'],
    // A name that exists as it stands is that account.
    ['star*name', imap, 'in', undefined],
    ['ann*ann', imap, 'in', undefined],
  ];
  const texts = new Set<string>();
  for (const [name, context, code, reason] of cases) {
    const work = auth.password(name, RIGHT, context);
    work.catch((error: unknown) => {
      const isAccess = reason === 'unknown-mailbox' || reason === 'no-full-access';
      if (error instanceof Failure && isAccess) texts.add(error.message);
    });
    assert.equal(await codeOf(work), code, name);
    assert.equal(lines.at(-1)?.['reason'], reason, name);
  }
  assert.equal(texts.size, 1);
  for (const name of ['ann*sales', 'ann*nothing', 'nobody*sales'])
    assert.equal(await codeOf(auth.password(name, 'wrong', imap)), 'AUTHENTICATIONFAILED', name);
});

test('an unknown delegate costs what a wrong password costs, and all forms of one user lock together', async () => {
  for (const name of ['nobody*sales', 'ann*sales', 'ann*nothing']) {
    const before = runs;
    await codeOf(auth.password(name, 'wrong', imap));
    assert.equal(runs - before, 1, name);
  }
  for (let i = 0; i < 8; i += 1) await codeOf(auth.password(i % 2 === 0 ? 'ann*sales' : 'ann', 'wrong', imap));
  assert.equal(await codeOf(auth.password('ann@example.org/sales', RIGHT, imap)), 'LIMIT');
  assert.equal(await codeOf(auth.password('ann', RIGHT, imap)), 'LIMIT');
  assert.deepEqual(
    throttle.list().map((one) => one.user),
    ['ann@example.org'],
  );
});

test('a right that is taken away is gone at the next logon', async () => {
  await grant('room1', 'bob', 'FullAccess');
  assert.equal(await codeOf(auth.password('bob*room1', RIGHT, imap)), 'in');
  await grant('room1', 'bob');
  assert.equal(await codeOf(auth.password('bob*room1', RIGHT, imap)), 'AUTHORIZATIONFAILED');
});

test('an open session goes on for as long as it could begin again', async () => {
  const { id: user } = await directory.addAccount({
    kind: 'user',
    displayName: 'Tom',
    alias: 'tom',
    userPrincipalName: 'tom@example.org',
    mailbox: { database, addresses: ['tom@example.org'] },
    credentials,
  });
  const sales = the('sales').id;
  const right = (...rights: MailboxRight[]) => directory.setPermission({ mailbox: sales, user, rights });
  await right('FullAccess');
  const now = async () => [
    await refusalNow(directory, { account: user, mailbox: user, protocol: 'imap' }),
    await refusalNow(directory, { account: user, mailbox: sales, protocol: 'imap' }),
    await refusalNow(directory, { account: user, mailbox: sales, protocol: 'pop3' }),
  ];
  const steps: ReadonlyArray<readonly [() => Promise<unknown>, Awaited<ReturnType<typeof now>>]> = [
    [async () => {}, [null, null, null]],
    [() => right('ReadPermission'), [null, 'no-full-access', 'no-full-access']],
    [() => right('FullAccess'), [null, null, null]],
    // The switch of the mailbox is no matter, that of the user is.
    [() => directory.setClientAccess(sales, { popEnabled: false }), [null, null, null]],
    [() => directory.setClientAccess(user, { imapEnabled: false }), ['protocol-disabled', 'protocol-disabled', null]],
    [
      () => directory.changeAccount(user, { enabled: false }),
      ['account-disabled', 'account-disabled', 'account-disabled'],
    ],
    [() => directory.removeAccount(user), ['account-removed', 'account-removed', 'account-removed']],
  ];
  for (const [change, expected] of steps) {
    await change();
    assert.deepEqual(await now(), expected);
  }
});

test('why-cannot-log-on: the checks in their order, and the fix of the first one that refuses', async () => {
  const names: readonly LogonCheckName[] = [
    'account',
    'account kind',
    'account enabled',
    'password',
    'lock-outs',
    'protocol switch',
    'mailbox',
    'primary address',
    'throttling policy',
  ];
  const well = await whyCannotLogOn(directory, [], 'ann', 'imap');
  assert.deepEqual(
    well.map((one) => [one.check, one.result, one.fix]),
    names.map((name) => [name, 'ok', null]),
  );
  await directory.setThrottlingPolicy({ name: 'Nobody', scope: 'Regular', limits: { popMaxConcurrency: 0 } });
  await directory.setMailboxSettings(the('bob').id, { throttlingPolicy: 'nobody' });
  for (let i = 0; i < 10; i += 1) throttle.failed('192.0.2.7', 'bob@example.org');
  const cases: ReadonlyArray<readonly [string, LogonContext['protocol'], LogonCheckName, RegExp, RegExp | null]> = [
    ['anm@example.org', 'imap', 'account', /did you mean ann@example\.org\?/, /^Get-Mailbox ann@/],
    ['ann@exmaple.invalid', 'imap', 'account', /exmaple\.invalid is no accepted domain/, /^Get-Mailbox/],
    ['zzzzzzzzzzzz', 'imap', 'account', /no account has the name/, /^New-Mailbox .*zzzzzzzzzzzz@example\.org$/],
    ['admin', 'pop3', 'account kind', /Administrator never uses POP3/, /^New-Mailbox/],
    ['sales', 'imap', 'account kind', /no password.*\/sales/, /^Add-MailboxPermission sales /],
    ['off', 'imap', 'account enabled', /disabled/, /^Set-Mailbox off -AccountDisabled \$false$/],
    ['cut', 'imap', 'protocol switch', /IMAP4 is turned off/, /^Set-CASMailbox cut -ImapEnabled \$true$/],
    ['service', 'imap', 'mailbox', /no mailbox/, /^Enable-Mailbox service$/],
    ['bob', 'imap', 'lock-outs', /192\.0\.2\.7 \(10 failures, 15 min left\)/, /^penfold lock-out lift 192\.0\.2\.7/],
    ['bob', 'pop3', 'throttling policy', /PopMaxConcurrency 0/, /Set-ThrottlingPolicy/],
    ['trap', 'web', 'primary address', /example\.net is in no accepted domain/, /^New-AcceptedDomain/],
    ['ann*bob', 'imap', 'delegate access', /no Full Access/, /^Add-MailboxPermission bob -User ann /],
    ['ann*verkauf', 'imap', 'delegate access', /taken as an alias/, /^Get-Mailbox$/],
    ['ann*service', 'imap', 'delegate access', /without a mailbox/, /^Enable-Mailbox service$/],
    ['ann*admin', 'imap', 'delegate access', /Administrator/, null],
  ];
  for (const [name, protocol, check, text, fix] of cases) {
    const found = (await whyCannotLogOn(directory, throttle.list(), name, protocol)).find((one) => one.check === check);
    assert.equal(found?.result, 'refused', `${name}: ${check}`);
    assert.match(found.text, text);
    if (fix === null) assert.equal(found.fix, null);
    else assert.match(found.fix ?? '', fix);
  }
  const stopped = await whyCannotLogOn(directory, null, 'ann*sales', 'imap');
  assert.deepEqual(
    stopped.filter((one) => one.result !== 'ok').map((one) => [one.check, one.result]),
    [['lock-outs', 'unknown']],
  );
  assert.equal(stopped.at(-1)?.check, 'delegate access');
});
