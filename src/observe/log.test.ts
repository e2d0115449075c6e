import assert from 'node:assert/strict';
import fs from 'node:fs';
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createLog, LOG_PENDING_BYTES, type RootLog } from './log.ts';
import { tally } from './metrics/tally.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'penfold-log-'));
  file = path.join(folder, 'penfold.log');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The file once it holds the text: the writer works in the background and says nothing to anybody. */
async function holding(name: string, text: string): Promise<string> {
  for (;;) {
    const found = await readFile(name, 'utf8').catch(() => '');
    if (found.includes(text)) return found;
    await turn();
  }
}

const secrets: ReadonlyArray<[string, (log: RootLog) => void]> = [
  ['at the top', (log) => log.info({ password: 'hunter2' }, 'x')],
  ['one level down', (log) => log.info({ request: { password: 'hunter2', authorization: 'Basic hunter2' } }, 'x')],
  ['a token', (log) => log.info({ token: 'hunter2' }, 'x')],
  ['credentials as a whole', (log) => log.info({ credentials: { argon2: 'hunter2' } }, 'x')],
  ['in the fields of a child', (log) => log.child({ secret: 'hunter2' }).warn({}, 'x')],
];
for (const [name, write] of secrets) {
  test(`redacted: ${name}`, async () => {
    const log = createLog({ level: 'info', destination: file });
    write(log);
    log.info({ user: 'alice' }, 'the end');
    const text = await holding(file, 'the end');
    assert.doesNotMatch(text, /hunter2/);
    assert.match(text, /alice/);
  });
}

test('a full disk ends nobody: the lines come when there is room again', async (t) => {
  const log = createLog({ level: 'info', destination: file });
  log.info({}, 'before');
  await holding(file, 'before');
  const tried = Promise.withResolvers<void>();
  const full = t.mock.method(fs, 'write', (...given: unknown[]) => {
    const done = given.at(-1);
    assert.ok(typeof done === 'function');
    done(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }), 0);
    tried.resolve();
  });
  log.info({}, 'meanwhile');
  await tried.promise;
  full.mock.restore();
  log.info({}, 'behind');
  const text = await holding(file, 'for a while');
  assert.match(text, /before[^]*meanwhile[^]*behind[^]*ENOSPC[^]*could not be written/);
});

test('behind reopen the lines stand in a new file, and none is lost', async () => {
  const log = createLog({ level: 'info', destination: file });
  log.info({}, 'before');
  await holding(file, 'before');
  await rename(file, `${file}.1`);
  log.info({}, 'between');
  log.reopen();
  log.info({}, 'behind');
  const now = await holding(file, 'behind');
  const old = await readFile(`${file}.1`, 'utf8');
  const lines = (old + now).trim().split('\n');
  assert.deepEqual(
    lines.map((line) => (/"msg":"(\w+)"/.exec(line) ?? [])[1]),
    ['before', 'between', 'behind'],
  );
});

test('what a disk cannot take is dropped above a bound, and counted', async () => {
  const log = createLog({ level: 'info', destination: file });
  const before = tally.logLinesDropped.series.find(({ labels }) => labels[0] === 'server')?.value ?? 0;
  // Nothing is written before this turn ends.
  const text = 'x'.repeat(1024 * 1024);
  for (let octets = 0; octets <= LOG_PENDING_BYTES + text.length; octets += text.length) log.info({}, text);
  const after = tally.logLinesDropped.series.find(({ labels }) => labels[0] === 'server')?.value ?? 0;
  assert.ok(after > before);
  // The file is opened in the background, and its folder is about to go.
  await holding(file, 'x');
});
