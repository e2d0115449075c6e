/** What a move has written beside a mailbox decides who may open it (store/moving.ts Standing). */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { failure } from '../../../../test/conformance/store-fixture.ts';
import type { MailboxDatabase } from '../../api.ts';
import { mailboxId } from '../../model.ts';
import { MovedAway, type Residence, type Standing } from '../../moving.ts';
import { openSqliteDatabase } from './index.ts';
import { readStanding, writeStanding } from './standing-file.ts';

const MAILBOX = mailboxId('5d000000-0000-4000-8000-000000000001');
const NEVER = mailboxId('5d000000-0000-4000-8000-000000000002');

async function withDatabase(
  t: TestContext,
  residence: Residence | null,
  run: (database: MailboxDatabase, directory: string) => Promise<void>,
): Promise<void> {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'penfold-standing-'));
  t.after(() => fs.rmSync(root, { recursive: true }));
  const directory = path.join(root, 'mailboxes', '5d', MAILBOX);
  fs.mkdirSync(directory, { recursive: true });
  const database = await openSqliteDatabase({ directory: root, ...(residence === null ? {} : { residence }) });
  try {
    await run(database, directory);
  } finally {
    await database.close();
  }
}

const standing = (kind: Standing['kind']): Standing => ({ kind, move: 'move-1', at: 5 });
const here = (isHere: boolean, keeps: boolean): Residence => ({
  isHere: () => Promise.resolve(isHere),
  keepHere: (_mailbox, move) => Promise.resolve(move === 'move-1' && keeps),
});

test('a standing is read as it was written, and gone when it is lifted', async (t) => {
  await withDatabase(t, null, async (database, directory) => {
    assert.equal(await database.standing(MAILBOX), null);
    await writeStanding(directory, standing('leaving'));
    assert.deepEqual(await database.standing(MAILBOX), standing('leaving'));
    await writeStanding(directory, null);
    assert.equal(await readStanding(directory), null);
  });
});

test('a standing that cannot be read keeps the mailbox shut', async (t) => {
  await withDatabase(t, null, async (database, directory) => {
    fs.writeFileSync(path.join(directory, 'standing'), 'somewhere else\n');
    await assert.rejects(database.open(MAILBOX), failure('CORRUPTION'));
  });
});

for (const kind of ['receiving', 'received', 'leaving', 'moved'] as const) {
  test(`a mailbox that is ${kind} is not opened where nobody can ask the directory`, async (t) => {
    await withDatabase(t, null, async (database, directory) => {
      await writeStanding(directory, standing(kind));
      await assert.rejects(database.open(MAILBOX), failure('UNAVAILABLE'));
      assert.equal((await database.standing(MAILBOX))?.kind, kind);
    });
  });
}

test('a received mailbox opens when the directory names its database, and not before', async (t) => {
  await withDatabase(t, here(false, false), async (database, directory) => {
    await writeStanding(directory, standing('received'));
    await assert.rejects(database.open(MAILBOX), failure('UNAVAILABLE'));
  });
  await withDatabase(t, here(true, false), async (database, directory) => {
    await writeStanding(directory, standing('received'));
    (await database.open(MAILBOX)).close();
    assert.equal(await database.standing(MAILBOX), null);
  });
});

test('a mailbox caught leaving by a crash opens when its move is off, and is moved when that was completed', async (t) => {
  await withDatabase(t, here(true, true), async (database, directory) => {
    await writeStanding(directory, standing('leaving'));
    (await database.open(MAILBOX)).close();
    assert.equal(await database.standing(MAILBOX), null);
  });
  await withDatabase(t, here(false, false), async (database, directory) => {
    await writeStanding(directory, standing('leaving'));
    await assert.rejects(database.open(MAILBOX), MovedAway);
    assert.equal((await database.standing(MAILBOX))?.kind, 'moved');
  });
});

test('a mailbox that lies elsewhere is not made anew', async (t) => {
  await withDatabase(t, here(false, false), async (database) => {
    await assert.rejects(database.open(NEVER), MovedAway);
    assert.ok(!(await database.mailboxes()).includes(NEVER));
  });
  await withDatabase(t, here(true, false), async (database) => {
    (await database.open(NEVER)).close();
    assert.ok((await database.mailboxes()).includes(NEVER));
  });
});
