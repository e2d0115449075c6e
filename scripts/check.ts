/** `npm run check`: types, lint, layers, format, standards index. Each step fails the build; the layer step also when it saw nothing. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { cruise } from 'dependency-cruiser';
import extractTsConfig from 'dependency-cruiser/config-utl/extract-ts-config';
import { checkStandards } from './standards.ts';

const root = path.dirname(import.meta.dirname);
const bin = (name: string): string => path.join(root, 'node_modules', '.bin', name);
const failed: string[] = [];

function step(name: string, command: string, args: readonly string[]): void {
  console.log(`── ${name}`);
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (result.status !== 0) failed.push(name);
}

step('types', bin('tsc'), ['--noEmit']);
step('types of the web app', bin('tsc'), ['--noEmit', '-p', 'webapp']);
step('lint', bin('oxlint'), ['--type-aware', '--quiet']);
const formatted = ['src', 'webapp', 'test', 'bench', 'fuzz', 'scripts'].filter((folder) =>
  existsSync(path.join(root, folder)),
);
step('format', bin('biome'), ['format', ...formatted]);

console.log('── layers');
const LEAST_MODULES = 15;
const config: unknown = createRequire(import.meta.url)('../.dependency-cruiser.cjs');
if (typeof config !== 'object' || config === null) throw new Error('.dependency-cruiser.cjs exports no rules');
process.chdir(root);
const { forbidden, options } = Object.assign({ forbidden: [], options: {} }, config);
const result = await cruise(
  ['src'],
  { ruleSet: { forbidden }, validate: true, ...options },
  {},
  { tsConfig: extractTsConfig('tsconfig.json') },
);
const output = result.output;
if (typeof output === 'string') throw new Error('dependency-cruiser answered text');
const seen = output.summary.totalCruised;
for (const violation of output.summary.violations)
  console.log(`${violation.rule.severity} ${violation.rule.name}: ${violation.from} → ${violation.to}`);
console.log(`${seen} modules, ${output.summary.error} violations`);
if (seen < LEAST_MODULES) failed.push(`layers (only ${seen} modules cruised)`);
if (output.summary.error > 0) failed.push('layers');

console.log('── standards');
const problems = await checkStandards(root);
for (const problem of problems) console.log(problem);
if (problems.length > 0) failed.push('standards');

if (failed.length > 0) {
  console.error(`check failed: ${failed.join(', ')}`);
  process.exit(1);
}
console.log('check passed');
