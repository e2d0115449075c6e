/**
 * Mailboxes of the first format: chunks without line ends, origin and pieces of fragments, one fragment file, log
 * records that end early. They open, answer everything, and are of the present format after the next fold.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { FRAGMENT_PIECES } from '../../../message/fragment-pieces.ts';
import type { Mailbox, MailboxDatabase } from '../../api.ts';
import { mailboxId } from '../../model.ts';
import { ByteDecoder, ByteEncoder } from '../../mailbox/byte-codec.ts';
import { decodeChange, encodeChange } from '../change-codec.ts';
import { openSqliteDatabase } from './index.ts';

const MAILBOX = mailboxId('abcd-2');
const MESSAGES = [
  'Subject: one\r\n\r\ncomplete\r\n',
  'Subject: two\r\n\r\nwithout end',
  'Subject: three\r\n\r\nlast\r\n',
];
/** Octets of a row of version 1: 4 floats, 11 words, 1 octet. */
const ROW_1 = 4 * 8 + 11 * 4 + 1;
const HEAD = 8;

async function open(directory: string): Promise<{ database: MailboxDatabase; mailbox: Mailbox }> {
  const database = await openSqliteDatabase({ directory });
  return { database, mailbox: await database.open(MAILBOX) };
}

async function fill(t: TestContext): Promise<string> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'penfold-migration-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  const { database, mailbox } = await open(directory);
  const inbox = mailbox.folderByUse('inbox')!.id;
  for (const text of MESSAGES) {
    const sink = database.stage();
    await sink.write(Buffer.from(text));
    const staged = await sink.finish();
    await mailbox.append(inbox, staged, {});
    await staged.release();
  }
  await mailbox.expunge(inbox, Uint32Array.of(3));
  await mailbox.maintain({ retentionSeconds: 1e9 });
  await database.close();
  return path.join(directory, 'mailboxes', 'ab', MAILBOX);
}

/** Arrays of a chunk come in this order; version 1 lacks those marked. */
const WIDTHS: ReadonlyArray<readonly [width: number, isNew: boolean]> = [
  ...Array.from({ length: 4 }, () => [8, false] as const),
  ...Array.from({ length: 11 }, () => [4, false] as const),
  ...Array.from({ length: 5 }, () => [4, true] as const),
  [1, false],
  [1, true],
];

function chunkOfVersion1(chunk: Uint8Array): Buffer {
  const blob = Buffer.from(chunk);
  const count = blob.readUInt32LE(4);
  const parts: Buffer[] = [];
  let at = HEAD;
  for (const [width, isNew] of WIDTHS) {
    if (!isNew) parts.push(blob.subarray(at, at + width * count));
    at += width * count;
  }
  assert.equal(at, blob.length);
  const head = Buffer.from(blob.subarray(0, HEAD));
  head.writeUInt32LE(1, 0);
  const old = Buffer.concat([head, ...parts]);
  assert.equal(old.length, HEAD + count * ROW_1);
  return old;
}

function makeOld(directory: string): void {
  const db = new DatabaseSync(path.join(directory, 'mailbox.db'));
  for (const { folder, number, data } of db.prepare('SELECT folder, number, data FROM chunk').all()) {
    assert.ok(data instanceof Uint8Array && folder !== undefined && number !== undefined);
    db.prepare('UPDATE chunk SET data = ? WHERE folder = ? AND number = ?').run(chunkOfVersion1(data), folder, number);
  }
  db.exec('DROP TABLE former_folder; PRAGMA user_version = 1;');
  db.close();
  for (const piece of FRAGMENT_PIECES) fs.rmSync(path.join(directory, `frag-${piece}-000001`));
  fs.writeFileSync(path.join(directory, 'frag-000001'), 'penfold fragments 1\n');
}

test('a mailbox of the first format answers everything and is rewritten as it is used', async (t) => {
  const directory = await fill(t);
  makeOld(directory);
  const root = path.join(directory, '../../..');
  for (let restart = 0; restart < 2; restart += 1) {
    const { database, mailbox } = await open(root);
    assert.ok(!fs.existsSync(path.join(directory, 'frag-000001')), 'nothing refers to the old file');
    const inbox = mailbox.folderByUse('inbox')!;
    const view = await mailbox.view(inbox.id);
    assert.deepEqual([view.lineEndMissing(0), view.lineEndMissing(1)], [false, true]);
    let found = 0;
    for await (const { count, pieces } of mailbox.fragments(inbox.id, Uint32Array.of(1, 2), FRAGMENT_PIECES)) {
      for (const piece of FRAGMENT_PIECES) assert.ok(pieces[piece]?.lengths.every((length) => length > 0));
      found += count;
    }
    assert.equal(found, 2);
    const recoverable = await mailbox.view(mailbox.folderByUse('recoverable')!.id);
    const origin = recoverable.recoverableOrigin(0);
    assert.ok(origin);
    assert.deepEqual([origin.folder, origin.name], [null, null], 'nobody wrote that down');
    assert.ok(origin.deletedAt > 0);
    view.close();
    recoverable.close();
    await mailbox.maintain({ retentionSeconds: 1e9 });
    assert.deepEqual((await database.verify(MAILBOX)).problems, []);
    await database.close();
  }
  const db = new DatabaseSync(path.join(directory, 'mailbox.db'));
  for (const { data } of db.prepare('SELECT data FROM chunk').all()) {
    assert.ok(data instanceof Uint8Array);
    assert.equal(data[0], 2);
  }
  db.close();
});

test('an append record of the first format: nothing known of line end and fragments', () => {
  const out = new ByteEncoder();
  encodeChange(
    {
      kind: 'append',
      folder: 1,
      uid: 2,
      modSeq: 3,
      flags: 0,
      keywordsLow: 0,
      keywordsHigh: 0,
      newKeywords: [],
      internalDate: 4,
      saveDate: 5,
      sentDate: 6,
      sentDay: 7,
      size: 8,
      content: 9,
      thread: 10,
      threadKeys: [11],
      uidl: null,
      detailsOffset: 12,
      detailsLength: 13,
      lineEnd: 2,
      listOffset: 1,
      listLength: 1,
      searchOffset: 1,
      searchLength: 1,
    },
    out,
  );
  const change = decodeChange(new ByteDecoder(out.bytes().subarray(0, out.length - 5)));
  assert.ok(change.kind === 'append');
  assert.deepEqual([change.lineEnd, change.detailsLength, change.listLength, change.searchLength], [0, 0, 0, 0]);
  assert.deepEqual([change.uid, change.size, change.thread], [2, 8, 10]);
});
