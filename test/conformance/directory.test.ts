import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { openPostgresDirectory } from '../../src/directory/engine/postgres/directory.ts';
import { openSqliteDirectory } from '../../src/directory/engine/sqlite/directory.ts';
import { freshDatabase, postgresMissing, stopSharedPostgres } from '../support/postgres.ts';
import { directoryAuditConformance } from './directory-audit.ts';
import { directoryMailboxesConformance } from './directory-mailboxes.ts';
import { directoryMovesConformance } from './directory-moves.ts';
import { directoryPoliciesConformance } from './directory-policies.ts';
import { directorySignInsConformance } from './directory-sign-ins.ts';
import { directoryTopologyConformance } from './directory-topology.ts';
import { directoryConformance } from './directory.ts';
import type { OpenDirectory } from './directory-fixture.ts';

const inMemory: OpenDirectory = async (options) => {
  const directory = await openSqliteDirectory({ file: ':memory:', ...options });
  return { directory, another: async () => null, close: () => directory.close() };
};

const inFile: OpenDirectory = async (options) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'penfold-directory-'));
  const file = path.join(folder, 'directory.db');
  const directory = await openSqliteDirectory({ file, ...options });
  return {
    directory,
    another: () => openSqliteDirectory({ file, ...options }),
    close: async () => {
      await directory.close();
      await rm(folder, { recursive: true });
    },
  };
};

const inPostgres: OpenDirectory = async (options) => {
  const database = await freshDatabase();
  const { url } = database;
  const directory = await openPostgresDirectory({ urls: [url], ...options });
  return {
    directory,
    another: () => openPostgresDirectory({ urls: [url], ...options }),
    close: async () => {
      await directory.close();
      await database.drop();
    },
  };
};

after(stopSharedPostgres);

for (const [engine, open, missing] of [
  ['SQLite in memory', inMemory, null],
  ['SQLite file', inFile, null],
  ['PostgreSQL', inPostgres, postgresMissing()],
] as const) {
  if (missing !== null) {
    test(`directory on ${engine}`, { skip: missing });
    continue;
  }
  directoryConformance(engine, open);
  directorySignInsConformance(engine, open);
  directoryTopologyConformance(engine, open);
  directoryMovesConformance(engine, open);
  directoryMailboxesConformance(engine, open);
  directoryPoliciesConformance(engine, open);
  directoryAuditConformance(engine, open);
}
