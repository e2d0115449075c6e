import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import {
  failure,
  type InMemoryOrganization,
  inMemoryOrganization,
  only,
  shownText,
} from '../../../test/management/in-memory-organization.ts';
import { type MemoryMail, memoryMail } from '../../../test/management/memory-mail.ts';

let org: InMemoryOrganization;
let mail: MemoryMail;
let root: string;
let files: string;
beforeEach(async () => {
  mail = memoryMail();
  root = await mkdtemp(path.join(tmpdir(), 'penfold-transfer-cmdlets-'));
  files = path.join(root, 'transfer', 'files');
  org = await inMemoryOrganization({ mail, transferFolder: path.join(root, 'transfer') });
  await org.run('New-Mailbox', { 1: 'bob' });
  await mail.deliver(org.mailbox, ['one', 'two']);
  await mail.deliver(org.mailbox, ['three'], { folder: 'Work' });
});
afterEach(async () => {
  await mail.database.close();
  await org.close();
  await rm(root, { recursive: true });
});

test('out of one mailbox and into another one; twice brings nothing twice', async () => {
  const out = only(await org.run('Export-Mailbox', { 1: 'ann', 2: 'backup' }));
  assert.deepEqual([out['ExportedItems'], out['BadItems'], out['FilePath']], [3, 0, path.join(files, 'backup')]);
  const came = only(await org.run('Import-Mailbox', { 1: 'bob', 2: 'backup' }));
  assert.deepEqual([came['ImportedItems'], came['SkippedItems']], [3, 0]);
  const again = only(await org.run('Import-Mailbox', { 1: 'bob', 2: 'backup' }));
  assert.deepEqual([again['ImportedItems'], again['SkippedItems']], [0, 3]);
  const bob = (await org.directory.accountByAlias('bob')) ?? assert.fail();
  const work = await mail.using(bob, (mailbox) => mailbox.folderByName('Work')?.exists);
  assert.equal(work, 1);
  const log = (await org.directory.auditLog({ limit: 3 })).map((one) => [one.action, one.object, one.actor.command]);
  assert.deepEqual(log, [
    ['imported', 'bob', 'Import-Mailbox'],
    ['imported', 'bob', 'Import-Mailbox'],
    ['exported', 'ann', 'Export-Mailbox'],
  ]);
});

test('one folder as mbox, into a folder of choice; progress is told', async () => {
  const done: string[] = [];
  await org.run('Export-Mailbox', { 1: 'ann', 2: 'box', SourceFolder: 'Work', Format: 'mbox' });
  const onProgress = (at: number, total: number | null, what: string): number => done.push(`${at}/${total} ${what}`);
  await org.run('Import-Mailbox', { 1: 'bob', FilePath: ['box'], TargetFolder: 'Old', Format: 'mbox' }, { onProgress });
  const bob = (await org.directory.accountByAlias('bob')) ?? assert.fail();
  assert.deepEqual(
    await mail.using(bob, (mailbox) =>
      mailbox.folders().flatMap(({ name, exists }) => (exists > 0 ? [`${name} ${exists}`] : [])),
    ),
    ['Old/Work 1'],
  );
  assert.match(done.join(), /importing, \d messages so far/);
});

test('over the network only places in the transfer folder; on the server any place', async () => {
  const elsewhere = path.join(root, 'elsewhere');
  for (const place of [elsewhere, '../../elsewhere', '..', '.', '/etc']) {
    for (const via of ['api', 'web'] as const) {
      await assert.rejects(
        org.run('Export-Mailbox', { 1: 'ann', 2: place }, { via }),
        failure('NOPERM', /over the network/),
      );
      await assert.rejects(
        org.run('Import-Mailbox', { 1: 'ann', 2: place }, { via }),
        failure('NOPERM', /over the network/),
      );
    }
  }
  await org.run('Export-Mailbox', { 1: 'ann', 2: 'inside' }, { via: 'api' });
  await org.run('Export-Mailbox', { 1: 'ann', 2: elsewhere }, { via: 'shell' });
  assert.ok((await readFile(path.join(elsewhere, 'penfold-export.json'))).length > 0);
});

test('refusals', async () => {
  await assert.rejects(
    org.run('Import-Mailbox', { 1: 'bob', 2: 'nowhere' }),
    failure('NONEXISTENT', /is not there on the server/),
  );
  await assert.rejects(org.run('Import-Mailbox', { 1: 'nobody', 2: 'x' }), failure('NONEXISTENT', /no mailbox/));
  await assert.rejects(org.run('Import-Mailbox', { 1: 'bob', 2: null }), failure('CANNOT', /needs a file or folder/));
  await assert.rejects(org.run('Export-Mailbox', { 1: 'ann' }), failure('CANNOT', /needs -FilePath/));
  await assert.rejects(
    org.run('Export-Mailbox', { 1: 'ann', 2: 'x', SourceFolder: 'Nothing' }),
    failure('NONEXISTENT', /has no folder Nothing/),
  );
  await mkdir(path.join(files, 'full'), { recursive: true });
  await writeFile(path.join(files, 'full', 'file'), 'x');
  await assert.rejects(org.run('Export-Mailbox', { 1: 'ann', 2: 'full' }), failure('CANNOT', /is not empty/));
  await assert.rejects(
    org.run('Export-Mailbox', { 1: 'ann', 2: 'x' }, { roles: ['Recipient Management'] }),
    failure('NOPERM', /Organization Management/),
  );
});

test('-WhatIf says what and how much, and writes nothing', async () => {
  const told = async (name: string, place: string): Promise<string> =>
    shownText(only(await org.run(name, { 1: 'ann', 2: place }, { whatIf: true }))['WhatIf']);
  assert.match(
    await told('Export-Mailbox', 'x'),
    /^Export mailbox ann \(3 messages, \d+ B .*\), to \/.*\/files\/x as eml$/,
  );
  await assert.rejects(readFile(path.join(files, 'x', 'penfold-export.json')));
  await org.run('Export-Mailbox', { 1: 'ann', 2: 'x' });
  assert.match(await told('Import-Mailbox', 'x'), /^Import \d+ B .* from \/.*\/files\/x into mailbox ann$/);
  assert.equal(await mail.using(org.mailbox, (mailbox) => mailbox.usage().messages), 3);
});
