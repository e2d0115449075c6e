/**
 * `npm test [-- PATTERN…]`: every test that needs no system package, in parallel, on Node's own runner.
 * Arguments narrow it to files whose path contains one of them; `--tap` and the like are passed on.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { glob } from 'node:fs/promises';
import path from 'node:path';
import { type PostgresServer, postgresMissing, startPostgres } from '../test/support/postgres.ts';

const root = path.dirname(import.meta.dirname);
const words = process.argv.slice(2).filter((word) => !word.startsWith('-'));
const flags = process.argv.slice(2).filter((word) => word.startsWith('-'));

const files: string[] = [];
for await (const file of glob(['src/**/*.test.ts', 'webapp/**/*.test.ts', 'test/**/*.test.ts'], { cwd: root })) {
  // Foreign clients are `npm run test:interop`, the cluster is `npm run test:cluster`, browsers are `npm run test:web`.
  if (['clients', 'cluster', 'web'].some((folder) => file.startsWith(path.join('test', folder, path.sep)))) continue;
  if (words.length === 0 || words.some((word) => file.includes(word))) files.push(file);
}
if (files.length === 0) {
  console.error('no test file matches');
  process.exit(1);
}
// One PostgreSQL for all files: each of them makes databases of its own there.
const absent = postgresMissing();
if (absent !== null) console.log(`tests on PostgreSQL are skipped: ${absent}`);
let postgres: PostgresServer | null = null;
if (absent === null && process.env.PENFOLD_TEST_POSTGRES === undefined) postgres = await startPostgres();
// The second one says at the end how many tests of the store each engine has passed.
const reporters = ['spec', path.join(import.meta.dirname, 'engine-counts.ts')].flatMap((name) => [
  `--test-reporter=${name}`,
  '--test-reporter-destination=stdout',
]);
const runner = spawn(process.execPath, ['--test', ...reporters, ...flags, ...files.sort()], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, ...(postgres === null ? {} : { PENFOLD_TEST_POSTGRES: postgres.url }) },
});
// The terminal signals the whole group: the runner ends by itself, PostgreSQL is ended behind it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => runner.kill(signal));
const [code] = await once(runner, 'exit');
await postgres?.stop();
process.exit(typeof code === 'number' ? code : 1);
