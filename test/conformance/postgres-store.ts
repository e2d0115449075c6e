/** The PostgreSQL engine under test: a database of its own for each store. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { openPostgresDatabase } from '../../src/store/engine/postgres/index.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { OpenStore, StoreUnderTest } from './store-fixture.ts';

export const onPostgres: OpenStore = async (options) => {
  const fresh = await freshDatabase();
  const spool = fs.mkdtempSync(path.join(os.tmpdir(), 'penfold-spool-'));
  const open = () => openPostgresDatabase({ url: fresh.url, server: 'one', spool, connections: 4, ...options });
  const store: StoreUnderTest = {
    database: await open(),
    async reopen() {
      await store.database.close();
      store.database = await open();
      return store.database;
    },
    async dispose() {
      await store.database.close();
      await fresh.drop();
      fs.rmSync(spool, { recursive: true });
    },
  };
  return store;
};
