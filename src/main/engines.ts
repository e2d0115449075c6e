/** Which engine a mailbox database runs on: the one place besides tests where engines are chosen. */
import type { DataLayout } from '../config/data-directory.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import { tally } from '../observe/metrics/tally.ts';
import { type Files, realFiles } from '../store/engine/sqlite/files.ts';
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
  return async (record, quotaOf, residence) => {
    switch (record.engine) {
      case 'sqlite':
        return openSqliteDatabase({
          directory: locationOf(layout.root, record),
          log,
          quotaOf,
          residence,
          files: timedFiles,
        });
      case 'postgres':
        throw new Failure('UNAVAILABLE', `mailbox database ${record.name}: this version has no PostgreSQL engine`);
    }
  };
}
