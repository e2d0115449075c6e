/** In child processes, because it is about signals and the end of the process. */
import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { test } from 'node:test';

type Child = ChildProcessByStdio<null, Readable, null>;

/** A process that lives as servers do; `drain` is the body of its drain function. */
function start(drain: string, more = ''): Child {
  const script = `
    const { liveUntilStopped } = await import(${JSON.stringify(path.join(import.meta.dirname, 'lifecycle.ts'))});
    const { silentLog } = await import(${JSON.stringify(path.join(import.meta.dirname, '..', 'observe', 'log.ts'))});
    const say = (line) => console.log(line);
    const server = { drain: async (ms) => { say('draining'); ${drain} } };
    const life = liveUntilStopped(server, { drainMs: 5000, log: silentLog, reload: async () => say('reloaded'), say });
    say('ready');
    ${more}
    process.exitCode = await life;
    say('over');`;
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
}

async function said(child: Child, word: string): Promise<void> {
  for await (const [chunk] of on(child)) if (String(chunk).includes(word)) return;
}

async function* on(child: Child): AsyncIterable<unknown[]> {
  for (;;) yield await once(child.stdout, 'data');
}

test('SIGTERM drains and ends with 0; SIGHUP reloads', async () => {
  const child = start('');
  await said(child, 'ready');
  child.kill('SIGHUP');
  await said(child, 'reloaded');
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
});

test('the same Ctrl-C arriving several times drains once; a later one ends it at once', async () => {
  const child = start('await new Promise(() => {});');
  await said(child, 'ready');
  child.kill('SIGINT');
  await said(child, 'draining');
  child.kill('SIGINT');
  child.kill('SIGINT');
  const exited = once(child, 'exit');
  const again = setInterval(() => child.kill('SIGINT'), 300);
  const begun = performance.now();
  const [code] = await exited;
  clearInterval(again);
  assert.equal(code, 130);
  assert.ok(performance.now() - begun > 500, 'it ended with the first repetition');
});

test('a fault that nobody caught drains and ends with 1', async () => {
  for (const fault of ["setTimeout(() => { throw new Error('oops'); }, 1);", "Promise.reject(new Error('oops'));"]) {
    const child = start('', fault);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = await once(child, 'exit');
    assert.equal(code, 1);
    assert.match(output, /because of a fault: oops[\s\S]*draining|draining[\s\S]*because of a fault: oops/);
  }
});
