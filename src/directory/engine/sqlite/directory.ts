/**
 * The directory in one SQLite file (or in memory, for tests and trials): `openSqliteDirectory`. Several processes may
 * have the file open; each sees the others' changes within POLL_MS.
 */
import { type Log, silentLog } from '../../../observe/log.ts';
import type { Directory } from '../../api.ts';
import type { AuditRetention } from '../sql/audit-log.ts';
import { openSqlDirectory } from '../sql/directory.ts';
import { SqliteDatabase } from './database.ts';

export interface SqliteDirectoryOptions {
  /** Path of the file, made when missing, or ':memory:'. */
  readonly file: string;
  readonly log?: Log;
  readonly auditRetention?: AuditRetention;
  /** ms since 1970; dates audit entries and component requests. For tests. */
  readonly now?: () => number;
}

/** @throws Failure UNAVAILABLE when the file cannot be opened, is no directory, or is of a newer version */
export async function openSqliteDirectory(options: SqliteDirectoryOptions): Promise<Directory> {
  const log = options.log ?? silentLog;
  const now = options.now ?? Date.now;
  return openSqlDirectory({
    log,
    now,
    auditRetention: options.auditRetention,
    open: (forget) => SqliteDatabase.open(options.file, { log, now, forget }),
  });
}
