/** kill -9 between acceptance and release: every acknowledged message is there after the restart, and is sent once. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { silentLog } from '../../src/observe/log.ts';
import { HeldMailSpool } from '../../src/transport/held/held-mail.ts';
import { nowhere } from './nowhere.ts';

test('mail that waits is not lost and not doubled by kill -9', { timeout: 60_000 }, async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'penfold-held-crash-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  const told: string[] = [];
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'held-writer.ts'), directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  for await (const line of createInterface(child.stdout)) {
    told.push(line);
    if (told.length === 30) child.kill('SIGKILL');
  }
  await exited;
  const tried: string[] = [];
  for (let restart = 0; restart < 2; restart += 1) {
    const spool = await HeldMailSpool.open({ directory, transport: nowhere, serverName: 'a.org', log: silentLog });
    const waiting = new Set(spool.all().map(({ facts }) => facts.id));
    if (restart === 0) for (const id of told) assert.ok(waiting.has(id), `${id} was acknowledged and is there`);
    else assert.equal(waiting.size, 0, 'what is done with is not there a second time');
    for (const id of waiting) {
      const mail = await spool.release(id);
      assert.equal(mail?.state, 'final');
      tried.push(id);
    }
    await spool.close();
  }
  assert.equal(new Set(tried).size, tried.length);
  assert.deepEqual(fs.readdirSync(directory), [], 'nothing half written is left');
});
