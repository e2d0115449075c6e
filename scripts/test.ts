/**
 * `npm test [-- PATTERN…]`: every test that needs no system package, in parallel, on Node's own runner.
 * Arguments narrow it to files whose path contains one of them; `--tap` and the like are passed on.
 */
import { spawn } from 'node:child_process';
import { glob } from 'node:fs/promises';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);
const words = process.argv.slice(2).filter((word) => !word.startsWith('-'));
const flags = process.argv.slice(2).filter((word) => word.startsWith('-'));

const files: string[] = [];
for await (const file of glob(['src/**/*.test.ts', 'test/**/*.test.ts'], { cwd: root })) {
  // Foreign clients are `npm run test:interop`.
  if (file.startsWith(path.join('test', 'clients'))) continue;
  if (words.length === 0 || words.some((word) => file.includes(word))) files.push(file);
}
if (files.length === 0) {
  console.error('no test file matches');
  process.exit(1);
}
const runner = spawn(process.execPath, ['--test', '--test-reporter=spec', ...flags, ...files.sort()], {
  cwd: root,
  stdio: 'inherit',
});
runner.on('exit', (code) => process.exit(code ?? 1));
