/** The SQLite engine in a directory of its own for each test, with small segments so that logs roll. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { openSqliteDatabase } from '../../src/store/engine/sqlite/index.ts';
import { storeConformance } from './store.ts';
import type { StoreUnderTest } from './store-fixture.ts';

const SEGMENT_BYTES = 16 * 1024;

storeConformance(
  'sqlite',
  async (options) => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'penfold-store-'));
    const open = () => openSqliteDatabase({ directory, segmentBytes: SEGMENT_BYTES, ...options });
    const store: StoreUnderTest = {
      database: await open(),
      async reopen() {
        await store.database.close();
        store.database = await open();
        return store.database;
      },
      async dispose() {
        await store.database.close();
        fs.rmSync(directory, { recursive: true });
      },
    };
    return store;
  },
  { histories: 40 },
);
