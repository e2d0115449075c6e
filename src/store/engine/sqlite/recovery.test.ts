/** What crashes, full disks, other owners and other releases leave behind, each made on purpose. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { FRAGMENT_PIECES } from '../../../message/fragment-pieces.ts';
import type { Mailbox, MailboxDatabase } from '../../api.ts';
import { FLAGGED, type FolderId, mailboxId } from '../../model.ts';
import { type Files, realFiles } from './files.ts';
import { openSqliteDatabase, type SqliteOptions } from './index.ts';

const MAILBOX = mailboxId('abcd-1');

function directoryFor(t: TestContext): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'penfold-recovery-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const inMailbox = (directory: string, name: string): string => path.join(directory, 'mailboxes', 'ab', MAILBOX, name);

interface Opened {
  readonly database: MailboxDatabase;
  readonly mailbox: Mailbox;
  readonly inbox: FolderId;
}

async function open(directory: string, options: Partial<SqliteOptions> = {}): Promise<Opened> {
  const database = await openSqliteDatabase({ directory, ...options });
  const mailbox = await database.open(MAILBOX);
  const inbox = mailbox.folderByUse('inbox');
  assert.ok(inbox);
  return { database, mailbox, inbox: inbox.id };
}

async function append({ database, mailbox, inbox }: Opened, text: string): Promise<number> {
  const sink = database.stage();
  await sink.write(Buffer.from(text));
  const staged = await sink.finish();
  try {
    return (await mailbox.append(inbox, staged, {})).uid;
  } finally {
    await staged.release();
  }
}

async function texts({ mailbox, inbox }: Opened): Promise<string[]> {
  const view = await mailbox.view(inbox);
  const uids = view.columns.uid.slice(0, view.columns.length);
  view.close();
  const found: string[] = [];
  for await (const batch of mailbox.bodies(inbox, uids)) {
    assert.ok(batch.kind === 'joined');
    for (let i = 0; i < batch.count; i += 1) {
      found.push(batch.bytes.toString('latin1', batch.offsets[i], batch.offsets[i]! + batch.lengths[i]!));
    }
  }
  return found;
}

/** As a crash of the process leaves it: everything written, nothing closed. */
function crashCopy(t: TestContext, directory: string): string {
  const copy = directoryFor(t);
  fs.cpSync(directory, copy, { recursive: true });
  fs.rmSync(path.join(copy, 'lock'));
  return copy;
}

const clean = async ({ database }: Opened): Promise<void> => {
  assert.deepEqual((await database.verify(MAILBOX)).problems, []);
};

test('a log torn anywhere in its last record loses only that record', async (t) => {
  const directory = directoryFor(t);
  const opened = await open(directory);
  await append(opened, 'first\r\n');
  const before = fs.statSync(inMailbox(directory, 'seg-000001')).size;
  await append(opened, 'second\r\n');
  const after = fs.statSync(inMailbox(directory, 'seg-000001')).size;
  for (const cut of [before + 1, before + 7, before + 9, before + 40, after - 9, after - 8, after - 1]) {
    const copy = crashCopy(t, directory);
    fs.truncateSync(inMailbox(copy, 'seg-000001'), cut);
    const again = await open(copy);
    assert.deepEqual(await texts(again), ['first\r\n'], `cut at ${cut}`);
    assert.equal(await append(again, 'third\r\n'), 2);
    await clean(again);
    await again.database.close();
    const third = await open(copy);
    assert.deepEqual(await texts(third), ['first\r\n', 'third\r\n']);
    await third.database.close();
  }
  await opened.database.close();
});

test('garbage and damaged bytes behind the last good record are cut off', async (t) => {
  const directory = directoryFor(t);
  const opened = await open(directory);
  await append(opened, 'first\r\n');
  await append(opened, 'second\r\n');
  const copy = crashCopy(t, directory);
  const file = inMailbox(copy, 'seg-000001');
  const size = fs.statSync(file).size;
  const fd = fs.openSync(file, 'r+');
  fs.writeSync(fd, 'X', size - 3);
  fs.writeSync(fd, Buffer.alloc(5000, 'PFR1'), 0, 5000, size);
  fs.closeSync(fd);
  const again = await open(copy);
  assert.deepEqual(await texts(again), ['first\r\n']);
  await clean(again);
  await again.database.close();
  await opened.database.close();
});

