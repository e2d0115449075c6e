// `node scripts/complete-lock.mjs` after changing dependencies: `npm ci` wants every optional platform package of a
// dependency in the lock file, but `npm install` leaves out those that the registry at hand does not serve. This
// adds them by version, system and processor; a machine of that platform fills in the rest when it installs.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const file = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), 'package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8'));
const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const PROCESSORS = ['arm64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64'];

/** `cli-linux-arm64-musl` → { os: ['linux'], cpu: ['arm64'], libc: ['musl'] } */
function platform(name) {
  const words = name.split(/[/-]/);
  const os = SYSTEMS.filter((system) => words.includes(system));
  const cpu = PROCESSORS.filter((processor) => words.includes(processor));
  if (os.length !== 1 || cpu.length !== 1) throw new Error(`${name} does not say its platform`);
  const musl = words.some((word) => word.startsWith('musl'));
  return { cpu, ...(musl ? { libc: ['musl'] } : {}), os };
}

let added = 0;
for (const [place, facts] of Object.entries(lock.packages)) {
  if (place === '') continue;
  for (const [name, version] of Object.entries(facts.optionalDependencies ?? {})) {
    if (
      lock.packages[`node_modules/${name}`] !== undefined ||
      lock.packages[`${place}/node_modules/${name}`] !== undefined
    )
      continue;
    lock.packages[`node_modules/${name}`] = {
      version,
      ...(facts.dev ? { dev: true } : {}),
      optional: true,
      ...platform(name),
    };
    added += 1;
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added} platform packages added\n`);
