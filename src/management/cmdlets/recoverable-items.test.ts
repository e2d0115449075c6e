import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import {
  failure,
  type InMemoryOrganization,
  inMemoryOrganization,
  only,
  shownText,
} from '../../../test/management/in-memory-organization.ts';
import { type MemoryMail, memoryMail } from '../../../test/management/memory-mail.ts';
import type { CmdletObject, RawArgument } from '../cmdlet.ts';

type Args = Readonly<Record<string, RawArgument>>;

let org: InMemoryOrganization;
let mail: MemoryMail;
beforeEach(async () => {
  mail = memoryMail();
  org = await inMemoryOrganization({ mail });
  const work = await mail.deliver(org.mailbox, ['Invoice 1', 'Invoice 2'], { folder: 'Work' });
  const inbox = await mail.deliver(org.mailbox, ['Lunch', '=?utf-8?q?Gr=C3=BC=C3=9Fe?='], {
    sender: 'Dora <dora@example.test>',
  });
  await mail.delete(org.mailbox, work, 'Work');
  await mail.delete(org.mailbox, inbox);
});
afterEach(async () => {
  await mail.database.close();
  await org.close();
});

const search = (args: Args = {}): Promise<CmdletObject[]> => org.run('Search-RecoverableItems', { 1: 'ann', ...args });
const subjects = async (args: Args = {}): Promise<readonly string[]> =>
  (await search(args)).map((one) => shownText(one['Subject']));
const counts = (): Promise<Readonly<Record<string, number>>> =>
  mail.using(org.mailbox, (mailbox) =>
    Object.fromEntries(mailbox.folders().flatMap(({ name, exists }) => (exists > 0 ? [[name, exists]] : []))),
  );

test('searched by subject, text, sender and time; decoded; the last deleted first', async () => {
  assert.deepEqual(await subjects(), ['Grüße', 'Lunch', 'Invoice 2', 'Invoice 1']);
  assert.deepEqual(await subjects({ SubjectContains: 'INVOICE' }), ['Invoice 2', 'Invoice 1']);
  assert.deepEqual(await subjects({ SearchString: 'hello lunch' }), ['Lunch']);
  assert.deepEqual(await subjects({ From: 'dora', SubjectContains: 'lunch' }), ['Lunch']);
  assert.deepEqual(await subjects({ EndDate: '2001-01-01' }), []);
  assert.equal((await subjects({ StartDate: '2001-01-01' })).length, 4);
  assert.deepEqual(await subjects({ ResultSize: 1 }), ['Grüße']);
  assert.match(org.warnings.join(), /more than 1/);
  const [first] = await search({ SubjectContains: 'invoice 2' });
  assert.deepEqual(
    ['Identity', 'From', 'LastParentPath'].map((name) => shownText(first?.[name])),
    ['ann', 'Charles <charles@example.test>', 'Work'],
  );
});

test('each search stands in the audit log with what was looked for', async () => {
  await search({ SubjectContains: 'Invoice' });
  const [entry] = await org.directory.auditLog({ limit: 1 });
  assert.deepEqual(
    [entry?.action, entry?.object, entry?.after],
    ['searched', 'ann', { Query: 'SubjectContains "Invoice"' }],
  );
});

test('put back where they were, the mark of deletion gone; a folder that is gone is made again', async () => {
  const restored = await org.run('Restore-RecoverableItems', { 1: 'ann', SubjectContains: 'lunch' });
  assert.deepEqual(restored, [{ Identity: 'ann', TargetFolder: 'INBOX', RestoredItems: 1 }]);
  assert.equal(await mail.using(org.mailbox, (mailbox) => mailbox.folderByName('INBOX')?.deleted), 0);
  await mail.using(org.mailbox, async (mailbox) =>
    mailbox.removeFolder(mailbox.folderByName('Work')?.id ?? assert.fail()),
  );
  await org.run('Restore-RecoverableItems', { 1: 'ann', SubjectContains: 'invoice' });
  const now = await counts();
  assert.deepEqual([now['INBOX'], now['Work']], [1, 2]);
  const [entry] = await org.directory.auditLog({ limit: 1 });
  assert.deepEqual([entry?.action, entry?.after?.['Restored']], ['restored', '2 messages']);
});

test('to a folder of choice, all of it', async () => {
  await org.run('Restore-RecoverableItems', { 1: 'ann', All: true, TargetFolder: 'Back/Here' });
  assert.equal((await counts())['Back/Here'], 4);
  assert.deepEqual(await search(), []);
});

test('through the pipeline each message that was found, and no other', async () => {
  const [found] = await search({ SubjectContains: 'invoice 1' });
  const input = found ?? assert.fail();
  await org.run('Restore-RecoverableItems', {}, { input });
  assert.deepEqual(await subjects(), ['Grüße', 'Lunch', 'Invoice 2']);
  await assert.rejects(
    org.run('Restore-RecoverableItems', {}, { input }),
    failure('NONEXISTENT', /restored already, or its retention ended/),
  );
  const mailbox = only(await org.run('Get-Mailbox', { 1: 'ann' }));
  await assert.rejects(
    org.run('Restore-RecoverableItems', {}, { input: mailbox }),
    failure('CANNOT', /say which messages/),
  );
  await org.run('Restore-RecoverableItems', { SubjectContains: 'lunch' }, { input: mailbox });
  assert.deepEqual(await subjects(), ['Grüße', 'Invoice 2']);
});

test('refused, or said, without a change', async () => {
  const before = await counts();
  const restore = (args: Args): Promise<CmdletObject[]> => org.run('Restore-RecoverableItems', args);
  await assert.rejects(restore({ 1: 'ann' }), failure('CANNOT', /say which messages: .* or -All/));
  await assert.rejects(restore({ 1: 'bob', All: true }), failure('NONEXISTENT', /no mailbox or account/));
  await assert.rejects(restore({ 1: 'ann', StartDate: 'last week' }), failure('CANNOT', /StartDate must be a date/));
  assert.deepEqual(await restore({ 1: 'ann', SubjectContains: 'nothing' }), []);
  assert.match(org.warnings.join(), /no deleted message of ann fits/);
  const text = shownText(
    only(await org.run('Restore-RecoverableItems', { 1: 'ann', From: 'dora' }, { whatIf: true }))['WhatIf'],
  );
  assert.equal(text, 'Restore RecoverableItems of ann: 2 messages (From "dora") to where they were');
  assert.deepEqual(await counts(), before);
  await org.run('New-Mailbox', { 1: 'bob' });
  assert.deepEqual(await org.run('Search-RecoverableItems', { 1: 'bob' }), []);
});
