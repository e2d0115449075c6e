/** Idle mailboxes get their search texts and give memory back; whoever looks again notices nothing. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { openSqliteDatabase } from '../engine/sqlite/index.ts';
import { FLAGGED, mailboxId } from '../model.ts';

const skip = fs.existsSync('/proc/self/fd') ? false : 'needs /proc to see open files';

test('an idle mailbox is indexed, then rests, and answers as before', { skip }, async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'penfold-idle-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  const database = await openSqliteDatabase({ directory });
  const mailbox = await database.open(mailboxId('idle-1'));
  const inbox = mailbox.folderByUse('inbox');
  assert.ok(inbox);
  for (let i = 0; i < 5; i += 1) {
    const sink = database.stage();
    await sink.write(Buffer.from(`Subject: s${i}\r\n\r\nneedle number ${i}\r\n`));
    const staged = await sink.finish();
    await mailbox.append(inbox.id, staged, { uidl: `id-${i}`, keywords: ['$k'] });
    await staged.release();
  }
  const view = await mailbox.view(inbox.id);
  const before = view.columns.uid;
  const home = path.join(directory, 'mailboxes', 'id', 'idle-1');
  const openFiles = (): string[] =>
    fs.readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return [fs.readlinkSync(path.join('/proc/self/fd', fd))].filter((file) => file.startsWith(home));
      } catch {
        return []; // the listing's own descriptor is gone by now
      }
    });
  const atRest = (): boolean =>
    fs.existsSync(path.join(home, 'mailbox.db')) && !openFiles().some((file) => /mailbox\.db|text-|frag-/.test(file));
  for (let ticks = 0; !atRest(); ticks += 1) {
    assert.ok(ticks < 2000, 'the mailbox never came to rest');
    t.mock.timers.tick(5000);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assert.ok(fs.statSync(path.join(home, 'text-index')).size > 32, 'texts were made in the background');
  assert.notEqual(view.columns.uid, before, 'rows were let go of and read again');
  assert.deepEqual([...view.columns.uid.subarray(0, view.columns.length)], [1, 2, 3, 4, 5]);
  assert.equal(view.uidl(3), 'id-2');
  assert.equal(view.keywordBit('$K'), 0);
  const uids = Uint32Array.of(1, 2, 3, 4, 5);
  assert.deepEqual(await mailbox.search(inbox.id, uids, { kind: 'body', text: 'NUMBER 3' }), Uint32Array.of(4));
  await mailbox.setFlags(inbox.id, Uint32Array.of(2), { op: 'add', flags: FLAGGED, keywords: [] });
  assert.equal(view.columns.flags[1], FLAGGED);
  assert.deepEqual((await database.verify(mailbox.id)).problems, []);
  await database.close();
});
