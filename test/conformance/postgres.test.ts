/** The PostgreSQL engine in a database of its own; each test has its mailboxes in a fresh schema of that. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { openPostgresDatabase } from '../../src/store/engine/postgres/index.ts';
import { freshDatabase, postgresMissing, stopSharedPostgres } from '../support/postgres.ts';
import { storeConformance } from './store.ts';
import type { StoreUnderTest } from './store-fixture.ts';

const missing = postgresMissing();

after(() => stopSharedPostgres());

if (missing === null) {
  storeConformance(
    'postgres',
    async (options) => {
      const { url, drop } = await freshDatabase();
      const spool = fs.mkdtempSync(path.join(os.tmpdir(), 'penfold-spool-'));
      const open = () => openPostgresDatabase({ url, server: 'one', spool, connections: 4, ...options });
      const store: StoreUnderTest = {
        database: await open(),
        async reopen() {
          await store.database.close();
          store.database = await open();
          return store.database;
        },
        async dispose() {
          await store.database.close();
          await drop();
          fs.rmSync(spool, { recursive: true });
        },
      };
      return store;
    },
    { histories: 15 },
  );
} else test('postgres: the conformance suite', { skip: missing }, () => {});