test('damage in the middle of the log is reported, not skipped', async (t) => {
  const directory = directoryFor(t);
  const opened = await open(directory, { segmentBytes: 1 });
  await append(opened, 'first\r\n');
  await append(opened, 'second\r\n');
  const copy = crashCopy(t, directory);
  fs.truncateSync(inMailbox(copy, 'seg-000002'), 40);
  const database = await openSqliteDatabase({ directory: copy });
  await assert.rejects(database.open(MAILBOX), { code: 'CORRUPTION' });
  await database.close();
  await opened.database.close();
});

test('a lost write-ahead log of the index is made good from the log', async (t) => {
  const directory = directoryFor(t);
  const opened = await open(directory);
  for (let i = 0; i < 100; i += 1) await append(opened, `message ${i}\r\n`);
  const copy = crashCopy(t, directory);
  await opened.mailbox.maintain({ retentionSeconds: 1e9 });
  const folded = crashCopy(t, directory);
  for (const where of [copy, folded]) {
    fs.rmSync(inMailbox(where, 'mailbox.db-wal'), { force: true });
    fs.rmSync(inMailbox(where, 'mailbox.db-shm'), { force: true });
    const again = await open(where);
    assert.equal((await texts(again)).length, 100);
    await clean(again);
    await again.database.close();
  }
  await opened.database.close();
});

test('MODSEQ jumps after a crash, and touches every message after a power cut', async (t) => {
  const directory = directoryFor(t);
  const opened = await open(directory);
  const uid = await append(opened, 'one\r\n');
  await opened.mailbox.setFlags(opened.inbox, Uint32Array.of(uid), { op: 'add', flags: FLAGGED, keywords: [] });
  const last = opened.mailbox.folder(opened.inbox)?.highestModSeq ?? 0;
  const crashed = await open(crashCopy(t, directory));
  assert.ok((await crashed.mailbox.createFolder('new')).highestModSeq > last + 500);
  assert.equal(crashed.mailbox.folder(crashed.inbox)?.highestModSeq, last, 'nothing was lost: no resync');
  await crashed.database.close();
  const copy = crashCopy(t, directory);
  fs.writeFileSync(inMailbox(copy, 'open'), 'another boot');
  for (let restart = 0; restart < 2; restart += 1) {
    const cut = await open(copy);
    const view = await cut.mailbox.view(cut.inbox);
    assert.ok(view.folder.highestModSeq > last + 500_000);
    assert.equal(view.columns.modSeq[0], view.folder.highestModSeq);
    for await (const batch of cut.mailbox.fragments(cut.inbox, Uint32Array.of(uid), FRAGMENT_PIECES)) {
      for (const piece of FRAGMENT_PIECES) assert.ok(batch.pieces[piece]!.lengths[0]! > 0);
    }
    await clean(cut);
    await cut.database.close();
  }
  await opened.database.close();
});

test('lost parse results are made again', async (t) => {
  const directory = directoryFor(t);
  const opened = await open(directory);
  for (let i = 0; i < 600; i += 1) await append(opened, `Subject: s${i}\r\n\r\nbody\r\n`);
  await opened.mailbox.maintain({ retentionSeconds: 1e9 });
  await opened.database.close();
  fs.rmSync(inMailbox(directory, 'frag-search-000001'));
  for (let restart = 0; restart < 2; restart += 1) {
    const again = await open(directory);
    const uids = Uint32Array.from({ length: 600 }, (_, i) => i + 1);
    let seen = 0;
    for await (const batch of again.mailbox.fragments(again.inbox, uids, FRAGMENT_PIECES)) {
      for (const piece of FRAGMENT_PIECES) for (const length of batch.pieces[piece]!.lengths) assert.ok(length > 0);
      seen += batch.count;
    }
    assert.equal(seen, 600);
    await again.mailbox.maintain({ retentionSeconds: 1e9 });
    await again.database.close();
  }
});

