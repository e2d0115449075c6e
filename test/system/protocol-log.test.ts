/**
 * The protocol log and the throttling budgets of a running server, turned on and off while clients work (issue 3,
 * part 3; exchange-behaviour.md §5.10, §9.3).
 */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { RawImap } from '../support/raw-imap.ts';
import { startOrganization, type TestOrganization } from '../support/organization.ts';

async function onServer(work: (organization: TestOrganization) => Promise<void>): Promise<void> {
  const organization = await startOrganization({ engine: 'memory' });
  try {
    await work(organization);
  } finally {
    await organization.stop();
  }
}

async function connected(organization: TestOrganization): Promise<RawImap> {
  const socket = connect({
    port: organization.imap.tls,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: organization.ca,
  });
  return RawImap.greeted(socket);
}

async function logOn(organization: TestOrganization): Promise<RawImap> {
  const { address, password } = organization.user(0);
  const client = await connected(organization);
  await ok(client, `LOGIN ${address} "${password}"`);
  return client;
}

async function ok(client: RawImap, command: string): Promise<void> {
  assert.match((await client.command(command)).status, /^OK/, command);
}

const status = async (client: RawImap, command: string): Promise<string> => (await client.command(command)).status;

async function linesOf(organization: TestOrganization, prefix: string): Promise<readonly string[]> {
  const folder = path.join(organization.layout.root, 'logs', 'imap4');
  const names = (await readdir(folder)).filter((name) => new RegExp(`^${prefix}\\d+-\\d+\\.LOG$`).test(name));
  const texts = await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')));
  return texts.join('').split('\r\n');
}

test('one session is followed through both files by its id, and no secret is in them', async () => {
  let front: readonly string[] = [];
  let back: readonly string[] = [];
  const organization = await startOrganization({ engine: 'memory' });
  try {
    const { directory, server } = organization;
    const before = await logOn(organization);
    await directory.setImapSettings(server.id, { protocolLogEnabled: true });
    await organization.running.settled();
    const client = await logOn(organization);
    await ok(client, 'SELECT INBOX');
    assert.match(await status(client, 'UID FETCH 1:* BODY[]'), /OK/);
    assert.match(await status(client, 'SELECT "no such"'), /NO \[NONEXISTENT\]/);
    // A session that was there already is logged from now on as well.
    await ok(before, 'NOOP');
    await directory.setImapSettings(server.id, { protocolLogEnabled: false });
    await organization.running.settled();
    await ok(client, 'CREATE unlogged');
    await ok(client, 'LOGOUT');
    await ok(before, 'LOGOUT');
    await organization.running.drain(1_000);
    front = await linesOf(organization, 'IMAP4');
    back = await linesOf(organization, 'IMAP4BE');
  } finally {
    await organization.stop();
  }
  const login = front.find((line) => line.endsWith(',login,alice@example.test *****,R=ok,'));
  assert.ok(login !== undefined, front.join('\n'));
  const session = login.split(',')[1] ?? '';
  const own = back.filter((line) => line.includes(session));
  assert.ok(
    own.some((line) => /,alice@example\.test,\d+,\d+,\d+,select,INBOX,R=ok,$/.test(line)),
    back.join('\n'),
  );
  assert.ok(own.some((line) => line.endsWith(',uid fetch,,R=ok,')));
  assert.ok(own.some((line) => /,select,no such,"R=""\S+ NO \[NONEXISTENT\]/.test(line)));
  assert.ok(back.some((line) => !line.includes(session) && line.endsWith(',noop,,R=ok,')));
  for (const line of [...front, ...back]) assert.doesNotMatch(line, /secret|unlogged/);
});

test('an overspent budget slows commands down, a cut-off refuses them with LIMIT, a wider policy frees them', () =>
  onServer(async (organization) => {
    const { directory } = organization;
    const { account } = organization.user(0);
    const client = await logOn(organization);
    await ok(client, 'NOOP');
    const policy = (imapCutoffBalance: number, imapMaxBurst: number): Promise<unknown> =>
      directory.setThrottlingPolicy({
        name: 'tight',
        scope: 'Regular',
        limits: { imapMaxBurst, imapRechargeRate: 0, imapCutoffBalance },
      });
    await policy(0, 0);
    await directory.setMailboxSettings(account.id, { throttlingPolicy: 'tight' });
    await organization.running.settled();
    await client.command('NOOP');
    assert.match(await status(client, 'NOOP'), /NO \[LIMIT\].*CutoffBalance/);
    await policy(Number.POSITIVE_INFINITY, 3_600_000);
    await organization.running.settled();
    await ok(client, 'NOOP');
    await ok(client, 'LOGOUT');
  }));

test('ImapMaxConcurrency refuses one session more, with its name', () =>
  onServer(async (organization) => {
    const { directory } = organization;
    await directory.setThrottlingPolicy({ name: 'one', scope: 'Regular', limits: { imapMaxConcurrency: 1 } });
    await directory.setMailboxSettings(organization.user(0).account.id, { throttlingPolicy: 'one' });
    const first = await logOn(organization);
    const { address, password } = organization.user(0);
    const second = await connected(organization);
    assert.match(await status(second, `LOGIN ${address} "${password}"`), /NO \[LIMIT\].*ImapMaxConcurrency/);
    await ok(first, 'LOGOUT');
    await ok(second, `LOGIN ${address} "${password}"`);
    await ok(second, 'LOGOUT');
  }));

test('FullAccess that is taken ends the session that stands on it', () =>
  onServer(async (organization) => {
    const { directory } = organization;
    const [alice, bob] = [organization.user(0), organization.user(1)];
    const permission = { mailbox: bob.account.id, user: alice.account.id };
    const logon = `LOGIN "${alice.address}/bob" "${alice.password}"`;
    const client = await connected(organization);
    assert.match(await status(client, logon), /NO \[AUTHORIZATIONFAILED\]/);
    await directory.setPermission({ ...permission, rights: ['FullAccess'] });
    await ok(client, logon);
    await ok(client, 'SELECT INBOX');
    await directory.setPermission({ ...permission, rights: [] });
    assert.match(String(await client.answer()), /\* BYE/);
  }));
