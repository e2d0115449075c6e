/** Moves between engines; those within one engine are part of its conformance suite (store.ts). */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { openMemoryDatabase } from '../../src/store/engine/memory/index.ts';
import { openSqliteDatabase } from '../../src/store/engine/sqlite/index.ts';
import { postgresMissing, stopSharedPostgres } from '../support/postgres.ts';
import { onPostgres } from './postgres-store.ts';
import type { OpenStore, StoreUnderTest } from './store-fixture.ts';
import { movingConformance } from './store-moving.ts';

const inMemory: OpenStore = async (options) => {
  const database = openMemoryDatabase(options);
  return { database, reopen: async () => database, dispose: () => database.close() };
};

const onDisk: OpenStore = async (options) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'penfold-moving-'));
  const open = () => openSqliteDatabase({ directory, ...options });
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
};

movingConformance('sqlite to memory', onDisk, inMemory);
movingConformance('memory to sqlite', inMemory, onDisk);
// Where there is none, postgres.test.ts says so.
if (postgresMissing() === null) {
  movingConformance('sqlite to postgres', onDisk, onPostgres);
  movingConformance('postgres to sqlite', onPostgres, onDisk);
  after(() => stopSharedPostgres());
}
