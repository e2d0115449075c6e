/**
 * `npm run test:cluster [-- --users N] [-- --write]`: two sites of servers on one machine (test/cluster), in namespaces
 * that end with this process, whatever ends it: network, mounts, processes. Installs with apt what is missing when it
 * may, and says why it skips the tests otherwise. N people have their mailbox in each of six databases; `--write` puts
 * the table of faults into docs/admin/faults.md.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { insideMark } from '../test/cluster/namespaces.ts';
import { postgresMissing } from '../test/support/postgres.ts';

const PACKAGES: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  sysctl: 'procps',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  python3: 'python3',
  curl: 'curl',
  fetchmail: 'fetchmail',
  mbsync: 'isync',
  faketime: 'faketime',
};
/** All data of the run lies in memory, and is gone with it. */
const DATA_SIZE = '6g';
const LONGEST_MS = 1_200_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { users: { type: 'string' }, write: { type: 'boolean' } },
});

const root = path.dirname(import.meta.dirname);
const present = (program: string): boolean => spawnSync('which', [program], { stdio: 'ignore' }).status === 0;
const missing = (): readonly string[] => [
  ...new Set(Object.entries(PACKAGES).flatMap(([program, name]) => (present(program) ? [] : [name]))),
];

function reasonToSkip(): string | null {
  if (process.platform !== 'linux') return 'network namespaces are Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  if (!existsSync('/dev/net/tun')) return 'no /dev/net/tun, which the line between the sites is made of';
  const tried = spawnSync('unshare', ['--mount', '--net', '--pid', '--fork', 'true'], { encoding: 'utf8' });
  if (tried.status !== 0) return `no namespaces here: ${tried.stderr.trim()}`;
  if (missing().length > 0 && present('apt-get')) install(missing());
  if (missing().length > 0) return `not installed: ${missing().join(', ')}`;
  return postgresMissing();
}

function install(names: readonly string[]): void {
  console.log(`installing ${names.join(', ')} …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('apt-get', ['update', '-qq'], { stdio: ['ignore', 'ignore', 'inherit'], env });
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env,
  });
}

const reason = reasonToSkip();
if (reason !== null) {
  console.log(`test:cluster is skipped: ${reason}`);
  process.exit(0);
}

const data = await mkdtemp(path.join(tmpdir(), 'penfold-cluster-'));
// Killed with this process, also when that is killed itself.
const TOGETHER = ['--pdeathsig', 'KILL', 'unshare'];
const NAMESPACES = ['--mount', '--propagation', 'private', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
const MOUNT = ['sh', '-c', `mount -t tmpfs -o size=${DATA_SIZE},mode=1777 tmpfs "$TMPDIR" && exec "$@"`, 'sh'];
const pattern = positionals.length === 0 ? [] : [`--test-name-pattern=${positionals.join('|')}`];
const RUNNER = [process.execPath, '--test', '--test-reporter=spec', `--test-timeout=${LONGEST_MS}`];
const words = [...TOGETHER, ...NAMESPACES, ...MOUNT, ...RUNNER, ...pattern, 'test/cluster/cluster.test.ts'];
const inside = spawn('setpriv', words, {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    ...insideMark,
    TMPDIR: data,
    // Dozens of commands, each a process of its own.
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? path.join(data, 'compiled'),
    PENFOLD_CLUSTER_USERS: values.users ?? '',
    PENFOLD_CLUSTER_WRITE: values.write === true ? '1' : '',
  },
});
// Its end is the end of every process below it: it is the first one of their PID namespace.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => inside.kill('SIGKILL'));
const [code] = await once(inside, 'exit');
await rm(data, { recursive: true, force: true });
process.exit(typeof code === 'number' ? code : 1);
