/**
 * kill -9 in the middle of everything: after each restart every acknowledged message is there once with its bytes,
 * acknowledged flags, moves and removals have happened, counters equal a recount, the integrity check is clean.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { Mailbox } from '../../src/store/api.ts';
import { openSqliteDatabase } from '../../src/store/engine/sqlite/index.ts';
import { FLAGGED, type Folder, mailboxId } from '../../src/store/model.ts';
import { crashMessage, nameOf } from './messages.ts';

const ROUNDS = 6;
const MAILBOX = mailboxId('0c7f4f0e-0000-4000-8000-00000000dead');

interface Acknowledged {
  readonly appended: Set<string>;
  readonly flagged: Set<string>;
  readonly moved: Set<string>;
  readonly expunged: Set<string>;
}

test('nothing acknowledged is lost or doubled by kill -9', { timeout: 60_000 }, async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'penfold-crash-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  const told: Acknowledged = { appended: new Set(), flagged: new Set(), moved: new Set(), expunged: new Set() };
  const uidNext = new Map<number, number>();
  let modSeq = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    // Some rounds die within the first commits, some after segments rolled and folds ran.
    await runAndKill(directory, round, told, Math.ceil(Math.random() * 10 ** (1 + (round % 3))) * 3);
    const database = await openSqliteDatabase({ directory, segmentBytes: 2 * 1024 * 1024 });
    const mailbox = await database.open(MAILBOX);
    await check(mailbox, told);
    assert.deepEqual((await database.verify(MAILBOX)).problems, []);
    for (const folder of mailbox.folders()) {
      assert.ok(folder.uidNext >= (uidNext.get(folder.id) ?? 0), 'UIDNEXT never goes back');
      uidNext.set(folder.id, folder.uidNext);
    }
    const highest = Math.max(...mailbox.folders().map((folder) => folder.highestModSeq));
    assert.ok(highest >= modSeq, 'MODSEQ never goes back');
    modSeq = highest;
    if (round % 2 === 1) await mailbox.maintain({ retentionSeconds: 1e9 });
    await database.close();
  }
  t.diagnostic(`${told.appended.size} acknowledged messages, ${told.moved.size} moves, ${ROUNDS} kills`);
  assert.ok(told.appended.size > 100);
});

/** Kills the writer when it has acknowledged `lines` more lines. */
async function runAndKill(directory: string, round: number, told: Acknowledged, lines: number): Promise<void> {
  const script = path.join(import.meta.dirname, 'writer.ts');
  const child: ChildProcess = spawn(process.execPath, [script, directory, MAILBOX, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  assert.ok(child.stdout);
  const exited = new Promise<NodeJS.Signals | null>((resolve) => {
    child.once('exit', (_, signal) => resolve(signal));
  });
  let left = lines;
  for await (const line of createInterface({ input: child.stdout })) {
    const [what, name] = line.split(' ');
    if (what === 'appended' || what === 'flagged' || what === 'moved' || what === 'expunged')
      told[what].add(name ?? '');
    left -= 1;
    if (left === 0) child.kill('SIGKILL');
  }
  assert.equal(await exited, 'SIGKILL');
}

async function check(mailbox: Mailbox, told: Acknowledged): Promise<void> {
  const found = new Map<string, { folder: Folder; flags: number }>();
  for (const folder of mailbox.folders()) {
    const view = await mailbox.view(folder.id);
    const uids = view.columns.uid.slice(0, view.columns.length);
    for await (const batch of mailbox.bodies(folder.id, uids)) {
      assert.ok(batch.kind === 'joined');
      for (let i = 0; i < batch.count; i += 1) {
        const start = batch.offsets[i]!;
        const text = batch.bytes.toString('latin1', start, start + batch.lengths[i]!);
        const name = nameOf(text);
        assert.equal(text, crashMessage(name), 'bytes are what was written');
        assert.ok(!found.has(name), `${name} is there twice`);
        found.set(name, { folder, flags: view.columns.flags[view.rowOf(uids[batch.first + i]!)] ?? 0 });
      }
    }
    view.close();
  }
  for (const name of told.appended) assert.ok(found.has(name), `${name} was acknowledged and is not there`);
  for (const name of told.flagged) assert.ok(((found.get(name)?.flags ?? 0) & FLAGGED) !== 0, `${name} lost its flag`);
  for (const name of told.moved) assert.equal(found.get(name)?.folder.name, 'Moved', name);
  for (const name of told.expunged) {
    if (!told.moved.has(name)) assert.equal(found.get(name)?.folder.kind, 'recoverable', name);
  }
}
