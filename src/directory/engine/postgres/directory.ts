/** The directory of an organization of many servers, in one PostgreSQL database: `openPostgresDirectory`. */
import { type Log, silentLog } from '../../../observe/log.ts';
import type { Directory } from '../../api.ts';
import type { AuditRetention } from '../sql/audit-log.ts';
import { openSqlDirectory } from '../sql/directory.ts';
import { PostgresDatabase } from './database.ts';
import { placesOf } from './places.ts';

export interface PostgresDirectoryOptions {
  /** Connection URLs of one PostgreSQL cluster, or one that names several hosts; the member that takes writes is used. */
  readonly urls: readonly string[];
  readonly log?: Log;
  readonly auditRetention?: AuditRetention;
  /** ms since 1970; dates audit entries and component requests. For tests. */
  readonly now?: () => number;
}

/** @throws Failure CANNOT for an unreadable URL, UNAVAILABLE when none is reached or the directory is of a newer version */
export async function openPostgresDirectory(options: PostgresDirectoryOptions): Promise<Directory> {
  const log = options.log ?? silentLog;
  const now = options.now ?? Date.now;
  const places = placesOf(options.urls);
  return openSqlDirectory({
    log,
    now,
    auditRetention: options.auditRetention,
    open: (forget) => PostgresDatabase.open(places, { log, now, forget }),
  });
}