test('quota counts are true after a crash, from the fold and from the tail', async (t) => {
  const directory = directoryFor(t);
  const quotaOf = () => ({ prohibitSendReceive: 100, recoverableItems: 25 });
  const opened = await open(directory, { quotaOf });
  for (let i = 0; i < 6; i += 1) await append(opened, `message ${i}\r\n`.padStart(11, ' '));
  await opened.mailbox.maintain({ retentionSeconds: 1e9 });
  await opened.mailbox.expunge(opened.inbox, Uint32Array.of(1, 2, 3));
  const usage = opened.mailbox.usage();
  assert.deepEqual(usage, { bytes: 33, messages: 3, recoverableBytes: 22, recoverableMessages: 2 });
  const again = await open(crashCopy(t, directory), { quotaOf });
  assert.deepEqual(again.mailbox.usage(), usage);
  for (let i = 0; i < 6; i += 1) await append(again, '12345678\r\n');
  await assert.rejects(append(again, '12345678\r\n'), { code: 'OVERQUOTA' });
  await again.mailbox.expunge(again.inbox, Uint32Array.of(4));
  assert.deepEqual(again.mailbox.usage().recoverableMessages, 2, 'the oldest went');
  await append(again, '12345678\r\n');
  await clean(again);
  await again.database.close();
  await opened.database.close();
});

test('a full disk refuses the change, keeps everything else, and works again when there is room', async (t) => {
  let room = Number.POSITIVE_INFINITY;
  const files: Files = {
    async write(fd, buffers, position) {
      const size = buffers.reduce((sum, one) => sum + one.length, 0);
      if (size > room) {
        await realFiles.write(fd, [buffers[0]!.subarray(0, 10)], position);
        throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      }
      await realFiles.write(fd, buffers, position);
    },
    flush: (fd) => realFiles.flush(fd),
  };
  const directory = directoryFor(t);
  const opened = await open(directory, { files });
  await append(opened, 'before\r\n');
  room = 200;
  const events: unknown[] = [];
  opened.mailbox.watch((event) => events.push(event));
  await assert.rejects(append(opened, 'x'.repeat(500)), { code: 'UNAVAILABLE' });
  await assert.rejects(Promise.all([append(opened, 'y'.repeat(500)), append(opened, 'small')]), {
    code: 'UNAVAILABLE',
  });
  assert.deepEqual(events, []);
  room = Number.POSITIVE_INFINITY;
  assert.equal(await append(opened, 'after\r\n'), 2);
  await clean(opened);
  const again = await open(crashCopy(t, directory));
  assert.deepEqual(await texts(again), ['before\r\n', 'after\r\n']);
  await again.database.close();
  await opened.database.close();
});

test('a flush that fails acknowledges nothing', async (t) => {
  let broken = false;
  const files: Files = {
    write: (fd, buffers, position) => realFiles.write(fd, buffers, position),
    flush: (fd) =>
      broken ? Promise.reject(Object.assign(new Error('bad disk'), { code: 'EIO' })) : realFiles.flush(fd),
  };
  const directory = directoryFor(t);
  const opened = await open(directory, { files });
  broken = true;
  await assert.rejects(append(opened, 'lost\r\n'), { code: 'UNAVAILABLE' });
  broken = false;
  assert.equal(await append(opened, 'kept\r\n'), 1);
  const again = await open(crashCopy(t, directory));
  assert.deepEqual(await texts(again), ['kept\r\n']);
  await again.database.close();
  await opened.database.close();
});

