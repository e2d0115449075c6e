/**
 * One process owns a mailbox database directory at a time. The lock file names it by pid and start time, so that a pid
 * given out again after a crash is not taken for the owner.
 */
import fs from 'node:fs';
import path from 'node:path';
import { Failure } from '../../../observe/failure.ts';
import { errorCode } from '../disk-failure.ts';

const LOCK = 'lock';

/** @throws Failure UNAVAILABLE naming the owner's pid. Returns the way to give the lock back. */
export function lockDatabase(directory: string): () => void {
  const file = path.join(directory, LOCK);
  const mine = `${process.pid} ${startTime(process.pid)}\n`;
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      fs.writeFileSync(file, mine, { flag: 'wx' });
      return () => {
        if (readLock(file) === mine) fs.rmSync(file, { force: true });
      };
    } catch (reason) {
      if (errorCode(reason) !== 'EEXIST') throw reason;
    }
    const found = readLock(file);
    if (found === null) continue;
    const [pid, started] = found.trim().split(' ');
    if (started !== undefined && startTime(Number(pid)) === started) {
      throw new Failure('UNAVAILABLE', `The mailbox database ${directory} is in use by process ${pid}.`);
    }
    takeAway(file, found);
  }
  throw new Failure('UNAVAILABLE', `The mailbox database ${directory} is being opened by another process.`);
}

/** Moves the dead owner's file aside; whoever loses the race looks again. */
function takeAway(file: string, found: string): void {
  const aside = `${file}.${process.pid}`;
  try {
    fs.renameSync(file, aside);
    // Somebody else may have locked between our look and our rename: then it is theirs.
    if (readLock(aside) !== found) fs.renameSync(aside, file);
    else fs.rmSync(aside);
  } catch (reason) {
    if (errorCode(reason) !== 'ENOENT') throw reason;
  }
}

function readLock(file: string): string | null {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (reason) {
    if (errorCode(reason) === 'ENOENT') return null;
    throw reason;
  }
}

/** Of a living process, in ticks since boot and with the boot's id; `gone` when there is none. */
function startTime(pid: number): string {
  if (!Number.isInteger(pid) || pid <= 0) return 'gone';
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command name, field 2, may hold anything but its last parenthesis ends it; start time is field 22.
    return `${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''}@${bootId()}`;
  } catch {
    return fs.existsSync('/proc/self/stat') ? 'gone' : aliveWithoutProc(pid);
  }
}

/** Systems without /proc: a living pid counts as the owner. */
function aliveWithoutProc(pid: number): string {
  try {
    process.kill(pid, 0);
    return 'alive';
  } catch (reason) {
    return errorCode(reason) === 'EPERM' ? 'alive' : 'gone';
  }
}

/** Changes with every boot; empty where the system does not tell. */
export function bootId(): string {
  try {
    return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '';
  }
}
