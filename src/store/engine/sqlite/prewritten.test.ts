/** Zeros ahead of the log's end: written when they help, in nobody's way, gone when the log is closed or rolls. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { mailboxId } from '../../model.ts';
import { type Files, realFiles } from './files.ts';
import { openSqliteDatabase, type SqliteOptions } from './index.ts';
import { PREWRITE_AFTER_BYTES, PREWRITE_BYTES } from './prewritten.ts';

const MAILBOX = mailboxId('abcd-3');
const MESSAGE_BYTES = 8000;

function directoryFor(t: TestContext): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'penfold-prewritten-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const segment = (directory: string, number = 1): string =>
  path.join(directory, 'mailboxes', 'ab', MAILBOX, `seg-${String(number).padStart(6, '0')}`);

async function open(directory: string, options: Partial<SqliteOptions> = {}) {
  const database = await openSqliteDatabase({ directory, ...options });
  const mailbox = await database.open(MAILBOX);
  const inbox = mailbox.folderByUse('inbox')!.id;
  return {
    database,
    mailbox,
    async append(size: number): Promise<void> {
      const sink = database.stage();
      await sink.write(Buffer.alloc(size, 'x'));
      const staged = await sink.finish();
      await mailbox.append(inbox, staged, {});
      await staged.release();
    },
  };
}

/** Octets behind the last one that is not zero. */
function zerosAtEnd(file: string): number {
  const bytes = fs.readFileSync(file);
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  // A record without payload ends with eight of its own.
  return Math.max(0, bytes.length - end - 8);
}

test('a busy log has zeros ahead, a quiet one none; both end exactly when closed', async (t) => {
  const directory = directoryFor(t);
  const opened = await open(directory);
  for (let octets = 0; octets + MESSAGE_BYTES < PREWRITE_AFTER_BYTES - 4000; octets += MESSAGE_BYTES) {
    await opened.append(MESSAGE_BYTES);
  }
  assert.equal(zerosAtEnd(segment(directory)), 0, 'nothing ahead of a few messages');
  for (let i = 0; i < 100; i += 1) await opened.append(MESSAGE_BYTES);
  const ahead = zerosAtEnd(segment(directory));
  assert.ok(ahead > 0 && ahead <= 1.5 * PREWRITE_BYTES, `${ahead} octets ahead`);
  const crashed = directoryFor(t);
  fs.cpSync(directory, crashed, { recursive: true });
  fs.rmSync(path.join(crashed, 'lock'));
  const { messages } = await opened.database.verify(MAILBOX);
  await opened.database.close();
  assert.equal(zerosAtEnd(segment(directory)), 0);

  const again = await open(crashed);
  assert.equal(zerosAtEnd(segment(crashed)), 0, 'recovery cuts them off');
  await again.append(100);
  const report = await again.database.verify(MAILBOX);
  assert.deepEqual([report.messages, report.problems], [messages + 1, []]);
  await again.database.close();
});

test('messages larger than what is ahead, and a log that rolls, leave whole segments', async (t) => {
  const directory = directoryFor(t);
  const opened = await open(directory, { segmentBytes: 1024 * 1024 });
  let count = 0;
  for (let i = 0; i < 60; i += 1) {
    const sizes = [MESSAGE_BYTES, 1, i % 9 === 0 ? 700_000 : 30_000, i === 40 ? 3_000_000 : 5];
    await Promise.all(sizes.map((size) => opened.append(size)));
    count += sizes.length;
  }
  const report = await opened.database.verify(MAILBOX);
  assert.deepEqual([report.messages, report.problems], [count, []]);
  assert.ok(fs.existsSync(segment(directory, 3)));
  for (let number = 1; fs.existsSync(segment(directory, number + 1)); number += 1) {
    assert.equal(zerosAtEnd(segment(directory, number)), 0, `segment ${number}`);
  }
  await opened.database.close();
  const again = await open(directory);
  assert.deepEqual((await again.database.verify(MAILBOX)).problems, []);
  await again.database.close();
});

test('a disk with no room for zeros takes messages as long as it can', async (t) => {
  let refused = 0;
  const files: Files = {
    async write(fd, buffers, position) {
      const [first] = buffers;
      if (buffers.length === 1 && first !== undefined && first.length > MESSAGE_BYTES && first[0] === 0) {
        refused += 1;
        throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      }
      await realFiles.write(fd, buffers, position);
    },
    flush: (fd) => realFiles.flush(fd),
  };
  const opened = await open(directoryFor(t), { files });
  for (let i = 0; i < 40; i += 1) await opened.append(MESSAGE_BYTES);
  assert.equal(refused, 1, 'asked once');
  assert.deepEqual((await opened.database.verify(MAILBOX)).problems, []);
  await opened.database.close();
});