test('segments that are mostly dead are copied out and removed', async (t) => {
  const directory = directoryFor(t);
  const opened = await open(directory, { segmentBytes: 20_000 });
  for (let i = 0; i < 100; i += 1) await append(opened, `message ${i} ${'.'.repeat(1000)}\r\n`);
  const copies = await opened.mailbox.createFolder('copies');
  await opened.mailbox.copy(opened.inbox, Uint32Array.of(5, 50), copies.id);
  const dead = Uint32Array.from({ length: 90 }, (_, i) => i + 1);
  const view = await opened.mailbox.view(opened.inbox);
  await opened.mailbox.expunge(opened.inbox, dead, { purge: true });
  const kept = await texts(opened);
  const segments = (): string[] => fs.readdirSync(inMailbox(directory, '.')).filter((name) => name.startsWith('seg-'));
  const before = segments().length;
  await opened.mailbox.maintain({ retentionSeconds: 1e9 });
  assert.equal(segments().length, before, 'a view may still ask for the dead ones');
  view.close();
  await opened.mailbox.maintain({ retentionSeconds: 1e9 });
  assert.ok(segments().length < before - 2, `${before} segments, now ${segments().length}`);
  assert.deepEqual(await texts(opened), kept);
  await clean(opened);
  const crashed = await open(crashCopy(t, directory));
  assert.deepEqual(await texts(crashed), kept);
  await clean(crashed);
  await crashed.database.close();
  await opened.database.close();
  const again = await open(directory);
  assert.deepEqual(await texts(again), kept);
  await clean(again);
  await again.database.close();
});

test('a crash between copying out and removing leaves a whole mailbox', async (t) => {
  const directory = directoryFor(t);
  const opened = await open(directory, { segmentBytes: 20_000 });
  for (let i = 0; i < 60; i += 1) await append(opened, `message ${i} ${'.'.repeat(1000)}\r\n`);
  await opened.mailbox.expunge(
    opened.inbox,
    Uint32Array.from({ length: 55 }, (_, i) => i + 1),
    { purge: true },
  );
  const kept = await texts(opened);
  const copies: string[] = [];
  const unlink = fs.promises.unlink.bind(fs.promises);
  t.mock.method(fs.promises, 'unlink', async (file: string) => {
    copies.push(crashCopy(t, directory));
    await unlink(file);
    copies.push(crashCopy(t, directory));
  });
  await opened.mailbox.maintain({ retentionSeconds: 1e9 });
  t.mock.restoreAll();
  assert.ok(copies.length > 2);
  for (const copy of copies) {
    const again = await open(copy);
    assert.deepEqual(await texts(again), kept);
    await clean(again);
    await again.database.close();
  }
  await opened.database.close();
});

test('a second owner is refused by pid; a dead owner is not', async (t) => {
  const directory = directoryFor(t);
  const opened = await open(directory);
  await assert.rejects(openSqliteDatabase({ directory }), (reason: unknown) => {
    assert.ok(reason instanceof Error && 'code' in reason);
    assert.equal(reason.code, 'UNAVAILABLE');
    assert.match(reason.message, new RegExp(`process ${process.pid}\\b`));
    return true;
  });
  await opened.database.close();
  for (const stale of ['999999999 12345@boot\n', `${process.pid} 1@an-older-boot\n`, '']) {
    fs.writeFileSync(path.join(directory, 'lock'), stale);
    const again = await open(directory);
    await again.database.close();
  }
});

test('a mailbox of a newer release is refused in plain words', async (t) => {
  const directory = directoryFor(t);
  const opened = await open(directory);
  await opened.database.close();
  const db = new DatabaseSync(inMailbox(directory, 'mailbox.db'));
  db.exec('PRAGMA user_version = 999');
  db.close();
  const database = await openSqliteDatabase({ directory });
  await assert.rejects(database.open(MAILBOX), /newer release \(format 999/);
  await database.close();
});

test('ids that are no directory names are no mailboxes', async (t) => {
  const directory = directoryFor(t);
  const database = await openSqliteDatabase({ directory });
  for (const bad of ['../../etc', '', 'a', '.hidden', 'x/y', 'ü-umlaut']) {
    await assert.rejects(database.open(mailboxId(bad)), { code: 'NONEXISTENT' }, bad);
  }
  await database.close();
});
