/** The machine under the server: who may read the data, room on the disk, the clock. Looks, changes nothing. */
import { readdir, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { advice, type Finding, ok, problem, unknown } from './finding.ts';

const GIGABYTE = 1024 ** 3;
/** Below this the store will soon refuse mail. */
export const LEAST_FREE_BYTES = 1 * GIGABYTE;
const LEAST_FREE_SHARE = 0.05;
/** Files from the future by more than this: the clock was set back. */
const CLOCK_SLACK_MS = 5 * 60_000;
/** A clock before this version was written is wrong. */
const EARLIEST = Date.UTC(2026, 0, 1);

/** Private keys and the data directory belong to the server's user alone. `paths`: data directory, folder of keys. */
export async function permissions(root: string, tls: string): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const own = process.getuid?.();
  const { mode, uid } = await stat(root);
  if (own !== undefined && uid !== own) {
    findings.push(
      problem(
        'permissions',
        `${root} belongs to user ${uid}, this command runs as ${own}`,
        `run it as the owner: sudo -u '#${uid}' penfold doctor`,
      ),
    );
  }
  if ((mode & 0o077) !== 0) {
    findings.push(
      problem(
        'permissions',
        `other users may look into ${root} (mode ${(mode & 0o777).toString(8)})`,
        `chmod 700 ${root}`,
      ),
    );
  }
  let names: readonly string[] = [];
  try {
    names = await readdir(tls);
  } catch {
    findings.push(unknown('permissions', `${tls} cannot be read`));
  }
  for (const name of names.filter((each) => each.endsWith('.key'))) {
    const file = path.join(tls, name);
    const key = await stat(file);
    if ((key.mode & 0o077) !== 0) {
      findings.push(problem('permissions', `the private key ${file} can be read by others`, `chmod 600 ${file}`));
    }
  }
  return findings.length > 0 ? findings : [ok('permissions', 'data and keys are for the server alone')];
}

export async function disk(root: string): Promise<Finding> {
  const { bavail, blocks, bsize } = await statfs(root);
  const free = bavail * bsize;
  const share = blocks === 0 ? 0 : bavail / blocks;
  const text = `${(free / GIGABYTE).toFixed(1)} GB free (${Math.round(share * 100)} %) where ${root} lies`;
  if (free < LEAST_FREE_BYTES) return problem('disk', text, 'make room, or move the data directory to a larger disk');
  return share < LEAST_FREE_SHARE ? advice('disk', text, 'plan for a larger disk') : ok('disk', text);
}

/** Against the newest file of the log: time stamps, certificates and SCRAM all stand on the clock. */
export async function clock(logs: string, now: number): Promise<Finding> {
  const shown = new Date(now).toISOString();
  if (now < EARLIEST)
    return problem('clock', `the clock says ${shown}`, 'set it, and turn on time synchronization (NTP)');
  let newest = 0;
  try {
    for (const name of await readdir(logs)) newest = Math.max(newest, (await stat(path.join(logs, name))).mtimeMs);
  } catch (error) {
    // Before the first start there is no log to compare with.
    if (error instanceof Error && Reflect.get(error, 'code') === 'ENOENT') return ok('clock', shown);
    return unknown('clock', `the clock says ${shown}; ${logs} cannot be read to compare (${String(error)})`);
  }
  if (newest - now <= CLOCK_SLACK_MS) return ok('clock', shown);
  return problem(
    'clock',
    `the clock says ${shown}, but the log was written at ${new Date(newest).toISOString()}: it was set back`,
    'turn on time synchronization (NTP)',
  );
}
