/**
 * `npm run test:web [-- PATTERN…]`: the web app in Chromium against a real server (test/web). Installs Chromium with apt
 * when it may, and says what it skipped otherwise. `PENFOLD_SCREENSHOTS=1` writes docs/screenshots anew.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);
const CHROMIUM = '/usr/bin/chromium';
/** Each file has a server and a browser: more of them at a time than this measure each other. */
const FILES_AT_ONCE = Math.max(1, Math.min(3, availableParallelism() >> 1));

const mayInstall = process.getuid?.() === 0 && spawnSync('which', ['apt-get'], { stdio: 'ignore' }).status === 0;
if (!existsSync(CHROMIUM) && mayInstall) {
  console.log('installing chromium …');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const stdio = ['ignore', 'ignore', 'inherit'] as const;
  spawnSync('apt-get', ['update', '-qq'], { stdio: [...stdio], env });
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], { stdio: [...stdio], env });
}
if (!existsSync(CHROMIUM)) console.log('not installed, all tests are skipped: chromium');

const words = process.argv.slice(2).filter((word) => !word.startsWith('-'));
const files: string[] = [];
for await (const file of glob('test/web/**/*.test.ts', { cwd: root }))
  if (words.length === 0 || words.some((word) => file.includes(word))) files.push(file);
if (files.length === 0) {
  console.error('no test file matches');
  process.exit(1);
}
const runner = spawn(
  process.execPath,
  ['--test', '--test-reporter=spec', `--test-concurrency=${FILES_AT_ONCE}`, ...files.sort()],
  { cwd: root, stdio: 'inherit' },
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => runner.kill(signal));
const [code] = await once(runner, 'exit');
process.exit(typeof code === 'number' ? code : 1);
