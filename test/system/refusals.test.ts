/** Who may not log on, each with a code and a log line of its own (issue 2, "Must show" 6). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { ControlClient } from '../../src/management/control/client.ts';
import { controlSocketPath } from '../../src/config/data-directory.ts';
import { cheapCredentials, startOrganization, TEST_DOMAIN, type TestOrganization } from '../support/organization.ts';

const PASSWORD = 'right, but of no use';
const LOCK_AFTER = 5;

describe('refusals', () => {
  let organization: TestOrganization;
  before(async () => {
    organization = await startOrganization({
      engine: 'memory',
      users: ['alice', 'bob', 'disabled', 'no-imap', 'no-pop', 'no-smtp', 'locked'],
      lockAfter: LOCK_AFTER,
      prepare: async (directory) => {
        const credentials = await cheapCredentials(PASSWORD);
        for (const name of ['disabled', 'no-imap', 'no-pop', 'no-smtp', 'administrator']) {
          const account = await directory.accountByAddress(`${name}@${TEST_DOMAIN}`);
          assert.ok(account !== null);
          await directory.changeAccount(account.id, { credentials, enabled: name !== 'disabled' });
          if (name === 'no-imap') await directory.setClientAccess(account.id, { imapEnabled: false });
          if (name === 'no-pop') await directory.setClientAccess(account.id, { popEnabled: false });
          if (name === 'no-smtp') {
            await directory.setClientAccess(account.id, { smtpClientAuthenticationDisabled: true });
          }
        }
      },
    });
  });
  after(() => organization.stop());

  /** Answer to the logon and how long it took. */
  const imap = async (user: string, password: string): Promise<string> =>
    converse(organization, organization.imap.tls, [`a LOGIN "${user}" "${password}"`], /^a .*$/m);
  const pop3 = async (user: string, password: string): Promise<string> =>
    converse(
      organization,
      organization.pop3.tls,
      [`USER ${user}`, `PASS ${password}`],
      /^-ERR .*$|(?:^\+OK.*\r\n){2}/m,
    );
  const smtp = async (user: string, password: string): Promise<string> => {
    const response = Buffer.from(`\0${user}\0${password}`).toString('base64');
    const lines = ['EHLO client.example.com', `AUTH PLAIN ${response}`];
    return converse(organization, organization.smtp.submissions, lines, /^[245]\d\d \d\.7\..*$/m);
  };

  const cases: ReadonlyArray<{
    readonly name: string;
    readonly user: string;
    readonly password: string;
    readonly imap: RegExp;
    readonly pop3: RegExp;
    readonly smtp: RegExp;
    /** Null over SMTP: the Administrator may submit mail (exchange-behaviour.md §6.1 bars him from POP3 and IMAP4). */
    readonly smtpReason?: null;
    readonly reason: string;
  }> = [
    {
      name: 'Administrator',
      user: 'administrator',
      password: PASSWORD,
      imap: /^a NO \[AUTHORIZATIONFAILED\] .*Administrator/,
      pop3: /^-ERR \[AUTH\] .*Administrator/m,
      smtp: /^235 /m,
      reason: 'administrator',
      smtpReason: null,
    },
    {
      name: 'Guest',
      user: 'guest',
      password: PASSWORD,
      imap: /^a NO \[AUTHORIZATIONFAILED\] The built-in Guest account/,
      pop3: /^-ERR \[AUTH\] The built-in Guest account/m,
      smtp: /^535 5\.7\.1 The built-in Guest account/m,
      reason: 'guest',
    },
    {
      name: 'Anonymous',
      user: 'anonymous',
      password: PASSWORD,
      imap: /^a NO \[AUTHORIZATIONFAILED\] Anonymous logons/,
      pop3: /^-ERR \[AUTH\] Anonymous logons/m,
      smtp: /^535 5\.7\.1 Anonymous logons/m,
      reason: 'anonymous',
    },
    {
      name: 'a disabled account',
      user: 'disabled',
      password: PASSWORD,
      imap: /^a NO \[CONTACTADMIN\] .*disabled/,
      pop3: /^-ERR \[SYS\/PERM\] .*disabled/m,
      smtp: /^525 5\.7\.13 .*disabled/m,
      reason: 'account-disabled',
    },
    {
      name: 'a wrong password',
      user: 'bob',
      password: 'mistyped secret',
      imap: /^a NO \[AUTHENTICATIONFAILED\] Logon failed: unknown user name or wrong password/,
      pop3: /^-ERR \[AUTH\] Logon failed: unknown user name or wrong password/m,
      smtp: /^535 5\.7\.8 The user name or password is wrong/m,
      reason: 'wrong-password',
    },
    {
      name: 'an unknown user, in the same words as a wrong password',
      user: 'nobody',
      password: 'mistyped secret',
      imap: /^a NO \[AUTHENTICATIONFAILED\] Logon failed: unknown user name or wrong password/,
      pop3: /^-ERR \[AUTH\] Logon failed: unknown user name or wrong password/m,
      smtp: /^535 5\.7\.8 The user name or password is wrong/m,
      reason: 'unknown-user',
    },
  ];
  for (const { name, user, password, reason, smtpReason, ...answers } of cases) {
    for (const [protocol, logOn] of [
      ['imap', imap],
      ['pop3', pop3],
      ['smtp', smtp],
    ] as const) {
      test(`${name}, ${protocol}`, async () => {
        const before = organization.log.length;
        const answer = await logOn(`${user}@${TEST_DOMAIN}`, password);
        assert.match(answer, answers[protocol]);
        const line = organization.log.slice(before).find((one) => one.text === 'logon refused');
        const { reason: logged, protocol: where } = line?.fields ?? {};
        if (protocol === 'smtp' && smtpReason === null) assert.equal(line, undefined);
        else assert.deepEqual([logged, where], [reason, protocol]);
        assert.ok(!JSON.stringify(organization.log.slice(before)).includes(password), 'the password is in the log');
      });
    }
  }

  test('no two of them sound the same or leave the same log line, but for wrong passwords and unknown users', async () => {
    const texts = new Set<string>();
    for (const { user, password } of cases) texts.add(await imap(`${user}@${TEST_DOMAIN}`, password));
    assert.equal(texts.size, cases.length - 1);
    assert.equal(new Set(cases.map((each) => each.reason)).size, cases.length);
  });

  test('a protocol that is turned off for a mailbox; the other one stays open', async () => {
    assert.match(await imap(`no-imap@${TEST_DOMAIN}`, PASSWORD), /^a NO \[CONTACTADMIN\] IMAP4 is turned off/);
    assert.match(await pop3(`no-imap@${TEST_DOMAIN}`, PASSWORD), /\+OK/);
    assert.match(await pop3(`no-pop@${TEST_DOMAIN}`, PASSWORD), /^-ERR \[SYS\/PERM\] POP3 is turned off/m);
    assert.match(await imap(`no-pop@${TEST_DOMAIN}`, PASSWORD), /^a OK/);
    assert.match(await smtp(`no-smtp@${TEST_DOMAIN}`, PASSWORD), /^525 5\.7\.13 SMTP submission is turned off/m);
    assert.match(await imap(`no-smtp@${TEST_DOMAIN}`, PASSWORD), /^a OK/);
    const refusals = organization.log.filter((line) => line.fields['reason'] === 'protocol-disabled');
    assert.deepEqual(
      refusals.map((line) => line.fields['protocol']),
      ['imap', 'pop3', 'smtp'],
    );
  });

  test('a locked-out client is refused even with the right password, others are not; an admin lifts it', async () => {
    const locked = organization.users.find((user) => user.address.startsWith('locked'));
    assert.ok(locked !== undefined);
    for (let i = 0; i < LOCK_AFTER; i += 1) await imap(locked.address, 'wrong');
    assert.match(await imap(locked.address, locked.password), /^a NO \[LIMIT\] Too many failed logons/);
    assert.match(await pop3(locked.address, locked.password), /^-ERR \[SYS\/TEMP\] Too many failed logons/m);
    assert.match(await smtp(locked.address, locked.password), /^454 4\.7\.0 Too many failed logons/m);
    const lockOuts = organization.log.filter((line) => line.fields['reason'] === 'locked-out');
    assert.deepEqual(
      lockOuts.map((line) => line.fields['protocol']),
      ['imap', 'pop3', 'smtp'],
    );
    const alice = organization.user(0);
    assert.match(await imap(alice.address, alice.password), /^a OK/);

    const control = new ControlClient(controlSocketPath(organization.layout, 'run/control.sock'));
    const [lockOut] = await control.lockOuts();
    assert.equal(lockOut?.user, locked.address);
    assert.equal(await control.liftLockOuts('127.0.0.1', locked.address), 1);
    assert.match(await imap(locked.address, locked.password), /^a OK/);
  });

  test('a stopped back end is not a wrong password', async () => {
    const { directory, server } = organization;
    await directory.setService(server.id, 'imap4-backend', { running: false });
    const alice = organization.user(0);
    assert.match(await imap(alice.address, alice.password), /^a NO \[UNAVAILABLE\]/);
    await directory.setService(server.id, 'imap4-backend', { running: true });
    assert.match(await imap(alice.address, alice.password), /^a OK/);
  });
});

/** Sends the lines after the greeting and gives what came back when it matches. */
async function converse(
  organization: TestOrganization,
  port: number,
  lines: readonly string[],
  until: RegExp,
): Promise<string> {
  const socket: TLSSocket = connect({ host: 'localhost', port, ca: organization.ca });
  socket.setEncoding('latin1');
  try {
    await once(socket, 'data');
    let received = '';
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.on('data', (chunk: string) => {
      received += chunk;
      if (until.test(received)) resolve();
    });
    socket.on('close', () => (until.test(received) ? resolve() : reject(new Error(`closed after: ${received}`))));
    for (const line of lines) socket.write(`${line}\r\n`);
    await promise;
    return /^a .*$/m.exec(received)?.[0] ?? received;
  } finally {
    socket.destroy();
  }
}
