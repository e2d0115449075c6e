import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { dataLayout } from '../config/data-directory.ts';
import { Failure } from '../observe/failure.ts';
import { lockInstance } from './instance-lock.ts';

test('one owner at a time; the lock of a killed process is free', async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'penfold-lock-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const layout = dataLayout(directory);
  const held = (error: unknown): boolean => error instanceof Failure && error.code === 'INUSE';

  const own = lockInstance(layout);
  assert.throws(() => lockInstance(layout), held);
  own.release();

  const script = `
    const { lockInstance } = await import(${JSON.stringify(path.join(import.meta.dirname, 'instance-lock.ts'))});
    lockInstance(${JSON.stringify(layout)});
    console.log('locked');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  assert.throws(
    () => lockInstance(layout),
    (error) => held(error) && error instanceof Error && error.message.includes(String(child.pid)),
  );
  child.kill('SIGKILL');
  await once(child, 'exit');
  lockInstance(layout).release();
});
