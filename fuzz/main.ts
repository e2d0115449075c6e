/**
 * `npm run fuzz [-- TARGET…] [--seconds N] [--seed N] [--input FILE]`: throws mutated seeds at parsers for a bounded
 * time. A target is a file fuzz/NAME.ts that exports
 *
 *     name: string                       as in the table printed
 *     seeds(): Iterable<Buffer>          what valid input looks like; a few hundred at most are used
 *     run(input: Buffer): void           throws when a promise of the parser is broken
 *
 * N seconds are shared by the targets (30 when not said). The first failure is written to a file, its path printed
 * with the seed that repeats the run, and the exit code is 1. `--input FILE` runs the targets on that file alone.
 */
import { glob, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Mutator } from './mutate.ts';

interface Target {
  readonly name: string;
  seeds(): Iterable<Buffer>;
  run(input: Buffer): void;
}

const DEFAULT_SECONDS = 30;
const SEEDS_USED = 400;
/** Larger seeds are cut: small inputs find the same faults faster. */
const SEED_BYTES = 32 * 1024;
/** A single input that takes longer is a failure: parsing time has to be bounded by the size. */
const SLOW_MS = 2000;
/** Inputs that ran fine are kept now and then and mutated again. */
const KEEP_EVERY = 50;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string' }, seed: { type: 'string' }, input: { type: 'string' } },
});
const seconds = Number(values.seconds ?? DEFAULT_SECONDS);
const seed = Number(values.seed ?? Date.now() % 0x7fffffff);
if (!(seconds > 0) || !Number.isInteger(seed)) {
  console.error('usage: npm run fuzz [-- TARGET…] [--seconds N] [--seed N] [--input FILE]');
  process.exit(2);
}

const targets = await findTargets(positionals);
if (targets.length === 0) {
  console.error(`no fuzz target matches ${positionals.join(' ')}`);
  process.exit(1);
}
let failed = false;
for (const target of targets) {
  const fault =
    values.input === undefined
      ? fuzz(target, (seconds * 1000) / targets.length)
      : attempt(target, await readFile(values.input));
  if (fault === null) continue;
  failed = true;
  const file = path.join(await mkdtemp(path.join(tmpdir(), 'penfold-fuzz-')), `${target.name}.bin`);
  await writeFile(file, fault.input);
  console.error(`${target.name} FAILED: ${fault.reason}`);
  console.error(
    `  input  ${file} (${fault.input.length} bytes, base64 ${fault.input.toString('base64').slice(0, 200)}…)`,
  );
  console.error(`  again  npm run fuzz -- ${target.name} --input ${file}   (run: --seed ${seed} --seconds ${seconds})`);
}
process.exit(failed ? 1 : 0);

interface Fault {
  readonly input: Buffer;
  readonly reason: string;
}

async function findTargets(wanted: readonly string[]): Promise<Target[]> {
  const found: Target[] = [];
  for await (const file of glob('*.ts', { cwd: import.meta.dirname })) {
    if (file === 'main.ts' || file.endsWith('.test.ts')) continue;
    const module: unknown = await import(path.join(import.meta.dirname, file));
    // A file without `run` holds what targets share.
    if (typeof module !== 'object' || module === null || !('run' in module)) continue;
    if (!isTarget(module)) throw new Error(`fuzz/${file} does not export name, seeds and run`);
    if (wanted.length === 0 || wanted.some((word) => module.name.includes(word))) found.push(module);
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function isTarget(module: unknown): module is Target {
  return (
    typeof module === 'object' &&
    module !== null &&
    'name' in module &&
    typeof module.name === 'string' &&
    'seeds' in module &&
    typeof module.seeds === 'function' &&
    'run' in module &&
    typeof module.run === 'function'
  );
}

function fuzz(target: Target, milliseconds: number): Fault | null {
  const pool: Buffer[] = [];
  for (const input of target.seeds()) {
    pool.push(Buffer.from(input.subarray(0, SEED_BYTES)));
    if (pool.length === SEEDS_USED) break;
  }
  if (pool.length === 0) pool.push(Buffer.alloc(0));
  const seeds = pool.length;
  for (const input of pool) {
    const fault = attempt(target, input);
    if (fault !== null) return fault;
  }
  const mutator = new Mutator(seed);
  const started = performance.now();
  let runs = 0;
  for (; performance.now() - started < milliseconds; runs += 1) {
    const input = mutator.mutate(mutator.pick(pool), pool);
    const fault = attempt(target, input);
    if (fault !== null) return fault;
    if (runs % KEEP_EVERY !== 0) continue;
    if (pool.length < SEEDS_USED * 2) pool.push(input);
    else pool[seeds + (runs % (pool.length - seeds))] = input;
  }
  const rate = Math.round((runs * 1000) / milliseconds);
  console.log(`${target.name.padEnd(24)} ${seeds} seeds, ${runs} inputs, ${rate}/s, seed ${seed}: no fault`);
  return null;
}

function attempt(target: Target, input: Buffer): Fault | null {
  const started = performance.now();
  try {
    target.run(input);
  } catch (error) {
    return { input, reason: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  const took = performance.now() - started;
  return took > SLOW_MS ? { input, reason: `took ${Math.round(took)} ms` } : null;
}
