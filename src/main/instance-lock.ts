/**
 * One process owns a data directory at a time. The lock is SQLite's own on a file made for nothing else: the system lets
 * go of it when the process dies, however it dies, so there is no stale lock to clear away.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { DataLayout } from '../config/data-directory.ts';
import { Failure } from '../observe/failure.ts';

export interface InstanceLock {
  release(): void;
}

/** @throws Failure INUSE when another process has it */
export function lockInstance(layout: DataLayout): InstanceLock {
  mkdirSync(layout.run, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(layout.lock);
  const pidFile = path.join(layout.run, 'penfold.pid');
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    throw new Failure('INUSE', `${layout.root} is in use by another Penfold process${owner(pidFile)}`, {
      cause: error,
    });
  }
  writeFileSync(pidFile, `${process.pid}\n`);
  return {
    release: () => {
      database.exec('ROLLBACK');
      database.close();
    },
  };
}

function owner(pidFile: string): string {
  try {
    return ` (process ${readFileSync(pidFile, 'utf8').trim()})`;
  } catch {
    return '';
  }
}
