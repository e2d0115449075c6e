/** The memory engine keeps mailboxes as long as the database object: a restart is closing and opening handles. */
import { openMemoryDatabase } from '../../src/store/engine/memory/index.ts';
import { storeConformance } from './store.ts';

storeConformance(
  'memory',
  (options) => {
    const database = openMemoryDatabase(options);
    return Promise.resolve({ database, reopen: () => Promise.resolve(database), dispose: () => database.close() });
  },
  { histories: 200 },
);
