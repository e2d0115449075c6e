/**
 * `npm run test:interop [-- PATTERN…]`: the foreign clients of test/clients against a real server. Installs what is
 * missing with apt when it may (root on a Debian machine), and says which tests it skipped otherwise.
 */
import { spawn, spawnSync } from 'node:child_process';
import { glob } from 'node:fs/promises';
import path from 'node:path';

const PACKAGES: Readonly<Record<string, string>> = {
  mbsync: 'isync',
  offlineimap: 'offlineimap3',
  fetchmail: 'fetchmail',
  getmail: 'getmail6',
  mpop: 'mpop',
  mutt: 'mutt',
  neomutt: 'neomutt',
  curl: 'curl',
  msmtp: 'msmtp',
  swaks: 'swaks',
  openssl: 'openssl',
  haproxy: 'haproxy',
  python3: 'python3',
  script: 'bsdutils',
  dovecot: 'dovecot-imapd dovecot-pop3d',
};
/** Libraries have no program of their own: a short run of their language says whether they are there. */
const LIBRARIES: readonly { readonly probe: readonly [string, string, string]; readonly name: string }[] = [
  { probe: ['perl', '-e', 'use Net::SSLeay'], name: 'libnet-ssleay-perl' },
];

const root = path.dirname(import.meta.dirname);
const present = (program: string): boolean => spawnSync('which', [program], { stdio: 'ignore' }).status === 0;
const missing = (): string[] => [
  ...Object.entries(PACKAGES).flatMap(([program, name]) => (present(program) ? [] : name.split(' '))),
  ...LIBRARIES.flatMap(({ probe: [command, ...words], name }) =>
    spawnSync(command, words, { stdio: 'ignore' }).status === 0 ? [] : [name],
  ),
];

if (missing().length > 0 && process.getuid?.() === 0 && present('apt-get')) {
  console.log(`installing ${missing().join(', ')} …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('apt-get', ['update', '-qq'], { stdio: ['ignore', 'ignore', 'inherit'], env });
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing()], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env,
  });
}
const absent = missing();
if (absent.length > 0) console.log(`not installed, their tests are skipped: ${absent.join(', ')}`);

const words = process.argv.slice(2).filter((word) => !word.startsWith('-'));
const files: string[] = [];
for await (const file of glob('test/clients/**/*.test.ts', { cwd: root })) {
  if (words.length === 0 || words.some((word) => file.includes(word))) files.push(file);
}
const runner = spawn(process.execPath, ['--test', '--test-reporter=spec', ...files.sort()], {
  cwd: root,
  stdio: 'inherit',
});
runner.on('exit', (code) => process.exit(code ?? 1));
