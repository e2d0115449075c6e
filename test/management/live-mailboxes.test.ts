/**
 * The mailbox cmdlets on a running server, through its control socket: who is made logs on at once, who is disabled or
 * removed is off at once, mail that is deleted for good is gone from the disk, and the tracking log tells of mail.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { connect } from 'node:tls';
import nodemailer from 'nodemailer';
import { controlSocketPath } from '../../src/config/data-directory.ts';
import { defaultConfiguration } from '../../src/config/read.ts';
import type { RawArguments } from '../../src/management/binding.ts';
import type { CmdletObject } from '../../src/management/cmdlet.ts';
import { type Door, doorOverSocket } from '../../src/management/door-client.ts';
import { startOrganization, type TestOrganization } from '../support/organization.ts';
import { RawImap } from '../support/raw-imap.ts';
import { only, shownText } from './in-memory-organization.ts';

const PASSWORD = 'correct horse battery';

let org: TestOrganization;
let door: Door;
before(async () => {
  org = await startOrganization({ engine: 'sqlite' });
  const socket = controlSocketPath(org.layout, defaultConfiguration().control.socket);
  door = doorOverSocket(socket, { via: 'command', user: 'tester' });
});
after(() => org.stop());

async function run(name: string, args: RawArguments = {}): Promise<CmdletObject[]> {
  const objects: CmdletObject[] = [];
  const options = {
    whatIf: false,
    confirm: false,
    input: null,
    signal: new AbortController().signal,
    onWarning: () => {},
    onProgress: () => {},
  };
  for await (const object of door.run(name, args, options)) objects.push(object);
  return objects;
}

/** A connection and what LOGIN was answered with. */
async function logOn(user: string, password = PASSWORD): Promise<{ client: RawImap; status: string }> {
  const socket = connect({ host: org.host, port: org.imap.tls, servername: 'localhost', ca: org.ca });
  await once(socket, 'secureConnect');
  const client = await RawImap.greeted(socket);
  return { client, status: (await client.command(`LOGIN "${user}" "${password}"`)).status };
}

const closed = async (client: RawImap): Promise<void> => {
  while ((await client.answer()) !== null);
};

test('made, logged on, password changed, disabled: each counts at once', async () => {
  await run('New-Mailbox', { 1: 'Ada', Password: PASSWORD });
  const first = await logOn('ada@example.test');
  assert.match(first.status, /^OK/);
  await run('Set-Mailbox', { 1: 'ada', Password: 'another long password' });
  const old = await logOn('ada');
  assert.match(old.status, /^NO \[AUTHENTICATIONFAILED\]/);
  old.client.socket.destroy();
  await run('Set-Mailbox', { 1: 'ada', AccountDisabled: true });
  await closed(first.client);
  const disabled = await logOn('ada', 'another long password');
  assert.match(disabled.status, /^NO/);
  disabled.client.socket.destroy();
});

test('a new mailbox database is there for a new mailbox', async () => {
  const database = only(await run('New-MailboxDatabase', { 1: 'Second' }));
  await run('New-Mailbox', { 1: 'Bea', Password: PASSWORD, Database: 'Second' });
  const { client, status } = await logOn('bea');
  assert.match(status, /^OK/);
  const { status: appended } = await client.command('APPEND INBOX', Buffer.from('Subject: x\r\n\r\nx\r\n'));
  assert.match(appended, /^OK/);
  client.socket.destroy();
  const statistics = only(await run('Get-MailboxStatistics', { 1: 'bea' }));
  assert.deepEqual([statistics['ItemCount'], statistics['Database']], [1, 'Second']);
  await access(path.join(org.layout.root, shownText(database['EdbFilePath'])));
});

test('removed with its mail while it is open: the session ends, the files are gone', async () => {
  await run('New-Mailbox', { 1: 'Cara', Password: PASSWORD });
  const { client } = await logOn('cara');
  await client.command('APPEND INBOX', Buffer.from('Subject: x\r\n\r\nx\r\n'));
  await client.command('SELECT INBOX');
  const account = (await org.directory.accountByAlias('cara')) ?? assert.fail();
  const database = org.databaseOf(account);
  const id = account.mailbox?.id ?? assert.fail();
  assert.ok((await database.mailboxes()).includes(id));
  await run('Remove-Mailbox', { 1: 'cara', Permanent: true });
  assert.ok(!(await database.mailboxes()).includes(id));
  assert.deepEqual(await run('Get-DisconnectedMailbox'), []);
  await closed(client);
});

test('disabled and connected again: the mail is there', async () => {
  const { address, password } = org.user(0);
  const { client } = await logOn(address, password);
  await client.command('APPEND INBOX', Buffer.from('Subject: kept\r\n\r\nx\r\n'));
  await run('Disable-Mailbox', { 1: address });
  await closed(client);
  const without = await logOn(address, password);
  assert.match(without.status, /^NO/);
  without.client.socket.destroy();
  await run('Connect-Mailbox', { 1: 'alice' });
  const again = await logOn(address, password);
  assert.match(again.status, /^OK/);
  const { untagged } = await again.client.command('STATUS INBOX (MESSAGES)');
  assert.match(String(untagged.at(-1)), /MESSAGES 1/);
  again.client.socket.destroy();
});

test('deleted over IMAP, found and restored by the admin, seen by the session that is open', async () => {
  const { address, password } = org.user(1);
  const { client } = await logOn(address, password);
  await client.command('APPEND INBOX', Buffer.from('Subject: lost\r\n\r\nx\r\n'));
  await client.command('SELECT INBOX');
  await client.command('STORE 1 +FLAGS.SILENT (\\Deleted)');
  await client.command('EXPUNGE');
  const found = only(await run('Search-RecoverableItems', { 1: 'bob', SubjectContains: 'LOST' }));
  assert.equal(found['LastParentPath'], 'INBOX');
  await run('Restore-RecoverableItems', { 1: 'bob', SubjectContains: 'lost' });
  const { untagged } = await client.command('NOOP');
  assert.ok(untagged.some((line) => String(line).startsWith('* 1 EXISTS')));
  client.socket.destroy();
});

test('the tracking log tells where a message came from and where it went', async () => {
  const { address, password } = org.user(1);
  const transport = nodemailer.createTransport({
    host: org.host,
    port: org.smtp.submissions,
    secure: true,
    auth: { user: address, pass: password },
    tls: { ca: org.ca, servername: 'localhost' },
  });
  await transport.sendMail({ from: address, to: org.user(0).address, subject: 'tracked', text: 'x' });
  transport.close();
  const events = await run('Get-MessageTrackingLog', { MessageSubject: 'TRACK', Sender: address });
  assert.deepEqual(
    events.map((one) => `${shownText(one['EventId'])} ${shownText(one['Recipients'])}`),
    [`RECEIVE ${org.user(0).address}`, `DELIVER ${org.user(0).address}`],
  );
});
