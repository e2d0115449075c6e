/** Which engine a mailbox database runs on: the one place besides tests where engines are chosen. */
import path from 'node:path';
import type { DataLayout } from '../config/data-directory.ts';
import type { Log } from '../observe/log.ts';
import { tally } from '../observe/metrics/tally.ts';
import { type Files, realFiles } from '../store/engine/sqlite/files.ts';
import { openPostgresDatabase } from '../store/engine/postgres/index.ts';
import { openSqliteDatabase } from '../store/engine/sqlite/index.ts';
import { locationOf, type OpenDatabase } from './databases.ts';

/** The files of the engine, each flush counted and timed. */
const timedFiles: Files = {
  ...realFiles,
  flush: async (fd) => {
    const began = performance.now();
    await realFiles.flush(fd);
    tally.storeFlushes.observe(performance.now() - began);
  },
};

export function engineOf(layout: DataLayout, log: Log): OpenDatabase {
  return async (record, quotaOf, residence, host) => {
    switch (record.engine) {
      case 'sqlite':
        return openSqliteDatabase({
          directory: locationOf(layout.root, record),
          log,
          quotaOf,
          residence,
          lost: (mailbox) => host.lost(mailbox),
          files: timedFiles,
        });
      case 'postgres':
        return openPostgresDatabase({
          url: record.location,
          server: host.server,
          // Messages on their way in lie here; what is left of a crash is of use to nobody.
          spool: path.join(layout.databases, 'spool', record.id),
          log,
          quotaOf,
          residence,
          lost: (mailbox) => host.lost(mailbox),
        });
    }
  };
}
