import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { dataLayout } from '../config/data-directory.ts';
import { databaseId, serverId } from '../directory/model.ts';
import { silentLog } from '../observe/log.ts';
import { tally } from '../observe/metrics/tally.ts';
import { mailboxId } from '../store/model.ts';
import { noQuota } from './databases.ts';
import { engineOf } from './engines.ts';

test('each flush of the disk is counted and timed', async () => {
  const root = await mkdtemp(path.join(tmpdir(), 'penfold-engines-'));
  try {
    const open = engineOf(dataLayout(root), silentLog);
    const record = {
      id: databaseId('d'),
      name: 'Database',
      server: serverId('s'),
      engine: 'sqlite',
      location: 'd',
    } as const;
    const before = tally.storeFlushes.count;
    const residence = { isHere: () => Promise.resolve(true), keepHere: () => Promise.resolve(true) };
    const database = await open(record, noQuota, residence, { server: serverId('s'), lost: () => {} });
    const mailbox = await database.open(mailboxId('mailbox-1'));
    const inbox = mailbox.folderByName('INBOX');
    assert.ok(inbox !== null);
    const sink = database.stage();
    await sink.write(Buffer.from('Subject: x\r\n\r\nx\r\n'));
    const staged = await sink.finish();
    await mailbox.append(inbox.id, staged, {});
    await staged.release();
    mailbox.close();
    await database.close();
    assert.ok(tally.storeFlushes.count > before);
    assert.ok(tally.storeFlushes.sum > 0);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
